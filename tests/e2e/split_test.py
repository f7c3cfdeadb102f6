#!/usr/bin/env python3
"""A caller cannot tell where the callee runs: the demo passes with each service in a process of its own, and with all of them; a
service that is killed -9 amid a case comes back, and the case ends."""
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from page import Page
from ports import free_addresses
from server import BINARY, PASSWORD, ROOT, Person, Refused, Report, Server, clean_environment, expect

SERVICES = ("users", "sessions", "chat", "tasks", "processes")
PATIENCE = 60


class Division:
    """The platform in several processes, each with a data folder of its own. `groups`: what each runs; all but the gateway's listen."""

    def __init__(self, folder, groups, **settings):
        self.where = dict(zip(groups, free_addresses(len(groups))))
        self.processes = {}
        for group in groups:
            own = pathlib.Path(folder) / "-".join(group)
            own.mkdir()
            mine = {"CONSILIUM_SERVICES_RUN": ",".join(group), "CONSILIUM_LIMITS_LOGINS__PER__MINUTE": "1000", **settings}
            if group != ("gateway",):
                mine["CONSILIUM_SERVICES_LISTEN"] = self.where[group]
            for other, address in self.where.items():
                if other != group:
                    mine.update({f"CONSILIUM_SERVICES_{service.upper()}_ADDRESS": address for service in other if service != "gateway"})
            self.processes[group] = Server(own, demo="gateway" in group, **mine)

    def __enter__(self):
        try:
            for process in self.processes.values():
                process.launch()
            for process in self.processes.values():
                process.wait_until_ready(PATIENCE)
        except BaseException as error:
            self.__exit__(type(error))
            raise
        return self

    def __exit__(self, kind, *_):
        if kind:
            for group, process in self.processes.items():
                print(f"-- {'-'.join(group)}\n{process.log()[-1500:]}", file=sys.stderr)
        for process in self.processes.values():
            if process.process and process.process.poll() is None:
                process.process.kill()
                process.process.wait()

    @property
    def edge(self):
        return next(process for group, process in self.processes.items() if "gateway" in group)

    def one_with(self, service):
        return next(process for group, process in self.processes.items() if service in group)

    def end(self):
        """All at once, as an operator would; their exit codes."""
        for process in self.processes.values():
            process.process.send_signal(signal.SIGTERM)
        return [process.process.wait(PATIENCE) for process in self.processes.values()]


def apart(service):
    rest = tuple(part for part in (*SERVICES, "gateway") if part != service)
    return [(service,), rest]


def play_demo(division):
    done = subprocess.run([str(BINARY), "demo", "--url", division.edge.url, "--password", PASSWORD], env=clean_environment(), stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=120)
    expect(done.returncode == 0, f"the demo ended with {done.returncode}: {done.stdout[-600:]} {done.stderr[-600:]}")


def until(what, look):
    """What `look` finds; refusals for a while and no answer are what is expected here."""
    end = time.monotonic() + PATIENCE
    last = None
    while time.monotonic() < end:
        try:
            found = look()
            if found:
                return found
        except Refused as refused:
            expect(refused.status in (404, 409, 429, 503, 504), f"{what}: {refused}")
            last = refused
        except (OSError, http.client.HTTPException) as error:
            last = error
        time.sleep(0.1)
    raise AssertionError(f"{what}: not within {PATIENCE} s; last: {last}")


def log_in(division, username):
    return until(f"{username} logs in", lambda: Person(division.edge.address, username))


def kill_and_restart(division, service, meanwhile):
    """`meanwhile` is called while it is away."""
    process = division.one_with(service)
    process.end(signal.SIGKILL)
    meanwhile()
    process.launch()


