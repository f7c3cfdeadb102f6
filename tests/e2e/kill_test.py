#!/usr/bin/env python3
"""Acknowledged means durable: a server is killed again and again while clients post; every acknowledged post is there exactly
once after the restart, and what got no answer is posted again under its clientId and is then there once too."""
import argparse
import http.client
import pathlib
import random
import signal
import sys
import tempfile
import threading
import time

from server import Person, Refused, Report, Server, expect

ROUNDS = 20
BUDGET_SECONDS = 90  # further rounds than ROUNDS only before
MORE_ROUNDS = 10
THREADS_A_CLIENT = 3
TOO_FAST_SECONDS = 0.05
CLIENTS = ("anna", "boris")
LIMITS = {"CONSILIUM_LIMITS_LOGINS__PER__MINUTE": "1000", "CONSILIUM_LIMITS_POSTS__PER__SECOND": "20"}


class Channel:
    """What one client has written, over all rounds."""

    def __init__(self, username):
        self.username = username
        self.acknowledged = {}  # clientId -> (post id, text)
        self.unanswered = {}  # clientId -> text
        self.refused = []
        self.lock = threading.Lock()

    def log_in(self, address):
        self.person = Person(address, self.username)
        self.channel_id = self.person.call("GET", "/channels")["items"][0]["id"]
        self.path = f"/channels/{self.channel_id}/posts"

    def post(self, person, client_id, text):
        stored = person.call("POST", self.path, {"text": text, "clientId": client_id})
        with self.lock:
            self.acknowledged[client_id] = (stored["id"], text)
            self.unanswered.pop(client_id, None)

    def write_until_killed(self, prefix, first_answer, stop):
        person = object.__new__(Person)
        person.address, person.token = self.person.address, self.person.token
        person.connection = http.client.HTTPConnection(person.address, timeout=10)
        number = 0
        while not stop.is_set():
            number += 1
            client_id, text = f"{prefix}-{number}", f"Zqx {prefix} {number}"
            with self.lock:
                self.unanswered[client_id] = text
            try:
                self.post(person, client_id, text)
                first_answer.set()
            except Refused as refused:
                with self.lock:
                    self.unanswered.pop(client_id)
                    if refused.status != 429:
                        self.refused.append(str(refused))
                        return
                time.sleep(TOO_FAST_SECONDS)
            except (OSError, http.client.HTTPException):
                return

    def post_unanswered_again(self):
        for client_id, text in list(self.unanswered.items()):
            while client_id in self.unanswered:
                try:
                    self.post(self.person, client_id, text)
                except Refused as refused:
                    expect(refused.status == 429, str(refused))
                    time.sleep(TOO_FAST_SECONDS)

    def stored(self):
        """Own posts of the channel: clientId -> [(post id, text)]."""
        found, cursor = {}, ""
        while True:
            page = self.person.call("GET", f"{self.path}?limit=200" + (f"&cursor={cursor}" if cursor else ""))
            for post in page["items"]:
                if post.get("authorId") == self.person.user_id:
                    found.setdefault(post.get("clientId"), []).append((post["id"], post["text"]))
            cursor = page.get("nextCursor")
            if not cursor:
                return found

    def check(self):
        expect(not self.refused, f"{len(self.refused)} posts were refused: {self.refused[:1]}")
        stored = self.stored()
        for client_id, wanted in self.acknowledged.items():
            expect(client_id in stored, f"acknowledged post {wanted[0]} ({client_id}) is lost")
        for client_id, posts in stored.items():
            expect(len(posts) == 1, f"{client_id} is there {len(posts)} times")
            known = self.acknowledged.get(client_id)
            expect(known is None or known == posts[0], f"{client_id} is another post than was acknowledged")
            expect(known or client_id in self.unanswered, f"nobody wrote {client_id}")


def one_round(server, channels, chance, name):
    for channel in channels:
        channel.log_in(server.address)
        channel.check()
        channel.post_unanswered_again()
        channel.check()
    first_answer, stop = threading.Event(), threading.Event()
    writers = [threading.Thread(target=channel.write_until_killed, args=(f"{name}-{channel.username}-{i}", first_answer, stop)) for channel in channels for i in range(THREADS_A_CLIENT)]
    for writer in writers:
        writer.start()
    answered = first_answer.wait(20)
    time.sleep(chance.uniform(0, 0.5))
    server.end(signal.SIGKILL)
    stop.set()
    for writer in writers:
        writer.join(30)
    expect(answered, "no post was answered within 20 s")


def kill_often(chance, figures):
    began = time.monotonic()
    channels = [Channel(name) for name in CLIENTS]
    with tempfile.TemporaryDirectory() as folder:
        server = Server(pathlib.Path(folder), **LIMITS)
        with server:
            while figures["rounds"] < ROUNDS or (figures["rounds"] < ROUNDS + MORE_ROUNDS and time.monotonic() - began < BUDGET_SECONDS / 2):
                expect(time.monotonic() - began < BUDGET_SECONDS, f"only {figures['rounds']} rounds in {BUDGET_SECONDS} s")
                server.start()
                one_round(server, channels, chance, f"r{figures['rounds']}")
                figures["rounds"] += 1
                figures["unanswered"] += sum(len(channel.unanswered) for channel in channels)
            server.start()
            for channel in channels:
                channel.log_in(server.address)
                channel.post_unanswered_again()
                channel.check()
                figures["posts"] += len(channel.acknowledged)
    expect(figures["posts"] > figures["rounds"], "hardly anything was posted")
    expect(figures["unanswered"] > 0, "no kill ever met a post on its way")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    seed = parser.parse_args().seed
    print(f"seed {seed}; again: python3 tests/e2e/kill_test.py --seed {seed}", flush=True)
    figures = {"rounds": 0, "posts": 0, "unanswered": 0}
    report = Report()
    report.check("kill -9 loses and repeats no acknowledged post", lambda: kill_often(random.Random(seed), figures))
    print(f"{figures['rounds']} kills, {figures['posts']} posts acknowledged, {figures['unanswered']} on their way when it was killed")
    sys.exit(1 if report.failed else 0)


main()
