#!/usr/bin/env python3
"""How fast the real program starts on the folder of years, and what memory it takes there.

big_folder_bench.py [--people 10000] [--tasks 100000] [--posts 1000000] [--waiting 1000] [--rounds 5]

The folder is made once. A round: the server runs on it, people ask so that the log holds what no checkpoint has moved, it is killed
with -9 and started again: the time from exec until /health/ready answers 200, then at once a login and a post must succeed.
"""
import argparse
import pathlib
import signal
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from posts_bench import SETTINGS, make_folder  # noqa: E402
from server import Person, Server, expect  # noqa: E402
from start_bench import resident_mb, start_ms  # noqa: E402

SETTLE_SECONDS = 5


def post_as(server, name):
    person = Person(server.address, name)
    channel = person.call("GET", "/channels")["items"][0]["id"]
    person.call("POST", f"/channels/{channel}/posts", {"text": "zqx wvk plm"})


def check_numbers(server, options):
    admin = Person(server.address, "admin")
    tasks = admin.call("GET", "/tasks?limit=1&count=true")["total"]
    expect(tasks >= options.tasks + options.waiting, f"the folder has {tasks} tasks only")
    waiting = admin.call("GET", "/processes/instances?state=active&limit=200")["items"]
    expect(len(waiting) == min(200, options.waiting), f"{len(waiting)} cases wait")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--posts", type=int, default=1_000_000)
    parser.add_argument("--waiting", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    consultants = max(1, options.people // 100)
    starts, memory = [], []
    with tempfile.TemporaryDirectory() as folder:
        make_folder(folder, clients=options.people - consultants, consultants=consultants, waiting=options.waiting, closed=options.tasks, posts=options.posts)
        size = (pathlib.Path(folder) / "data/consilium.db").stat().st_size
        print(f"the database has {size / 2**20:.0f} MB", flush=True)
        with Server(folder, demo=False, **SETTINGS) as server:
            server.start()
            check_numbers(server, options)
            for number in range(options.rounds):
                post_as(server, f"load.client.{options.waiting + 1 + number}")
                server.end(signal.SIGKILL)
                starts.append(start_ms(server))
                post_as(server, f"load.client.{options.waiting + 1 + options.rounds + number}")
                time.sleep(SETTLE_SECONDS)
                memory.append(resident_mb(server))
                print(f"ready after {starts[-1]:.0f} ms, then a login and a post; {memory[-1]:.1f} MB resident", flush=True)
    print(f"start after kill -9 to ready: median {statistics.median(starts):.0f} ms of {options.rounds}; resident: median {statistics.median(memory):.1f} MB")


main()
