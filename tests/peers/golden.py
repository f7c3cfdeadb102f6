"""Golden paths: what the real Zeebe did on a few hundred random paths, kept in golden-<version>.xz, one JSON object a line: the path itself,
the form of its trace and, where our engine did all in the same order when it was made, a digest of that order. So our engine can be held against it without a Java."""
import json
import lzma

import zeebe

FILE = zeebe.HERE / f"golden-{zeebe.VERSION}.xz"


def load():
    with lzma.open(FILE, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def save(records):
    with lzma.open(FILE, "wt", encoding="utf-8", preset=9 | lzma.PRESET_EXTREME) as file:
        for record in records:
            file.write(json.dumps(record, separators=(",", ":"), sort_keys=True, ensure_ascii=False) + "\n")
