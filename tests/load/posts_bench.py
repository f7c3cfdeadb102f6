#!/usr/bin/env python3
"""Posts a second of the real program, durable, each received by every member of its channel on an open socket.

posts_bench.py [--writers 64] [--channels 1000] [--members 3] [--seconds 30] [--rounds 3]

A round: a folder with the people, each with a session; a server on it; every person opens a socket; each writer posts as a
random member of a random channel and goes on when the post is answered and all members were told. Cases are open in all channels,
so that a post of a client goes the way that it goes in a consultation.
"""
import argparse
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from server import BINARY, Server, clean_environment, expect  # noqa: E402

SETTINGS = {
    "CONSILIUM_LIMITS_POSTS__PER__SECOND": "100",
    "CONSILIUM_LOG_LEVEL": "warn",
    "CONSILIUM_NOTICES_WAITING": "1d",
    "CONSILIUM_SESSIONS_ISSUER": "http://127.0.0.1:8080",  # as in the tokens of the folder
}


def make_folder(folder, **counts):
    """A data folder as load_folder makes it, and the file of its people."""
    people = pathlib.Path(folder) / "people.json"
    words = [word for name, value in counts.items() for word in (f"--{name}", str(value))]
    done = subprocess.run([str(BINARY.parent / "load_folder"), "--data", str(pathlib.Path(folder) / "data"), "--people", str(people), *words],
                          capture_output=True, text=True, env=clean_environment())
    expect(done.returncode == 0, f"no folder was made: {done.stderr[-1000:]}")
    return people


def load(server, people, *words):
    played = subprocess.run([str(BINARY.parent / "posts_load"), "--url", server.url, "--people", str(people), "--server", str(server.process.pid), *words],
                            capture_output=True, text=True)
    expect(played.stdout, f"the load said nothing: {played.stderr}")
    result = json.loads(played.stdout)
    expect(not result["failure"], f"{result['failure']}\n{server.log()[-3000:]}")
    return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--writers", type=int, default=64)
    parser.add_argument("--channels", type=int, default=1000)
    parser.add_argument("--members", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    others = options.members - 1
    rates = []
    with tempfile.TemporaryDirectory() as made:
        people = make_folder(made, clients=options.channels, consultants=options.channels * others, members=others, waiting=options.channels)
        for _ in range(options.rounds):
            with tempfile.TemporaryDirectory() as folder, Server(folder, demo=False, **SETTINGS) as server:
                shutil.copytree(pathlib.Path(made) / "data", pathlib.Path(folder) / "data")
                server.start()
                result = load(server, people, "--writers", str(options.writers), "--seconds", str(options.seconds))
                rates.append(result["posts"] / options.seconds)
                print(f"{result['posts']} posts, {rates[-1]:.0f} a second; until all have it: p50 {result['p50Ms']:.1f} ms, p99 {result['p99Ms']:.1f} ms; "
                      f"until it is answered: p50 {result['answeredP50Ms']:.1f} ms; the server used "
                      f"{1000 * result['serverProcessorSeconds'] / max(1, result['posts']):.3f} ms of processor each", flush=True)
    print(f"median of {options.rounds}: {statistics.median(rates):.0f} posts a second, each received by {options.members}")


if __name__ == "__main__":
    main()
