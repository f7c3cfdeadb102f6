#!/usr/bin/env python3
"""Acknowledged means durable, and done once: a server is killed with -9 again and again in the middle of consultations, with many
requests on their way. A process of its own (ledger.py) keeps what was acknowledged and finds each of it after each restart; what got no
answer is asked for again and is then there once; each case has each of its effects once; each socket goes on from the number that it had.

kill_test.py [--rounds 8] [--acknowledged 1500] [--seed N]   (./dev chaos: 50 rounds, 10000 acknowledged)"""
import argparse
import collections
import http.client
import itertools
import json
import pathlib
import queue
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

from page import Page
from server import PASSWORD, Person, Refused, Report, Server, expect, pages

CLIENTS = ["anna", "boris"] + [f"killed-client-{i}" for i in range(6)]
CONSULTANTS = ["clara", "david"]
WRITERS_A_CLIENT = 3
IN_FLIGHT = 8  # requests without an answer when it is killed
PATIENCE = 60
TOO_FAST_SECONDS = 0.02
SETTINGS = {
    "CONSILIUM_ASSIGNMENT_OPEN__TASKS": "8",
    "CONSILIUM_LIMITS_LOGINS__PER__MINUTE": "1000",
    "CONSILIUM_LIMITS_POSTS__PER__SECOND": "100",
    "CONSILIUM_SESSIONS_ACCESS__TOKEN": "1h",
    "CONSILIUM_SESSIONS_ISSUER": "http://consilium.example",  # the port is another one in each life
}
NO_ANSWER = (OSError, http.client.HTTPException)


