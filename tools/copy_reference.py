#!/usr/bin/env python3
"""Writes docs/reference: the pages and documents that the contract generator made, and what the program itself knows (settings,
metrics, tables, who reads which topic), what changed alone.

Usage: copy_reference.py BUILD_FOLDER TARGET_FOLDER
"""
import contextlib
import json
import os
import pathlib
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request

SETTINGS_HEAD = """# Settings

In `consilium.yaml` the dots are levels. Durations, sizes and lists are checked before anything opens; `consilium config check`
names all problems at once. Order: defaults, file, `.env`, environment, flags. The program refuses variables of its prefix
that it does not know.

"""


def settings_page(program: pathlib.Path) -> bytes:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CONSILIUM_")}
    table = subprocess.run([str(program.resolve()), "config", "reference"], stdout=subprocess.PIPE, check=True, env=environment).stdout
    return SETTINGS_HEAD.encode() + table


METRICS_HEAD = """# Metrics

At `/metrics` of the internal address, for Prometheus or as OpenMetrics; here as a server with all services declares them. Labels are names
that the program fixes, never ids or texts of people; what comes beyond the bound of a family is counted under `other`. A value that this
process does not know, because the service runs in another one, is not shown.

"""


ENGINE_METRICS_HEAD = """
`consilium engine` shows those of processes, database and health with `--metrics-listen`, and of its door:

| metric | type | labels | what |
|---|---|---|---|
"""


TABLES_HEAD = """# Tables

Of a new data folder, `consilium.db`. A service owns the tables of its name and sees no others; ids are 16 bytes, times microseconds UTC. `!`
must have a value, numbers in brackets are the place in the primary key.

"""

TOPICS_HEAD = """
## Who publishes and who reads

The schema is that of [asyncapi.json](asyncapi.json). An event is kept until each group has handled it, and at least as long as `bus.retention`
says. One that no group reads is there for what comes, and for outsiders.

| topic | producer | readers | schema | kept |
|---|---|---|---|---|
"""


def tables_page(database: pathlib.Path) -> str:
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as store:
        names = [row[0] for row in store.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")]
        # What a full text index keeps for itself is no table of ours.
        shadows = [name + "_" for name in names if "VIRTUAL TABLE" in store.execute("SELECT sql FROM sqlite_master WHERE name = ?", (name,)).fetchone()[0].upper()]
        page, owner = TABLES_HEAD, None
        for name in names:
            if any(name.startswith(shadow) for shadow in shadows):
                continue
            if name.split("_")[0] != owner:
                owner = name.split("_")[0]
                page += ("" if page.endswith(TABLES_HEAD) else "\n") + f"## {owner}\n| table | columns | references, indexes |\n|---|---|---|\n"
            columns = [f"`{column} {kind}{'!' if needed else ''}{f'({key})' if key else ''}`" for _, column, kind, needed, _, key in store.execute(f"PRAGMA table_info({name})")]
            besides = [f"`{own}` → `{table}`" for _, _, table, own, *_ in store.execute(f"PRAGMA foreign_key_list({name})")]
            for _, index, unique, origin, partial in sorted(store.execute(f"PRAGMA index_list({name})")):
                if origin == "pk":
                    continue
                over = ", ".join(row[2] or "expression" for row in store.execute(f"PRAGMA index_info({index})"))
                besides.append(f"{'unique ' if unique else ''}({over}){' partial' if partial else ''}")
            page += f"| `{name}` | {', '.join(columns)} | {'; '.join(sorted(set(besides)))} |\n"
        return page


def topics_table(asyncapi: dict, subscriptions: str, retention: str) -> str:
    readers = {}
    for line in subscriptions.splitlines():
        topic, _, group = (cell.strip().strip("`") for cell in line.strip("|").split("|"))
        readers.setdefault(topic, []).append(f"`{group}`")
    page = TOPICS_HEAD
    for topic, channel in asyncapi["channels"].items():
        if topic == "socket":
            continue
        message = next(iter(channel["messages"].values()))["$ref"].rsplit("/", 1)[1]
        page += f"| `{topic}` | `{topic.split('.')[0]}` | {', '.join(sorted(readers.get(topic, []))) or 'none of ours'} | `{message}` | {retention} |\n"
    return page


def of_a_process(program: pathlib.Path, words: list, names: list, left_behind=lambda data: {}) -> dict:
    """What a process of this build declares: it is started on an empty folder and asked; `left_behind` looks at the folder then."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CONSILIUM_")}
    environment["CONSILIUM_INTERNAL_LISTEN"] = "127.0.0.1:0"
    with tempfile.TemporaryDirectory() as folder:
        addresses = pathlib.Path(folder) / "data/run/addresses.json"
        whole = [str(program.resolve()), *words, "--data", str(addresses.parent.parent), "--listen", "127.0.0.1:0"]
        with open(pathlib.Path(folder) / "log", "wb") as log:
            process = subprocess.Popen(whole, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            while not addresses.exists():
                if process.poll() is not None:
                    raise OSError(f"{words[0]} ended with {process.returncode}")
                time.sleep(0.02)
            internal = json.loads(addresses.read_text())["internal"]
            told = {}
            for name in names:
                with urllib.request.urlopen(f"http://{internal}/{name}/reference", timeout=30) as answer:
                    told[name] = answer.read().decode()
        finally:
            process.terminate()
            process.wait(30)
        return {**told, **left_behind(addresses.parent.parent)}


def of_a_server(program: pathlib.Path) -> dict:
    told = of_a_process(program, ["serve"], ["metrics", "topics"], lambda data: {"tables": tables_page(data / "consilium.db")})
    alone = of_a_process(program, ["engine", "--metrics-listen", "127.0.0.1:0"], ["metrics"])["metrics"]
    own = [line for line in alone.splitlines() if line.startswith("| `") and line not in told["metrics"]]
    told["metrics"] += ENGINE_METRICS_HEAD + "\n".join(own) + "\n"
    return told


def reference(build: pathlib.Path) -> dict:
    """File name to content of everything in docs/reference."""
    generated = build / "generated"
    pages = sorted((generated / "docs").glob("*.md")) + [generated / "openapi.json", generated / "asyncapi.json"]
    missing = [page for page in pages if not page.is_file()]
    if missing or len(pages) < 5:
        raise FileNotFoundError(f"no generated pages below {generated}: build contract_generated first")
    if not (build / "consilium").is_file():
        raise FileNotFoundError(f"no {build / 'consilium'}: build consilium first")
    files = {page.name: page.read_bytes() for page in pages}
    files["configuration.md"] = settings_page(build / "consilium")
    told = of_a_server(build / "consilium")
    files["metrics.md"] = METRICS_HEAD.encode() + told["metrics"].encode()
    files["tables.md"] = told["tables"].encode()
    retention = re.search(r"^\| `bus\.retention` .*$", files["configuration.md"].decode(), re.MULTILINE)[0].split("|")[4].strip()
    files["topics.md"] += topics_table(json.loads(files["asyncapi.json"]), told["topics"], retention).encode()
    return files


def main() -> int:
    build, target = (pathlib.Path(argument) for argument in sys.argv[1:3])
    try:
        files = reference(build)
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 1
    target.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        copy = target / name
        if copy.is_file() and copy.read_bytes() == content:
            continue
        copy.write_bytes(content)
        print(copy)
    return 0


if __name__ == "__main__":
    sys.exit(main())
