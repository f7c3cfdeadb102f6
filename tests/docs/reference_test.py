#!/usr/bin/env python3
"""docs/reference is what the build makes; every relative link of the repository's pages leads to a file.

TEST_BUILD names the build folder. A line a test: `PASS name` or `FAIL name: why`.
"""
import os
import pathlib
import re
import subprocess
import sys
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
sys.dont_write_bytecode = True
from copy_reference import reference  # noqa: E402

CODE = re.compile(r"^ *(```|~~~).*?^ *\1[ \t]*$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")


def differences(committed, built):
    """Names of files that are missing, differ or are left over, each with what is wrong."""
    found = [f"{name} is missing" for name in built if name not in committed]
    found += [f"{name} differs" for name in built if name in committed and committed[name] != built[name]]
    return sorted(found + [f"{name} is made by nothing" for name in committed if name not in built])


def broken_links(page, text):
    """Relative links of a page whose file does not exist."""
    broken = []
    for target in LINK.findall(CODE.sub("", text)):
        parts = urllib.parse.urlsplit(target)
        if parts.scheme or parts.netloc or not parts.path:
            continue
        path = urllib.parse.unquote(parts.path)
        file = ROOT / path.lstrip("/") if path.startswith("/") else page.parent / path
        if not file.exists():
            broken.append(f"{page.relative_to(ROOT)} → {target}")
    return broken


def pages():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.md"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    return [ROOT / name for name in listed.splitlines() if (ROOT / name).is_file()]


def check_itself():
    """The checks find what they are for."""
    page = ROOT / "README.md"
    seen = broken_links(page, "[a](no/such.md) [b](dev#x) [c](https://a.example/x) `[d](no.md)`\n```sh\n[e](no.md)\n```\n[f](gone.md \"title\")\n")
    if seen != ["README.md → no/such.md", "README.md → gone.md"]:
        return [f"broken links seen: {seen}"]
    if differences({"a": b"1", "b": b"1", "c": b"1"}, {"a": b"1", "b": b"2", "d": b"1"}) != ["b differs", "c is made by nothing", "d is missing"]:
        return ["differences are not seen"]
    return []


def check_reference():
    committed = {file.name: file.read_bytes() for file in (ROOT / "docs/reference").iterdir() if file.name != "README.md"}
    wrong = differences(committed, reference(pathlib.Path(os.environ.get("TEST_BUILD", ROOT / "build/release"))))
    return wrong + ["run ./dev docs and commit docs/reference"] if wrong else []


def check_completeness():
    """Pages of the reference against what the sources name: a page that lists nothing would equal itself as well."""
    page = {name: (ROOT / "docs/reference" / name).read_text() for name in ("tables.md", "topics.md", "routes.md", "metrics.md", "errors.md", "configuration.md")}
    sources = [file.read_text() for file in (ROOT / "src").rglob("*.cpp") if not re.search(r"_(test|fuzz|bench)\.cpp$", file.name)]
    contracts = [file.read_text() for file in (ROOT / "api/consilium").glob("*/v*/*.proto")]
    services = sorted(folder.name for folder in (ROOT / "src/services").iterdir() if folder.is_dir())
    tables = {name for text in sources for name in re.findall(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)", text) if name.split("_")[0] in services}
    dropped = {name for text in sources for name in re.findall(r"(?:DROP TABLE|RENAME TO) (\w+)", text)}
    wrong = [f"table {name} is not in tables.md" for name in sorted(tables - dropped) if f"| `{name}` |" not in page["tables.md"]]
    camel = lambda path: re.sub(r"_([a-z])", lambda letter: letter[1].upper(), path)
    routes = {f"{verb.upper()} {camel(path)}" for text in contracts for verb, path in re.findall(r"option \(options\.v1\.call\) = \{(get|post|put|patch|delete): \"([^\"]+)\"", text)}
    wrong += [f"route {route} is not in routes.md" for route in sorted(routes) if f"| `{route}` |" not in page["routes.md"]]
    metrics = {name for text in sources for name in re.findall(r"\"(consilium_[a-z_]+)\"", text)}
    wrong += [f"metric {name} is not in metrics.md" for name in sorted(metrics) if f"| `{name}` |" not in page["metrics.md"]]
    if min(len(tables), len(routes) - 20, len(metrics) - 10, len(services)) < 5:
        wrong.append(f"found {len(tables)} tables, {len(routes)} routes, {len(metrics)} metrics: the search is blind")
    return wrong


def check_links():
    found = pages()
    if len(found) < 10:
        return [f"expected the repository's pages, found {len(found)}"]
    return [broken for page in found for broken in broken_links(page, page.read_text())]


def main():
    failed = False
    for name, check in (("DO-1 DO-2 the checks see faults", check_itself), ("DO-2 reference is what the build makes", check_reference),
                        ("DO-2 each thing of the product is in the reference", check_completeness), ("DO-1 links lead to files", check_links)):
        try:
            wrong = check()
        except (OSError, subprocess.CalledProcessError) as error:
            wrong = [str(error)]
        print(f"FAIL {name}: {'; '.join(wrong)}" if wrong else f"PASS {name}")
        failed = failed or bool(wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
