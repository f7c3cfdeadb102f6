#!/usr/bin/env python3
"""The same random paths on our engine and on the real Zeebe: both must do the same.

    differential.py [--first SEED] [--count N] [--batch N] [--show N] [--keep FOLDER] [--golden N] [--make-golden]
    differential.py --small [--make-golden]   those of small_paths.py, instead of random ones
    differential.py --record FOLDER …     keeps what the real engine does
    differential.py --against FOLDER …    the same paths on ours alone, after a change of it, held against what was kept

Prints each seed that differs with the lines that do, how many paths agree, and how often each element, incident and action
occurred. Without the broker (no network, no
Java) it is one SKIP.
"""
import argparse
import contextlib
import difflib
import json
import os
import pathlib
import random
import subprocess
import sys
import time

sys.dont_write_bytecode = True
import golden  # noqa: E402
import occurrences  # noqa: E402
import small_paths  # noqa: E402
import traces  # noqa: E402
import zeebe  # noqa: E402

kMostSetAside = 0.01  # of all paths
kJudged = 500  # paths, from which on it is judged what occurred
BUILD = pathlib.Path(os.environ.get("TEST_BUILD") or zeebe.ROOT / "build/release")
PATHS = BUILD / "engine_paths"


def make(first, count):
    """Paths of `count` seeds."""
    made = subprocess.run([PATHS, "make", str(first), str(count)], check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in made.splitlines()]


def play_ours(paths, program=PATHS):
    """The lines that our engine gives of each path."""
    words = "".join(json.dumps(path) + "\n" for path in paths)
    played = subprocess.run([program, "play"], input=words, check=True, capture_output=True, text=True).stdout
    traces_of = []
    for line in played.splitlines():
        if line.startswith("path\t"):
            traces_of.append([])
        elif line != "end":
            traces_of[-1].append(line)
    return traces_of


def differences(ours, theirs):
    """Lines of the two forms that differ: `-` ours, `+` theirs."""
    return [line for line in difflib.unified_diff(traces.form(ours).split("\n"), traces.form(theirs).split("\n"), "ours", "zeebe", n=2, lineterm="")][2:]


def verdict(path, ours, theirs):
    """The lines that differ, and the fault of the real engine's own that is to blame; None: there is none."""
    told = differences(ours, theirs)
    return told, traces.fault_of_theirs(path, theirs) if told else traces.why_banned(theirs)


class Comparison:
    """Plays paths on both and keeps the score."""

    def __init__(self, player, options):
        self.player, self.options = player, options
        self.agreed, self.refused, self.different, self.set_aside, self.orders = 0, 0, [], [], {}
        self.unlike, self.like = [], set()
        self.occurred = occurrences.Occurrences()

    def compare(self, paths):
        """The lines of the real engine, of each path. What differs is kept for `judge_again`."""
        ours, theirs = play_ours(paths), self.player.play(paths)
        for path, our, their in zip(paths, ours, theirs):
            told, fault = verdict(path, our, their)
            if told and not fault:
                self.unlike.append((path, our))
            else:
                self.judge(path, our, their, told, fault)
        return theirs

    def judge_again(self, player):
        """With a new broker: on a machine that others use, too, the real one is late now and then with what a leap of its clock makes due."""
        theirs = player.play([path for path, _ in self.unlike])
        for (path, our), their in zip(self.unlike, theirs):
            self.judge(path, our, their, *verdict(path, our, their))
        return theirs

    def judge(self, path, our, their, told, fault):
        if fault:
            self.set_aside.append(path["seed"])
            print(f"seed {path['seed']} is set aside, as Zeebe itself failed: {fault}", flush=True)
            return
        self.occurred.add(path, their)
        if told:
            self.note(path, our, their, told)
            return
        self.agreed += 1
        self.like.add(path["seed"])
        if traces.order(our) == traces.order(their):
            self.orders[path["seed"]] = traces.order_digest(their)
        self.refused += any(line.startswith("refused-model") for line in our)

    def note(self, path, our, their, told):
        self.different.append(path["seed"])
        if len(self.different) <= self.options.show:
            print(f"---- seed {path['seed']} {path.get('title', '')}\n" + "\n".join(told[:40]), flush=True)
        if self.options.keep:
            self.options.keep.mkdir(parents=True, exist_ok=True)
            kept = self.options.keep / str(path["seed"])
            kept.with_suffix(".json").write_text(json.dumps(path))
            for name, lines in (("ours", our), ("zeebe", their)):
                kept.with_suffix("." + name).write_text(traces.form(lines) + "\n\n" + "\n".join(lines) + "\n")


