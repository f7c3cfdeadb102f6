#!/usr/bin/env python3
"""What a server tells of itself: after a consultation each family of docs/reference/metrics.md that the main job touches has its
value, labels are names of the program alone, and trouble shows in readiness and in `consilium doctor`."""
import http.client
import json
import os
import pathlib
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


def text_of(address, path="/metrics", accept=None):
    """Status, type and body."""
    connection = http.client.HTTPConnection(address, timeout=10)
    connection.request("GET", path, headers={"Accept": accept} if accept else {})
    answer = connection.getresponse()
    return answer.status, answer.getheader("Content-Type"), answer.read().decode()


class Exposition:
    """A strict reader of the text formats of Prometheus and OpenMetrics: what is not of the grammar is an AssertionError."""
    NUMBER = re.compile(r"[+-]?(Inf|NaN|[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?)")
    SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (\S+)')

    def __init__(self, text, open_metrics):
        self.families, self.samples, self.open_metrics = {}, {}, open_metrics
        expect(text.endswith("# EOF\n") == open_metrics and text.endswith("\n"), "its end")
        family = None
        for line in text.removesuffix("# EOF\n").splitlines():
            if line.startswith("# "):
                _, what, family, rest = line.split(" ", 3)
                expect(what in ("HELP", "TYPE", "UNIT"), line)
                told = self.families.setdefault(family, {})
                expect(what not in told and next(reversed(self.families)) == family, f"twice or torn apart: {line}")
                told[what] = rest
            else:
                self.sample(family, line)
        expect(all({"HELP", "TYPE"} <= told.keys() and told["TYPE"] in ("counter", "gauge", "histogram") for told in self.families.values()), "a family without help or type")
        self.check_histograms()

    def sample(self, family, line):
        match = self.SAMPLE.fullmatch(line)
        expect(match and self.NUMBER.fullmatch(match[3]), f"no sample: {line}")
        kind = self.families[family]["TYPE"]
        endings = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("_total",) if self.open_metrics else ("",), "gauge": ("",)}[kind]
        expect(match[1] in [family + ending for ending in endings], f"{line} is no sample of the {kind} {family}")
        labels = LABEL.findall(match[2] or "")
        expect(len({name for name, _ in labels}) == len(labels), f"a label twice: {line}")
        key = (match[1], tuple(labels))
        expect(key not in self.samples, f"a sample twice: {line}")
        self.samples[key] = float(match[3])
        expect(kind == "gauge" or self.samples[key] >= 0, f"a negative count: {line}")

    def check_histograms(self):
        series = {}
        for (name, labels), value in self.samples.items():
            if name.endswith("_bucket") and self.families.get(name[:-7], {}).get("TYPE") == "histogram":
                bound = float(dict(labels)["le"])
                series.setdefault((name[:-7], tuple(label for label in labels if label[0] != "le")), []).append((bound, value))
        for (family, labels), buckets in series.items():
            expect(buckets == sorted(buckets) and all(a[1] <= b[1] for a, b in zip(buckets, buckets[1:])), f"{family}{labels}: buckets do not rise: {buckets}")
            expect(buckets[-1][0] == float("inf") and buckets[-1][1] == self.samples[(family + "_count", labels)], f"{family}{labels}: its count is not that of +Inf")
        self.histograms = len(series)

    def rising(self):
        """Samples that may never fall."""
        kinds = {family + ending: told["TYPE"] for family, told in self.families.items()
                 for ending in {"counter": ("", "_total"), "histogram": ("_bucket", "_sum", "_count")}.get(told["TYPE"], ())}
        return {key: value for key, value in self.samples.items() if key[0] in kinds}


