#!/usr/bin/env python3
"""`consilium demo` passes on a sound server and names the step that failed on any other."""
import json
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile

from server import BINARY, PASSWORD, Report, Server, clean_environment, expect

STEPS = 25


def demo(*arguments, timeout=240):
    return subprocess.run([str(BINARY), "demo", *arguments], env=clean_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)


def lines_of(text):
    return [json.loads(line) for line in text.splitlines()]


def expect_failure(done, step, code=1):
    expect(done.returncode == code, f"ended with {done.returncode} instead of {code}: {done.stderr}")
    last = lines_of(done.stdout)[-1]
    expect(last["state"] == "failed" and last["name"] == step, f"the last line tells of {last}")
    expect(last.get("error"), "no reason is given")
    expect(f'"{step}"' in done.stderr, f"standard error does not name the step: {done.stderr}")


def own_server(temporary):
    before = set(pathlib.Path(tempfile.gettempdir()).glob("consilium-demo-*"))
    done = demo("--json")
    expect(done.returncode == 0, f"ended with {done.returncode}: {done.stderr}")
    lines = lines_of(done.stdout)
    expect([line["step"] for line in lines] == list(range(1, STEPS + 1)), f"{len(lines)} steps were told")
    expect(all(line["state"] == "done" for line in lines), "a step did not end as done")
    ids = {line["name"]: line["ids"] for line in lines}
    assigned = ids["the task is assigned to the consultant"]
    expect(assigned["task"] == ids["the consultant reads the feedback"]["task"], "feedback belongs to another task")
    expect(assigned["assignee"] == ids["the consultant logs in"]["consultant"], "another person was assigned")
    expect(set(pathlib.Path(tempfile.gettempdir()).glob("consilium-demo-*")) <= before, "its temporary folder is left")


def given_server_twice(server):
    for text in ("My tooth hurts zqx", "Does the blue qwz pill help"):
        done = demo("--url", server.url + "/", "--text", text, "--password", PASSWORD)
        expect(done.returncode == 0, f"ended with {done.returncode}: {done.stdout} {done.stderr}")
        expect(f"{STEPS}. everybody logs out" in done.stdout, "the last step is not told")


def nobody_online(server):
    done = demo("--url", server.url, "--consultant-status", "dnd", "--timeout", "4", "--json")
    expect_failure(done, "the task is assigned to the consultant")


def after_an_interrupted_one(server):
    """What the failed demo left is no obstacle."""
    done = demo("--url", server.url, "--json")
    expect(done.returncode == 0, f"ended with {done.returncode}: {done.stderr}")
    cancelled = next(line for line in lines_of(done.stdout) if line["step"] == 7)["ids"]
    expect(cancelled.get("cancelled", "").startswith("MOI-"), f"the earlier request was not seen: {cancelled}")


def bot_knows_the_answer(server):
    """A text that the bot answers makes no task."""
    done = demo("--url", server.url, "--text", "what is this service? консилиум", "--timeout", "4", "--json")
    expect_failure(done, "the client asks")


def wrong_password(server):
    done = demo("--url", server.url, "--password", "not-the-password", "--json")
    expect_failure(done, "the administrator logs in")


def server_killed(temporary):
    folder = pathlib.Path(temporary) / "killed"
    folder.mkdir()
    with Server(folder).start() as server:
        process = subprocess.Popen([str(BINARY), "demo", "--url", server.url, "--timeout", "10", "--json"], env=clean_environment(), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        told = []
        for line in process.stdout:
            told.append(json.loads(line))
            if told[-1]["step"] == 14:
                server.end(signal.SIGKILL)
        complaint = process.stderr.read()
        code = process.wait(60)
    expect(code == 1, f"ended with {code}: {complaint}")
    expect(told[-1]["state"] == "failed" and told[-1]["step"] > 14, f"the last line tells of {told[-1]}")
    expect(told[-1]["name"] in complaint, f"standard error does not name the step: {complaint}")


def nobody_there():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # bound, but nobody listens
        done = demo("--url", f"http://127.0.0.1:{free.getsockname()[1]}", "--json", "--timeout", "5")
    expect_failure(done, "the server answers", code=4)


def wrong_usage():
    for arguments in (["--url", "ftp://127.0.0.1"], ["--timeout", "0"], ["--consultant-status", "asleep"], ["--nonsense"]):
        done = demo(*arguments)
        expect(done.returncode == 2 and done.stderr, f"{arguments} ended with {done.returncode}")


def main():
    report = Report()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary) / "given"
        folder.mkdir()
        report.check("demo on a server of its own", lambda: own_server(temporary))
        # A demo logs in three people; a test logs in more often than the limit for a person would allow.
        with Server(folder, CONSILIUM_LIMITS_LOGINS__PER__MINUTE="100").start() as server:
            report.check("demo on a given server, twice", lambda: given_server_twice(server))
            report.check("no consultant online: the step is named", lambda: nobody_online(server))
            report.check("demo after a failed one", lambda: after_an_interrupted_one(server))
            report.check("a text that the bot answers: the step is named", lambda: bot_knows_the_answer(server))
            report.check("wrong password: the step is named", lambda: wrong_password(server))
        report.check("server killed half way: the step is named", lambda: server_killed(temporary))
    report.check("nobody at the address: exit 4", nobody_there)
    report.check("wrong usage: exit 2", wrong_usage)
    sys.exit(1 if report.failed else 0)


main()