def unavailable_not_hanging(division, service, person):
    """While a service is away its calls are refused soon, with a time to come back, and readiness names it."""
    calls = {"users": "/users/me", "sessions": "/sessions/current", "chat": "/channels", "tasks": "/tasks", "processes": "/processes"}
    began = time.monotonic()
    try:
        person.call("GET", calls[service])
        raise AssertionError(f"{service} answers though it is away")
    except Refused as refused:
        expect(refused.status == 503, f"{service} away: {refused}")
        expect(json.loads(refused.body).get("retryAfter", 0) >= 1, f"no retryAfter: {refused.body}")
    expect(time.monotonic() - began < 10, "the refusal took more than 10 s")

    def named():
        status, body = division.edge.health()
        failed = [check["name"] for check in (body or {}).get("checks", []) if check["status"] != "ready"]
        return status == 503 and f"service:{service}" in failed
    until(f"readiness names {service}", named)


class Case:
    """A request of boris and what clara does for him, against whoever runs the platform just then; refusals for a while are borne."""

    def __init__(self, where):
        self.channel = self.task = None
        self.meet(where)

    def meet(self, where):
        self.client, self.consultant, self.admin = (log_in(where, name) for name in ("boris", "clara", "admin"))
        self.page = until("a page opens", lambda: Page(self.consultant))
        until("the consultant is online", lambda: self.consultant.call("PUT", "/users/me/presence", {"status": "online"})["effective"] == "online")

    def ask(self):
        self.channel = self.client.call("GET", "/channels")["items"][0]["id"]
        self.client.call("POST", f"/channels/{self.channel}/posts", {"text": "Zqx, what can be done about it?", "clientId": "split-1"})

    def wait_for_assignment(self):
        mine = f"/tasks?status=open&reporterUserId={self.client.user_id}"
        self.task = until("the task is assigned", lambda: next((item for item in self.consultant.call("GET", mine)["items"]
                                                               if item["assignee"].get("userId") == self.consultant.user_id), None))

    def answer(self):
        # Introduced, thus a member of the channel.
        until("the consultant answers", lambda: self.consultant.call("POST", f"/channels/{self.channel}/posts", {"text": "Zqy, a lot.", "clientId": "split-2"}))

    def make(self, transition, wanted):
        def substatus():
            return self.consultant.call("GET", f"/tasks/{self.task['id']}")["substatus"]

        def made():
            if substatus() != wanted:
                self.consultant.call("POST", f"/tasks/{self.task['id']}/transitions/{transition}", {})
            return substatus() == wanted
        until(f"the task is {wanted}", made)

    def conclude(self):
        self.make("solve", "solved")
        asked = until("the feedback is asked for", lambda: next((post for post in self.posts() if post.get("code") == "client.feedback"), None))
        token = next(action["token"] for action in asked["actions"] if action["id"] == "yes")
        until("the feedback is given", lambda: self.client.call("POST", f"/posts/{asked['id']}/actions/yes", {"token": token}))
        until("the feedback is stored", lambda: self.consultant.call("GET", f"/tasks/{self.task['id']}/feedback")["answer"] == "yes")
        key = until("the task", lambda: self.admin.call("GET", f"/tasks/{self.task['id']}"))["processInstance"]
        until("the process ends", lambda: self.admin.call("GET", f"/processes/instances/{key}")["state"] == "completed")
        posts = self.posts()
        for code in ("client.new-request", "client.request-assigned", "client.feedback"):
            count = sum(post.get("code") == code for post in posts)
            expect(count == 1, f"{code} was posted {count} times")
        own_tasks = self.admin.call("GET", f"/tasks?reporterUserId={self.client.user_id}")["items"]
        expect(len(own_tasks) == 1, f"{len(own_tasks)} tasks of one request")
        self.page.close()

    def posts(self):
        return self.client.call("GET", f"/channels/{self.channel}/posts?limit=200")["items"]


def killed_amid_a_case(division, service):
    case = Case(division)
    case.ask()
    kill_and_restart(division, service, lambda: unavailable_not_hanging(division, service, case.admin))
    case.wait_for_assignment()
    case.answer()
    case.make("start", "in-progress")
    division.one_with(service).wait_until_ready(PATIENCE)
    kill_and_restart(division, service, lambda: time.sleep(1))
    case.conclude()


