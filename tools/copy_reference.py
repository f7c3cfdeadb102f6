#!/usr/bin/env python3
"""Copies the reference pages and documents that the contract generator made into docs/reference, what changed alone.

Usage: copy_reference.py BUILD_FOLDER TARGET_FOLDER
"""
import pathlib
import sys


def main() -> int:
    build, target = (pathlib.Path(argument) for argument in sys.argv[1:3])
    generated = build / "generated"
    pages = sorted((generated / "docs").glob("*.md")) + [generated / "openapi.json", generated / "asyncapi.json"]
    if not all(page.is_file() for page in pages) or len(pages) < 5:
        print(f"no generated pages below {generated}: build contract_generated first", file=sys.stderr)
        return 1
    target.mkdir(parents=True, exist_ok=True)
    for page in pages:
        copy = target / page.name
        if copy.is_file() and copy.read_bytes() == page.read_bytes():
            continue
        copy.write_bytes(page.read_bytes())
        print(copy)
    return 0


if __name__ == "__main__":
    sys.exit(main())
