#!/usr/bin/env python3
"""Writes docs/reference: the pages and documents that the contract generator made, and the page of settings, what changed alone.

Usage: copy_reference.py BUILD_FOLDER TARGET_FOLDER
"""
import os
import pathlib
import subprocess
import sys

SETTINGS_HEAD = """# Settings

In `consilium.yaml` the dots are levels. Durations, sizes and lists are checked before anything opens; `consilium config check`
names all problems at once. Order: defaults, file, `.env`, environment, flags. The program refuses variables of its prefix
that it does not know.

"""


def settings_page(program: pathlib.Path) -> bytes:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CONSILIUM_")}
    table = subprocess.run([str(program.resolve()), "config", "reference"], stdout=subprocess.PIPE, check=True, env=environment).stdout
    return SETTINGS_HEAD.encode() + table


def reference(build: pathlib.Path) -> dict:
    """File name to content of everything in docs/reference."""
    generated = build / "generated"
    pages = sorted((generated / "docs").glob("*.md")) + [generated / "openapi.json", generated / "asyncapi.json"]
    missing = [page for page in pages if not page.is_file()]
    if missing or len(pages) < 5:
        raise FileNotFoundError(f"no generated pages below {generated}: build contract_generated first")
    if not (build / "consilium").is_file():
        raise FileNotFoundError(f"no {build / 'consilium'}: build consilium first")
    files = {page.name: page.read_bytes() for page in pages}
    files["configuration.md"] = settings_page(build / "consilium")
    return files


def main() -> int:
    build, target = (pathlib.Path(argument) for argument in sys.argv[1:3])
    try:
        files = reference(build)
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 1
    target.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        copy = target / name
        if copy.is_file() and copy.read_bytes() == content:
            continue
        copy.write_bytes(content)
        print(copy)
    return 0


if __name__ == "__main__":
    sys.exit(main())
