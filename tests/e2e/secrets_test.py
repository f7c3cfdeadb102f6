#!/usr/bin/env python3
"""What nobody may find beside the data themselves: passwords, tokens, what people write, who they are.

A consultation with planted words is played on the real program at log level trace, in one process and with the services apart; then
each log, the metrics, every refusal, what the commands of an operator print, the journal of the processes and the events are
searched, in each form in which a word might be written down. At first the search itself is tried on planted leaks."""
import base64
import contextlib
import http.client
import json
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import urllib.parse

from page import Page
from server import BINARY, PASSWORD, Person, Report, Server, clean_environment, expect
from split_test import Division, apart, until

SETTINGS = {"CONSILIUM_LOG_LEVEL": "trace", "CONSILIUM_LIMITS_LOGINS__PER__MINUTE": "1000"}
OWN_PASSWORD, NEXT_PASSWORD, WRONG_PASSWORD, SHORT_PASSWORD = "Planted-passw0rd-1", "Planted-passw0rd-2", "Planted-wrong-one", "Planted-7"
ILLNESS, ANSWER, REASON, THANKS = "heliotropine fistula", "take aquamarine drops", "needs a wisteria surgeon", "my fistula is cured"
PEOPLE = {"first name": "Zinaidaqx", "last name": "Плантовская", "phone": "+15559998877", "e-mail": "zinaidaqx@planted.example", "other name": "Heliotropius"}
# Where a word may stand because that is what it is for: the words of the feedback travel to their task in this event alone, and the
# demo tells how to log in.
ALLOWED = {("events", "chat.v1.action-pressed"): {"feedback"}, ("banner", "of the demo"): {"password of the demo"}}