def divided_amid_a_case():
    """docs/split.md, "To divide a running platform": one process with an open case, then a process each service on copies of its folder."""
    with tempfile.TemporaryDirectory() as folder:
        whole = Server(pathlib.Path(folder) / "whole", CONSILIUM_LIMITS_LOGINS__PER__MINUTE="1000")
        whole.folder.mkdir()
        whole.edge = whole
        with whole.start():
            case = Case(whole)
            case.ask()
            case.wait_for_assignment()
            case.answer()
            case.make("start", "in-progress")
            said = [post["id"] for post in case.posts()]
            code = whole.end()
            expect(code == 0, f"the whole platform ended with {code}")
        division = Division(folder, [(part,) for part in (*SERVICES, "gateway")])
        for process in division.processes.values():
            shutil.copytree(whole.folder / "data", process.folder / "data", symlinks=True)
        with division:
            case.meet(division)
            expect([post["id"] for post in case.posts()][-len(said):] == said, "what was said before is not what is read after")
            case.conclude()
            play_demo(division)
            codes = division.end()
            expect(codes == [0] * 6, f"ended with {codes}")


def one_service(report, service):
    with tempfile.TemporaryDirectory() as folder:
        try:
            with Division(folder, apart(service)) as division:
                report.check(f"demo with {service} in a process of its own", lambda: play_demo(division))
                report.check(f"{service} killed -9 twice amid a case", lambda: killed_amid_a_case(division, service))

                def ends():
                    codes = division.end()
                    expect(codes == [0, 0], f"ended with {codes}")
                report.check(f"{service} and the rest end in order", ends)
        except Exception as error:
            report.check(f"{service} in a process of its own", lambda: (_ for _ in ()).throw(error))


def gateway_away():
    """Sessions are not the gateway's: one that is killed loses none, and two serve one session in turn."""
    with tempfile.TemporaryDirectory() as folder, Division(folder, [tuple(SERVICES), ("gateway",)]) as division:
        first = division.edge
        second = Server(pathlib.Path(folder) / "second", demo=False, **first.settings)
        second.folder.mkdir()
        with second.launch().wait_until_ready(PATIENCE):
            person = log_in(division, "anna")
            channel = person.call("GET", "/channels")["items"][0]["id"]

            def at(server):
                """The same session by another way in."""
                person.address = server.address
                person.connection = http.client.HTTPConnection(server.address, timeout=10)
                return person
            for number in range(10):
                at((first, second)[number % 2]).call("POST", f"/channels/{channel}/posts", {"text": f"Zqx {number}", "clientId": f"away-{number}"})
                time.sleep(0.25)  # at most five posts a second
            pages = [Page(at(server)) for server in (first, second)]
            first.end(signal.SIGKILL)
            until("the page of the killed gateway breaks", pages[0].closed.is_set)
            expect(at(second).call("GET", "/sessions/current")["user"]["id"] == person.user_id, "the other gateway lost the session")
            expect(not pages[1].closed.is_set(), "the other gateway's page broke")
            first.demo = False  # it would give the demo people their passwords anew, which ends their sessions
            first.launch().wait_until_ready(PATIENCE)
            expect(at(first).call("GET", "/sessions/current")["user"]["id"] == person.user_id, "the session is lost with its gateway")
            posts = at(first).call("GET", f"/channels/{channel}/posts?limit=200")["items"]
            expect(sorted(post["clientId"] for post in posts if (post.get("clientId") or "").startswith("away-")) == sorted(f"away-{n}" for n in range(10)), "posts are missing")
            again = Page(at(first))
            at(second).call("DELETE", "/sessions/current")
            for page in (pages[1], again):
                until("pages of the ended session close", page.closed.is_set)
            for server in (first, second):
                try:
                    at(server).call("GET", "/sessions/current")
                    raise AssertionError("an ended session goes on")
                except Refused as refused:
                    expect(refused.status == 401, str(refused))
            expect(second.end() == 0, "the second gateway did not end well")
        expect(division.end() == [0, 0], "the platform did not end well")