class Ledger:
    """The process that keeps what was acknowledged."""

    def __init__(self):
        program = pathlib.Path(__file__).resolve().with_name("ledger.py")
        self.process = subprocess.Popen([sys.executable, str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.lock = threading.Lock()
        self.noted = 0

    def note(self, what, *values):
        with self.lock:
            self.noted += 1
            self.process.stdin.write(json.dumps({what: values}) + "\n")

    def compare(self, address, unanswered, cases=False):
        with self.lock:
            self.process.stdin.write(json.dumps({"compare": address, "unanswered": list(unanswered), "cases": cases}) + "\n")
            self.process.stdin.flush()
        answer = self.process.stdout.readline()
        expect(answer, "the ledger ended")
        found = json.loads(answer)
        expect(not found["wrong"], f"{len(found['wrong'])} things are not as acknowledged: {found['wrong'][:3]}")
        return found

    def end(self):
        self.process.stdin.close()
        expect(self.process.wait(30) == 0, "the ledger failed")


class Inbox:
    """What the sockets of one person were told, over all lives of the server: each event once, none left out."""

    def __init__(self):
        self.last = None
        self.first = None
        self.faults = []
        self.events = {}  # number -> (type, data)
        self.feedback = queue.Queue()  # posts that ask for it
        self.welcomed = threading.Event()

    def open(self, person):
        self.welcomed.clear()
        self.page = Page(person, self.last, self.take)

    def take(self, frame):
        if frame["type"] == "welcome":
            number = frame["data"]["seq"]
            if self.last is None:
                self.first = self.last = number
            if number < self.last:
                self.faults.append(f"event {self.last} was told, but the log ends at {number}")
            self.welcomed.set()
        elif frame["type"] == "resync":
            self.faults.append("everything had to be loaded anew")
        elif "seq" in frame:
            if frame["seq"] != self.last + 1:
                self.faults.append(f"event {frame['seq']} came after event {self.last}")
            self.last = frame["seq"]
            self.events[frame["seq"]] = (frame["type"], frame.get("data"))
            if frame["type"] == "post.created" and frame["data"].get("code") == "client.feedback":
                self.feedback.put(frame["data"])

    def posts(self):
        return [data for kind, data in self.events.values() if kind == "post.created"]


def names_of(prefix):
    return (f"{prefix}-{number}" for number in itertools.count(1))


class Play:
    def __init__(self, server, ledger, chance):
        self.server, self.ledger, self.chance = server, ledger, chance
        self.lock = threading.Lock()
        self.waiting = 0
        self.lost = 0  # requests that got no answer in this round
        self.refused = []
        self.unanswered = {username: {} for username in CLIENTS}  # clientId -> text
        self.people, self.inboxes, self.channels = {}, {}, {}
        self.rated = set()
        self.stop = threading.Event()

    # One request of any person.
    def ask(self, person, method, path, body=None):
        with self.lock:
            self.waiting += 1
        try:
            return person.call(method, path, body)
        except NO_ANSWER:
            with self.lock:
                self.lost += 1
            raise
        finally:
            with self.lock:
                self.waiting -= 1

    def set_up(self):
        self.server.start()
        self.server.demo = False  # which would set the passwords again, and so end the sessions
        for username in CLIENTS[2:]:
            token = self.server.add_person(username, "client")
            Person(self.server.address, "admin").call("POST", "/passwords", {"token": token, "password": PASSWORD})
        for username in CLIENTS + CONSULTANTS:
            self.people[username] = Person(self.server.address, username)
            self.inboxes[username] = Inbox()
        self.open_pages()
        for username in CLIENTS:
            self.channels[username] = self.people[username].call("GET", "/channels")["items"][0]["id"]
        for username in CONSULTANTS:
            self.people[username].call("PUT", "/users/me/presence", {"status": "online"})

    # With the sessions of before: no restart may lose one.
    def come_back(self):
        self.server.start()
        for username, person in self.people.items():
            self.people[username] = person.again(self.server.address)
        self.open_pages()
        for username in CLIENTS:
            for client_id, text in list(self.unanswered[username].items()):
                self.write(username, self.people[username], client_id, text)

    def open_pages(self):
        for username, inbox in self.inboxes.items():
            inbox.open(self.people[username])
        for username, inbox in self.inboxes.items():
            expect(inbox.welcomed.wait(PATIENCE), f"no welcome for {username}")

    def write(self, username, person, client_id, text):
        """Until it is acknowledged; what gets no answer stays among the unanswered."""
        self.unanswered[username][client_id] = text
        while True:
            try:
                stored = self.ask(person, "POST", f"/channels/{self.channels[username]}/posts", {"text": text, "clientId": client_id})
                break
            except Refused as refused:
                if refused.status != 429:
                    self.refused.append(str(refused))
                    raise
                time.sleep(TOO_FAST_SECONDS)
        self.ledger.note("post", username, self.channels[username], client_id, stored["id"], text)
        self.unanswered[username].pop(client_id)

    def run_until_lost(self, work, *values):
        try:
            while not self.stop.is_set():
                work(*values)
        except NO_ANSWER:
            pass
        except Refused as refused:
            self.refused.append(str(refused))

    def write_one(self, username, person, names):
        client_id = next(names)
        self.write(username, person, client_id, f"Zqx {client_id}")

    def consult_one(self, username, person):
        tasks = self.ask(person, "GET", "/tasks?status=open")["items"]
        mine = [task for task in tasks if task.get("assignee", {}).get("userId") == person.user_id]
        for task in mine:
            self.consult(username, person, task)
        if not mine:
            time.sleep(TOO_FAST_SECONDS)

    def consult(self, username, person, task):
        try:
            self.ask(person, "POST", f"/channels/{task['channelId']}/posts", {"text": "How long has it been so?", "clientId": f"{username}-{task['id']}"})
            self.ask(person, "POST", f"/tasks/{task['id']}/transitions/solve", {})
        except Refused as refused:
            # Not admitted to the channel yet; or the first try was carried out, and the list is of before.
            if refused.status in (403, 404, 409, 429):
                return time.sleep(TOO_FAST_SECONDS)
            raise
        self.ledger.note("transition", task["id"], "solve", person.user_id)

    def rate_one(self, username, person):
        inbox = self.inboxes[username]
        try:
            post = inbox.feedback.get(timeout=0.1)
        except queue.Empty:
            return
        task = self.parameters(post)["taskId"]
        yes = next(action for action in post["actions"] if action["id"] == "yes")
        try:
            self.ask(person, "POST", f"/posts/{post['id']}/actions/yes", {"token": yes["token"]})
            self.ledger.note("choice", task, "yes")
        except NO_ANSWER:
            inbox.feedback.put(post)
            raise
        except Refused as refused:
            if b"chat.action-final" not in refused.body:  # the first press was taken
                raise
        with self.lock:
            self.rated.add(task)

    @staticmethod
    def parameters(post):
        return json.loads(post["parameters"]) if isinstance(post["parameters"], str) else post["parameters"]

    def threads(self, round_name, writers):
        for username in CLIENTS:
            for i in range(writers):
                names = names_of(f"{round_name}-{username}-{i}")
                yield threading.Thread(target=self.run_until_lost, args=(self.write_one, username, self.people[username].again(), names))
            yield threading.Thread(target=self.run_until_lost, args=(self.rate_one, username, self.people[username].again()))
        for username in CONSULTANTS:
            yield threading.Thread(target=self.run_until_lost, args=(self.consult_one, username, self.people[username].again()))

    def one_round(self, name, quota):
        """Whether enough was on its way when it was killed."""
        self.stop.clear()
        self.lost = 0
        goal = self.ledger.noted + quota
        working = list(self.threads(name, WRITERS_A_CLIENT))
        for thread in working:
            thread.start()
        end = time.monotonic() + PATIENCE
        while self.ledger.noted < goal and not self.refused and time.monotonic() < end:
            time.sleep(0.005)
        time.sleep(self.chance.uniform(0, 0.1))
        while self.waiting < IN_FLIGHT + 2 and not self.refused and time.monotonic() < end:
            time.sleep(0.0005)
        self.server.end(signal.SIGKILL)
        self.stop.set()
        for thread in working:
            thread.join(PATIENCE)
        expect(not self.refused, f"{len(self.refused)} requests were refused: {self.refused[:2]}")
        expect(self.ledger.noted >= goal, f"only {quota + self.ledger.noted - goal} of {quota} were acknowledged in {PATIENCE} s")
        for username, inbox in self.inboxes.items():
            expect(not inbox.faults, f"{username}: {inbox.faults[:3]}")
        return self.lost >= IN_FLIGHT

    def finish(self):
        """Nobody asks any more; all cases come to their end, with their feedback."""
        self.stop.clear()
        working = list(self.threads("end", 0))
        for thread in working:
            thread.start()
        admin = Person(self.server.address, "admin")
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            tasks = [task for task in pages(admin, "/tasks") if task["type"]["type"] == "client"]
            active = sum(1 for _ in pages(admin, "/processes/instances?state=active"))
            if active == 0 and all(task["status"] == "closed" and task.get("feedback") for task in tasks):
                break
            time.sleep(0.2)
        self.stop.set()
        for thread in working:
            thread.join(PATIENCE)
        expect(not self.refused, f"{len(self.refused)} requests were refused: {self.refused[:2]}")

    def check_sockets(self):
        """Each acknowledged post and each introduction was told once to whom it concerns, and nothing is left to tell."""
        told = 0
        for username, inbox in self.inboxes.items():
            before = inbox.last
            inbox.page.close()
            inbox.open(self.people[username].again())
            expect(inbox.welcomed.wait(PATIENCE), f"no welcome for {username}")
            time.sleep(0.2)
            expect(not inbox.faults and inbox.last == before, f"{username}: {inbox.faults[:3]}, {inbox.last - before} events were left to tell")
            expect(len(inbox.events) == inbox.last - inbox.first, f"{username} was told {len(inbox.events)} of {inbox.last - inbox.first} events")
            ids = collections.Counter(post["id"] for post in inbox.posts())
            expect(max(ids.values()) == 1, f"{username} was told twice of {ids.most_common(1)}")
            told += len(inbox.events)
        introduced = collections.Counter(self.parameters(post)["taskId"] for username in CONSULTANTS for post in self.inboxes[username].posts() if post.get("code") == "consultant.request-assigned")
        expect(introduced and max(introduced.values()) == 1, f"introduced twice: {introduced.most_common(1)}")
        return told


def kill_often(options, figures):
    with tempfile.TemporaryDirectory() as folder, Server(pathlib.Path(folder), **SETTINGS) as server:
        ledger = Ledger()
        play = Play(server, ledger, random.Random(options.seed))
        play.set_up()
        quota = -(-options.acknowledged // options.rounds)
        tries = 0
        while figures["rounds"] < options.rounds:
            tries += 1
            expect(tries <= 2 * options.rounds, f"only {figures['rounds']} of {tries} kills met {IN_FLIGHT} requests on their way")
            if play.one_round(f"r{tries}", quota):
                figures["rounds"] += 1
                figures["in flight"].append(play.lost)
            unanswered = [client_id for posts in play.unanswered.values() for client_id in posts]
            figures["asked again"] += len(unanswered)
            play.come_back()
            ledger.compare(server.address, unanswered)
        play.finish()
        found = ledger.compare(server.address, [], cases=True)
        figures["compared"], figures["cases"] = found["compared"], found["tasks"]
        figures["events"] = play.check_sockets()
        expect(found["compared"] >= options.acknowledged, f"only {found['compared']} were acknowledged")
        expect(found["tasks"] >= options.rounds, f"only {found['tasks']} cases were played")
        check_the_ledger(ledger, server.address)
        ledger.end()


def check_the_ledger(ledger, address):
    """It must miss what was never written, or it finds nothing at all."""
    ledger.note("post", CLIENTS[0], "", "never-written", "00000000-0000-0000-0000-000000000000", "Zqx")
    try:
        ledger.compare(address, [])
    except AssertionError as missed:
        expect("never-written" in str(missed), str(missed))
    else:
        raise AssertionError("the ledger does not miss a post that was never written")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--acknowledged", type=int, default=1500)
    options = parser.parse_args()
    print(f"seed {options.seed}; again: python3 tests/e2e/kill_test.py --seed {options.seed} --rounds {options.rounds} --acknowledged {options.acknowledged}", flush=True)
    figures = {"rounds": 0, "asked again": 0, "in flight": []}
    report = Report()
    report.check("B-36 kill -9 loses nothing that was acknowledged, and each case has each effect once", lambda: kill_often(options, figures))
    flights = sorted(figures["in flight"]) or [0]
    print(f"{figures['rounds']} kills with {flights[0]} to {flights[-1]} requests on their way (median {flights[len(flights) // 2]}); {figures.get('compared', 0)} acknowledged ids compared one by one; "
          f"{figures['asked again']} asked again; {figures.get('cases', 0)} cases, each effect once; {figures.get('events', 0)} events on {len(CLIENTS + CONSULTANTS)} sockets without gap or repetition", flush=True)
    sys.exit(1 if report.failed else 0)


main()
