"""A server of the built program for one test: demo people, free ports, a temporary folder that the caller gives."""
import copy
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# The test runner names it; by hand the release build is meant.
BINARY = pathlib.Path(os.environ.get("TEST_BINARY") or ROOT / "build/release/consilium")
PASSWORD = "a-long-demo-password"


def clean_environment(**more):
    """Without settings of another server."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CONSILIUM_")}
    return dict(kept, CONSILIUM_DEMO_PASSWORD=PASSWORD, CONSILIUM_INTERNAL_LISTEN="127.0.0.1:0", **more)


class Server:
    def __init__(self, folder, demo=True, under=(), **settings):
        """`under`: the words of a program that runs it as its own process."""
        self.folder = pathlib.Path(folder)
        self.under = list(under)
        self.demo = demo
        self.settings = settings
        self.process = None
        self.address = self.internal = None

    @property
    def addresses(self):
        return self.folder / "data/run/addresses.json"

    def start(self, patience=60, look_every=0.02):
        return self.launch().wait_until_ready(patience, look_every)

    def launch(self):
        self.addresses.unlink(missing_ok=True)
        words = self.under + [str(BINARY), "serve"] + ["--demo"] * self.demo + ["--data", str(self.folder / "data"), "--listen", "127.0.0.1:0"]
        with open(self.folder / "server.log", "ab") as log:
            self.process = subprocess.Popen(words, cwd=self.folder, env=clean_environment(**self.settings), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self

    def wait_until_ready(self, patience=60, look_every=0.02):
        end = time.monotonic() + patience
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with {self.process.returncode}: {self.log()[-2000:]}")
            if self.addresses.exists():
                chosen = json.loads(self.addresses.read_text())
                self.address, self.internal = chosen.get("http"), chosen["internal"]
                if self.is_ready():
                    return self
            time.sleep(look_every)
        raise RuntimeError(f"the server was not ready after {patience} s: {self.log()[-2000:]}")

    def is_ready(self):
        return self.health()[0] == 200

    def health(self):
        """Status and body of /health/ready; None when nobody answers."""
        try:
            connection = http.client.HTTPConnection(self.internal, timeout=5)
            connection.request("GET", "/health/ready")
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        except OSError:
            return None, None

    @property
    def url(self):
        return "http://" + self.address

    def log(self):
        return (self.folder / "server.log").read_text(errors="replace")

    def end(self, how=signal.SIGTERM, patience=60):
        """Its exit code; negative when a signal ended it."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(patience) if self.process else None

    def add_person(self, username, role):
        """A person of this role; answers the token of the one-time link."""
        details = ["--sex", "f", "--birth-date", "1980-05-17", "--phone", "+15550100"] if role == "client" else ["--email", username + "@example.org", "--group", "consultant"]
        words = [str(BINARY), "user", "add", username, "--role", role, "--first-name", "Made", "--last-name", "Person", "--data", str(self.folder / "data"), *details]
        done = subprocess.run(words, capture_output=True, text=True, env=clean_environment(), cwd=self.folder)
        expect(done.returncode == 0, f"no person was added: {done.stderr}")
        return done.stdout.strip().split("#", 1)[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Refused(Exception):
    """An answer with an error status."""

    def __init__(self, status, body):
        super().__init__(f"{status} {body[:300]!r}")
        self.status, self.body = status, body


class Person:
    """A bearer session. `OSError` and `http.client.HTTPException` mean that no answer came."""

    def __init__(self, address, username):
        self.address = address
        self.token = None
        self.connection = http.client.HTTPConnection(address, timeout=10)
        login = self.call("POST", "/sessions", {"username": username, "password": PASSWORD}, {"Accept-Session": "bearer"})
        self.token, self.refresh_token, self.user_id = login["accessToken"], login["refreshToken"], login["user"]["id"]

    def again(self, address=None):
        """The same session on a connection of its own, perhaps to the next life of the server."""
        other = copy.copy(self)
        other.address = address or self.address
        other.connection = http.client.HTTPConnection(other.address, timeout=10)
        return other

    def call(self, method, path, body=None, headers=None):
        headers = dict(headers or {})
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self.token:
            headers["Authorization"] = "Bearer " + self.token
        self.connection.request(method, "/api/v1" + path, None if body is None else json.dumps(body), headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise Refused(answer.status, text)
        return json.loads(text) if text else None


def pages(person, path):
    """What all pages of a list hold."""
    cursor = ""
    while cursor is not None:
        page = person.call("GET", f"{path}{'&' if '?' in path else '?'}limit=200{'&cursor=' + cursor if cursor else ''}")
        yield from page["items"]
        cursor = page.get("nextCursor")


class Report:
    """A line a test, as tests/run.py reads them."""

    def __init__(self):
        self.failed = False

    def check(self, name, test):
        began = time.monotonic()
        try:
            test()
            print(f"PASS {name} [{time.monotonic() - began:.1f}s]", flush=True)
        except Exception as error:  # every failure is one line of the report
            self.failed = True
            why = re.sub(r"\s+", " ", f"{type(error).__name__}: {error}")
            print(f"FAIL {name}: {why}", flush=True)


def expect(condition, why):
    if not condition:
        raise AssertionError(why)
