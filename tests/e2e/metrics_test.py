#!/usr/bin/env python3
"""What a server tells of itself: after a consultation each family of docs/reference/metrics.md that the main job touches has its
value, labels are names of the program alone, and trouble shows in readiness and in `consilium doctor`."""
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import time

from server import BINARY, PASSWORD, ROOT, Person, Report, Server, clean_environment, expect

PATIENCE = 60
SAMPLE = re.compile(r"^([a-z_]+)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'([a-z_]+)="([^"]*)"')


def scrape(server):
    """{(name, labels as text): value}"""
    connection = http.client.HTTPConnection(server.internal, timeout=10)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    found = (SAMPLE.match(line) for line in text.splitlines() if not line.startswith("#"))
    return {(sample[1], sample[2] or ""): float(sample[3]) for sample in found}


def until(what, look):
    end = time.monotonic() + PATIENCE
    while not look():
        expect(time.monotonic() < end, f"{what}: not within {PATIENCE} s")
        time.sleep(0.1)


def play_demo(server):
    done = subprocess.run([str(BINARY), "demo", "--url", server.url, "--password", PASSWORD], env=clean_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=120)
    expect(done.returncode == 0, f"the demo ended with {done.returncode}: {done.stderr[-600:]}")


def after_a_consultation(server):
    play_demo(server)
    until("the figures are shown", lambda: scrape(server).get(("consilium_process_jobs_total", 'type="st-create-chat-user",outcome="completed"'), 0) > 0
          and scrape(server).get(("consilium_posts_total", ""), 0) > 0)
    seen = scrape(server)
    for name in ("consilium_assignments_total", "consilium_assignment_wait_seconds_count", "consilium_posts_total"):
        expect(seen[(name, "")] >= 1, f"{name} is {seen[(name, '')]}")
    for name in ("consilium_queue_length", "consilium_queue_longest_wait_seconds", "consilium_process_incidents", "consilium_process_commands_waiting",
                 "consilium_sockets_open", "consilium_sockets_slow_total", "consilium_socket_catch_ups_total", "consilium_process_instances",
                 "consilium_process_timers", "consilium_process_overdue", "consilium_process_journal_records"):
        expect((name, "") in seen, f"{name} is missing")
    expect(seen[("consilium_process_incidents", "")] == 0, "there is an incident")
    groups = {labels for name, labels in seen if name == "consilium_bus_lag_events"}
    expect('group="tasks.notices"' in groups and len(groups) >= 8, f"groups: {groups}")
    expect(seen[("consilium_bus_handled_total", 'group="tasks.notices"')] >= 4, "tasks.notices handled too few")
    for name in ("consilium_bus_dead_letters", "consilium_bus_parked", "consilium_bus_lag_seconds"):
        expect(all((name, labels) in seen for labels in groups), f"{name} is missing for a group")


def returns(server):
    """A consultant gives a task back: the cause is counted, the one who waits is shown."""
    client, consultant = Person(server.address, "anna"), Person(server.address, "clara")
    from page import Page
    page = Page(consultant)
    until("online", lambda: consultant.call("PUT", "/users/me/presence", {"status": "online"})["effective"] == "online")
    channel = client.call("GET", "/channels")["items"][0]["id"]
    client.call("POST", f"/channels/{channel}/posts", {"text": "Zqx, and what now?", "clientId": "metrics-1"})
    mine = []
    until("assigned", lambda: mine.extend(consultant.call("GET", f"/tasks?status=open&reporterUserId={client.user_id}")["items"]) or mine and mine[-1]["assignee"].get("userId") == consultant.user_id)
    consultant.call("POST", f"/tasks/{mine[-1]['id']}/transitions/return", {"reason": "Not my field"})
    until("the return is counted", lambda: scrape(server).get(("consilium_task_returns_total", 'cause="returned"'), 0) == 1)
    until("somebody waits", lambda: scrape(server).get(("consilium_queue_length", "")) == 1 and scrape(server)[("consilium_queue_longest_wait_seconds", "")] > 0)
    page.close()


def labels_are_bounded(server):
    """No id, no text of people; and no family with more than 2,000 combinations."""
    counts = {}
    for name, labels in scrape(server):
        counts[name] = counts.get(name, 0) + 1
        for label, value in LABEL.findall(labels):
            expect(not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-|Zq|Anna|Clara|anna|clara", value), f"{name}: {label}={value}")
            expect(len(value) <= 128, f"{name}: {label} is long")
    most = max(counts, key=counts.get)
    expect(counts[most] <= 2000, f"{most} has {counts[most]} series")


def reference_is_complete(server):
    known = set(re.findall(r"^\| `([a-z_]+)`", (ROOT / "docs/reference/metrics.md").read_text(), re.MULTILINE))
    shown = {re.sub(r"_(bucket|sum|count)$", "", name) if name not in known else name for name, _ in scrape(server)}
    expect(shown <= known, f"not in the reference: {sorted(shown - known)}")


def doctor(server, expected):
    done = subprocess.run([str(BINARY), "doctor", "--json", "--data", str(server.folder / "data")], env=clean_environment(**server.settings), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60)
    expect(done.returncode == expected, f"doctor ended with {done.returncode}: {done.stdout} {done.stderr}")
    return {check["check"]: check for check in json.loads(done.stdout)}


def doctor_asks_the_server(server):
    checks = doctor(server, 0)
    for name in ("server.store", "server.workers", "server.bus", "server.disk", "server.incidents"):
        expect(checks[name]["state"] == "ok", f"{name}: {checks.get(name)}")


def little_room():
    """More than the reserve is free, but not twice as much: it serves, and says that somebody should look."""
    with tempfile.TemporaryDirectory() as folder:
        room = os.statvfs(folder)
        reserve = room.f_bavail * room.f_frsize * 7 // 10
        with Server(folder, demo=True, CONSILIUM_DATABASE_RESERVE=f"{reserve >> 20}MB") as server:
            server.start()
            until("degraded", lambda: server.health()[1]["status"] == "degraded")
            status, body = server.health()
            expect(status == 200, f"{status} {body}")
            wrong = {check["name"]: check.get("reason", "") for check in body["checks"] if check["status"] != "ready"}
            expect(list(wrong) == ["disk"] and "MiB left" in wrong["disk"], f"{wrong}")
            expect(scrape(server)[("consilium_dependency_degraded", 'name="disk"')] == 1, "no metric of it")
            expect(doctor(server, 1)["server.disk"]["state"] == "wrong", "doctor does not see it")


def main():
    report = Report()
    with tempfile.TemporaryDirectory() as folder, Server(folder) as server:
        server.start()
        for name, test in (("metrics after a consultation", after_a_consultation), ("returns and who waits", returns), ("labels are bounded", labels_are_bounded),
                           ("the reference is complete", reference_is_complete), ("doctor asks the running server", doctor_asks_the_server)):
            report.check(name, lambda test=test: test(server))
    report.check("little room left: degraded, and serves", little_room)
    sys.exit(1 if report.failed else 0)


if __name__ == "__main__":
    main()
