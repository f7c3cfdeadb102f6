#!/usr/bin/env python3
"""`consilium demo` passes on a sound server and names the step that failed on any other."""
import json
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile

from dead_letters_test import change
from server import BINARY, PASSWORD, Report, Server, clean_environment, expect
from split_test import Division, apart

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


def nobody_works(temporary):
    """Nobody takes the jobs of the processes: their process stands still, everything else answers."""
    folder = pathlib.Path(temporary) / "nobody-works"
    folder.mkdir()
    with Division(folder, apart("processes")) as division:
        workers = division.one_with("processes").process
        workers.send_signal(signal.SIGSTOP)
        try:
            done = demo("--url", division.edge.url, "--password", PASSWORD, "--timeout", "4", "--json")
        finally:
            workers.send_signal(signal.SIGCONT)
        # The first thing that the demo needs of a worker: the account of the client whom the administrator adds.
        expect_failure(done, "the consultant sees the new client become active")
        done = demo("--url", division.edge.url, "--password", PASSWORD, "--json")
        expect(done.returncode == 0, f"with workers again it ended with {done.returncode}: {done.stderr}")


def feedback_refused(server):
    """The answer to the feedback's question cannot be stored."""
    change(server, "CREATE TRIGGER chat_breaks BEFORE INSERT ON chat_choices BEGIN SELECT RAISE(ABORT, 'broken'); END")
    try:
        done = demo("--url", server.url, "--password", PASSWORD, "--json")
    finally:
        change(server, "DROP TRIGGER chat_breaks")
    expect_failure(done, "the client is asked for feedback and gives it")
    expect("/actions/yes" in lines_of(done.stdout)[-1]["error"], f"the answer is not told: {lines_of(done.stdout)[-1]}")


def feedback_lost(server):
    """The answer was taken, and never reaches the task."""
    change(server, "CREATE TRIGGER tasks_breaks BEFORE UPDATE ON tasks_task WHEN NEW.feedback_answer IS NOT OLD.feedback_answer BEGIN SELECT RAISE(ABORT, 'broken'); END")
    try:
        done = demo("--url", server.url, "--password", PASSWORD, "--timeout", "4", "--json")
    finally:
        change(server, "DROP TRIGGER tasks_breaks")
    expect_failure(done, "the consultant reads the feedback")


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
            report.check("feedback refused: the step is named", lambda: feedback_refused(server))
            report.check("feedback that never reaches the task: the step is named", lambda: feedback_lost(server))
        report.check("no workers: the step is named", lambda: nobody_works(temporary))
        report.check("server killed half way: the step is named", lambda: server_killed(temporary))
    report.check("nobody at the address: exit 4", nobody_there)
    report.check("wrong usage: exit 2", wrong_usage)
    sys.exit(1 if report.failed else 0)


main()
