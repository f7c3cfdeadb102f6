#!/usr/bin/env python3
"""How fast the real program starts and how much memory it takes then.

start_bench.py [--rounds R]: starts build/release/consilium on an empty temporary folder, kills it, starts it again; prints medians.
"""
import argparse
import pathlib
import signal
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from server import Server  # noqa: E402

QUIET = {"CONSILIUM_LOG_LEVEL": "warn"}


def start_ms(server):
    began = time.monotonic()
    server.start(look_every=0.002)
    return (time.monotonic() - began) * 1000


def resident_mb(server):
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def measure_start(rounds):
    fresh, again, memory, plain, plain_again = [], [], [], [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder, Server(folder, **QUIET) as server:
            fresh.append(start_ms(server))
            time.sleep(1)
            memory.append(resident_mb(server))
            server.end(signal.SIGKILL)
            again.append(start_ms(server))
            server.end()
        with tempfile.TemporaryDirectory() as folder, Server(folder, demo=False, **QUIET) as server:
            plain.append(start_ms(server))
            server.end(signal.SIGKILL)
            plain_again.append(start_ms(server))
            server.end()
    print(f"start of an empty folder to ready: median {statistics.median(plain):.0f} ms of {rounds}")
    print(f"start after kill -9 to ready: median {statistics.median(plain_again):.0f} ms of {rounds}")
    print(f"start of an empty folder with demo people to ready: median {statistics.median(fresh):.0f} ms of {rounds}")
    print(f"start after kill -9 to ready, demo passwords set anew: median {statistics.median(again):.0f} ms of {rounds}")
    print(f"resident after the start: median {statistics.median(memory):.1f} MB")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    measure_start(options.rounds)


if __name__ == "__main__":
    main()
