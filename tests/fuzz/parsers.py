"""The tables of tests/fuzz/README.md: which parser is fuzzed by which target, and which files need none."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = ROOT / "tests/fuzz/README.md"
QUOTED = re.compile(r"`([^`]+)`")


class Parser:
    """One row: what is read, by which files, tried by which targets; `covered` as written in the table."""

    def __init__(self, line, cells):
        self.line = line
        self.name, self.files, self.targets = cells[0], QUOTED.findall(cells[1]), QUOTED.findall(cells[2])
        self.covered = cells[3:]


def rows(text, columns):
    """Cells of the rows of each table that has this header."""
    inside = False
    for line in text.splitlines():
        if not line.startswith("|"):
            inside = False
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells == columns:
            inside = True
        elif inside and set(line) - set("|-"):
            yield line, cells


def fuzzed(text):
    return [Parser(line, cells) for line, cells in rows(text, ["parser", "files", "target", "regions", "branches"])]


def in_pages(text):
    return [(cells[0], QUOTED.findall(cells[1]), QUOTED.findall(cells[2])) for _, cells in rows(text, ["parser", "file", "test"])]


def exempt(text):
    return [file for _, cells in rows(text, ["file", "why"]) for file in QUOTED.findall(cells[0])]