def all_apart():
    with tempfile.TemporaryDirectory() as folder:
        with Division(folder, [(part,) for part in (*SERVICES, "gateway")]) as division:
            play_demo(division)
            for group, process in division.processes.items():
                expect((process.folder / "data/consilium.db").exists(), f"{group} has no data folder of its own")
            codes = division.end()
            expect(codes == [0] * 6, f"ended with {codes}")


def lines_of(division):
    """What all processes wrote into their logs, each line parsed; demo logins on standard error are no lines of the log."""
    for group, process in division.processes.items():
        for line in process.log().splitlines():
            if line.startswith("{"):
                yield group, json.loads(line)
            else:
                expect('"level"' not in line, f"a line of the log that is no JSON: {line}")


def one_request_is_followed():
    """One HTTP call: the edge asks the issuer who calls, users makes a draft, its event starts a process elsewhere, whose jobs call chat,
    sessions and users. Each runs in a process of its own; all that they write of it carries the id of the request."""
    rid, trace = "followed-1", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    client = {"firstName": "Zqa", "lastName": "Zqb", "sex": "f", "birthDate": "1990-01-31", "phone": "+491701234588"}
    with tempfile.TemporaryDirectory() as folder, Division(folder, [(part,) for part in (*SERVICES, "gateway")], CONSILIUM_LOG_LEVEL="debug") as division:
        admin = log_in(division, "admin")
        made = admin.call("POST", "/users/clients", client, {"X-Request-Id": rid, "traceparent": trace})
        until("the client is active", lambda: admin.call("GET", f"/users/{made['id']}")["status"] == "active")
        # A business error of users reaches the caller through the edge as it was said.
        try:
            admin.call("POST", "/users/clients", client, {"X-Request-Id": "followed-2"})
            raise AssertionError("two people with one phone")
        except Refused as refused:
            problem = json.loads(refused.body)
            expect((refused.status, problem["code"], problem["requestId"]) == (409, "users.username-taken", "followed-2"), str(refused))
        expect(division.end() == [0] * 6, "they end well")
        lines = list(lines_of(division))
        own = [(group[0], line) for group, line in lines if line.get("rid") == rid]
        seen = {(group, line["service"], line["message"]) for group, line in own}
        for wanted in (("gateway", "gateway", "Request answered"), ("sessions", "sessions", "Call"), ("users", "users", "Call"), ("processes", "processes", "Job worked on"),
                       ("chat", "chat", "Call")):
            expect(wanted in seen, f"{wanted} is not among {sorted(seen)}")
        expect(any(group == "processes" and line["message"] == "Event tried" and line["group"] == "processes.drafts" for group, line in own), "the hop over the queue left no line")
        calls = {line["call"] for group, line in own if line["message"] == "Call"}
        expect({"Authenticate", "CreateClient", "CreateChatUser", "CreateIdentity", "ActivateUser"} <= calls, f"calls: {calls}")
        jobs = {line["type"] for _, line in own if line["message"] == "Job worked on"}
        expect({"st-create-chat-user", "st-create-chat-channel", "st-create-send-hello", "st-create-identity", "st-activate-user"} == jobs, f"jobs: {jobs}")
        records = [line for _, line in own if line["message"] == "Request answered"]
        expect(len(records) == 1 and records[0]["trace"] == trace and records[0]["status"] == 202, f"{records}")
        # Nothing of it went under another id: what was made for this client was made once, and is among what is followed.
        for call in ("CreateClient", "CreateChatUser", "CreateIdentity", "ActivateUser"):
            others = {line.get("rid") for _, line in lines if line["message"] == "Call" and line["call"] == call and line["result"] == "ok"} - {rid}
            expect(all(other and not other.startswith("job-") for other in others), f"{call} under {others}")
        expect(all("Zqa" not in json.dumps(line) and "Zqb" not in json.dumps(line) for _, line in lines), "a name is in a log")
        print(f"  {len(own)} lines of {len({group for group, _ in own})} processes carry the id")


def openssl(folder, *words):
    done = subprocess.run(["openssl", *words], cwd=folder, capture_output=True, text=True)
    expect(done.returncode == 0, f"openssl {words[0]}: {done.stderr}")


