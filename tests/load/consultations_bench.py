#!/usr/bin/env python3
"""Consultations a second of the real program, durable, over its public API, and what is left of them after kill -9.

consultations_bench.py [--clients 64] [--consultants 16] [--seconds 30] [--rounds 3]

A round: a server on an empty folder; people are added and logged in before the clock; `consultations_load` plays whole
consultations; the server is killed with -9 and started again; the public API must show exactly as many closed tasks, feedbacks,
messages and ended process instances, and no open task, else the round is void and the command fails.
"""
import argparse
import concurrent.futures
import http.client
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from server import BINARY, PASSWORD, Person, Server, expect, pages  # noqa: E402

LOAD = BINARY.parent / "consultations_load"
MESSAGES = 5  # of people, in one consultation: the question and two each way
SETTINGS = {
    "CONSILIUM_ASSIGNMENT_OPEN__TASKS": "8",
    "CONSILIUM_LIMITS_LOGINS__PER__MINUTE": "10000",
    "CONSILIUM_LIMITS_POSTS__PER__SECOND": "100",
    "CONSILIUM_SESSIONS_ACCESS__TOKEN": "1h",
    "CONSILIUM_LOG_LEVEL": "warn",
}


def add_people(server, clients, consultants):
    names = {"clients": [f"load.client.{i}" for i in range(clients)], "consultants": [f"load.consultant.{i}" for i in range(consultants)]}
    admin = Person(server.address, "admin")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        tokens = list(pool.map(lambda who: server.add_person(*who), [(name, group[:-1]) for group in names for name in names[group]]))
    for token in tokens:
        admin.call("POST", "/passwords", {"token": token, "password": PASSWORD})
    return names


def check_remains(server, clients, expected):
    """The public API of a server that was started after the kill."""
    admin = Person(server.address, "admin")
    tasks = [task for task in pages(admin, "/tasks") if task["type"]["type"] == "client"]
    closed = [task for task in tasks if task["status"] == "closed"]
    expect(len(closed) == len(tasks) == expected, f"expected {expected} tasks, all closed, found {len(tasks)} and {len(closed)}")
    answered = [task for task in closed if task.get("feedback", {}).get("answer") == "yes"]
    expect(len(answered) == expected, f"expected {expected} feedbacks, found {len(answered)}")
    ended = {instance["key"] for instance in pages(admin, "/processes/instances?state=completed")}
    missing = [task["number"] for task in closed if task["processInstance"] not in ended]
    expect(not missing, f"processes of {missing[:5]} have not completed")
    said = 0
    for name in clients:
        client = Person(server.address, name)
        said += sum(1 for channel in pages(client, "/channels") for post in pages(client, f"/channels/{channel['id']}/posts") if post["authorKind"] == "user")
    expect(said == expected * MESSAGES, f"expected {expected * MESSAGES} messages, found {said}")


def syncs_of(server):
    """Syncs of database and log since the server was started."""
    connection = http.client.HTTPConnection(server.internal, timeout=10)
    connection.request("GET", "/metrics")
    lines = connection.getresponse().read().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("consilium_database_syncs_total"))


def play_round(options):
    with tempfile.TemporaryDirectory() as folder, Server(folder, **SETTINGS) as server:
        server.start()
        names = add_people(server, options.clients, options.consultants)
        people = pathlib.Path(folder) / "people.json"
        people.write_text(json.dumps(names))
        played = subprocess.run([str(LOAD), "--url", server.url, "--people", str(people), "--seconds", str(options.seconds), "--server", str(server.process.pid)],
                                capture_output=True, text=True, env=dict(os.environ, LOAD_PASSWORD=PASSWORD))
        expect(played.stdout, f"the load said nothing: {played.stderr}")
        result = json.loads(played.stdout)
        result["syncs"] = syncs_of(server)
        expect(not result["failure"], f"{result['failure']}\n{server.log()[-3000:]}")
        server.end(signal.SIGKILL)
        server.start()
        check_remains(server, names["clients"], result["consultations"])
        return result


def tell(result, seconds):
    rate = result["consultations"] / seconds
    print(f"{result['consultations']} consultations, {rate:.1f} a second; the server used {1000 * result['serverProcessorSeconds'] / max(1, result['consultations']):.2f} ms of processor each; "
          f"{result['syncs']:.0f} syncs; a minute: {result['perMinute']}; all found again after kill -9")
    for name, step in sorted(result["steps"].items()):
        print(f"  {name:52} p50 {step['p50Ms']:8.1f} ms   p99 {step['p99Ms']:8.1f} ms   {step['count']} times", flush=True)
    return rate


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--consultants", type=int, default=16)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    rates = [tell(play_round(options), options.seconds) for _ in range(options.rounds)]
    print(f"median of {options.rounds}: {statistics.median(rates):.1f} consultations a second")


main()
