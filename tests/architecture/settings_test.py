#!/usr/bin/env python3
"""Refuses a setting that is accepted and does nothing: each member of the configuration is read by the code that puts the
process together, by its name and that of its section."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
DECLARED = ROOT / "src/runtime/config_settings.cpp"
MEMBER = re.compile(r"\bMEMBER\(([a-z_.]+)\),")
# Asked for by another name.
ASKED = {"services.run": "services.runs"}
# Who reads settings: the composition root, and what in `runtime` takes a section whole.
READERS = [p for p in [*(ROOT / "src/app").glob("*.cpp"), *(ROOT / "src/runtime").glob("*.cpp")]
           if not p.name.startswith("config") and not p.name.endswith("_test.cpp")]


def unread(members, texts):
    """Members that no text reads, as `config.section.member`, or as `config.member` where the section is given as `config`."""
    left = []
    for member in members:
        asked = ASKED.get(member, member)
        *sections, name = asked.split(".")
        whole = re.compile(r"\b(?:config|config_|parts_\.config)\." + re.escape(asked) + r"\b")
        section = sections[0].capitalize() if sections else ""
        taken = re.compile(r"\bConfig::" + section + r"\b") if section else None
        short = re.compile(r"\." + re.escape(name) + r"\b")
        if not any(whole.search(text) or (taken and taken.search(text) and short.search(text)) for text in texts):
            left.append(member)
    return left


def main():
    members = MEMBER.findall(DECLARED.read_text())
    texts = [path.read_text() for path in READERS]
    failed = 0
    for name, findings in {
        "every setting is read": [f"{m}: accepted, and nothing reads it" for m in unread(members, texts)] if len(members) > 50 else ["found no settings"],
        "a planted setting is found": [] if unread(["bus.attempts", "bus.planted"], texts) == ["bus.planted"] else ["the test is blind"],
    }.items():
        print("FAIL" if findings else "PASS", name, *findings, sep="\n  " if findings else " ")
        failed += bool(findings)
    sys.exit(1 if failed else 0)


main()
