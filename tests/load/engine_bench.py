#!/usr/bin/env python3
"""The process engine (`consilium engine`) against the real Zeebe broker: the same models, the same light client, in turn.

engine_bench.py [--rounds 3] [--seconds 8] [--warm 75 of Zeebe] [--engines consilium,zeebe] [--rows start-end,task,…] [--keep FILE]
engine_bench.py --waiting 100000    memory of instances that wait for a message, and the first message after kill -9
engine_bench.py --history 1000000   what an instance costs at the start and after so many

Each engine starts on an empty folder: how long that takes and what it holds idle. Then both are warmed and stay, and a round is each
row of one and the other in turn. Both flush each commit; syncs are counted by the kernel's tracepoints (`perf`, when it is there). Each instance's end is verified by the client. `--keep`
adds the rounds to those of earlier runs in a file, and prints the medians of all.
"""
import argparse
import contextlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "e2e"), str(TESTS / "peers")]
from ports import free_ports  # noqa: E402
from server import BINARY, clean_environment, expect  # noqa: E402
import zeebe  # noqa: E402

CLIENTS = (1, 16, 64)
ROWS = [("start-end", clients, {}) for clients in CLIENTS] + [("task", clients, {"worker": "poll"}) for clients in CLIENTS]
ROWS += [("task", 64, {"worker": "stream"})] + [("message", clients, {}) for clients in CLIENTS]
OUR_WARM_UP = 10  # seconds; nothing is compiled
SYNCS = "syscalls:sys_enter_fsync,syscalls:sys_enter_fdatasync,syscalls:sys_enter_msync"


class Ours:
    name = "consilium"

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="consilium-engine-")
        self.process = None

    def start(self):
        """The time of day of exec."""
        self.gateway, self.metrics = (f"127.0.0.1:{port}" for port in free_ports(2))
        begun = time.time()
        with open(pathlib.Path(self.folder) / "engine.log", "ab") as log:
            self.process = subprocess.Popen([str(BINARY), "engine", "--listen", self.gateway, "--data", f"{self.folder}/data", "--metrics-listen", self.metrics], env=clean_environment(),
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return begun

    @property
    def pid(self):
        return self.process.pid

    def log_commits(self):
        """Syncs that are no calls of their own: writes to the log, which is open with O_DSYNC."""
        with urllib.request.urlopen(f"http://{self.metrics}/metrics", timeout=10) as answer:
            return int(float(re.search(r"^consilium_engine_log_commits_total (\S+)$", answer.read().decode(), re.MULTILINE)[1]))

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(60)

    def close(self):
        if self.process and self.process.poll() is None:
            self.end(signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)


class Theirs:
    name = "zeebe"

    def __init__(self):
        self.broker = zeebe.Broker()

    def start(self):
        begun = time.time()
        self.broker.start()
        self.gateway = self.broker.gateway
        return begun

    @property
    def pid(self):
        # The start script execs Java, or is its parent.
        children = pathlib.Path(f"/proc/{self.broker.process.pid}/task/{self.broker.process.pid}/children").read_text().split()
        return int(children[0]) if children else self.broker.process.pid

    def log_commits(self):
        return 0

    def close(self):
        self.broker.stop()


def load(engine, row, **options):
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    done = subprocess.run([str(BINARY.parent / "engine_load"), "--gateway", engine.gateway, "--row", row, "--server", str(engine.pid), *words],
                          capture_output=True, text=True)
    expect(done.stdout, f"the load said nothing: {done.stderr}")
    result = json.loads(done.stdout)
    expect(not result["failure"], f"{engine.name} {row} {options}: {result['failure']}")
    return result


def memory_of(process):
    """Megabytes: all that is resident, and what of it is no file's."""
    lines = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{process}/status").read_text().splitlines() if ":" in line)
    return {"residentMb": int(lines["VmRSS"].split()[0]) / 1024, "anonymousMb": int(lines["RssAnon"].split()[0]) / 1024}


@contextlib.contextmanager
def counted_syncs(engine, found):
    """Puts into `found` how often the engine asked the kernel to sync; nothing where perf is not."""
    if not shutil.which("perf"):
        yield
        return
    with tempfile.NamedTemporaryFile("r") as told:
        counter = subprocess.Popen(["perf", "stat", "-x", ",", "-o", told.name, "-e", SYNCS, "-p", str(engine.pid)], stderr=subprocess.DEVNULL)
        try:
            time.sleep(0.3)
            before = engine.log_commits()
            yield
            written = engine.log_commits() - before
        finally:
            counter.send_signal(signal.SIGINT)
            counter.wait()
        counts = [line.split(",")[0] for line in told.read().splitlines() if "sys_enter" in line]
        if counts and all(count.isdigit() for count in counts):
            found["syncs"] = sum(int(count) for count in counts) + written


def measured(engine, row, clients, seconds, more):
    found = {}
    with counted_syncs(engine, found):
        result = load(engine, row, clients=clients, seconds=seconds, warm=0, **more)
    if "syncs" in found:
        result["instancesPerSync"] = result["verified"] / max(1, found["syncs"])
    used = 1000 * result["serverProcessorSeconds"] / max(1, result["instances"])
    print(f"  {engine.name:9} {name_of(row, clients, more):34} {result['perSecond']:8.0f}/s  p50 {result['p50Ms']:7.2f} ms  p99 {result['p99Ms']:7.2f} ms  "
          f"{used:6.3f} ms of processor each, {result.get('instancesPerSync', 0):.2f} instances a sync", *([result["refusals"]] if result["refusals"] else []), flush=True)
    return result


def by_zeebe_node(engine, seconds):
    """start-end at 64 by an unmodified client, whose own cost is most of it."""
    folder = TESTS / "conformance/zeebe_node"
    if not (folder / "node_modules").exists():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder, check=True)
    done = subprocess.run(["node", str(TESTS / "load/engine_node_load.mjs"), engine.gateway, "64", str(seconds)], capture_output=True, text=True)
    expect(done.returncode == 0, f"{engine.name} by zeebe-node: {done.stderr[-1000:]}")
    result = json.loads(done.stdout)
    print(f"  {engine.name:9} {'start-end by zeebe-node, 64 at once':34} {result['perSecond']:8.0f}/s  p50 {result['p50Ms']:7.2f} ms  p99 {result['p99Ms']:7.2f} ms", flush=True)
    return result