def certificate(folder, name):
    """Signed by the platform's own authority, for 127.0.0.1, with the name of what the process runs."""
    openssl(folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names", "-out", f"{name}.pem")
    return {"CONSILIUM_SERVICES_TLS_CERTIFICATE": str(folder / f"{name}.pem"), "CONSILIUM_SERVICES_TLS_KEY": str(folder / f"{name}.key"),
            "CONSILIUM_SERVICES_TLS_AUTHORITY": str(folder / "ca.pem")}


def with_certificates():
    with tempfile.TemporaryDirectory() as text:
        folder = pathlib.Path(text)
        openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj",
                "/CN=the platform")
        division = Division(folder, apart("chat"))
        for group, process in division.processes.items():
            process.settings.update(certificate(folder, "-".join(group)))
        with division:
            play_demo(division)
            # A certificate of the same authority that names no part of the platform opens nothing.
            stranger = Server(folder / "stranger", demo=True, **{**division.edge.settings, **certificate(folder, "somebody")})
            stranger.folder.mkdir()
            stranger.settings["CONSILIUM_SERVICES_LISTEN"] = "127.0.0.1:0"
            with stranger.launch():
                def refused():
                    if stranger.addresses.exists():
                        stranger.internal = json.loads(stranger.addresses.read_text())["internal"]
                    checks = (stranger.health()[1] or {}).get("checks", []) if stranger.internal else []
                    return any(check["name"] == "service:chat" and check.get("reason") == "rpc.forbidden" for check in checks)
                until("the stranger is refused", refused)


def stopped_while_it_waits():
    """An edge whose services are away says so and ends when it is told to."""
    with tempfile.TemporaryDirectory() as folder:
        division = Division(folder, apart("chat"))
        edge = division.edge
        with edge.launch():
            def waits():
                if edge.addresses.exists():
                    edge.internal = json.loads(edge.addresses.read_text())["internal"]
                checks = (edge.health()[1] or {}).get("checks", []) if edge.internal else []
                return any(check["name"] == "service:chat" and check.get("reason") == "rpc.unavailable" for check in checks)
            until("readiness names chat", waits)
            began = time.monotonic()
            code = edge.end()
            expect(code == 0, f"ended with {code}: {edge.log()[-800:]}")
            expect(time.monotonic() - began < 20, "the end took more than 20 s")


def stops_soon():
    """Calls of others that wait for news hold nobody up: a process ends while the other runs, whose calls wait at it."""
    for service in ("chat", "tasks"):
        with tempfile.TemporaryDirectory() as folder, Division(folder, apart("chat")) as division:
            time.sleep(1)  # the hub and the readers of events have begun to wait
            process = division.one_with(service)
            began = time.monotonic()
            code = process.end()
            took = time.monotonic() - began
            expect(code == 0, f"{service} ended with {code}: {process.log()[-800:]}")
            expect(took < 1.5, f"the process of {service} took {took:.1f} s to end")


def stands_still(pid):
    """A signal that stops a process reaches its threads one after the other, and one of them may answer until then."""
    states = [file.read_text().rpartition(")")[2].split()[0] for file in pathlib.Path(f"/proc/{pid}/task").glob("*/stat")]
    return all(state == "T" for state in states)


def frozen():
    """A process that stands still: calls end at their deadline, and go on when it does."""
    with tempfile.TemporaryDirectory() as folder:
        with Division(folder, apart("chat"), CONSILIUM_HTTP_REQUEST__DEADLINE="3s") as division:
            person = log_in(division, "anna")
            chat = division.one_with("chat").process
            chat.send_signal(signal.SIGSTOP)
            try:
                until("all its threads stand still", lambda: stands_still(chat.pid))
                began = time.monotonic()
                try:
                    person.call("GET", "/channels")
                    raise AssertionError("a frozen process answers")
                except Refused as refused:
                    expect(refused.status in (503, 504), str(refused))
                expect(time.monotonic() - began < 9, "the refusal took more than 9 s")
            finally:
                chat.send_signal(signal.SIGCONT)
            until("the channels are read again", lambda: person.call("GET", "/channels")["items"])


