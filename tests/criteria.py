"""The criteria of tests/criteria.txt, the tests that prove them, and the page that says so (docs/criteria.md).

A test names the codes that it proves at the beginning of its own name: `B_39_FiftyRequestsAtOnceMakeOneTask` in GoogleTest,
`U-1 U-4 a session outlives the gateway` in a script.
"""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIST = ROOT / "tests/criteria.txt"
PAGE = ROOT / "docs/criteria.md"
# The line of the list that says whether docs/criteria.md must be as the run makes it.
PAGE_CODE = "page"

CODE = r"[A-Z]{1,2}[-_][0-9]{1,2}"
LEADING = re.compile(rf"(?:{CODE}[ _]+)+")
GOOGLE_TEST = re.compile(r"^\s*TEST(?:_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\)", re.MULTILINE)
QUOTED = re.compile(rf"""["'`]((?:{CODE} )+[^"'`\n]*)""")
FUNCTION = re.compile(rf"^def ((?:{CODE}_)+\w+)\(", re.MULTILINE)


class Criterion:
    def __init__(self, code, title, state="", reason=""):
        self.code, self.title, self.state, self.reason = code, title, state, reason


def read_list(text):
    """Lines `code | title`, with a third column `open: why` (may still lack a test) or `absent: why` (of something that is not there)."""
    criteria = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        code, title, *rest = (part.strip() for part in line.split("|"))
        state, _, reason = (part.strip() for part in (rest[0] if rest else "").partition(":"))
        if len(rest) > 1 or not title or code in criteria or (rest and (state not in ("open", "absent") or not reason)):
            raise ValueError(f"tests/criteria.txt, line {number}: expected `code | title` or `code | title | open: why` or `… | absent: why`, each code once")
        criteria[code] = Criterion(code, title, state, reason)
    return criteria


def codes_of(name):
    """Codes at the beginning of a test's own name, whatever program, suite or script stands before it."""
    own = re.split(r": | > |/(?=[A-Z])", name)
    for part in own:
        leading = LEADING.match(part) or LEADING.match(part.rpartition(".")[2] if " " not in part else "")
        if leading:
            return [code.replace("_", "-") for code in re.findall(CODE, leading.group())]
    return []


def by_code(names):
    """Code → its tests; codes of families that the list does not know (such as `A_4_`) are none of ours."""
    found = {}
    for name in names:
        for code in codes_of(name):
            found.setdefault(code, []).append(name)
    return found


def family(code):
    return code.partition("-")[0]


def findings(criteria, names):
    """What is wrong with the list or with the names of tests, each as one line."""
    families = {family(code) for code in criteria}
    proofs = by_code(names)
    wrong = [f"{code} has no test" for code, c in criteria.items() if code not in proofs and not c.state and code != PAGE_CODE]
    wrong += [f"{code} is absent by the list, yet proved by {proofs[code][0]}" for code, c in criteria.items() if c.state == "absent" and code in proofs]
    return wrong + [f"{code} is not in tests/criteria.txt, yet named by {tests[0]}" for code, tests in sorted(proofs.items())
                    if code not in criteria and family(code) in families]


RESULTS = {"PASS": "passed", "FAIL": "**failed**", "SKIP": "skipped"}


def page(criteria, states):
    """The page of a run: `states` maps a test's name to PASS, FAIL or SKIP."""
    proofs = by_code(states)
    lines = ["# Acceptance criteria", "",
             "Made by `./dev test`: each criterion and known fault of [tests/criteria.txt](../tests/criteria.txt), the tests whose names begin with",
             "its code, and how they ended.", "", "| code | what | test | result |", "|---|---|---|---|"]
    for code, criterion in criteria.items():
        if code == PAGE_CODE:
            continue
        tests = sorted(set(proofs.get(code, [])))
        head = f"| {code} | {cell(criterion.title)} |"
        if criterion.state:
            lines.append(f"{head} {'' if tests else '–'} | {criterion.state}: {cell(criterion.reason)} |")
            head = "| | |"
        elif not tests:
            lines.append(f"{head} – | **no test** |")
        for test in tests:
            lines.append(f"{head} {cell(test)} | {RESULTS[states[test]]} |")
            head = "| | |"
    return "\n".join(lines) + "\n"


def cell(text):
    return text.replace("|", "\\|")


def static_names():
    """Names of tests as they stand in the sources, `file: name`: quick, and without a build."""
    names = []
    for file in sorted(p for folder in ("src", "tests", "tools", "web/scripts", "web/src") for p in (ROOT / folder).rglob("*")):
        if file.suffix not in (".cpp", ".py", ".mjs", ".ts", ".tsx") or not file.is_file() or file.name.startswith("criteria"):
            continue
        text = file.read_text(errors="replace")
        where = file.relative_to(ROOT)
        found = [name for _, name in GOOGLE_TEST.findall(text)] if file.suffix == ".cpp" else QUOTED.findall(text) + FUNCTION.findall(text)
        names += [f"{where}: {name}" for name in found if codes_of(name)]
    return names


def print_list():
    criteria = read_list(LIST.read_text())
    names = static_names()
    proofs = by_code(names)
    for code, criterion in criteria.items():
        if code == PAGE_CODE:
            continue
        print(f"{code:6}{criterion.title}" + (f"  [{criterion.state}: {criterion.reason}]" if criterion.state else ""))
        for test in proofs.get(code, []):
            print(f"         {test}")
    wrong = findings(criteria, names)
    print("\n" + ("\n".join(wrong) if wrong else "nothing is missing"))
    return 1 if wrong else 0
