#!/usr/bin/env python3
"""Topics have one home, the contracts: no text of the code names one, so that a topic that is renamed or dropped cannot live on in
a consumer that hears nothing any more. In docs/reference each has its producer, its readers, its members and how long it is kept."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVICES = sorted(p.name for p in (ROOT / "src/services").iterdir() if p.is_dir())
LITERAL = re.compile(r'["\']((?:%s)\.v\d+\.[a-z][a-z-]*)["\']' % "|".join(SERVICES))
EVENT = re.compile(r"option \(options\.v1\.event\) = \{name: \"([a-z-]+)\"")
WHERE = [("src", (".h", ".cpp")), ("web/src", (".ts", ".tsx")), ("tools", (".h", ".cpp"))]


def literals(files):
    return [f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {match[1]}: use the event's kTopic"
            for path, text in sorted(files.items()) for match in LITERAL.finditer(text)]


def declared():
    topics = set()
    for path in (ROOT / "api/consilium").rglob("*.proto"):
        service, version = path.parent.parent.name, path.parent.name
        topics |= {f"{service}.{version}.{name}" for name in EVENT.findall(path.read_text())}
    return topics


def undocumented(topics, page):
    """Rows `| topic | key | members | …` of the contract and `| topic | producer | readers | schema | kept |` of the program."""
    rows = [[cell.strip() for cell in line.strip().split("|")[1:-1]] for line in page.splitlines() if line.startswith("| `")]
    wrong = []
    for topic in sorted(topics):
        own = [row for row in rows if row[0] == f"`{topic}`"]
        if not any(len(row) == 4 and row[1] and row[2] for row in own):
            wrong.append(f"{topic}: its key and members are not in docs/reference/topics.md")
        if not any(len(row) == 5 and row[1] == f"`{topic.split('.')[0]}`" and all(row[2:]) for row in own):
            wrong.append(f"{topic}: producer, readers, schema and retention are not in docs/reference/topics.md")
    known = {row[0].strip("`") for row in rows}
    return wrong + [f"{topic}: documented, but in no contract" for topic in sorted(known - topics)]


def main():
    files = {}
    for folder, endings in WHERE:
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in endings and not re.search(r"_(test|testing|fuzz|bench)\.|\.test\.|generated|node_modules|testdata", str(path)):
                files[str(path.relative_to(ROOT))] = path.read_text()
    topics = declared()
    checks = {
        "R-1 no topic literal outside the contracts": literals(files) if len(files) > 200 else ["read too few files"],
        "R-1 each topic has producer, readers, schema and retention in the docs":
            undocumented(topics, (ROOT / "docs/reference/topics.md").read_text()) if len(topics) > 10 else ["found too few topics"],
        "R-1 planted literals and gaps are found":
            [] if literals({"a.cpp": 'f("tasks.v1.solved")', "b.ts": "'chat.v2.post-created'", "c.cpp": "tasks.v1.solved"}).__len__() == 2
            and undocumented({"tasks.v1.solved"}, "| `tasks.v1.solved` | `taskId` | `taskId` | |\n| `tasks.v1.gone` | `x` | `x` | |\n").__len__() == 2
            else ["the test is blind"],
    }
    for name, findings in checks.items():
        print(f"FAIL {name}: {'; '.join(findings)}" if findings else f"PASS {name}")
    sys.exit(1 if any(checks.values()) else 0)


main()
