#!/usr/bin/env python3
"""What an idle socket costs: many people, each with a session and a socket of their own.

idle_sockets_bench.py [--sockets 10000] [--rounds 2]: resident memory of the server before and after, once all have sent `rounds` pings.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from posts_bench import SETTINGS, make_folder  # noqa: E402
from server import BINARY, Server, expect  # noqa: E402
from start_bench import resident_mb  # noqa: E402


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sockets", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        people = make_folder(folder, clients=options.sockets)
        with Server(folder, demo=False, **SETTINGS) as server:
            server.start()
            before = resident_mb(server)
            words = ["--url", server.url, "--people", str(people), "--server", str(server.process.pid), "--writers", "0", "--rounds", str(options.rounds)]
            crowd = subprocess.Popen([str(BINARY.parent / "posts_load"), *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            result = json.loads(crowd.stdout.readline())
            expect(not result["failure"], result["failure"])
            after = resident_mb(server)
            crowd.communicate("\n")
    print(f"{before:.1f} MB resident before, {after:.1f} MB with {options.sockets} sockets, each with its own session, after {options.rounds} rounds of keep-alive: "
          f"{(after - before) * 1024 / options.sockets:.1f} KB a socket")


main()
