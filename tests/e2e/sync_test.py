#!/usr/bin/env python3
"""What the real program asks of the kernel: between a request that writes and its answer lies a sync of the log of the database that
ended well. A reading of such a trace in which the answer comes first must be refused, or this test proves nothing."""
import pathlib
import re
import signal
import sys
import tempfile
import time

from server import Person, Report, Server, expect

POSTS = 25
PATIENCE = 60
SYNCED_FILE = "consilium.db-wal"

# A call that another thread interrupted stands in two lines: the first with what it was asked, the second with how it ended.
LINE = re.compile(r"^(?P<thread>\d+)\s+(?P<text>.*)$")
BEGUN = re.compile(r"^(?P<call>\w+)\((?P<words>.*) <unfinished \.\.\.>$")
RESUMED = re.compile(r"^<\.\.\. (?P<call>\w+) resumed>(?P<rest>.*)$")


def calls_of(lines):
    """(line of its end, line of its beginning, call, words and result) in the order of their ends."""
    begun = {}
    for number, line in enumerate(lines):
        match = LINE.match(line)
        if not match:
            continue
        thread, text = match["thread"], match["text"]
        if unfinished := BEGUN.match(text):
            begun[thread] = (number, unfinished["words"])
        elif resumed := RESUMED.match(text):
            began, words = begun.pop(thread, (number, ""))
            yield number, began, resumed["call"], words + resumed["rest"]
        else:
            yield number, number, text.split("(", 1)[0], text


def judge(lines, asked, answered):
    """How many requests that hold `asked` were answered by what holds `answered`, each after a sync; an AssertionError at the first without."""
    waits_since = None
    synced = False
    count = 0
    for ended, began, call, words in calls_of(lines):
        if call in ("recvmsg", "read", "recvfrom", "readv") and asked in words:
            waits_since, synced = ended, False
        # A sync that began before the request cannot hold what it wrote.
        elif call in ("fdatasync", "fsync") and SYNCED_FILE in words and words.endswith("= 0") and waits_since is not None and began > waits_since:
            synced = True
        elif call in ("sendmsg", "write", "sendto", "writev") and answered in words and waits_since is not None:
            # The answer leaves where this call begins.
            expect(synced, f"line {began + 1} answers what line {waits_since + 1} asked, and no sync of {SYNCED_FILE} lies between them")
            waits_since = None
            count += 1
    return count


def trace_under(file):
    """Traced by a process of its own, so that the number of the process and its exit code are the program's."""
    return ["strace", "-D", "-f", "-y", "-s", "48", "-o", str(file), "-e", "signal=none",
            "-e", "trace=fdatasync,fsync,recvmsg,recvfrom,read,readv,sendmsg,sendto,write,writev"]


def wait_for_end_of(trace, patience=PATIENCE):
    end = time.monotonic() + patience
    while "+++ exited" not in trace.read_text(errors="replace").splitlines()[-1]:
        expect(time.monotonic() < end, "the trace did not end")
        time.sleep(0.05)
    return trace.read_text(errors="replace").splitlines()


def every_answer_follows_a_sync():
    with tempfile.TemporaryDirectory(prefix="consilium-sync-") as root:
        trace = pathlib.Path(root) / "trace"
        with Server(root, under=trace_under(trace), CONSILIUM_LIMITS_POSTS__PER__SECOND="100") as server:
            server.start(patience=PATIENCE)
            anna = Person(server.address, "anna")
            channel = anna.call("GET", "/channels")["items"][0]["id"]
            for number in range(POSTS):
                anna.call("POST", f"/channels/{channel}/posts", {"text": f"post {number}"})
            expect(server.end(signal.SIGTERM) == 0, "the server did not end well")
            lines = wait_for_end_of(trace)
    count = judge(lines, f"POST /api/v1/channels/{channel[:8]}"[:40], "HTTP/1.1 201")
    expect(count == POSTS, f"{count} of {POSTS} posts were found in a trace of {len(lines)} lines")


ASK = '7 recvmsg(12<socket:[1]>, "POST /posts") = 11'
SYNC = '8 fdatasync(9</d/consilium.db-wal>) = 0'
ANSWER = '7 sendmsg(12<socket:[1]>, "HTTP/1.1 201") = 12'


def refused(*lines):
    try:
        judge(lines, "POST /posts", "HTTP/1.1 201")
    except AssertionError:
        return True
    return False


def early_answers_are_found():
    expect(judge([ASK, SYNC, ANSWER, ASK, SYNC, ANSWER], "POST /posts", "HTTP/1.1 201") == 2, "a good trace counts")
    expect(not refused(ASK, "8 fdatasync(9</d/consilium.db-wal> <unfinished ...>", "8 <... fdatasync resumed>) = 0", ANSWER), "an interrupted sync counts")
    expect(refused(ASK, ANSWER, SYNC), "an answer before the sync")
    expect(refused(ASK, SYNC, ANSWER, ASK, ANSWER), "one sync for two")
    expect(refused(ASK, SYNC.replace("= 0", "= -1 EIO (Input/output error)"), ANSWER), "a sync that failed")
    expect(refused(ASK, SYNC.replace("consilium.db-wal", "other"), ANSWER), "a sync of another file")
    expect(refused(SYNC.replace(") = 0", " <unfinished ...>"), ASK, "8 <... fdatasync resumed>) = 0", ANSWER), "a sync that began before the request")
    expect(refused(ASK, SYNC.replace(") = 0", " <unfinished ...>"), ANSWER, "8 <... fdatasync resumed>) = 0"), "a sync that ended after the answer")


def main():
    report = Report()
    report.check("an answer before its sync is found in a trace", early_answers_are_found)
    report.check("each answer to a post of the real program follows a sync of what it says", every_answer_follows_a_sync)
    sys.exit(1 if report.failed else 0)


if __name__ == "__main__":
    main()
