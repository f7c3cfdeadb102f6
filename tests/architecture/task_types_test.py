#!/usr/bin/env python3
"""Each type of task goes to a group that people can belong to: the types are files of the tasks service, the groups are rows that
the users service makes, and nothing else would tell a mistyped one before its first task waits for ever."""
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TYPES = sorted((ROOT / "src/services/tasks/task_types").glob("*.json"))
MIGRATIONS = (ROOT / "src/services/users/migrations.cpp").read_text()


def groups_in(sql):
    rows = re.search(r"INSERT INTO users_group[^;]*;", sql)
    return set(re.findall(r"\('([a-z-]+)',", rows.group(0))) if rows else set()


def unknown(types, groups):
    return [f"{name}: group: nobody can belong to {group}" for name, group in types.items() if group not in groups]


def main():
    groups = groups_in(MIGRATIONS)
    types = {path.name: json.loads(path.read_text())["group"] for path in TYPES}
    failed = 0
    for name, findings in {
        "B-01 the groups of all types of tasks exist": unknown(types, groups) if len(types) > 1 and len(groups) > 1 else ["found no types or no groups"],
        "a planted group is found": [] if unknown({"x.json": "planted"}, groups) else ["the test is blind"],
    }.items():
        print("FAIL" if findings else "PASS", name, *findings, sep="\n  " if findings else " ")
        failed += bool(findings)
    sys.exit(1 if failed else 0)


main()