def forms(word):
    """How it might be written."""
    text = word.encode()
    yield text
    yield json.dumps(word)[1:-1].encode()
    yield urllib.parse.quote(word, safe="").encode()
    yield urllib.parse.quote_plus(word).encode()
    yield text.hex().encode()
    # Wherever it begins in the bytes that were encoded; the ends depend on what is beside it.
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + text)
        yield coded[-(-before * 8 // 6):-4]


def search(sources, words):
    """`sources`: {(kind, where): bytes}. What was found: (kind, where, name of the word)."""
    found = set()
    for (kind, where), content in sources.items():
        for name, word in words.items():
            if name not in ALLOWED.get((kind, where), ()) and any(form and form in content for form in forms(word)):
                found.add((kind, where, name))
    return found


def the_search_finds():
    words = {"plain": "heliotropine fistula", "letters": "Плантовская", "token": "eyJhbGciOiJFUzI1NiJ9.x"}
    for name, word in words.items():
        for form in forms(word):
            leaks = {("log", "here"): b'{"message":"' + form + b'"}', ("log", "there"): b"nothing of it"}
            expect(("log", "here", name) in search(leaks, words), f"{name} as {form!r} is not found")
            expect(not any(where == "there" for _, where, _ in search(leaks, words)), "something is found where nothing is")
    allowed = {("events", "chat.v1.action-pressed"): THANKS.encode(), ("events", "tasks.v1.solved"): THANKS.encode()}
    expect(search(allowed, {"feedback": THANKS}) == {("events", "tasks.v1.solved", "feedback")}, "what is allowed in one place is allowed in another")


class Told:
    """Everything that was refused, and the tokens that were given."""

    def __init__(self, address):
        self.address = address
        self.refusals = []
        self.words = {}

    def ask(self, method, path, body=None, headers=None, raw=None):
        connection = http.client.HTTPConnection(self.address, timeout=30)
        payload = raw if raw is not None else json.dumps(body) if body is not None else None
        connection.request(method, "/api/v1" + path, payload, {"Content-Type": "application/json", **(headers or {})})
        answer = connection.getresponse()
        text = answer.read()
        if answer.status >= 400:
            self.refusals.append(text + str(answer.getheaders()).encode())
        connection.close()
        return answer, json.loads(text) if text else None

    def refused(self, status, *request, **more):
        answer, body = self.ask(*request, **more)
        expect(answer.status == status, f"{request[:2]}: expected {status}, got {answer.status} {body}")

    def log_in(self, username, password):
        answer, body = self.ask("POST", "/sessions", {"username": username, "password": password}, {"Accept-Session": "bearer"})
        expect(answer.status == 201, f"login: {body}")
        self.words[f"access token {len(self.words)}"] = body["accessToken"]
        self.words[f"refresh token {len(self.words)}"] = body["refreshToken"]
        return body

    def person(self, login):
        person = object.__new__(Person)
        person.address, person.token, person.user_id = self.address, login["accessToken"], login["user"]["id"]
        person.connection = http.client.HTTPConnection(self.address, timeout=30)
        return person


def new_client(told, admin):
    made = admin.call("POST", "/users/clients", {"firstName": PEOPLE["first name"], "lastName": PEOPLE["last name"], "sex": "f", "birthDate": "1971-03-09",
                                                 "phone": PEOPLE["phone"], "email": PEOPLE["e-mail"]})
    until("the client is active", lambda: admin.call("GET", f"/users/{made['id']}")["status"] == "active")
    link = admin.call("POST", f"/users/{made['id']}/password-link")["token"]
    told.words["link"] = link
    told.refused(422, "POST", "/passwords", {"token": link, "password": SHORT_PASSWORD})
    told.ask("POST", "/passwords", {"token": link, "password": OWN_PASSWORD})
    told.refused(422, "POST", "/passwords", {"token": link, "password": NEXT_PASSWORD})
    told.refused(401, "POST", "/sessions", {"username": PEOPLE["phone"], "password": WRONG_PASSWORD})
    login = told.log_in(PEOPLE["phone"], OWN_PASSWORD)
    answer, _ = told.ask("POST", "/sessions", {"username": PEOPLE["phone"], "password": OWN_PASSWORD})
    told.words["cookie"] = answer.getheader("Set-Cookie").split(";")[0].split("=", 1)[1]
    told.refused(403, "PUT", "/users/me/presence", {"status": "away"}, {"Cookie": "session=" + told.words["cookie"], "Origin": "https://planted.example"})
    return told.person(login)


def wrong_requests(told, client):
    bearer = {"Authorization": "Bearer " + client.token}
    channel = until("the client has a channel", lambda: client.call("GET", "/channels")["items"])[0]["id"]
    posts = f"/channels/{channel}/posts"
    told.refused(400, "POST", posts, headers=bearer, raw='{"text":"' + ILLNESS)
    told.refused(400, "POST", posts, {"text": ILLNESS, ILLNESS.replace(" ", "-"): ILLNESS}, bearer)
    told.refused(422, "POST", posts, {"text": ILLNESS * 400}, bearer)
    told.refused(401, "PUT", "/users/me/password", {"currentPassword": WRONG_PASSWORD, "newPassword": NEXT_PASSWORD}, bearer)
    told.refused(401, "GET", "/channels", headers={"Authorization": f"Bearer {client.token}x"})
    version = client.call("GET", "/users/me")["version"]
    told.refused(412, "PATCH", f"/users/{client.user_id}", {"firstName": PEOPLE["other name"]}, {**bearer, "If-Match": '"99"'})
    client.call("PATCH", f"/users/{client.user_id}", {"firstName": PEOPLE["other name"]}, {"If-Match": f'"{version}"'})
    return posts


def consultation(told, client, posts):
    consultants = [told.person(told.log_in(name, PASSWORD)) for name in ("clara", "david")]
    pages = [Page(one) for one in [client, *consultants]]
    for one in consultants:
        until("a consultant is online", lambda one=one: one.call("PUT", "/users/me/presence", {"status": "online"})["effective"] == "online")
    client.call("POST", posts, {"text": ILLNESS + " since a week", "clientId": "planted-1"}, {"Idempotency-Key": "planted-1"})
    told.refused(422, "POST", posts, {"text": ILLNESS, "clientId": "planted-1"}, {"Authorization": "Bearer " + client.token, "Idempotency-Key": "planted-1"})

    def assigned(but=None):
        for one in consultants:
            if one is not but and (items := one.call("GET", f"/tasks?status=open&assigneeUserId={one.user_id}")["items"]):
                return one, items[0]
        return None
    first, task = until("the task is assigned", assigned)
    until("the task is returned", lambda: first.call("POST", f"/tasks/{task['id']}/transitions/return", {"reason": REASON}))
    second, task = until("the task is assigned to another", lambda: assigned(first))
    until("the consultant answers", lambda: second.call("POST", posts, {"text": ANSWER, "clientId": "planted-2"}))
    told.refused(404, "GET", f"/tasks/{task['id'][:-4]}0000", headers={"Authorization": "Bearer " + second.token})
    until("the answer begins the task", lambda: second.call("GET", f"/tasks/{task['id']}")["substatus"] == "in-progress")
    second.call("POST", f"/tasks/{task['id']}/transitions/solve", {"reason": REASON})
    asked = until("the feedback is asked for", lambda: next((post for post in client.call("GET", posts + "?limit=100")["items"] if post.get("code") == "client.feedback"), None))
    token = next(action["token"] for action in asked["actions"] if action["id"] == "yes")
    told.words["token of the button"] = token
    told.refused(403, "POST", f"/posts/{asked['id']}/actions/yes", {"token": token[:-1] + "0", "text": THANKS}, {"Authorization": "Bearer " + client.token})
    client.call("POST", f"/posts/{asked['id']}/actions/yes", {"token": token, "text": THANKS})
    until("the feedback is stored", lambda: second.call("GET", f"/tasks/{task['id']}/feedback")["text"] == THANKS)
    for page in pages:
        page.close()
    return task


def changed_and_left(told, client):
    client.call("PUT", "/users/me/password", {"currentPassword": OWN_PASSWORD, "newPassword": NEXT_PASSWORD})
    login = told.log_in(PEOPLE["phone"], NEXT_PASSWORD)
    answer, body = told.ask("POST", "/sessions/refresh", {"refreshToken": login["refreshToken"]})
    expect(answer.status == 200, f"refresh: {body}")
    told.words["token after refresh"] = body["accessToken"]
    told.words["refresh token that never was"] = login["refreshToken"][::-1]
    told.refused(401, "POST", "/sessions/refresh", {"refreshToken": login["refreshToken"][::-1]})


def printed(folder, *words):
    done = subprocess.run([str(BINARY), *words], cwd=folder, env=clean_environment(CONSILIUM_DATA=str(folder / "data")), stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    expect(done.returncode in (0, 1), f"{words} ended with {done.returncode}: {done.stderr[-300:]}")
    return done.stdout + done.stderr


def rows(store, table):
    store.text_factory = bytes
    lines = []
    for row in store.execute(f"SELECT * FROM {table}"):
        lines.append(b"|".join(value if isinstance(value, bytes) else str(value).encode() for value in row))
    return b"\n".join(lines)


def stored(folder):
    """The journal of the processes, the events by topic with those that wait or were given up, and who did what."""
    sources = {}
    with contextlib.closing(sqlite3.connect(f"file:{folder / 'data/consilium.db'}?mode=ro", uri=True)) as store:
        tables = [name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            if table.startswith("processes_") or table.endswith(("_parked", "_dead_letter", "_audit", "_refusal", "_exclusion", "_assignment")):
                sources[("rows", table)] = rows(store, table)
            if table.endswith("_outbox"):
                for (topic,) in store.execute(f"SELECT DISTINCT topic FROM {table}").fetchall():
                    topic = topic.decode() if isinstance(topic, bytes) else topic
                    sources[("events", topic)] = rows(store, f"{table} WHERE topic = '{topic}'")
    return sources


def play(told, server):
    """`server`: the one that listens to the public."""
    admin = told.person(told.log_in("admin", PASSWORD))
    client = new_client(told, admin)
    posts = wrong_requests(told, client)
    task = consultation(told, client, posts)
    changed_and_left(told, client)
    told.words.update({"password of the demo": PASSWORD, "password": OWN_PASSWORD, "next password": NEXT_PASSWORD, "wrong password": WRONG_PASSWORD,
                       "short password": SHORT_PASSWORD, "illness": ILLNESS, "answer": ANSWER, "reason": REASON, "feedback": THANKS, **PEOPLE})
    told.printed = {("printed", " ".join(words)): printed(server.folder, *words)
                    for words in (("config", "print"), ("config", "check"), ("doctor",), ("show", task["number"]), ("show", "refusals"), ("show", "dead-letters"))}
    return told


def collected(told, processes):
    sources = dict(told.printed)
    sources[("refusals", "over HTTP")] = b"\n".join(told.refusals)
    for process in processes:
        name = process.folder.name
        connection = http.client.HTTPConnection(process.internal, timeout=10)
        connection.request("GET", "/metrics")
        sources[("metrics", name)] = connection.getresponse().read()
        sources[("health", name)] = json.dumps(process.health()[1]).encode()
        # The end of a process shortens its journal.
        sources.update({(kind, f"{where} of {name} amid the run"): content for (kind, where), content in stored(process.folder).items() if kind == "rows"})
    for process in processes:
        expect(process.end() == 0, f"{process.folder.name} did not end well")
        lines = process.log().splitlines()
        sources[("log", process.folder.name)] = "\n".join(line for line in lines if line.startswith("{")).encode()
        sources[("banner", "of the demo")] = sources.get(("banner", "of the demo"), b"") + "\n".join(line for line in lines if not line.startswith("{")).encode()
        for file in (process.folder / "data").rglob("*"):
            if file.is_file() and file.parent.name in ("log", "run"):
                sources[("file", file.name)] = file.read_bytes()
        for place, content in stored(process.folder).items():
            sources[place] = sources.get(place, b"") + content
    return sources


def nothing_is_found(told, processes):
    sources = collected(told, processes)
    log = b"".join(content for (kind, _), content in sources.items() if kind == "log")
    expect(b'"level":"trace"' in log or b'"level":"debug"' in log, "the log tells nothing in detail")
    # What was searched is there and can be read.
    journal = b"".join(content for (kind, where), content in sources.items() if where.startswith("processes_journal of"))
    expect(b"st-msg-task-solved" in journal, f"the journal of {len(journal)} bytes cannot be read")
    expect(sum(kind == "events" for kind, _ in sources) >= 8, f"too few topics: {[where for kind, where in sources if kind == 'events']}")
    expect(len(told.refusals) >= 12, f"only {len(told.refusals)} refusals")
    expect(THANKS.encode() in sources[("events", "chat.v1.action-pressed")], "the events cannot be read")
    found = search(sources, told.words)
    expect(not found, f"{len(found)} leaks: {sorted(found)}")
    print(f"  {len(told.words)} words, {len(sources)} places, {sum(map(len, sources.values())) // 1024} KB searched")


def in_one_process():
    with tempfile.TemporaryDirectory() as folder, Server(folder, **SETTINGS).start() as server:
        nothing_is_found(play(Told(server.address), server), [server])


def with_the_chat_apart():
    with tempfile.TemporaryDirectory() as folder, Division(folder, apart("chat"), **SETTINGS) as division:
        nothing_is_found(play(Told(division.edge.address), division.edge), list(division.processes.values()))


def main():
    report = Report()
    report.check("the search finds planted leaks", the_search_finds)
    report.check("L-4 no planted word in one process", in_one_process)
    report.check("L-4 no planted word with the chat in a process of its own", with_the_chat_apart)
    sys.exit(1 if report.failed else 0)


if __name__ == "__main__":
    main()
