#!/usr/bin/env python3
"""What the kept corpora cover of the parsers in tests/fuzz/README.md: regions and branches, by clang's source-based coverage.

    python3 tests/fuzz/coverage.py build/fuzz [--write] [--missing FILE] [--only TARGET]

Runs each fuzzer over its kept corpus alone, prints a line a parser, and fails when one has less than 80 % of either. `--write`
puts the numbers into the README; `--missing FILE` prints the lines of that file with what was never reached.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import parsers

LEAST = 80.0


def targets_of(build):
    return dict(line.split(None, 1) for line in (build / "fuzzers.txt").read_text().splitlines() if line)


def record(build, target, corpus, folder):
    """Runs the corpus once; gives the merged profile."""
    raw, merged = folder / f"{target}.profraw", folder / f"{target}.profdata"
    raw.unlink(missing_ok=True)
    files = sorted(str(path) for path in pathlib.Path(corpus).iterdir())
    done = subprocess.run([str(build / target), *files], env=dict(os.environ, LLVM_PROFILE_FILE=str(raw)), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, errors="replace")
    if done.returncode != 0:
        sys.exit(f"{target} ended with {done.returncode} on its own corpus\n{done.stdout[-4000:]}")
    subprocess.run(["llvm-profdata-19", "merge", "-sparse", str(raw), "-o", str(merged)], check=True)
    return merged


def path_of(build, file):
    return str(build / file) if file.startswith("generated_sample/") else str(parsers.ROOT / file)


def profile_of(profiles, targets, folder):
    if len(targets) == 1:
        return profiles[targets[0]]
    merged = folder / ("+".join(targets) + ".profdata")
    subprocess.run(["llvm-profdata-19", "merge", "-sparse", *(str(profiles[target]) for target in targets), "-o", str(merged)], check=True)
    return merged


def objects_of(build, targets):
    return [str(build / targets[0])] + [word for target in targets[1:] for word in ("-object", str(build / target))]


def measure(build, parser, profile):
    """Share of regions and of branches of the parser's own files, in percent."""
    wanted = {path_of(build, file) for file in parser.files}
    text = subprocess.run(["llvm-cov-19", "export", "-summary-only", "-instr-profile", str(profile), *objects_of(build, parser.targets),
                           "--sources", *sorted(wanted)], check=True, stdout=subprocess.PIPE).stdout
    shares = []
    files = [file for file in json.loads(text)["data"][0]["files"] if file["filename"] in wanted]
    if {file["filename"] for file in files} != wanted:
        sys.exit(f"{parser.name}: nothing is known of {sorted(wanted - {file['filename'] for file in files})}")
    for kind in ("regions", "branches"):
        count = sum(file["summary"][kind]["count"] for file in files)
        covered = sum(file["summary"][kind]["covered"] for file in files)
        shares.append(100.0 * covered / count if count else 100.0)
    return shares


def show_missing(build, parser, profile, file):
    subprocess.run(["llvm-cov-19", "show", "-show-branches=count", "-show-regions=false", "-instr-profile", str(profile),
                    *objects_of(build, parser.targets), "--sources", path_of(build, file)], check=True)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("build", type=lambda text: pathlib.Path(text).resolve())
    arguments.add_argument("--write", action="store_true")
    arguments.add_argument("--missing")
    arguments.add_argument("--only")
    given = arguments.parse_args()
    text = parsers.README.read_text()
    folder = given.build / "coverage"
    folder.mkdir(exist_ok=True)
    chosen = [parser for parser in parsers.fuzzed(text) if (given.only or parser.targets[0]) in parser.targets]
    if given.missing:
        chosen = [parser for parser in chosen if given.missing in parser.files]
    needed = {target for parser in chosen for target in parser.targets}
    profiles = {target: record(given.build, target, corpus, folder) for target, corpus in targets_of(given.build).items() if target in needed}
    low = []
    for parser in chosen:
        profile = profile_of(profiles, parser.targets, folder)
        if given.missing:
            show_missing(given.build, parser, profile, given.missing)
            continue
        regions, branches = measure(given.build, parser, profile)
        print(f"{regions:6.1f} % of regions {branches:6.1f} % of branches  {parser.name} ({' '.join(parser.targets)})")
        if min(regions, branches) < LEAST:
            low.append(parser.name)
        cells = parser.line.strip("|").split("|")[:3] + [f" {int(regions)} % ", f" {int(branches)} % "]
        text = text.replace(parser.line, "|" + "|".join(cells) + "|")
    if given.write:
        parsers.README.write_text(text)
    print(f"coverage: {len(chosen) - len(low)} of {len(chosen)} parsers have at least {LEAST:.0f} %" + "".join(f"\n  less: {name}" for name in low))
    return 1 if low else 0


sys.exit(main())
