#!/usr/bin/env python3
"""Refuses a setting that is accepted and does nothing: each member of the configuration is read by the code that puts the
process together, by its name and that of its section. And one that says what another should: a setting is bound to the member of
its own name and to no other's, and pages name no variable that the program would refuse."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
DECLARED = ROOT / "src/runtime/config_settings.cpp"
ADDED = re.compile(r'table\s*\.add\(\s*"([^"]+)",\s*MEMBER\(([a-z_.]+)\),')
MEMBER = re.compile(r"\bMEMBER\(([a-z_.]+)\),")
# Asked for by another name.
ASKED = {"services.run": "services.runs"}
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "deploy").glob("*")]
VARIABLE = re.compile(r"\bCONSILIUM_[A-Z0-9_*]+[A-Z0-9*]")
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


def mixed_up(added):
    """Settings whose member is of another section or name; members that two settings share."""
    found = []
    owner = {}
    for setting, member in added:
        names = [part.replace("-", "_") for part in setting.split(".") if part != "*"]
        words = set(re.split(r"[._]", member)) | {word.removesuffix("s") for word in re.split(r"[._]", member)}
        of_its_name = names[0] == member.split(".")[0] and any(word.removesuffix("es") in {w.removesuffix("e") for w in words} | words for word in names[-1].split("_"))
        if not of_its_name:
            found.append(f"{setting}: bound to {member}")
        if owner.setdefault(member, setting) != setting:
            found.append(f"{setting}: shares {member} with {owner[member]}")
    return found


def known_variables(added):
    others = re.search(r"kOtherVariables\[\] = \{([^}]*)\}", (ROOT / "src/runtime/config.cpp").read_text()).group(1)
    return set(re.findall(r'"([A-Z_]+)"', others)) | {"CONSILIUM_" + setting.upper().replace(".", "_").replace("-", "__") for setting, _ in added}


def unknown_variables(text, known):
    """Names of variables on a page that no setting has; `_FILE` reads one from a file, and a map's key stands for `*`."""
    forms = [re.compile(re.escape(name).replace(r"\*", "[A-Z0-9_]+") + "(?:_FILE)?") for name in known]
    return sorted({name for name in VARIABLE.findall(text) if not any(form.fullmatch(name) for form in forms)})


def main():
    added = ADDED.findall(DECLARED.read_text())
    members = MEMBER.findall(DECLARED.read_text())
    texts = [path.read_text() for path in READERS]
    failed = 0
    for name, findings in {
        "B-75 every setting is read": [f"{m}: accepted, and nothing reads it" for m in unread(members, texts)] if len(members) > 50 else ["found no settings"],
        "B-75 B-74 each setting is bound to the member of its name": mixed_up(added) if len(added) == len(members) else [f"{len(added)} settings for {len(members)} members"],
        "B-75 pages name only variables that there are": [f"{page.relative_to(ROOT)}: {name}" for page in PAGES if page.is_file() for name in unknown_variables(page.read_text(), known_variables(added))],
        "B-75 a planted mix-up is found": [] if len(mixed_up([("sessions.idle", "tasks.idle"), ("tasks.limit", "tasks.attempts"), ("a.x", "a.x"), ("a.x_y", "a.x")])) == 3 else ["the test is blind"],
        "B-75 a planted variable is found": [] if unknown_variables("CONSILIUM_LOG_LEVL and CONSILIUM_LOG_LEVEL_FILE", {"CONSILIUM_LOG_LEVEL"}) == ["CONSILIUM_LOG_LEVL"] else ["the test is blind"],
        "B-75 a planted setting is found": [] if unread(["bus.attempts", "bus.planted"], texts) == ["bus.planted"] else ["the test is blind"],
    }.items():
        print("FAIL" if findings else "PASS", name, *findings, sep="\n  " if findings else " ")
        failed += bool(findings)
    sys.exit(1 if failed else 0)


main()
