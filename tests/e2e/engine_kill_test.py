#!/usr/bin/env python3
"""`consilium engine` is killed with -9 under load, again and again on one folder: each instance whose end a client was told of is in the
database after the next start. Killed, the database knows less than the clients do, and the log has the rest; without the log that must be
missed, or this test proves nothing.

engine_kill_test.py [--rounds 4] [--seed N]   (./dev chaos: 50 rounds)"""
import argparse
import contextlib
import json
import os
import pathlib
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

from server import BINARY, Report, clean_environment, expect

LOAD = BINARY.parent / "engine_load"
ROWS = ("start-end", "task", "message")
CLIENTS = (1, 16, 64)
PATIENCE = 60
LONGEST = 20  # seconds of load, should it not be killed


def ended_in(folder):
    with contextlib.closing(sqlite3.connect(f"file:{folder}/consilium.db?mode=ro", uri=True)) as stored:
        return stored.execute("SELECT count(*) FROM processes_instance").fetchone()[0]


class Engine:
    def __init__(self, folder):
        self.process = subprocess.Popen([str(BINARY), "engine", "--listen", "127.0.0.1:0", "--data", str(folder)], env=clean_environment(),
                                        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        said = self.process.stderr.readline()
        expect("listens on" in said, f"it did not start: {said}{'' if said else self.process.communicate()}")
        self.address = json.loads((folder / "run/addresses.json").read_text())["engine"]

    def end(self, how):
        how(self.process)
        self.process.communicate(timeout=PATIENCE)


def after_a_start(folder):
    """How many have ended once everything is in the database: the engine closes in order."""
    Engine(folder).end(subprocess.Popen.terminate)
    return ended_in(folder)


def one_life(folder, chance):
    """What clients were told in it."""
    engine = Engine(folder)
    words = ["--gateway", engine.address, "--row", chance.choice(ROWS), "--clients", str(chance.choice(CLIENTS)), "--seconds", str(LONGEST), "--warm", "0"]
    load = subprocess.Popen([str(LOAD), *words, "--server", str(engine.process.pid)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    time.sleep(chance.uniform(0.3, 1.5))
    engine.end(subprocess.Popen.kill)
    said, _ = load.communicate(timeout=PATIENCE)
    expect(said, f"the load said nothing: {words}")
    return json.loads(said)["verified"]


def kills(root, rounds, seed):
    chance = random.Random(seed)
    folder = root / "data"
    told = missed = known = 0
    for number in range(rounds):
        before = after_a_start(folder)
        told = one_life(folder, chance)
        known += told
        trailing = ended_in(folder)
        without = root / "without"
        shutil.copytree(folder, without, ignore=shutil.ignore_patterns("*-log", "lock"))
        missed += after_a_start(without) < before + told
        shutil.rmtree(without)
        after = after_a_start(folder)
        expect(after >= before + told, f"--seed {seed}, kill {number + 1}: clients were told of {told}, {after - before} are there ({trailing - before} before the start)")
    expect(known > 0, "nothing was acknowledged")
    expect(missed > 0, f"--seed {seed}: the log held nothing in {rounds} kills, so nothing was proved")
    with contextlib.closing(sqlite3.connect(folder / "consilium.db")) as stored:
        expect(stored.execute("PRAGMA integrity_check").fetchone() == ("ok",), "the database is damaged")
        expect(stored.execute("SELECT count(*) FROM processes_journal").fetchone() == (0,), "an engine that closed leaves no journal")
    print(f"{known} ends told to clients in {rounds} lives, none lost; without the log {missed} lives had lost some", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    wanted = parser.parse_args()
    report = Report()
    with tempfile.TemporaryDirectory(prefix="consilium-engine-kill-") as root:
        report.check("the engine killed under load loses nothing that it told", lambda: kills(pathlib.Path(root), wanted.rounds, wanted.seed))
    sys.exit(1 if report.failed else 0)


if __name__ == "__main__":
    main()
