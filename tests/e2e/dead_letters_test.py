#!/usr/bin/env python3
"""An event that always fails, in the real program: an operator hears of it, sees it, removes the cause, replays it, and what waited
behind it goes on. In one process, and with the service that fails in a process of its own."""
import contextlib
import json
import pathlib
import sqlite3
import subprocess
import sys
import tempfile

from server import BINARY, Person, Refused, Report, Server, clean_environment, expect
from split_test import PATIENCE, Division, apart, until

GROUP = "tasks.people"
ATTEMPTS = 2
SETTINGS = {"CONSILIUM_BUS_ATTEMPTS": str(ATTEMPTS), "CONSILIUM_LIMITS_LOGINS__PER__MINUTE": "1000"}


def change(server, *statements):
    """From outside, beside the running server, which moves the pages out of the log itself."""
    with contextlib.closing(sqlite3.connect(server.folder / "data/consilium.db", timeout=PATIENCE, isolation_level=None)) as store:
        store.execute("PRAGMA wal_autocheckpoint=0")
        return [store.execute(statement).fetchall() for statement in statements]


def operate(server, *words):
    done = subprocess.run([str(BINARY), *words, "--data", str(server.folder / "data")], env=clean_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def log_in(server, name):
    return until(f"{name} logs in", lambda: Person(server.address, name))


def rename(admin, user_id, name):
    version = admin.call("GET", f"/users/{user_id}")["version"]
    admin.call("PATCH", f"/users/{user_id}", {"firstName": name}, {"If-Match": f'"{version}"'})


def name_of(server, user_id):
    """As the tasks service has stored it."""
    rows = change(server, f"SELECT display_name FROM tasks_person WHERE user_id = x'{user_id.replace('-', '')}'")[0]
    return rows[0][0] if rows else ""


def checks_of(server, name):
    return next(check for check in server.health()[1]["checks"] if check["name"] == name)


def give_up(failing, admin, user_id):
    """The stored person cannot be changed; so the event of a new name fails. Its dead letter."""
    change(failing, f"CREATE TRIGGER tasks_breaks BEFORE UPDATE ON tasks_person WHEN NEW.user_id = x'{user_id.replace('-', '')}' BEGIN SELECT RAISE(ABORT, 'broken'); END")
    rename(admin, user_id, "Wisteria")
    until("the event is parked", lambda: change(failing, "SELECT 1 FROM tasks_parked")[0])
    rename(admin, user_id, "Heliotrope")

    letters = until("the dead letter is listed", lambda: admin.call("GET", "/dead-letters")["items"])
    until("the next one waits", lambda: admin.call("GET", "/dead-letters")["items"][0]["waiting"] == 1)
    expect(len(letters) == 1 and letters[0]["group"] == GROUP and letters[0]["key"] == user_id and letters[0]["attempts"] == ATTEMPTS, f"{letters}")
    return letters[0]


def is_told(failing, edge, letter):
    lines = [json.loads(line) for line in failing.log().splitlines() if "Event given up" in line]
    expect(len(lines) == 1 and lines[0]["level"] == "error", f"{lines}")
    for name, value in (("group", GROUP), ("topic", letter["topic"]), ("key", letter["key"]), ("attempts", ATTEMPTS), ("errorCode", letter["errorCode"])):
        expect(lines[0][name] == value, f"{name} in {lines[0]}")
    expect("Wisteria" not in failing.log() and "Heliotrope" not in failing.log(), "the log tells a name")
    until("readiness says so", lambda: checks_of(failing, "bus")["status"] == "degraded")
    expect(failing.health()[0] == 200, "degraded is no reason to send nobody")
    code, said, _ = operate(failing, "doctor")
    expect(code == 1 and f"dead letters: {GROUP} 1" in said and "show dead-letters" in said, f"{code} {said}")
    code, said, _ = operate(edge, "show", "dead-letters")
    expect(code == 0 and letter["id"] in said and letter["errorCode"] in said and "Wisteria" not in said, f"{code} {said}")


def goes_on(failing, admin, user_id, replay):
    change(failing, "DROP TRIGGER tasks_breaks")
    replay()
    until("the last name is known", lambda: name_of(failing, user_id).startswith("Heliotrope "))
    expect(admin.call("GET", "/dead-letters?count=true")["total"] == 0, "it is still listed")
    until("readiness is well again", lambda: checks_of(failing, "bus")["status"] == "ready")
    rename(admin, user_id, "Clara")
    until("the key goes on", lambda: name_of(failing, user_id).startswith("Clara "))


def audited(server):
    return change(server, "SELECT user_id IS NOT NULL, service, consumer_group FROM events_audit ORDER BY at")[0]


def ends_whole(server):
    expect(server.end() == 0, f"the server did not end well: {server.log()[-800:]}")
    code, said, _ = operate(server, "verify")
    expect(code == 0, f"verify: {code} {said}")


def in_one_process():
    with tempfile.TemporaryDirectory() as folder, Server(folder, **SETTINGS).start() as server:
        admin, clara = log_in(server, "admin"), log_in(server, "clara")
        until("the people are known", lambda: name_of(server, clara.user_id))
        letter = give_up(server, admin, clara.user_id)
        is_told(server, server, letter)
        for method, path in (("GET", "/dead-letters"), ("POST", f"/dead-letters/{letter['id']}/replay")):
            try:
                clara.call(method, path)
                raise AssertionError(f"{method} {path} is open to a consultant")
            except Refused as refused:
                expect(refused.status == 403, str(refused))

        def replay():
            code, _, said = operate(server, "replay", letter["id"])
            expect(code == 0, f"replay: {code} {said}")
        goes_on(server, admin, clara.user_id, replay)
        code, _, said = operate(server, "replay", letter["id"])
        expect(code == 1 and "events.dead-letter-not-found" in said, f"{code} {said}")
        expect(audited(server) == [(0, "operator", GROUP)], f"{audited(server)}")
        ends_whole(server)


def with_tasks_apart():
    with tempfile.TemporaryDirectory() as folder, Division(folder, apart("tasks"), **SETTINGS) as division:
        tasks, edge = division.one_with("tasks"), division.edge
        admin, clara = log_in(edge, "admin"), log_in(edge, "clara")
        until("the people are known", lambda: name_of(tasks, clara.user_id))
        letter = give_up(tasks, admin, clara.user_id)
        is_told(tasks, edge, letter)
        tasks.end(patience=PATIENCE)
        page = admin.call("GET", "/dead-letters")
        expect(page["items"] == [] and page["unreachable"] == ["tasks"], f"{page}")
        code, _, said = operate(edge, "show", "dead-letters")
        expect(code == 0 and "tasks does not answer" in said, f"{code} {said}")
        tasks.launch().wait_until_ready(PATIENCE)
        until("the list is whole again", lambda: admin.call("GET", f"/dead-letters?group={GROUP}")["items"])
        goes_on(tasks, admin, clara.user_id, lambda: admin.call("POST", f"/dead-letters/{letter['id']}/replay"))
        expect(audited(tasks) == [(1, "", GROUP)], f"{audited(tasks)}")
        for process in division.processes.values():
            ends_whole(process)


def main():
    report = Report()
    report.check("an event that always fails is told, listed, replayed, and its key goes on", in_one_process)
    report.check("the same with the service that fails in a process of its own", with_tasks_apart)
    sys.exit(1 if report.failed else 0)


if __name__ == "__main__":
    main()
