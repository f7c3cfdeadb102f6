#!/usr/bin/env python3
"""How fast the real program starts and how much memory it takes then.

start_bench.py [--rounds R]: starts build/release/consilium on an empty temporary folder, kills it, starts it again; prints medians.
"""
import argparse
import http.client
import json
import os
import pathlib
import signal
import statistics
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PASSWORD = "a-bench-password-1"


class Server:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        environment = dict(os.environ, CONSILIUM_DEMO_PASSWORD=PASSWORD, CONSILIUM_INTERNAL_LISTEN="127.0.0.1:0", CONSILIUM_LOG_LEVEL="warn")
        began = time.monotonic()
        self.process = subprocess.Popen([ROOT / "build/release/consilium", "serve", "--demo", "--data", folder, "--listen", "127.0.0.1:0"], env=environment,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        addresses = self.folder / "run/addresses.json"
        while True:
            try:
                found = json.loads(addresses.read_text())
                self.address = found["http"]
                connection = http.client.HTTPConnection(found["internal"], timeout=5)
                connection.request("GET", "/health/ready")
                if connection.getresponse().status == 200:
                    break
            except (OSError, ValueError, KeyError, http.client.HTTPException):
                pass
            if self.process.poll() is not None:
                raise SystemExit("the server ended")
            time.sleep(0.002)
        self.start_seconds = time.monotonic() - began

    def resident_mb(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(30)


def measure_start(rounds):
    fresh, again, memory = [], [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            first = Server(folder)
            fresh.append(first.start_seconds * 1000)
            time.sleep(1)
            memory.append(first.resident_mb())
            first.stop(signal.SIGKILL)
            second = Server(folder)
            again.append(second.start_seconds * 1000)
            second.stop()
    print(f"start of an empty folder with demo people to ready: median {statistics.median(fresh):.0f} ms of {rounds}")
    print(f"start after kill -9 to ready, demo passwords set anew: median {statistics.median(again):.0f} ms of {rounds}")
    print(f"resident after the start: median {statistics.median(memory):.1f} MB")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    measure_start(options.rounds)


main()
