#!/usr/bin/env python3
"""Compares the tables of tests/fuzz/README.md with the fuzzers that the build registers and with what the sources read.

A file that looks as if it read text (it calls another's parser, or declares `parse…`, `read_…`, `decode…` of a string_view)
must be in a table: with a target, or with a reason why it needs none.
"""
import os
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import parsers

ROOT = parsers.ROOT
READS = re.compile(r"json::parse\(|\bparse_(?:json|variables)\(|\bfrom_chars\(|\bstrto[a-z]+\(|\bsscanf\(|decode_(?:json|wire)<|"
                   r"decode_base64url\(|YAML::Parser|load_buffer\(|"
                   r"\b(?:parse|read|decode|consume|unseal|from_text|find_cookie|choose_language)\w*\((?:std::string_view|const std::string&)")
NOT_PRODUCT = re.compile(r"_(?:test|fuzz|bench|testing)\.(?:cpp|h)$|/test_(?:bench|model)\.h$")
LEAST = 80
LARGEST_CORPORA = 600_000  # bytes, all of them


def unlisted(files, listed):
    """files: {path: text}; a .cpp is covered by its .h in the table and the other way round."""
    stems = {path.rsplit(".", 1)[0] for path in listed}
    return sorted(path for path, text in files.items()
                  if READS.search(text) and not NOT_PRODUCT.search(path) and path.rsplit(".", 1)[0] not in stems)


def sources():
    return {str(path.relative_to(ROOT)): path.read_text() for path in (ROOT / "src").rglob("*") if path.suffix in (".h", ".cpp")}


def registered(build):
    return {line.removesuffix("_corpus_test") for line in (build / "test_programs.txt").read_text().split() if line.endswith("_corpus_test")}


def percent(cell):
    return float(cell.rstrip(" %")) if cell else 0.0


def main():
    build = pathlib.Path(os.environ.get("TEST_BUILD", ROOT / "build/release"))
    text = parsers.README.read_text()
    table = parsers.fuzzed(text)
    pages = parsers.in_pages(text)
    exempt = parsers.exempt(text)
    failed = False

    def report(name, findings):
        nonlocal failed
        failed = failed or bool(findings)
        print(f"FAIL {name}: {'; '.join(findings)}" if findings else f"PASS {name}")

    named = {target for parser in table for target in parser.targets}
    known = registered(build)
    report("each fuzzer has its row and each row its fuzzer",
           [f"{name} is registered and in no row" for name in sorted(known - named)] + [f"{name} is no target" for name in sorted(named - known)]
           + [f"{parser.name}: no target" for parser in table if not parser.targets])
    listed = [file for parser in table for file in parser.files] + exempt
    report("each file of the tables is there",
           [file for file in listed if not file.startswith("generated_sample/") and not (ROOT / file).exists()]
           + [file for _, files, tests in pages for file in files + tests if not (ROOT / file).exists()])
    report("what reads text is in a table", unlisted(sources(), listed))
    report(f"each corpus covers {LEAST} % of its parser",
           [f"{parser.name}: {parser.covered}" for parser in table if any(percent(cell) < LEAST for cell in parser.covered)])
    corpora = [path for folder in ("src", "tools") for path in (ROOT / folder).rglob("*") if path.is_file() and path.parent.name.endswith("corpus")]
    size = sum(path.stat().st_size for path in corpora)
    report("the corpora are small", [f"{size} bytes in {len(corpora)} files"] if size > LARGEST_CORPORA or not corpora else [])
    # The check itself must be able to fail.
    planted = {"src/net/new_header.h": "Result<Thing> parse_thing(std::string_view text);", "src/chat/x.cpp": "boost::json::parse(text, error);",
               "src/net/new_header_test.cpp": "boost::json::parse(text);", "src/net/writer.h": "std::string print(int number);"}
    report("a planted parser is found", [] if unlisted(planted, listed) == ["src/chat/x.cpp", "src/net/new_header.h"] else ["it was not"])
    return 1 if failed else 0


sys.exit(main())
