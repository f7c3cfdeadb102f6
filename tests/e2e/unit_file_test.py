#!/usr/bin/env python3
"""deploy/consilium.service as systemd reads it: nothing in it is unknown or contradictory, and its sandbox stays tight. It is only
read here; nothing is started."""
import pathlib
import re
import subprocess
import sys
import tempfile

from server import BINARY, ROOT, Report, expect

UNIT = (ROOT / "deploy/consilium.service").read_text()
PROGRAM = "/usr/local/bin/consilium"
MOST_EXPOSED = 2.0  # of 10, as systemd-analyze counts


def analyze(text, *words):
    with tempfile.TemporaryDirectory() as folder:
        unit = pathlib.Path(folder) / "consilium.service"
        unit.write_text(text)
        return subprocess.run(["systemd-analyze", *words, "--no-pager", str(unit)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


def verify(text):
    return analyze(text.replace(PROGRAM, str(BINARY)), "verify", "--man=no")


def is_understood():
    done = verify(UNIT)
    expect(done.returncode == 0 and not done.stderr.strip(), f"{done.returncode} {done.stderr}")


def mistakes_are_seen():
    for wrong in (UNIT.replace("ProtectSystem=", "ProtectSystm="), UNIT.replace(PROGRAM, "/no/such/program")):
        done = verify(wrong)
        expect(wrong != UNIT and (done.returncode != 0 or done.stderr.strip()), "a planted mistake is not seen")


def exposure(text):
    done = analyze(text, "security", "--offline=yes")
    found = re.search(r"Overall exposure level for consilium.service: ([0-9.]+)", done.stdout)
    expect(found, f"{done.returncode} {done.stdout[-300:]} {done.stderr}")
    return float(found[1])


def is_tight():
    level = exposure(UNIT)
    expect(level <= MOST_EXPOSED, f"the exposure is {level}")
    expect(exposure(UNIT.split("# Nothing but its own folder")[0]) > MOST_EXPOSED, "a unit without its sandbox counts as tight")


def main():
    report = Report()
    report.check("systemd understands the unit", is_understood)
    report.check("mistakes in a unit are seen", mistakes_are_seen)
    report.check("the unit's sandbox is tight", is_tight)
    sys.exit(1 if report.failed else 0)


if __name__ == "__main__":
    main()
