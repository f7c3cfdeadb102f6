#!/usr/bin/env python3
"""The plugin as protoc runs it: refusals reach the caller with file and line, released contracts are kept, and only what
changed is written.

Usage: plugin_test.py BUILD_FOLDER
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "tools/protoc-gen-consilium/testdata/api"
PROTO = "consilium/sample/v1/sample.proto"
failures = 0


def check(name, condition, why=""):
    global failures
    print(("PASS " if condition else "FAIL ") + name)
    if not condition:
        failures += 1
        print(why)


def protoc(plugin, api, out, *options):
    arguments = ["protoc", "-I", str(api), "-I", str(ROOT / "api"), f"--plugin=protoc-gen-consilium={plugin}", f"--consilium_out={out}"]
    arguments += [f"--consilium_opt={option}" for option in options]
    arguments += [str(path) for path in sorted(api.rglob("*.proto"))]
    return subprocess.run(arguments, capture_output=True, text=True, timeout=60)


# One change of each kind that breaks a client, a stored event or a service of the last release: of chat.proto, what is planted, and how
# the refusal names it.
PLANTS = (
    ("a field removed", "  optional string image_url = 13;\n", "", "field consilium.chat.v1.Post.image_url was removed"),
    ("a field renumbered", "optional string image_url = 13;", "optional string image_url = 14;", "Post.image_url was renumbered from 13 to 14"),
    ("a field retyped", "int32 unread_count = 5;", "bool unread_count = 5;", "Channel.unread_count was retyped"),
    ("a field that became a list", "optional string image_url = 13;", "repeated string image_url = 13;", "Post.image_url was retyped"),
    ("a field that became required", "{min_length: 1, max_length: 64, characters: \"[A-Za-z0-9_-]\"}", "{required: true, min_length: 1, max_length: 64, characters: \"[A-Za-z0-9_-]\"}", "CreatePostRequest.client_id became required"),
    ("a new required field", "message CreatePostRequest {\n", "message CreatePostRequest {\n  string why = 9 [(options.v1.field) = {required: true, max_length: 5}];\n", "CreatePostRequest.why is new and required"),
    ("a bound that became smaller", "max_length: 4000", "max_length: 3999", "CreatePostRequest.text: max_length became smaller"),
    ("a value of an enum removed", "  MEMBER_KIND_CONSULTANT = 2;\n", "", "MemberKind: the value consultant was removed or renumbered"),
    ("a value of an enum renamed", "MEMBER_KIND_CONSULTANT = 2;", "MEMBER_KIND_ADVISER = 2;", "MemberKind: the value consultant became adviser"),
    ("a topic renamed", '{name: "post-created"', '{name: "post-written"', "topic chat.v1.post-created (consilium.chat.v1.PostCreated) was removed"),
    ("a route moved", 'get: "/channels/{id}/posts"', 'get: "/channels/{id}/messages"', "route GET /channels/{id}/posts (consilium.chat.v1.Chat.ListPosts) was removed"),
    ("another permission", 'permission: "chat.post"', 'permission: "chat.write"', "its permission was changed"),
    ("a call removed", "rpc AskBot(", "rpc AskRobot(", "call consilium.chat.v1.Chat.AskBot was removed"),
    ("an error removed", '"too-fast"', '"too-quick"', "error chat.too-fast was removed"),
    ("an error of another kind", '{code: "read-only" kind: FORBIDDEN', '{code: "read-only" kind: CONFLICT', "error chat.read-only: its kind was changed"),
)


def check_the_last_release(plugin, work):
    """The contracts of the product against those that were released."""
    releases = [f"released={file}" for file in sorted((ROOT / "api/released").glob("*.binpb"))]
    check("V-1 there is a release to compare with", releases)
    api, out = work / "product", work / "product-out"
    shutil.copytree(ROOT / "api/consilium", api / "consilium")
    shutil.rmtree(api / "consilium/options")
    out.mkdir()
    run = protoc(plugin, api, out, *releases)
    check("V-1 the present contracts keep what was released", run.returncode == 0, run.stderr)
    source = api / "consilium/chat/v1/chat.proto"
    text = source.read_text()
    for name, what, planted, refusal in PLANTS:
        source.write_text(text.replace(what, planted))
        run = protoc(plugin, api, out, *releases)
        check(f"V-1 against the last release {name} is refused", what in text and run.returncode != 0 and refusal in run.stderr, run.stderr or "accepted")
    source.write_text(text.replace("message CreatePostRequest {\n", "message CreatePostRequest {\n  optional string why = 9 [(options.v1.field) = {max_length: 5}];\n"))
    run = protoc(plugin, api, out, *releases)
    check("V-1 against the last release an addition is taken", run.returncode == 0, run.stderr)


def main():
    plugin = pathlib.Path(sys.argv[1]).resolve() / "tools/protoc-gen-consilium/protoc-gen-consilium"
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        api = work / "api"
        shutil.copytree(SAMPLE, api)
        out = work / "out"
        out.mkdir()

        run = protoc(plugin, api, out)
        check("gives the outputs to protoc", run.returncode == 0 and (out / "consilium/sample/v1/sample.h").is_file(), run.stderr)

        kept = work / "kept"
        run = protoc(plugin, api, out, f"write_to={kept}", f"web={work / 'pages'}")
        header = kept / "consilium/sample/v1/sample.h"
        routes = kept / "consilium/sample/v1/sample_routes.cpp"
        check("writes them itself", run.returncode == 0 and header.is_file() and (work / "pages/client.ts").is_file(), run.stderr)

        before = {path: path.stat().st_mtime_ns for path in kept.rglob("*") if path.is_file()}
        source = api / PROTO
        text = source.read_text()
        source.write_text(text.replace('"sample.delete"', '"sample.remove"'))
        run = protoc(plugin, api, out, f"write_to={kept}", f"web={work / 'pages'}")
        after = {path: path.stat().st_mtime_ns for path in kept.rglob("*") if path.is_file()}
        check("touches what changed alone", run.returncode == 0 and after[header] == before[header] and after[routes] != before[routes], run.stderr)

        released = work / "1.binpb"
        source.write_text(text)
        subprocess.run(
            ["protoc", "-I", str(api), "-I", str(ROOT / "api"), "--include_imports", f"--descriptor_set_out={released}", str(source)],
            check=True, timeout=60)
        run = protoc(plugin, api, out, f"released={released}")
        check("V-1 accepts an unchanged contract", run.returncode == 0, run.stderr)
        source.write_text(text.replace("string title = 2", "string title = 20", 1).replace('get: "/documents"', 'get: "/papers"'))
        run = protoc(plugin, api, out, f"released={released}")
        check("V-1 refuses a breaking change", run.returncode != 0
              and "field consilium.sample.v1.Document.title was renumbered from 2 to 20" in run.stderr
              and "route GET /documents (consilium.sample.v1.Sample.ListDocuments) was removed" in run.stderr, run.stderr)
        run = protoc(plugin, api, out, f"released={work / 'missing.binpb'}")
        check("V-1 refuses a released contract that it cannot read", run.returncode != 0 and "cannot be read" in run.stderr, run.stderr)

        source.write_text(text.replace(' permission: "public"', ""))
        line = 1 + next(i for i, row in enumerate(text.splitlines()) if "rpc ListDocuments" in row)
        run = protoc(plugin, api, out)
        check("B-14 U-6 a route without a permission is refused by file, line and reason", run.returncode != 0 and f"{PROTO}:{line}: Sample.ListDocuments: a route needs a permission" in run.stderr, run.stderr)
        check_the_last_release(plugin, work)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
