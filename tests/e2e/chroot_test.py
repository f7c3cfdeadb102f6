#!/usr/bin/env python3
"""One file, and nothing else installed: the binary runs in a folder that holds it and the C library alone."""
import json
import http.client
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from server import BINARY, Report, clean_environment, expect

# All of glibc; the kernel's vdso is no file.
GLIBC = re.compile(r"^(linux-vdso\.so\.1|libc\.so\.6|libm\.so\.6|ld-linux-[a-z0-9-]+\.so\.\d)$")
READY_SECONDS = 60


def listed_by_ldd():
    """Name and path of each library; no path for the vdso."""
    text = subprocess.run(["ldd", str(BINARY)], capture_output=True, text=True, check=True).stdout
    for line in text.splitlines():
        match = re.match(r"^\s*(\S+)(?: => (\S+))? \(0x[0-9a-f]+\)$", line)
        expect(match, f"ldd says: {line.strip()}")
        name, path = match.groups()
        if not path and name.startswith("/"):
            path = name
        yield pathlib.Path(name).name, path


def glibc_alone():
    foreign = [name for name, _ in listed_by_ldd() if not GLIBC.match(name)]
    expect(not foreign, f"needs {', '.join(foreign)}")


def fill(folder):
    shutil.copy(BINARY, folder / "consilium")
    for _, path in listed_by_ldd():
        if path:
            target = folder / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)


def enter(folder):
    os.chroot(folder)
    os.chdir("/")


def version(folder):
    done = subprocess.run(["/consilium", "version"], preexec_fn=lambda: enter(folder), env={}, capture_output=True, text=True, timeout=30)
    expect(done.returncode == 0, f"ended with {done.returncode}: {done.stderr}")
    expect(re.match(r"^consilium \d+\.\d+\.\d+", done.stdout), f"printed {done.stdout!r}")


def answer_of(address, path):
    try:
        connection = http.client.HTTPConnection(address, timeout=5)
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except OSError:
        return 0, b""


def serve(folder):
    log = open(folder.parent / "server.log", "w+b")
    process = subprocess.Popen(["/consilium", "serve", "--demo", "--data", "/data", "--listen", "127.0.0.1:0"], preexec_fn=lambda: enter(folder), env=clean_environment(),
                               stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        addresses = folder / "data/run/addresses.json"
        end = time.monotonic() + READY_SECONDS
        while process.poll() is None and time.monotonic() < end:
            if addresses.exists() and answer_of(json.loads(addresses.read_text())["internal"], "/health/ready")[0] == 200:
                break
            time.sleep(0.05)
        else:
            log.seek(0)
            raise AssertionError(f"not ready: {log.read()[-1500:].decode(errors='replace')}")
        status, page = answer_of(json.loads(addresses.read_text())["http"], "/")
        expect(status == 200 and b"<html" in page.lower(), f"the first page answered {status}")
        process.send_signal(signal.SIGTERM)
        expect(process.wait(60) == 0, f"ended with {process.returncode}")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        log.close()


def main():
    report = Report()
    report.check("the binary needs glibc alone", glibc_alone)
    if os.geteuid() != 0:
        print("SKIP version in an empty folder: only root may chroot")
        print("SKIP serve in an empty folder: only root may chroot")
        sys.exit(1 if report.failed else 0)
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary) / "root"
        folder.mkdir()
        fill(folder)
        report.check("version in an empty folder", lambda: version(folder))
        report.check("serve in an empty folder", lambda: serve(folder))
    sys.exit(1 if report.failed else 0)


main()
