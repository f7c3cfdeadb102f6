#!/usr/bin/env python3
"""What the real program asks of the kernel: between each request that writes and its answer lies a sync of the log of the database that
ended well, for every call of the public API that writes. A reading of such a trace in which the answer comes first must be refused, or
this test proves nothing."""
import pathlib
import re
import signal
import sys
import tempfile
import threading
import time

from page import Page
from server import PASSWORD, ROOT, Person, Report, Server, expect

sys.path.insert(0, str(ROOT / "tests/api"))
from prepared_state import failing_model  # noqa: E402

POSTS = 10
QUIET_SECONDS = 0.2  # before each request: a sync for the sake of an earlier one must not be taken for its own
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


def judge(lines, steps):
    """Each step is what a request holds and what its answer holds; an AssertionError at the first that is missing or has no sync."""
    left = list(steps)
    waits_since = None
    synced = False
    for ended, began, call, words in calls_of(lines):
        if not left:
            break
        asked, answered = left[0]
        if call in ("recvmsg", "read", "recvfrom", "readv") and asked in words:
            waits_since, synced = ended, False
        # A sync that began before the request cannot hold what it wrote.
        elif call in ("fdatasync", "fsync") and SYNCED_FILE in words and words.endswith("= 0") and waits_since is not None and began > waits_since:
            synced = True
        elif call in ("sendmsg", "write", "sendto", "writev") and answered in words and waits_since is not None:
            # The answer leaves where this call begins.
            expect(synced, f"line {began + 1} answers what line {waits_since + 1} asked ({asked}), and no sync of {SYNCED_FILE} lies between them")
            waits_since = None
            left.pop(0)
    expect(not left, f"no answer {left[0][1] if left else ''} to {left[0][0] if left else ''} was found in a trace of {len(lines)} lines")


def trace_under(file):
    """Traced by a process of its own, so that the number of the process and its exit code are the program's."""
    return ["strace", "-D", "-f", "-y", "-s", "160", "-o", str(file), "-e", "signal=none",
            "-e", "trace=fdatasync,fsync,recvmsg,recvfrom,read,readv,sendmsg,sendto,write,writev"]


def wait_for_end_of(trace, patience=PATIENCE):
    end = time.monotonic() + patience
    while "+++ exited" not in trace.read_text(errors="replace").splitlines()[-1]:
        expect(time.monotonic() < end, "the trace did not end")
        time.sleep(0.05)
    return trace.read_text(errors="replace").splitlines()


class Steps:
    """Requests one after another, each in a quiet server, and what their trace must hold."""

    def __init__(self, address):
        self.address = address
        self.taken = []  # (what the request holds, what its answer holds)
        self.routes = set()

    def ask(self, person, method, route, body=None, headers=None, **places):
        path = route
        for name, value in places.items():
            path = path.replace("{" + name + "}", value)
        time.sleep(QUIET_SECONDS)
        answer = person.call(method, path, body, headers)
        self.note(method, route, f"{method} /api/v1{path} HTTP", f"HTTP/1.1 {STATUS.get((method, route), 200)}")
        return answer

    def note(self, method, route, asked, answered):
        self.taken.append((asked, answered))
        self.routes.add((method, route))

    def log_in(self, username):
        time.sleep(QUIET_SECONDS)
        person = Person(self.address, username)
        self.note("POST", "/sessions", "POST /api/v1/sessions HTTP", "HTTP/1.1 201")
        return person

    def open_page(self, person):
        time.sleep(QUIET_SECONDS)
        welcome = threading.Event()
        page = Page(person, on_frame=lambda frame: welcome.set())
        expect(welcome.wait(PATIENCE), "no welcome")
        self.note("GET", "/events", "GET /api/v1/events HTTP", '\\"type\\":\\"welcome\\"')
        return page


# Those that are not 200.
STATUS = {
    ("POST", "/channels/{id}/posts"): 201,
    ("POST", "/channels/{id}/read"): 204,
    ("POST", "/processes/instances"): 201,
    ("POST", "/processes/instances/{key}/cancel"): 204,
    ("POST", "/processes/instances/{key}/modify"): 204,
    ("POST", "/processes/jobs/{key}/retry"): 204,
    ("PUT", "/processes/instances/{key}/variables"): 204,
    ("POST", "/passwords"): 204,
    ("POST", "/tasks"): 201,
    ("POST", "/users/clients"): 202,
    ("POST", "/users/consultants"): 202,
    ("POST", "/users/experts"): 202,
    ("PUT", "/users/me/password"): 204,
    ("DELETE", "/sessions/current"): 204,
    ("DELETE", "/sessions/{id}"): 204,
}

