"""Golden paths: what the real Zeebe did on a few hundred random paths, kept in golden-<version>.xz, and on those made by hand, in
small-<version>.xz; one JSON object a line: the path itself, the form of its trace and, where our engine did all in the same order when it was
made, a digest of that order. So our engine can be held against it without a Java."""
import json
import lzma

import zeebe

RANDOM = zeebe.HERE / f"golden-{zeebe.VERSION}.xz"
SMALL = zeebe.HERE / f"small-{zeebe.VERSION}.xz"


def load(file):
    with lzma.open(file, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def save(file, records):
    with lzma.open(file, "wt", encoding="utf-8", preset=9 | lzma.PRESET_EXTREME) as lines:
        for record in records:
            lines.write(json.dumps(record, separators=(",", ":"), sort_keys=True, ensure_ascii=False) + "\n")