def recipe():
    """docs/split.md as it stands, on other ports."""
    page = (ROOT / "docs/split.md").read_text()
    files = dict(re.findall(r"^`(\w+\.yaml)`:\n\n```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL))
    expect(sorted(files) == ["chat.yaml", "rest.yaml"], f"the page has {sorted(files)}")
    ports = sorted(set(re.findall(r"127\.0\.0\.1:\d+", "".join(files.values()))))
    free = dict(zip(ports, free_addresses(len(ports))))
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            (pathlib.Path(folder) / name).write_text(re.sub(r"127\.0\.0\.1:\d+", lambda found: free[found.group()], text))
        (pathlib.Path(folder) / "bin").mkdir()
        (pathlib.Path(folder) / "bin/consilium").symlink_to(BINARY.resolve())
        environment = clean_environment(PATH=f"{folder}/bin:{os.environ['PATH']}")
        del environment["CONSILIUM_INTERNAL_LISTEN"]
        commands = re.search(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL).group(1)
        # The shell that starts them ends them.
        script = f"trap 'kill $(jobs -p); wait' EXIT\nset -e\n{commands}\nread -r _ || true\n"
        with open(pathlib.Path(folder) / "log", "wb") as log, \
             subprocess.Popen(["bash", "-c", script], cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log) as shell:
            try:
                edge = Server(folder)
                edge.internal = free["127.0.0.1:9091"]
                until("the edge is ready", edge.is_ready)
                done = subprocess.run([str(BINARY), "demo", "--url", "http://" + free["127.0.0.1:8080"], "--password", PASSWORD], env=clean_environment(),
                                      stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
                expect(done.returncode == 0, f"the demo ended with {done.returncode}: {done.stderr[-600:]}")
            finally:
                shell.stdin.close()
                shell.wait(PATIENCE)
        expect(edge.health()[0] is None, "the servers did not end with the shell")


def serve_with(**settings):
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run([str(BINARY), "serve", "--data", "data"], cwd=folder, env=clean_environment(**settings), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=30), list(pathlib.Path(folder).iterdir())


def wrong_settings():
    done, made = serve_with(CONSILIUM_SERVICES_RUN="chat,mail", CONSILIUM_SERVICES_USERS_ADDRESS="users.internal:9000", CONSILIUM_LOG_LEVEL="loud")
    expect(done.returncode == 3, f"ended with {done.returncode}")
    for name in ("log.level", "services.run", "services.users.address", "services.sessions.address", "services.listen"):
        expect(name in done.stderr, f"{name} is not named: {done.stderr}")
    expect(not made, f"something was opened: {made}")
    done, _ = serve_with(CONSILIUM_SERVICES_LISTEN="0.0.0.0:9000")
    expect(done.returncode == 3 and "services.tls.certificate" in done.stderr, f"{done.returncode} {done.stderr}")


def main():
    wanted = [service for service in SERVICES if not sys.argv[1:] or service in sys.argv[1:]]
    report = Report()
    for service in wanted:
        one_service(report, service)
    if not sys.argv[1:]:
        report.check("demo with every service in a process of its own", all_apart)
        report.check("U-1 two gateways serve one session, and one that is killed loses none", gateway_away)
        report.check("L-1 X-1 one request is followed through all processes and the queue, and an error of a service reaches its caller", one_request_is_followed)
        report.check("the recipe of docs/split.md", recipe)
        report.check("a running platform is divided amid a case", divided_amid_a_case)
        report.check("a frozen service: calls end at their deadline", frozen)
        report.check("told to end while its services are away", stopped_while_it_waits)
        report.check("waiting calls of others do not hold up an end", stops_soon)
        report.check("certificates of both sides", with_certificates)
        report.check("C-1 settings that do not fit: all are named, exit 3", wrong_settings)
    sys.exit(1 if report.failed else 0)


if __name__ == "__main__":
    main()