def the_format_holds(server):
    for accept, kind, open_metrics in ((None, "text/plain", False), ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text", True)):
        status, told, text = text_of(server.internal, accept=accept)
        expect(status == 200 and told.startswith(kind), f"{status} {told}")
        seen = Exposition(text, open_metrics)
        expect(len(seen.families) > 30 and seen.histograms > 10, f"{len(seen.families)} families, {seen.histograms} histograms")
        for broken in (text.replace("# TYPE consilium_ready gauge\n", ""), text + "consilium_ready 1\n", text.replace('le="+Inf"} ', 'le="+Inf"} 9'), text + "x{a=b} 1\n"):
            try:
                Exposition(broken, open_metrics)
            except (AssertionError, KeyError, IndexError):
                continue
            raise AssertionError("the reader accepts what is no exposition")


def two_scrapes_rise(server):
    before = Exposition(text_of(server.internal)[2], False).rising()
    for _ in range(5):
        http.client.HTTPConnection(server.address, timeout=10).request("GET", "/api/v1/openapi.json")
        Person(server.address, "anna").call("GET", "/users/me")
    after = Exposition(text_of(server.internal)[2], False).rising()
    fallen = [key for key, value in before.items() if after.get(key, -1) < value]
    expect(len(before) > 300 and not fallen, f"{len(before)} counts; fallen or gone: {fallen[:5]}")
    expect(sum(after[key] > before.get(key, 0) for key in after) > 20, "hardly anything rose")


def not_on_the_public_port(server):
    for path in ("/metrics", "/api/v1/metrics", "/metrics/reference", "/health/ready", "/topics/reference"):
        status, _, text = text_of(server.address, path)
        expect("consilium_" not in text and "# TYPE" not in text and '"checks"' not in text, f"{path} answers {status} {text[:200]}")
    expect(text_of(server.address, "/api/v1/metrics")[0] == 404, "a path of the API")


# They need trouble to have a value: P-1 and P-2 have tests of their own.
OF_TROUBLE = {"consilium_panics_total", "consilium_daemon_failures_total", "consilium_task_returns_total"}


def each_family_is_scraped(server):
    """Each family of the reference is declared, and after the main job has a value."""
    seen = Exposition(text_of(server.internal)[2], False)
    of_a_server, _, of_the_engine = (ROOT / "docs/reference/metrics.md").read_text().partition("`consilium engine`")
    expect("consilium_engine_connections" in of_the_engine, "no part about the engine alone")
    known = set(re.findall(r"^\| `([a-z_]+)`", of_a_server, re.MULTILINE))
    expect(len(known) > 30 and known == set(seen.families), f"declared or documented alone: {sorted(known ^ set(seen.families))}")
    valued = {name if name in known else re.sub(r"_(bucket|sum|count)$", "", name) for name, _ in seen.samples}
    expect(known - valued <= OF_TROUBLE, f"without a value: {sorted(known - valued - OF_TROUBLE)}")
    services = {dict(labels)["service"] for (name, labels) in seen.samples if name == "consilium_calls_total"}
    expect({"users", "sessions", "chat", "tasks"} <= services, f"calls of {services}")


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
    for name in ("consilium_assignments_total", "consilium_assignment_wait_seconds_count", "consilium_posts_total", "consilium_database_commits_total",
                 "consilium_database_writes_total", "consilium_database_reads_total", "consilium_database_commit_seconds_total"):
        expect(seen[(name, "")] > 0, f"{name} is {seen[(name, '')]}")
    for name in ("consilium_queue_length", "consilium_queue_longest_wait_seconds", "consilium_process_incidents", "consilium_process_commands_waiting",
                 "consilium_sockets_open", "consilium_sockets_slow_total", "consilium_socket_catch_ups_total", "consilium_process_instances",
                 "consilium_process_timers", "consilium_process_overdue", "consilium_process_journal_records"):
        expect((name, "") in seen, f"{name} is missing")
    expect(seen[("consilium_process_incidents", "")] == 0, "there is an incident")
    expect(seen[("consilium_sessions_issued_total", "")] >= 3 and seen[("consilium_sessions_open", "")] >= 0, "sessions are not counted")
    expect(seen[("consilium_tasks_closed_total", 'group="consultant",status="solved"')] >= 1, "the solved task is not counted")
    caches = {labels for name, labels in seen if name == "consilium_cache_entries"}
    expect(caches == {'cache="users"', 'cache="sessions"', 'cache="verified-tokens"'}, f"caches: {caches}")
    for name in ("consilium_cache_hits_total", "consilium_cache_misses_total"):
        expect(all(seen[(name, cache)] > 0 for cache in caches), f"{name} does not count")
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
    until("the open task is counted", lambda: sum(value for (name, labels), value in scrape(server).items() if name == "consilium_tasks_open" and 'group="consultant"' in labels) == 1)
    ended = lambda: scrape(server).get(("consilium_sessions_ended_total", 'reason="logout"'), 0)
    before, opened = ended(), Person(server.address, "anna")
    opened.call("DELETE", "/sessions/current")
    until("the end of a session is counted", lambda: ended() == before + 1)
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


def the_engine_alone():
    """`consilium engine` shows its own where it is told to, and nothing where it is not."""
    with tempfile.TemporaryDirectory() as folder:
        addresses = pathlib.Path(folder) / "run/addresses.json"
        words = [str(BINARY), "engine", "--listen", "127.0.0.1:0", "--data", folder]

        def started(*more):
            addresses.unlink(missing_ok=True)
            engine = subprocess.Popen([*words, *more], env=clean_environment(), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            until("an address", addresses.exists)
            return engine, json.loads(addresses.read_text())

        engine, told = started("--metrics-listen", "127.0.0.1:0")
        try:
            until("ready", lambda: text_of(told["internal"], "/health/ready")[0] == 200)
            seen = Exposition(text_of(told["internal"])[2], False)
            for family in ("consilium_process_instances", "consilium_process_journal_records", "consilium_database_syncs_total", "consilium_engine_connections",
                           "consilium_ready", "process_resident_memory_bytes"):
                expect(any(name == family for name, _ in seen.samples), f"{family} has no value")
            expect(text_of(told["internal"], "/health/live")[0] == 200 and text_of(told["internal"], "/topics/reference")[0] == 404, "other paths")
        finally:
            engine.terminate()
            expect(engine.wait(30) == 0, f"it ended with {engine.returncode}")
        engine, told = started()
        engine.terminate()
        expect(engine.wait(30) == 0 and "internal" not in told, f"{told}")


def main():
    report = Report()
    with tempfile.TemporaryDirectory() as folder, Server(folder) as server:
        server.start()
        for name, test in (("M-1 metrics after a consultation", after_a_consultation),
                           ("M-1 returns and who waits", returns), ("M-1 each family is scraped after a consultation", each_family_is_scraped),
                           ("M-1 labels are bounded and hold no ids", labels_are_bounded),
                           ("PR-1 the format holds, in both forms", the_format_holds), ("PR-1 two scrapes rise", two_scrapes_rise),
                           ("PR-1 nothing of it on the public port", not_on_the_public_port), ("DO-2 the reference of metrics is complete", reference_is_complete), ("doctor asks the running server", doctor_asks_the_server)):
            report.check(name, lambda test=test: test(server))
    report.check("little room left: degraded, and serves", little_room)
    report.check("metrics and health of the engine alone", the_engine_alone)
    sys.exit(1 if report.failed else 0)


if __name__ == "__main__":
    main()
