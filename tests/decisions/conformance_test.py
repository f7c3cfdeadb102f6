#!/usr/bin/env python3
"""Runs test cases of decision models through `consilium decision conformance`.

Those of this repository (tests/decisions/cases) always; those of the public DMN Technology Compatibility Kit when CONSILIUM_DMN_TCK
names its folder. What passed once is kept in tests/decisions/passed.txt (names of cases alone), and a case of it that does not pass
fails. A run with the kit makes the table of docs/conformance.md; `--keep` adds what passes now to the kept list.
"""
import json
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CASES = ROOT / "tests/decisions/cases"
KEPT = ROOT / "tests/decisions/passed.txt"
PAGE = ROOT / "docs/conformance.md"
BEGIN, END = "<!-- dmn: made by tests/decisions/conformance_test.py -->", "<!-- /dmn -->"
LEAST = 0.95
BINARY = os.environ.get("TEST_BINARY", str(ROOT / "build/release/consilium"))


def run(folder):
    done = subprocess.run([BINARY, "decision", "conformance", "--json", str(folder)], capture_output=True, text=True, timeout=300)
    if done.returncode not in (0, 1) or not done.stdout.strip():
        raise RuntimeError(f"ended with {done.returncode}: {done.stderr[-500:]}")
    return json.loads(done.stdout)


def names(result):
    return {f"{folder['folder']}/{name}" for folder in result["folders"] for name in folder["passed"]}


def read_kept():
    """A folder a paragraph: its name, then its cases, one a line and indented."""
    kept, folder = set(), ""
    for line in KEPT.read_text().splitlines() if KEPT.exists() else []:
        if line.startswith("  "):
            kept.add(f"{folder}/{line[2:]}")
        elif line and not line.startswith("#"):
            folder = line
    return kept


def write_kept(kept, result):
    lines = ["# Cases of the DMN TCK that passed once and may not fall back (tests/decisions/conformance_test.py --keep)."]
    for folder in result["folders"]:
        of_folder = sorted(name for name in kept if name.startswith(folder["folder"] + "/"))
        if of_folder:
            lines += [folder["folder"]] + ["  " + name[len(folder["folder"]) + 1:] for name in of_folder]
    KEPT.write_text("\n".join(lines) + "\n")


def table(result):
    rows = ["| folder of the kit | passed | failed |", "|---|---|---|"]
    for folder in result["folders"]:
        rows.append(f"| {folder['folder']} | {len(folder['passed'])} | {len(folder['failed']) or ''} |")
    rows.append(f"| **all** | **{result['passed']}** | **{result['failed']}** |")
    return "\n".join(rows)


def put_table(text, made):
    """The page with the table between its marks; None: the marks are missing."""
    head, found, rest = text.partition(BEGIN)
    _, closed, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{made}\n\n{END}{tail}" if found and closed else None


def report(name, problem="", seconds=None):
    took = f" [{seconds:.1f}s]" if seconds is not None else ""
    print(f"FAIL {name}: {problem}{took}" if problem else f"PASS {name}{took}", flush=True)
    return not problem


def own_cases():
    began = time.monotonic()
    result = run(CASES)
    failed = [f"{folder['folder']}/{case['name']}: expected {case['expected']}, got {case['actual']} ({case['why']})"
              for folder in result["folders"] for case in folder["failed"]]
    problem = "; ".join(failed) if failed else "" if result["passed"] >= 15 else f"only {result['passed']} cases ran"
    return report("cases of the repository", problem.replace("\n", " "), time.monotonic() - began)


def caught():
    """A result that is not the expected one must count as failed."""
    import tempfile
    with tempfile.TemporaryDirectory() as folder:
        for file in (CASES / "01-order").iterdir():
            text = file.read_text()
            (pathlib.Path(folder) / file.name).write_text(text.replace(">10</value>", ">11</value>") if file.suffix == ".xml" else text)
        result = run(folder)
    return report("a wrong result is found", "" if result["failed"] == 1 else f"{result['failed']} failed of a suite with one wrong result")


def kit(folder, keep):
    began = time.monotonic()
    result = run(folder)
    passed, kept = names(result), read_kept()
    for of_folder in result["folders"]:
        print(f"{len(of_folder['passed']):6} passed {len(of_folder['failed']):6} failed  {of_folder['folder']}")
    print(f"{result['passed']} passed, {result['failed']} failed")
    if keep:
        write_kept(kept | passed, result)
        kept |= passed
    share = result["passed"] / max(1, result["passed"] + result["failed"])
    fine = report("the kit", "" if share >= LEAST else f"{share:.1%} pass, and {LEAST:.0%} are to", time.monotonic() - began)
    lost = sorted(kept - passed)
    fine &= report("no case fell back", f"{len(lost)}: {', '.join(lost[:10])}" if lost else "" if kept else "the kept list is empty")
    page = PAGE.read_text()
    made = put_table(page, table(result))
    if made and made != page:
        PAGE.write_text(made)
    fine &= report("docs/conformance.md has the table of this run", "" if made == page else "it had not: look at it and commit it")
    return fine


def main():
    fine = own_cases()
    fine &= caught()
    folder = os.environ.get("CONSILIUM_DMN_TCK", "")
    if folder and pathlib.Path(folder).is_dir():
        fine &= kit(folder, "--keep" in sys.argv)
    else:
        print("SKIP the kit: CONSILIUM_DMN_TCK names no folder with the DMN TCK (https://github.com/dmn-tck/tck)")
    sys.exit(0 if fine else 1)


main()
