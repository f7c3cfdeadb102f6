#!/usr/bin/env python3
"""Runs the blocks of docs/quickstart.md, as they stand, against a server of its own.

TEST_BINARY names the program. A line a block: `PASS name` or `FAIL name: why`.
"""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs/quickstart.md"
PROGRAM = pathlib.Path(os.environ.get("TEST_BINARY", ROOT / "build/release/consilium")).resolve()
PASSWORD = "quickstart-password"
START_SECONDS = 120
BLOCKS_SECONDS = 60
# What the output of a block must hold: that a block ends well does not say that it did anything.
EXPECTED = {
    "Log in": '"username":"anna"',
    "Listen": '"effective":"online"',
    "Ask": '"clientId":"my-first-post"',
    "Answer": '"substatus":"solved"',
    "Say how it went": '"answer":"yes"',
    "Leave": "",
}


def blocks_of(text):
    """(heading, code) of each block that is marked `sh`."""
    heading, found = "", []
    for match in re.finditer(r"^## ([^\n]+)$|^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if match.group(1):
            heading = match.group(1)
        else:
            found.append((heading, match.group(2)))
    return found


def without_settings():
    return {name: value for name, value in os.environ.items() if not name.startswith("CONSILIUM_")}


def start(folder):
    """The server, once it has told its demo people; its address."""
    environment = dict(without_settings(), CONSILIUM_DEMO_PASSWORD=PASSWORD, CONSILIUM_INTERNAL_LISTEN="127.0.0.1:0")
    data = folder / "data"
    with open(folder / "server.log", "wb") as log:
        server = subprocess.Popen([str(PROGRAM), "serve", "--demo", "--data", str(data), "--listen", "127.0.0.1:0"], cwd=folder, env=environment,
                                  stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        if "clara" in (folder / "server.log").read_text(errors="replace") and (data / "run/addresses.json").is_file():
            return server, json.loads((data / "run/addresses.json").read_text())["http"]
        time.sleep(0.1)
    server.kill()
    server.wait()
    raise RuntimeError("the server did not start: " + (folder / "server.log").read_text(errors="replace")[-2000:].replace("\n", " "))


def run_blocks(blocks, address, folder):
    """Exit code and, by heading, the output of each block that was begun."""
    marker = "==== block "
    # A block that fails leaves the listener, which would hold the pipe open.
    script = "set -euo pipefail\ntrap 'kill $(jobs -p) 2> /dev/null || true' EXIT\n" + "".join(f"echo; echo '{marker}{index}'\n{code}" for index, (_, code) in enumerate(blocks))
    environment = dict(without_settings(), SERVER=f"http://{address}", PASSWORD=PASSWORD, TMPDIR=str(folder))
    shell = subprocess.Popen(["bash", "-c", script], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True, errors="replace", start_new_session=True)
    try:
        output, _ = shell.communicate(timeout=BLOCKS_SECONDS)
        code = shell.returncode
    except subprocess.TimeoutExpired:
        code = f"time-out after {BLOCKS_SECONDS} s"
    finally:
        try:
            os.killpg(shell.pid, signal.SIGKILL)  # the listener of a run that failed
        except ProcessLookupError:
            pass
    if isinstance(code, str):
        output, _ = shell.communicate()
    parts = output.split(marker)[1:]
    return code, {blocks[int(part.split("\n", 1)[0])][0]: part.split("\n", 1)[1] for part in parts}


def main():
    blocks = blocks_of(PAGE.read_text())
    headings = [heading for heading, _ in blocks]
    if headings != list(EXPECTED):
        print(f"FAIL blocks: expected {list(EXPECTED)}, the page has {headings}")
        return 1
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        try:
            server, address = start(folder)
        except RuntimeError as error:
            print(f"FAIL start: {error}")
            return 1
        try:
            code, outputs = run_blocks(blocks, address, folder)
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                stopped = server.wait(timeout=START_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()
                stopped = server.wait()
    failed = 0
    for position, heading in enumerate(headings):
        output = outputs.get(heading)
        last = position + 1 == len(headings) or headings[position + 1] not in outputs
        if output is None:
            why = "not reached"
        elif last and code != 0:
            why = f"ended with {code}: {output[-500:]}"
        elif EXPECTED[heading] not in output:
            why = f"expected {EXPECTED[heading]} in {output[-500:]}"
        else:
            print(f"PASS quickstart, {heading}")
            continue
        failed += 1
        print(f"FAIL quickstart, {heading}: " + why.replace("\n", " "))
    if stopped != 0:
        failed += 1
    print("PASS quickstart, the server stops" if stopped == 0 else f"FAIL quickstart, the server stops: ended with {stopped}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
