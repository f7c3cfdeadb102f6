#!/usr/bin/env python3
"""The names of tests are read as docs/criteria.md needs them, and tests/criteria.txt is well formed."""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
sys.dont_write_bytecode = True
import criteria  # noqa: E402

NAMES = {
    "services_tasks_test: TaskServiceTest.B_39_FiftyRequestsAtOnceMakeOneTask": ["B-39"],
    "bus_test: AllStores/Bus.B_36_B_72_NothingIsLost/sqlite": ["B-36", "B-72"],
    "bus_test: Bus.PR_1_IsWellFormed": ["PR-1"],
    "kill: U-1 U-4 a session outlives the gateway": ["U-1", "U-4"],
    "operate: B_73_drains_what_runs": ["B-73"],
    "browser: web: VA-2 the form names each field": ["VA-2"],
    "unit: text > B-26 buttons work": ["B-26"],
    "bad input: B-09": [],
    "split: a post of B-39 people": [],
    "net_test: Tls.B_AndSo": [],
    "net_test: Curve.NeedsP_256_Points": [],
    "locales: en-1 is read": [],
}
LIST = "# a comment\nA-1 | one\n\nA-2 | two | open: soon\nA-3 | three | absent: no such thing\npage | it | open: x\n"


def read_names():
    return [f"{name}: {criteria.codes_of(name)}, expected {codes}" for name, codes in NAMES.items() if criteria.codes_of(name) != codes]


def read_list():
    wrong = []
    seen = [(c.code, c.title, c.state, c.reason) for c in criteria.read_list(LIST).values()]
    if seen != [("A-1", "one", "", ""), ("A-2", "two", "open", "soon"), ("A-3", "three", "absent", "no such thing"), ("page", "it", "open", "x")]:
        wrong.append(f"read {seen}")
    for bad in ("A-1 |", "A-1 | one | later: x", "A-1 | one | open", "A-1 | one\nA-1 | again", "A-1 | one | open: x | y"):
        try:
            criteria.read_list(bad)
            wrong.append(f"takes {bad!r}")
        except ValueError:
            pass
    return wrong


def find_faults():
    listed = criteria.read_list(LIST)
    seen = criteria.findings(listed, ["p: T.A_3_NotThere", "p: T.A_4_Unlisted", "p: T.Z_9_OfNoFamilyOfOurs"])
    expected = ["A-1 has no test", "A-3 is absent by the list, yet proved by p: T.A_3_NotThere", "A-4 is not in tests/criteria.txt, yet named by p: T.A_4_Unlisted"]
    return ([] if seen == expected else [f"found {seen}"]) + criteria.findings(listed, ["p: T.A_1_Holds"])


def write_page():
    text = criteria.page(criteria.read_list(LIST), {"p: T.A_1_B": "PASS", "p: T.A_1_A": "FAIL", "s: A-2 x | y": "SKIP"})
    rows = text.splitlines()[7:]
    expected = ["| A-1 | one | p: T.A_1_A | **failed** |", "| | | p: T.A_1_B | passed |", "| A-2 | two |  | open: soon |", "| | | s: A-2 x \\| y | skipped |",
                "| A-3 | three | – | absent: no such thing |"]
    return [] if rows == expected else [f"wrote {rows}"]


def shipped_list():
    return [] if len(criteria.read_list(criteria.LIST.read_text())) > 80 else ["the list is short"]


def main():
    failed = 0
    for name, check in {"codes are read from names": read_names, "the list of criteria is read strictly": read_list, "what is missing is found": find_faults,
                        "the page is in the order of the list": write_page, "the shipped list is well formed": shipped_list}.items():
        wrong = check()
        print(f"FAIL {name}: {'; '.join(wrong)}" if wrong else f"PASS {name}")
        failed += bool(wrong)
    sys.exit(1 if failed else 0)


main()
