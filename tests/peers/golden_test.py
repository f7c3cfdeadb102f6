#!/usr/bin/env python3
"""Our engine on the golden paths, random ones and those made by hand: it does what the real Zeebe did. And the comparison itself sees small
faults in a trace."""
import sys
import time

sys.dont_write_bytecode = True
import differential  # noqa: E402
import golden  # noqa: E402
import small_paths  # noqa: E402
import traces  # noqa: E402
import zeebe  # noqa: E402


def lost_token(lines):
    """Without the last flow that was taken."""
    at = max((i for i, line in enumerate(lines) if "\tSEQUENCE_FLOW_TAKEN\t" in line), default=None)
    return None if at is None else lines[:at] + lines[at + 1:]


def wrong_scope(lines):
    """The last variable of a scope inside stands in the instance, which never had that value."""
    there = {tuple(fields[3:5]) for fields in map(traces.fields_of, lines) if fields[0] == traces.kVariable and fields[1] == fields[2]}
    for at in reversed(range(len(lines))):
        kind, *rest = lines[at].split("\t")
        if kind == traces.kVariable and rest[0] != rest[1] and tuple(rest[2:4]) not in there:
            return lines[:at] + ["\t".join([kind, rest[0], rest[0], *rest[2:]])] + lines[at + 1:]
    return None


def late_cancel(lines):
    """What ended the first terminated element goes on before it has ended."""
    for at, line in enumerate(lines):
        if "\tELEMENT_TERMINATED\t" not in line:
            continue
        after = next((i for i in range(at + 1, len(lines)) if "\tELEMENT_ACTIVATED\t" in lines[i] and lines[i].split("\t")[3] == line.split("\t")[3]), None)
        if after is not None:
            return lines[:at] + lines[at + 1: after + 1] + [line] + lines[after + 1:]
    return None


def hold(file, what):
    """Our engine on the kept paths of a file: what it did on each; None: it did otherwise."""
    began = time.monotonic()
    records = golden.load(file)
    played = differential.play_ours([record["path"] for record in records])
    wrong = [(record, lines) for record, lines in zip(records, played) if not traces.is_as(record, lines)]
    for record, lines in wrong[:5]:
        told = list(differential.difflib.unified_diff(traces.form(lines).split("\n"), record["form"].split("\n"), "ours", "zeebe", n=2, lineterm=""))
        print(f"---- seed {record['path']['seed']} {record['path'].get('title', '')}\n" + "\n".join(told[2:40]))
    name = f"{len(records)} {what} are taken as Zeebe {zeebe.VERSION} took them"
    seconds = f" [{time.monotonic() - began:.1f}s]"
    print(f"FAIL {name}: not seeds {[record['path']['seed'] for record, _ in wrong][:20]}{seconds}" if wrong else f"PASS {name}{seconds}")
    return None if wrong else list(zip(records, played))


def main():
    held = hold(golden.RANDOM, "golden paths")
    small = hold(golden.SMALL, "small paths")
    unseen = []
    for fault in (lost_token, wrong_scope, late_cancel):
        tried = [(record, mutated) for record, lines in held or [] if record["order"] and (mutated := fault(lines)) is not None][:50]
        seen = [not traces.is_as(record, mutated) for record, mutated in tried]
        if len(tried) < 10 or not all(seen):
            unseen.append(f"{fault.__name__}: {sum(seen)} of {len(tried)} seen")
    name = "the comparison sees a lost token, a variable in the wrong scope and a late cancel"
    print(f"FAIL {name}: {unseen}" if unseen else f"PASS {name}")
    same = small is not None and small_paths.make() == [record["path"] for record, _ in small]
    name = "the small paths are those of small_paths.py"
    print(f"PASS {name}" if same else f"FAIL {name}: make them anew (differential.py --small --make-golden)")
    sys.exit(1 if held is None or small is None or unseen or not same else 0)


if __name__ == "__main__":
    main()