class Recorded:
    """Plays nothing, but tells what the real engine did when it was recorded."""

    def __init__(self, folder):
        self.folder = folder

    def play(self, paths):
        for path in paths:
            if json.loads((self.folder / f"{path['seed']}.json").read_text()) != path:
                raise SystemExit(f"seed {path['seed']} makes another path than when it was recorded")
        return [(self.folder / f"{path['seed']}.zeebe").read_text().splitlines() for path in paths]


@contextlib.contextmanager
def real_engine(options):
    if options.against:
        yield Recorded(options.against)
        return
    from player import Player

    with zeebe.Broker(clock=True, trace=True, ZEEBE_BROKER_CLUSTER_RAFT_FLUSH_ENABLED="false") as broker:
        yield Player(broker)


def record(folder, paths, theirs):
    folder.mkdir(parents=True, exist_ok=True)
    for path, lines in zip(paths, theirs):
        (folder / f"{path['seed']}.json").write_text(json.dumps(path))
        (folder / f"{path['seed']}.zeebe").write_text("\n".join(lines) + "\n")


def in_batches(options):
    if options.small:
        made = small_paths.make()
        yield from (made[at : at + options.batch] for at in range(0, len(made), options.batch))
        return
    for at in range(options.first, options.first + options.count, options.batch):
        yield make(at, min(options.batch, options.first + options.count - at))


def remake_golden(player, count):
    """Some golden paths once more on the real engine: it must do what was kept."""
    if not golden.RANDOM.exists():
        print(f"SKIP golden paths are made the same again: {golden.RANDOM.name} is not made yet (--make-golden)")
        return True
    records = golden.load(golden.RANDOM)
    records = random.sample(records, min(count, len(records)))
    theirs = player.play([record["path"] for record in records])
    wrong = [record["path"]["seed"] for record, lines in zip(records, theirs) if not traces.is_as(record, lines)]
    name = f"{len(records)} golden paths of Zeebe {zeebe.VERSION} are made the same again"
    print(f"FAIL {name}: not seeds {wrong}" if wrong else f"PASS {name}")
    return not wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--small", action="store_true", help="the paths made by hand")
    parser.add_argument("--batch", type=int, default=100, help="paths side by side")
    parser.add_argument("--show", type=int, default=10, help="differing paths that are shown")
    parser.add_argument("--keep", type=pathlib.Path, help="folder for path and traces of what differs")
    parser.add_argument("--golden", type=int, default=0, help="make so many golden paths again")
    parser.add_argument("--make-golden", action="store_true", help="keep what the real engine does on these paths as the golden ones")
    parser.add_argument("--record", type=pathlib.Path, help="folder for path and trace of all")
    parser.add_argument("--against", type=pathlib.Path, help="folder that --record filled: no broker is started")
    options = parser.parse_args()
    try:
        if not options.against and sys.prefix != str(zeebe.CACHE / "venv"):
            os.execv(zeebe.python(), [str(zeebe.python()), *sys.argv])
        compare_all(options)
    except zeebe.Missing as missing:
        print(f"SKIP differential: no Zeebe {zeebe.VERSION} here: {missing}")


def compare_all(options):
    began = time.monotonic()
    with real_engine(options) as player:
        held = remake_golden(player, options.golden) if options.golden else True
        score = Comparison(player, options)
        records = []
        played = 0
        for paths in in_batches(options):
            theirs = score.compare(paths)
            if options.record:
                record(options.record, paths, theirs)
            records += [{"path": path, "form": traces.form(lines), "order": score.orders.get(path["seed"])} for path, lines in zip(paths, theirs) if path["seed"] in score.like]
            played += len(paths)
            print(f"{played} paths after {time.monotonic() - began:.0f} s, {len(score.unlike)} to be played again", flush=True)
    if score.unlike:
        with real_engine(options) as player:
            theirs = score.judge_again(player)
        if options.record:
            record(options.record, [path for path, _ in score.unlike], theirs)
    if options.make_golden:
        golden.save(golden.SMALL if options.small else golden.RANDOM, records)
    lines, rare = score.occurred.report()
    if not options.small:
        print("\n".join(lines))
    print(f"{score.agreed} paths agree, {len(score.orders)} of them in the order of the whole instance, too; {score.refused} models refused by both")
    what = f"{played} small paths" if options.small else f"{options.count} random paths from seed {options.first}"
    name = f"{what} are taken as Zeebe {zeebe.VERSION} takes them"
    print(f"FAIL {name}: not seeds {score.different[:50]}" if score.different else f"PASS {name}")
    if len(score.set_aside) > kMostSetAside * played + 1:
        print(f"FAIL few paths are set aside: seeds {score.set_aside}")
        held = False
    if played >= kJudged and not options.small:
        name = "everything occurs often enough on the random paths"
        print(f"FAIL {name}: not {rare}" if rare else f"PASS {name}")
        held = held and not rare
    sys.exit(0 if held and not score.different else 1)


if __name__ == "__main__":
    main()
