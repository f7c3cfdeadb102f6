#!/usr/bin/env python3
"""Runs every test: the GoogleTest programs of a build folder and the scripts of tests/suites.txt.

Prints failures as they come, then the ten slowest tests, then `N passed, N failed, N skipped`; exits 1 when one failed.
A script prints a line a test: `PASS name`, `FAIL name: why` or `SKIP name: why`, with ` [1.5s]` at the end when timed.
A whole run makes docs/criteria.md of the names (tests/criteria.py); a criterion without a test counts as one failed test.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import criteria  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINE = re.compile(r"^(PASS|FAIL|SKIP) (.+?)(?: \[([0-9.]+)s\])?$")


class Outcome:
    def __init__(self, name, state, seconds, why=""):
        self.name, self.state, self.seconds, self.why = name, state, seconds, why


def run_program(program, timeout):
    """One GoogleTest program; a crash counts as one failed test."""
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "report.json"
        try:
            done = subprocess.run([str(program), f"--gtest_output=json:{report}", "--gtest_brief=1"], cwd=folder, timeout=timeout,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace", stdin=subprocess.DEVNULL)
            text, code = done.stdout, done.returncode
        except subprocess.TimeoutExpired as expired:
            text, code = (expired.stdout or b"").decode(errors="replace"), f"time-out after {timeout} s"
        outcomes = []
        if report.exists():
            for suite in json.loads(report.read_text()).get("testsuites", []):
                for test in suite["testsuite"]:
                    name = f"{program.name}: {suite['name']}.{test['name']}"
                    seconds = float(test["time"].rstrip("s"))
                    if test.get("failures"):
                        outcomes.append(Outcome(name, "FAIL", seconds, test["failures"][0]["failure"]))
                    elif test.get("result") == "SKIPPED":
                        outcomes.append(Outcome(name, "SKIP", seconds, "\n".join(s["message"] for s in test.get("skipped", []))))
                    elif test.get("status") == "RUN":
                        outcomes.append(Outcome(name, "PASS", seconds))
        if code != 0 and not any(o.state == "FAIL" for o in outcomes):
            outcomes.append(Outcome(f"{program.name}: whole program", "FAIL", 0.0, f"ended with {code}\n{text[-4000:]}"))
        return outcomes


def run_script(name, command, timeout, build):
    """One script; ending with an error without a FAIL line counts as one failed test."""
    began = time.monotonic()
    environment = dict(os.environ, TEST_BUILD=str(build), TEST_BINARY=str(build / "consilium"))
    try:
        done = subprocess.run(command, cwd=ROOT, shell=True, timeout=timeout, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace",
                              stdin=subprocess.DEVNULL, env=environment)
        text, code = done.stdout, done.returncode
    except subprocess.TimeoutExpired as expired:
        text, code = (expired.stdout or b"").decode(errors="replace"), f"time-out after {timeout} s"
    outcomes = []
    for line in text.splitlines():
        match = LINE.match(line)
        if not match:
            continue
        state, title, seconds = match.groups()
        title, _, why = title.partition(": ")
        outcomes.append(Outcome(f"{name}: {title}", state, float(seconds or 0), why))
    if code != 0 and not any(o.state == "FAIL" for o in outcomes):
        outcomes.append(Outcome(f"{name}: whole script", "FAIL", time.monotonic() - began, f"ended with {code}"))
    if not outcomes:
        outcomes.append(Outcome(f"{name}: whole script", "FAIL", time.monotonic() - began, "reported no test"))
    if any(o.state == "FAIL" for o in outcomes):
        outcomes[-1].why += "\n" + text[-4000:]
    return outcomes


def programs_of(build):
    listed = build / "test_programs.txt"
    return [build / line for line in listed.read_text().split()] if listed.exists() else []


def scripts():
    """Lines of tests/suites.txt: `suite | name | seconds | command`."""
    for line in (ROOT / "tests/suites.txt").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            suite, name, seconds, command = (part.strip() for part in line.split("|", 3))
            yield suite, name, int(seconds), command


def judge_criteria(outcomes):
    """Writes docs/criteria.md; what is missing, and a page that was not as this run makes it, count as failed tests."""
    listed = criteria.read_list(criteria.LIST.read_text())
    states = {}
    for outcome in sorted(outcomes, key=lambda o: ("PASS", "SKIP", "FAIL").index(o.state)):
        states[outcome.name] = outcome.state
    wrong = criteria.findings(listed, states)
    text = criteria.page(listed, states)
    if not criteria.PAGE.exists() or criteria.PAGE.read_text() != text:
        criteria.PAGE.write_text(text)
        told = "docs/criteria.md was not what this run makes and is made anew: look at it and commit it"
        print(told, flush=True)
        # A failed test shows in the page, and is counted already.
        if listed[criteria.PAGE_CODE].state != "open" and not any(o.state == "FAIL" for o in outcomes):
            wrong.append(told)
    return [Outcome(f"criteria: {finding}", "FAIL", 0.0, "see tests/criteria.txt") for finding in wrong]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--programs-only", action="store_true", help="leave the scripts out (sanitizer builds)")
    parser.add_argument("--suite", help="only the scripts of this suite")
    parser.add_argument("--match", help="only programs and scripts whose name holds this")
    parser.add_argument("--list-criteria", action="store_true", help="only list the criteria and the tests in the sources that name them")
    options = parser.parse_args()
    if options.list_criteria:
        sys.exit(criteria.print_list())
    build = options.build.resolve()

    work = []
    if not options.suite:
        work += [(p.name, lambda p=p: run_program(p, 1200)) for p in programs_of(build)]
    if not options.programs_only:
        work += [(f"{suite} {name}", lambda name=f"{suite} {name}", command=command, seconds=seconds: run_script(name, command, seconds, build))
                 for suite, name, seconds, command in scripts() if not options.suite or suite == options.suite]
    if options.match:
        work = [(name, run) for name, run in work if options.match in name]

    outcomes = []
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        running = {pool.submit(run): name for name, run in work}
        for future in concurrent.futures.as_completed(running):
            group = future.result()
            outcomes += group
            failed = [o for o in group if o.state == "FAIL"]
            print(f"{'FAILED ' if failed else 'ok     '} {running[future]}: {len(group) - len(failed)} of {len(group)}", flush=True)
            for outcome in failed:
                print(f"---- {outcome.name}\n{outcome.why}\n", flush=True)

    if not (options.programs_only or options.suite or options.match):
        missing = judge_criteria(outcomes)
        for outcome in missing:
            print(f"---- {outcome.name}\n{outcome.why}\n", flush=True)
        outcomes += missing

    print("\nThe ten slowest:")
    for outcome in sorted(outcomes, key=lambda o: -o.seconds)[:10]:
        print(f"{outcome.seconds:8.2f} s  {outcome.name}")
    for outcome in outcomes:
        if outcome.state == "SKIP":
            print(f"skipped: {outcome.name}: {outcome.why}")
    count = {state: sum(o.state == state for o in outcomes) for state in ("PASS", "FAIL", "SKIP")}
    print(f"\n{count['PASS']} passed, {count['FAIL']} failed, {count['SKIP']} skipped")
    sys.exit(1 if count["FAIL"] or not count["PASS"] else 0)


main()
