#!/usr/bin/env python3
"""Writes docs/reference: the pages and documents that the contract generator made, and the pages of
settings and metrics, what changed alone.

Usage: copy_reference.py BUILD_FOLDER TARGET_FOLDER
"""
import json
import os
import pathlib
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


def metrics_page(program: pathlib.Path) -> bytes:
    """What a server of this build declares: it is started on an empty folder and asked."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CONSILIUM_")}
    environment["CONSILIUM_INTERNAL_LISTEN"] = "127.0.0.1:0"
    with tempfile.TemporaryDirectory() as folder:
        addresses = pathlib.Path(folder) / "data/run/addresses.json"
        words = [str(program.resolve()), "serve", "--data", str(addresses.parent.parent), "--listen", "127.0.0.1:0"]
        with open(pathlib.Path(folder) / "log", "wb") as log:
            server = subprocess.Popen(words, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            while not addresses.exists():
                if server.poll() is not None:
                    raise OSError(f"the server ended with {server.returncode}")
                time.sleep(0.02)
            internal = json.loads(addresses.read_text())["internal"]
            with urllib.request.urlopen(f"http://{internal}/metrics/reference", timeout=30) as answer:
                table = answer.read()
        finally:
            server.terminate()
            server.wait(30)
    return METRICS_HEAD.encode() + table


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
    files["metrics.md"] = metrics_page(build / "consilium")
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
