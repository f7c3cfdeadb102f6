#!/usr/bin/env python3
"""Runs clang-tidy over the C++ of the product, several files at a time: tidy.py BUILD [PATH …]

A file without findings is not looked at again until it, a header of ours that it includes, or `.clang-tidy` changes: the
key of what was looked at is kept in BUILD/tidy. Prints the findings as they come, each once, then `N passed, N failed`.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TIDY = "clang-tidy-19"
INCLUDE = re.compile(rb'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
FINDING = re.compile(r"^\S+:\d+:\d+: (?:error|warning): .*\[[\w.,-]+\]$")


class Sources:
    """Digests of files with all that they include of ours."""

    def __init__(self, folders):
        self.folders = folders
        self.found = {}

    def includes(self, path):
        if path not in self.found:
            text = path.read_bytes()
            near = [path.parent, *self.folders]
            inner = [next((f / name.decode() for f in near if (f / name.decode()).is_file()), None) for name in INCLUDE.findall(text)]
            self.found[path] = (hashlib.sha256(text).digest(), [i.resolve() for i in inner if i])
        return self.found[path]

    def key(self, path, settings):
        seen, todo = {}, [path]
        while todo:
            current = todo.pop()
            if current not in seen:
                seen[current], inner = self.includes(current)
                todo += inner
        digest = hashlib.sha256(settings)
        for file in sorted(seen):
            digest.update(seen[file])
        return digest.hexdigest()


def tidy(build, path):
    done = subprocess.run([TIDY, "-p", str(build), "--quiet", str(path)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          errors="replace")
    return done.returncode, done.stdout, done.stderr


def findings(text):
    """The parts of the output, one a finding with its notes."""
    parts = []
    for line in text.splitlines():
        if FINDING.match(line) or not parts:
            parts.append([])
        parts[-1].append(line)
    return ["\n".join(part) for part in parts if any(part)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path, help="a build folder with compile_commands.json")
    parser.add_argument("paths", nargs="*", help="only files whose path begins with one of these")
    options = parser.parse_args()
    build = options.build.resolve()
    known = {pathlib.Path(entry["file"]).resolve() for entry in json.loads((build / "compile_commands.json").read_text())}
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "src/*.cpp", "tools/*.cpp"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    # Tests of the layers are read by people; the product is what must hold. Benchmarks and fuzzers are not in every build,
    # and what the sample of the generator tests needs is made with its tests.
    wanted = [p for p in listed if not re.search(r"_(test|bench|fuzz)\.cpp$", p) and "/sample/" not in p and (ROOT / p).resolve() in known]
    if options.paths:
        wanted = [p for p in wanted if any(p.startswith(start) for start in options.paths)]

    version = subprocess.run([TIDY, "--version"], stdout=subprocess.PIPE, check=True).stdout
    settings = version + (ROOT / ".clang-tidy").read_bytes()
    sources = Sources([ROOT / "src", build / "generated", build])
    kept = build / "tidy"
    kept.mkdir(exist_ok=True)
    keys = {p: kept / sources.key((ROOT / p).resolve(), settings) for p in wanted}
    todo = [p for p in wanted if not keys[p].exists()]
    print(f"{len(wanted) - len(todo)} of {len(wanted)} files are as they were when they passed", flush=True)

    failed, told = [], set()
    with concurrent.futures.ThreadPoolExecutor(max_workers=int(os.environ.get("JOBS", os.cpu_count()))) as pool:
        running = {pool.submit(tidy, build, p): p for p in todo}
        for future in concurrent.futures.as_completed(running):
            path = running[future]
            code, out, problems = future.result()
            if code == 0:
                keys[path].write_text(path)
                continue
            failed.append(path)
            new = [f for f in findings(out) if f.splitlines()[0] not in told]
            told.update(f.splitlines()[0] for f in new)
            print(f"---- {path}", *(new or [problems] if not out.strip() else new), sep="\n", flush=True)
    print(f"clang-tidy: {len(wanted) - len(failed)} passed, {len(failed)} failed")
    sys.exit(1 if failed or not wanted else 0)


main()