def name_of(row, clients, more):
    return f"{row} {more.get('worker', '')}".strip() + (f", {more['rate']}/s open loop" if "rate" in more else f", {clients} clients")


def warm_up(engine, seconds):
    """At what it is measured at later: Zeebe's code is compiled then, and our log has its size."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for row, _, more in ROWS:
            if time.monotonic() < end and not (engine.name == "zeebe" and more.get("worker") == "stream"):  # it may break there
                load(engine, row, clients=64, seconds=min(5, max(1, int((end - time.monotonic()) / 4))), **more)


def opened(engine, options):
    """Started, looked at while it is idle, and warm."""
    begun = engine.start()
    first = load(engine, "ready")
    time.sleep(5)
    figures = {"startMs": 1000 * (first["answeredAt"] - begun), "idle": memory_of(engine.pid)}
    print(f"  {engine.name:9} answered {figures['startMs']:.0f} ms after exec; idle: {figures['idle']['anonymousMb']:.1f} MB anonymous, {figures['idle']['residentMb']:.1f} MB resident", flush=True)
    warm_up(engine, options.warm if engine.name == "zeebe" else min(options.warm, OUR_WARM_UP))
    return figures


def measured_or_told(engine, what, measure):
    """A row that the other engine does not get through is told, and the next goes on."""
    try:
        return measure()
    except (AssertionError, OSError) as failure:
        if engine.name != "zeebe":
            raise
        print(f"  {engine.name:9} {what:34} fails: {str(failure)[:300]}", flush=True)
        return None


def one_round(engines, rows, options):
    """Each row of each engine in turn; Zeebe first, as its greatest rate is what both are asked for in the open loop."""
    figures = {engine.name: {"rows": {}} for engine in engines}
    for row, clients, more in rows:
        for engine in engines:
            name = name_of(row, clients, more)
            figures[engine.name]["rows"][name] = measured_or_told(engine, name, lambda: measured(engine, row, clients, options.seconds, more))
    rates = [int(result["perSecond"]) for name, result in figures[engines[0].name]["rows"].items() if result and name.startswith("start-end")]
    for engine in engines:
        if rates:
            open_loop = {"rate": max(rates)}
            figures[engine.name]["open"] = measured_or_told(engine, name_of("start-end", 64, open_loop), lambda: measured(engine, "start-end", 64, options.seconds, open_loop))
        if options.node:
            figures[engine.name]["node"] = measured_or_told(engine, "start-end by zeebe-node", lambda: by_zeebe_node(engine, options.seconds))
        figures[engine.name]["loaded"] = measured_or_told(engine, "memory after the load", lambda: memory_of(engine.pid))
    return figures


def medians(rounds, engine, *path):
    values = []
    for one in rounds:
        value = one.get(engine)
        for name in path:
            value = None if value is None else value.get(name)
        if value is not None:
            values.append(value)
    return (statistics.median(values), min(values), max(values)) if values else None


def told(found, digits=0):
    return "–" if found is None else f"{found[0]:,.{digits}f} ({found[1]:,.{digits}f}–{found[2]:,.{digits}f})"


def table(rounds):
    names = list(dict.fromkeys(name for one in rounds for engine in one.values() for name in engine["rows"]))
    print(f"\n| medians of {len(rounds)} rounds (least–most) | consilium | Zeebe {zeebe.VERSION} | times |\n|---|---|---|---|")

    def line(what, path, unit, digits=0, upside=True):
        ours, theirs = medians(rounds, "consilium", *path), medians(rounds, "zeebe", *path)
        times = "–" if not ours or not theirs or not ours[0] or not theirs[0] else f"{(ours[0] / theirs[0]) if upside else (theirs[0] / ours[0]):.1f}"
        print(f"| {what}{unit} | {told(ours, digits)} | {told(theirs, digits)} | {times} |")

    for name in names:
        line(name, ("rows", name, "perSecond"), ", a second")
        line(name, ("rows", name, "p99Ms"), ", p99 ms", 1, upside=False)
        line(name, ("rows", name, "instancesPerSync"), ", instances a sync", 2)
    line("start-end at Zeebe's own rate, open loop", ("open", "p50Ms"), ", p50 ms", 1, upside=False)
    line("start-end at Zeebe's own rate, open loop", ("open", "p99Ms"), ", p99 ms", 1, upside=False)
    line("start-end by zeebe-node, 64 at once", ("node", "perSecond"), ", a second")
    line("start-end by zeebe-node, 64 at once", ("node", "p99Ms"), ", p99 ms", 1, upside=False)
    line("start of an empty folder to the first answer", ("startMs",), ", ms", upside=False)
    line("idle: anonymous memory", ("idle", "anonymousMb"), ", MB", 1, upside=False)
    line("idle: resident memory", ("idle", "residentMb"), ", MB", 1, upside=False)
    line("after the load: resident memory", ("loaded", "residentMb"), ", MB", 1, upside=False)


def compare(options):
    names = options.engines.split(",")
    wanted = options.rows.split(",") if options.rows else None
    rows = [row for row in ROWS if not wanted or row[0] in wanted]
    kept = pathlib.Path(options.keep) if options.keep else None
    rounds = json.loads(kept.read_text()) if kept and kept.exists() else []
    with contextlib.ExitStack() as stack:
        engines = [stack.enter_context(contextlib.closing(kind())) for kind in [Theirs] * ("zeebe" in names) + [Ours] * ("consilium" in names)]
        once = {engine.name: opened(engine, options) for engine in engines}
        for _ in range(options.rounds):
            one = one_round(engines, rows, options)
            rounds.append({name: {**once[name], **figures} for name, figures in one.items()})
            if kept:
                kept.write_text(json.dumps(rounds))
    table(rounds)


def waiting(count):
    with contextlib.closing(Ours()) as engine:
        engine.start()
        load(engine, "ready")
        load(engine, "start-end", count=2000)
        time.sleep(2)
        before = memory_of(engine.pid)
        filled = load(engine, "fill", count=count)
        time.sleep(2)
        after = memory_of(engine.pid)
        print(f"{count} instances that wait, made at {filled['perSecond']:.0f}/s: anonymous memory grew by {after['anonymousMb'] - before['anonymousMb']:.1f} MB, "
              f"resident by {after['residentMb'] - before['residentMb']:.1f} MB; {size_of(engine.folder):.0f} MB on disk", flush=True)
        engine.end(signal.SIGKILL)
        for _ in range(3):
            begun = engine.start()
            woken = load(engine, "wake", number=random.randrange(count))
            time.sleep(2)
            again = memory_of(engine.pid)
            print(f"after kill -9: a message to one at random had its job {1000 * (woken['answeredAt'] - begun):.0f} ms after exec; anonymous memory "
                  f"{again['anonymousMb'] - before['anonymousMb']:.1f} MB, resident {again['residentMb'] - before['residentMb']:.1f} MB above that of none", flush=True)
            engine.end(signal.SIGKILL)


def size_of(folder):
    return sum(file.stat().st_size for file in pathlib.Path(folder).rglob("*") if file.is_file()) / 1e6


def history(count):
    """Steps of ten: what each of the next 5,000 costs there."""
    window = 5000
    with contextlib.closing(Ours()) as engine:
        engine.start()
        load(engine, "ready")
        done = load(engine, "start-end", count=1000)["verified"]
        first = None
        step = 1000
        while True:
            result = load(engine, "start-end", count=window)
            done += window
            cost = 1000 * result["serverProcessorSeconds"] / window
            first = first or cost
            print(f"after {step} instances: {cost:.3f} ms of processor each ({cost / first:.2f} times the first), {result['perSecond']:.0f}/s, p99 {result['p99Ms']:.1f} ms, "
                  f"resident {memory_of(engine.pid)['residentMb']:.0f} MB, {size_of(engine.folder):.0f} MB on disk", flush=True)
            if step >= count:
                break
            step = min(count, step * 10)
            while done < step:
                part = min(step - done, 50_000)
                load(engine, "start-end", count=part)
                done += part


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--warm", type=int, default=75)
    parser.add_argument("--engines", default="consilium,zeebe")
    parser.add_argument("--rows", default="")
    parser.add_argument("--keep", default="")
    parser.add_argument("--node", action=argparse.BooleanOptionalAction, default=True, help="the row of zeebe-node")
    parser.add_argument("--waiting", type=int, default=0)
    parser.add_argument("--history", type=int, default=0)
    options = parser.parse_args()
    if options.waiting:
        return waiting(options.waiting)
    if options.history:
        return history(options.history)
    try:
        compare(options)
    except zeebe.Missing as missing:
        print(f"no Zeebe here ({missing}): consilium alone", flush=True)
        options.engines = "consilium"
        compare(options)


if __name__ == "__main__":
    main()
