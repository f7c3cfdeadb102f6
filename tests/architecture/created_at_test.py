#!/usr/bin/env python3
"""When a thing was made is written once: no statement of the program changes a column `created_at`, and none lets it be empty."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
JOINED = re.compile(r'"\s*\n\s*"')
UPDATE = re.compile(r"\b(?:UPDATE\s+(?:OR\s+\w+\s+)?\w+\s+SET|DO\s+UPDATE\s+SET)\b(.*?)(?:\bWHERE\b|\bRETURNING\b|\"|;|\Z)", re.S)
REPLACE = re.compile(r"\b(?:INSERT\s+OR\s+REPLACE|REPLACE)\s+INTO\s+\w+\s*\(([^)]*)\)")
CHANGES = re.compile(r"\bcreated_at\s*=")
COLUMN = re.compile(r"^\s*created_at\s+INTEGER(?! NOT NULL)", re.M)


def findings_in(path, text):
    text = JOINED.sub("", text)
    found = [f"{path}: changes created_at" for clause in UPDATE.findall(text) if CHANGES.search(clause)]
    found += [f"{path}: replaces a row with its created_at" for columns in REPLACE.findall(text) if "created_at" in columns]
    return found + [f"{path}: a created_at that may be empty" for _ in COLUMN.findall(text)]


def main():
    files = {str(p.relative_to(ROOT)): p.read_text() for p in (ROOT / "src").rglob("*.cpp") if not p.name.endswith("_test.cpp")}
    columns = sum(len(re.findall(r"^\s*created_at\s+INTEGER", text, re.M)) for text in files.values())
    planted = [
        'execute("UPDATE tasks_task SET title = ?, "\n    "created_at = ? WHERE id = ?")',
        'execute("INSERT INTO t (a) VALUES (?) ON CONFLICT (a) DO UPDATE SET created_at = excluded.created_at")',
        'execute("INSERT OR REPLACE INTO t (id, created_at) VALUES (?, ?)")',
        "  created_at INTEGER,\n",
    ]
    fine = 'execute("UPDATE t SET a = ? WHERE created_at = ?")'
    failed = 0
    for name, findings in {
        "B-77 nothing changes when a thing was made": [f for path, text in sorted(files.items()) for f in findings_in(path, text)] if columns > 3 else ["found no tables"],
        "B-77 planted changes are found": [text for text in planted if not findings_in("x", text)] + findings_in("taken for one", fine),
    }.items():
        print("FAIL" if findings else "PASS", name, *findings, sep="\n  " if findings else " ")
        failed += bool(findings)
    sys.exit(1 if failed else 0)


main()