# They need what a server in good health does not have.
NOT_MET = {("POST", "/dead-letters/{id}/replay"), ("POST", "/incidents/{key}/resolve")}


def wait_for(look, what):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited in vain for {what}")


def version_of(thing):
    return {"If-Match": f'"{thing["version"]}"'}


def play_consultation(steps):
    """The main job, from the login to the feedback."""
    anna, clara, admin = steps.log_in("anna"), steps.log_in("clara"), steps.log_in("admin")
    clara_page, anna_page = steps.open_page(clara), steps.open_page(anna)
    steps.ask(clara, "PUT", "/users/me/presence", {"status": "online"})
    channel = anna.call("GET", "/channels")["items"][0]["id"]
    for number in range(POSTS):
        steps.ask(anna, "POST", "/channels/{id}/posts", {"text": f"Zqx {number}"}, id=channel)
    task = wait_for(lambda: next((task for task in clara.call("GET", "/tasks?status=open")["items"] if task.get("assignee", {}).get("userId") == clara.user_id), None), "a task")
    wait_for(lambda: channel in [channel["id"] for channel in clara.call("GET", "/channels")["items"]], "the consultant in the channel")
    steps.ask(clara, "POST", "/tasks/{id}/transitions/{transition}", {}, id=task["id"], transition="start")
    answered = steps.ask(clara, "POST", "/channels/{id}/posts", {"text": "How long has it been so?"}, id=channel)
    steps.ask(anna, "POST", "/channels/{id}/read", {"postId": answered["id"]}, id=channel)
    david = steps.log_in("david")
    task = clara.call("GET", f"/tasks/{task['id']}")
    task = steps.ask(admin, "PUT", "/tasks/{id}/assignee", {"userId": david.user_id}, version_of(task), id=task["id"])
    steps.ask(david, "POST", "/tasks/{id}/transitions/{transition}", {}, id=task["id"], transition="solve")
    wanted = wait_for(lambda: next((post for post in anna.call("GET", f"/channels/{channel}/posts?limit=50")["items"] if post.get("code") == "client.feedback"), None), "the question for feedback")
    yes = wanted["actions"][0]
    steps.ask(anna, "POST", "/posts/{id}/actions/{actionId}", {"token": yes["token"]}, id=wanted["id"], actionId=yes["id"])
    for page in (clara_page, anna_page):
        page.close()
    return anna, admin


def manage_people(steps, anna, admin):
    made = steps.ask(admin, "POST", "/users/clients", {"firstName": "Sync", "lastName": "Client", "sex": "f", "birthDate": "1980-05-17", "phone": "+15550101", "username": "sync.client"})
    steps.ask(admin, "POST", "/users/consultants", {"firstName": "Sync", "lastName": "Consultant", "email": "sync.consultant@example.org", "groups": ["consultant"]})
    steps.ask(admin, "POST", "/users/experts", {"firstName": "Sync", "lastName": "Expert", "email": "sync.expert@example.org", "groups": ["doctor-dentist"]})
    wait_for(lambda: admin.call("GET", f"/users/{made['id']}")["status"] == "active", "an active client")
    link = steps.ask(admin, "POST", "/users/{userId}/password-link", {}, userId=made["id"])
    steps.ask(admin, "POST", "/passwords", {"token": link["token"], "password": PASSWORD})
    steps.ask(admin, "PATCH", "/users/{id}", {"firstName": "Synced"}, version_of(admin.call("GET", f"/users/{made['id']}")), id=made["id"])
    consultant = admin.call("GET", "/users?username=sync.consultant")["items"][0]
    steps.ask(admin, "PUT", "/users/{id}/groups", {"groups": ["consultant-med"]}, version_of(consultant), id=consultant["id"])
    steps.ask(admin, "POST", "/users/{id}/lock", {}, id=made["id"])
    steps.ask(admin, "POST", "/users/{id}/unlock", {}, id=made["id"])
    steps.ask(admin, "POST", "/tasks", {"type": {"type": "staff", "subtype": "escalation"}, "reporterUserId": made["id"], "title": "By telephone"})
    steps.ask(anna, "PUT", "/users/me/password", {"currentPassword": PASSWORD, "newPassword": PASSWORD + "-2"})
    steps.ask(anna, "POST", "/sessions/refresh", {"refreshToken": anna.refresh_token})
    other = steps.log_in("boris")
    steps.log_in("boris")
    sessions = [session for session in other.call("GET", "/sessions")["items"] if not session["current"]]
    steps.ask(other, "DELETE", "/sessions/{id}", id=sessions[0]["id"])
    steps.ask(other, "DELETE", "/sessions/current")


