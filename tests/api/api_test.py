#!/usr/bin/env python3
"""The API against its own document: schemathesis on the real program, once for each role and once without a session, with every check.

A server is brought into the middle of its work (prepared_state.py) and ended; each run gets a copy of its folder. The table at the
end shows how often each operation answered 2xx, 3xx, 4xx, 5xx over the roles; an operation without a 2xx or without a 4xx fails.

api_test.py [ROLE …]. CONSILIUM_API_EXAMPLES_EACH: cases a phase and operation (default 3), CONSILIUM_API_SEED: another seed."""
import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
from prepared_state import SUPERVISOR, prepare  # noqa: E402
from server import PASSWORD, ROOT, Report, Server, expect  # noqa: E402

VENV = ROOT / "build/api-venv"
REQUIREMENTS = HERE / "requirements.txt"
SEED = os.environ.get("CONSILIUM_API_SEED", "20260131")
EXAMPLES_EACH = os.environ.get("CONSILIUM_API_EXAMPLES_EACH", "3")
LOGINS = {"client": "boris", "consultant": "clara", "expert": "elena", "supervisor": SUPERVISOR, "administrator": "admin", "nobody": None}
# Clients: what one reads of theirs is asked for as the other, too.
PEERS = {"client": ["boris", "anna"]}
SETTINGS = {"CONSILIUM_LIMITS_LOGINS__PER__MINUTE": "1000", "CONSILIUM_LIMITS_POSTS__PER__SECOND": "100", "CONSILIUM_BUS_ATTEMPTS": "2",
            "CONSILIUM_ASSIGNMENT_ANSWER__WITHIN": "1d", "CONSILIUM_PRESENCE_LEASE": "30m",  # the consultant is there for all runs
            "CONSILIUM_LOG_LEVEL": "warn"}


def schemathesis():
    """The program, installed once for each state of requirements.txt."""
    seen = VENV / "requirements-seen.txt"
    if not seen.exists() or seen.read_bytes() != REQUIREMENTS.read_bytes():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)
        subprocess.run([str(VENV / "bin/pip"), "install", "--quiet", "--disable-pip-version-check", "--requirement", str(REQUIREMENTS)], check=True)
        shutil.copy(REQUIREMENTS, seen)
    return VENV / "bin/schemathesis"


def login_of(name):
    return {"name": name, "loginEndpointAuth": {
        "verb": "POST", "endpoint": "/api/v1/sessions", "contentType": "application/json", "headers": [{"name": "Accept-Session", "value": "bearer"}],
        "payloadRaw": json.dumps({"username": name, "password": PASSWORD}),
        "token": {"extractFrom": "body", "extractSelector": "/accessToken", "sendIn": "header", "sendName": "Authorization", "sendTemplate": "Bearer {token}"}}}


def configuration(folder, role):
    text = (HERE / "schemathesis.toml").read_text()
    if login := LOGINS[role]:
        logins = folder / "logins.json"
        logins.write_text(json.dumps({"auth": [login_of(name) for name in PEERS.get(role, [login])]}))
        text += f'\n[auth.wfc]\npath = "{logins}"\nuser = "{login}"\n'
        if role in PEERS:
            text += f"peers = {json.dumps(PEERS[role])}\n"
    file = folder / "schemathesis.toml"
    file.write_text(text)
    return file


def answers_of(file):
    counted = collections.defaultdict(collections.Counter)
    for line in file.read_text().splitlines():
        operation, status = line.split()
        counted[operation][f"{status[0]}xx"] += 1
    return counted


def run_role(folder, role, prepared, examples, answers):
    own = folder / role
    own.mkdir()
    shutil.copytree(prepared / "data", own / "data", ignore=shutil.ignore_patterns("run", "admin.sock", "lock"))
    counted = own / "answers.txt"
    with Server(own, demo=False, **SETTINGS).start() as server:
        command = [str(schemathesis()), "--config-file", str(configuration(own, role)), "run", server.url + "/api/v1/openapi.json", "--checks", "all", "--seed", SEED,
                   "--max-examples", EXAMPLES_EACH, "--workers", "1"]
        environment = dict(os.environ, SCHEMATHESIS_HOOKS=str(HERE / "hooks.py"), CONSILIUM_API_EXAMPLES=str(examples), CONSILIUM_API_ANSWERS=str(counted))
        done = subprocess.run(command, cwd=own, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        kept = ROOT / f"build/api-{role}.txt"
        kept.write_text(done.stdout)
        answers[role] = answers_of(counted)
        expect(done.returncode == 0, f"the run ended with {done.returncode}; all of it is in {kept}: {failures_in(done.stdout)}")
        expect(server.end() == 0, "the server did not end well")
        # That a process stands still was prepared.
        wrong = [line for line in server.log().splitlines() if '"level":"error"' in line and "A process stands still" not in line]
        expect(not wrong, f"{len(wrong)} errors in the log: {wrong[:1]}")


def failures_in(text):
    found = re.search(r"=+ FAILURES =+(.*?)=+ (?:SUMMARY|WARNINGS)", text, re.DOTALL)
    return (found.group(1) if found else text)[-1500:]


def operations():
    document = json.loads((ROOT / "docs/reference/openapi.json").read_text())
    return {operation["operationId"]: f"{method.upper()} {path}" for path, methods in document["paths"].items() for method, operation in methods.items()}


def each_operation_answered(answers):
    """Prints the table: a count a class of answers, over all roles, and who got 2xx."""
    holes = []
    for operation, route in sorted(operations().items(), key=lambda item: item[1].split(" ")[1]):
        count = sum((counted[operation] for counted in answers.values()), collections.Counter())
        welcome = [role for role, counted in answers.items() if counted[operation]["2xx"]]
        print(f"  {route:45} 2xx {count['2xx']:5}  4xx {count['4xx']:5}  5xx {count['5xx']:3}  {', '.join(welcome)}")
        holes += [f"{route} never answered {kind}" for kind in ("2xx", "4xx") if not count[kind]]
        holes += [f"{route} answered {count['5xx']} times 5xx"] * bool(count["5xx"])
    expect(not holes, "; ".join(holes))


def main():
    wanted = sys.argv[1:] or list(LOGINS)
    report, answers = Report(), {}
    with tempfile.TemporaryDirectory(prefix="api-") as text:
        folder = pathlib.Path(text)
        prepared, examples = folder / "prepared", folder / "examples.json"
        prepared.mkdir()

        def is_prepared():
            with Server(prepared, **SETTINGS).start() as server:
                examples.write_text(json.dumps(prepare(server)))
                expect(server.end() == 0, "the server did not end well")
        report.check("a platform in the middle of its work", is_prepared)
        if not report.failed:
            for role in wanted:
                report.check(f"the API as {role}", lambda role=role: run_role(folder, role, prepared, examples, answers))
            if wanted == list(LOGINS):
                report.check("each operation reached 2xx and 4xx", lambda: each_operation_answered(answers))
    print(f"  seed {SEED}, {EXAMPLES_EACH} cases each; again: CONSILIUM_API_SEED={SEED} CONSILIUM_API_EXAMPLES_EACH={EXAMPLES_EACH} python3 tests/api/api_test.py")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
