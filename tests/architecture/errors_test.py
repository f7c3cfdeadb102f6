#!/usr/bin/env python3
"""Every error code that a caller of the API may meet is declared once with one kind, stands in docs/reference/errors.md, and has a
text in each language. Codes of the services are declared in the contracts; the others are literals of the code, found here."""
import collections
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
RAISED = re.compile(r'ErrorKind::k([A-Za-z]+),\s*"([a-z0-9-]+(?:\.[a-z0-9-]+)*)"')
NAMED = re.compile(r'constexpr std::string_view (k[A-Za-z]+) = "([a-z0-9-]+(?:\.[a-z0-9-]+)+)";')
BY_NAME = re.compile(r"ErrorKind::k([A-Za-z]+),\s*(k[A-Za-z]+)\b")
MALFORMED = re.compile(r'\bmalformed\("([a-z0-9-]+(?:\.[a-z0-9-]+)+)"')
ROW = re.compile(r"^\| `([a-z0-9.-]+)` \| ([a-z-]+)", re.MULTILINE)
# What is told on the command line or in the log, and never answers a request.
OUTSIDE = {
    "admin": "the operator's commands", "catalogue": "the start", "config": "the start", "data": "the start", "demo": "the demo",
    "file": "the start", "http": "our own client of other servers", "lifecycle": "the start", "log": "the operator's commands",
    "net": "the start", "restore": "the operator's commands", "event": "the bus keeps it with the dead letter",
    "bus": "inside the bus; the contract `events` has what callers see", "bell": "waits of the hubs, which try again",
    "rpc": "between two processes; callers see `rpc.unavailable` and what stands in the page",
}
# What a service makes another error of, or nobody is there to read.
INSIDE = {"chat.too-many-hubs", "database.check", "database.closed", "database.foreign-key", "database.unique", "process.fenced", "process.invalid-variables", "request.cancelled"}
# What operators alone are answered, by the administration's socket.
OPERATORS = {"request.not-found", "database.backup-exists", "database.backup-relative", "processes.none-deployed", "users.not-active-in-time", "process.invalid-model", "tasks.invalid-model"}
FOLDERS = ["base", "runtime", "net", "ports", "bpmn", "services", "gateway", "app"]


def kebab(name):
    return re.sub(r"(?<!^)([A-Z])", r"-\1", name).lower()


def raised(texts):
    """{code: {kind}} of what the code raises by literal, bugs left out: they are shown as `internal` to people."""
    found = collections.defaultdict(set)
    for text in texts:
        names = dict(NAMED.findall(text))
        for kind, code in [*RAISED.findall(text), *((kind, names[name]) for kind, name in BY_NAME.findall(text) if name in names)]:
            found[code].add(kebab(kind))
        for code in MALFORMED.findall(text):
            found[code].add("malformed")
    return {code: kinds for code, kinds in found.items() if kinds != {"internal"}}


def findings(codes, documented, catalogues):
    wrong = [f"{code}: raised as {', '.join(sorted(kinds))}; a code means one thing" for code, kinds in codes.items()
             if len(kinds) > 1 and code.split(".")[0] not in OUTSIDE]
    doubled = [code for code, times in collections.Counter(code for code, _ in documented).items() if times > 1]
    wrong += [f"{code}: documented twice" for code in doubled]
    pages = dict(documented)
    for code, kinds in sorted(codes.items()):
        if code.split(".")[0] in OUTSIDE or code in OPERATORS | INSIDE:
            continue
        if code not in pages:
            wrong.append(f"{code} ({', '.join(sorted(kinds))}): not in docs/reference/errors.md")
        elif pages[code] not in kinds:
            wrong.append(f"{code}: documented as {pages[code]}, raised as {', '.join(sorted(kinds))}")
    for code, kind in documented:
        for language, texts in catalogues.items():
            if kind != "internal" and f"error.{code}" not in texts:
                wrong.append(f"{code}: no text error.{code} in locales/{language}.json")
    for language, texts in catalogues.items():
        for key in texts:
            if key.startswith("error.") and key[6:] not in pages and key[6:] not in codes and key != "error.internal":
                wrong.append(f"locales/{language}.json: {key} is the text of no code")
    return wrong


def main():
    texts = [p.read_text() for folder in FOLDERS for p in (ROOT / "src" / folder).rglob("*") if p.suffix in (".h", ".cpp") and not re.search(r"_(test|testing|fuzz|bench)\.", p.name)]
    codes = raised(texts)
    documented = ROW.findall((ROOT / "docs/reference/errors.md").read_text())
    catalogues = {p.stem: json.loads(p.read_text()) for p in sorted((ROOT / "locales").glob("*.json"))}
    wrong = findings(codes, documented, catalogues) if len(codes) > 40 and len(documented) > 60 and len(catalogues) > 1 else ["found too little"]
    print("FAIL X-1 every code is unique, documented and translated: " + "; ".join(wrong) if wrong else "PASS X-1 every code is unique, documented and translated")
    planted = raised(['fail(ErrorKind::kConflict, "a.twice"); fail(ErrorKind::kNotFound,\n "a.twice"); fail(ErrorKind::kConflict, "a.nowhere"); fail(ErrorKind::kInternal, "a.bug")'])
    seen = findings(planted, [("a.mute", "conflict"), ("a.twice", "conflict")], {"en": {"error.a.twice": "x", "error.a.left": "x"}})
    blind = [one for one in ("a.twice: raised as", "a.nowhere", "a.mute: no text", "error.a.left is the text") if not any(one in line for line in seen)]
    print(f"FAIL X-1 planted codes are found: missed {blind}" if blind or len(seen) != 4 else "PASS X-1 planted codes are found", *([seen] if blind or len(seen) != 4 else []))
    return 1 if wrong or blind or len(seen) != 4 else 0


sys.exit(main())