def look_after_processes(steps, admin):
    """Each call that changes one has an instance of its own that stands still."""
    deploy = lambda task: steps.ask(admin, "POST", "/processes/models", {"files": [{"name": "tidy.bpmn", "xml": failing_model(task)}]})["items"][0]  # noqa: E731
    deploy("tidy")
    keys = [steps.ask(admin, "POST", "/processes/instances", {"processId": "p-tidy", "variables": {"number": number}})["key"] for number in range(4)]
    target = deploy("tidy-all")
    look = lambda key: admin.call("GET", f"/processes/instances/{key}")  # noqa: E731
    wait_for(lambda: all(look(key)["hasIncident"] for key in keys), "instances that stand still")
    at = [look(key)["active"][0] for key in keys]
    steps.ask(admin, "PUT", "/processes/instances/{key}/variables", {"variables": {"number": 8}}, key=keys[0])
    steps.ask(admin, "POST", "/processes/instances/{key}/modify", {"begin": [{"elementId": "end"}], "end": [at[1]["elementInstanceKey"]]}, key=keys[1])
    moved = {"targetKey": target["key"], "instanceKeys": [keys[2]], "mapping": [{"from": "tidy", "to": "tidy-all"}]}
    steps.ask(admin, "POST", "/processes/migrations", moved)
    steps.ask(admin, "POST", "/processes/jobs/{key}/retry", {}, key=at[3]["job"]["key"])
    steps.ask(admin, "POST", "/processes/instances/{key}/cancel", {}, key=keys[0])


def every_answer_follows_a_sync():
    with tempfile.TemporaryDirectory(prefix="consilium-sync-") as root:
        trace = pathlib.Path(root) / "trace"
        with Server(root, under=trace_under(trace), CONSILIUM_LIMITS_POSTS__PER__SECOND="100") as server:
            server.start(patience=PATIENCE)
            steps = Steps(server.address)
            anna, admin = play_consultation(steps)
            look_after_processes(steps, admin)
            manage_people(steps, anna, admin)
            document = admin.call("GET", "/openapi.json")
            expect(server.end(signal.SIGTERM) == 0, "the server did not end well")
            lines = wait_for_end_of(trace)
    judge(lines, steps.taken)
    writing = {(method.upper(), route) for route, methods in document["paths"].items() for method in methods if method in ("post", "put", "patch", "delete")}
    missing = writing - steps.routes - NOT_MET
    expect(not missing, f"calls that write and were not asked: {sorted(missing)}")
    print(f"{len(steps.taken)} answers of {len(steps.routes)} calls, each after its sync", flush=True)


ASK = '7 recvmsg(12<socket:[1]>, "POST /posts") = 11'
SYNC = '8 fdatasync(9</d/consilium.db-wal>) = 0'
ANSWER = '7 sendmsg(12<socket:[1]>, "HTTP/1.1 201") = 12'


STEP = ("POST /posts", "HTTP/1.1 201")


def refused(*lines, steps=1):
    try:
        judge(lines, [STEP] * steps)
    except AssertionError:
        return True
    return False


def early_answers_are_found():
    expect(not refused(ASK, SYNC, ANSWER, ASK, SYNC, ANSWER, steps=2), "a good trace")
    expect(refused(ASK, SYNC, ANSWER, steps=2), "an answer that is missing")
    expect(not refused(ASK, "8 fdatasync(9</d/consilium.db-wal> <unfinished ...>", "8 <... fdatasync resumed>) = 0", ANSWER), "an interrupted sync")
    expect(refused(ASK, ANSWER, SYNC), "an answer before the sync")
    expect(refused(ASK, SYNC, ANSWER, ASK, ANSWER, steps=2), "one sync for two")
    expect(refused(ASK, SYNC.replace("= 0", "= -1 EIO (Input/output error)"), ANSWER), "a sync that failed")
    expect(refused(ASK, SYNC.replace("consilium.db-wal", "other"), ANSWER), "a sync of another file")
    expect(refused(SYNC.replace(") = 0", " <unfinished ...>"), ASK, "8 <... fdatasync resumed>) = 0", ANSWER), "a sync that began before the request")
    expect(refused(ASK, SYNC.replace(") = 0", " <unfinished ...>"), ANSWER, "8 <... fdatasync resumed>) = 0"), "a sync that ended after the answer")


def main():
    report = Report()
    report.check("an answer before its sync is found in a trace", early_answers_are_found)
    report.check("each answer of the real program to a call that writes follows a sync of what it says", every_answer_follows_a_sync)
    sys.exit(1 if report.failed else 0)


if __name__ == "__main__":
    main()
