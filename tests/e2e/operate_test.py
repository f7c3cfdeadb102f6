#!/usr/bin/env python3
"""The operator's side of the real binary: first start, people, backup, restore, damage, refusals, exit codes."""
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

BINARY = pathlib.Path(os.environ.get("TEST_BINARY", "build/release/consilium")).resolve()
PATIENCE = 60
PASSWORD = "a-long-enough-password-1"


def run(*words, folder=None, expect=0, environment=None):
    """Runs the program to its end; gives its standard output and standard error."""
    settings = dict(os.environ, CONSILIUM_INTERNAL_LISTEN="127.0.0.1:0", CONSILIUM_HTTP_LISTEN="127.0.0.1:0", **(environment or {}))
    command = [str(BINARY), *map(str, words)] + (["--data", str(folder)] if folder else [])
    done = subprocess.run(command, env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=PATIENCE * 2, stdin=subprocess.DEVNULL)
    assert done.returncode == expect, f"expected exit {expect}, got {done.returncode} of {words}: {done.stderr[-1500:]}"
    return done.stdout, done.stderr


class Server:
    def __init__(self, folder, log=subprocess.DEVNULL, environment=None):
        self.folder = pathlib.Path(folder)
        self.log = log
        self.environment = environment or {}

    def __enter__(self):
        settings = dict(os.environ, CONSILIUM_INTERNAL_LISTEN="127.0.0.1:0", **self.environment)
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen([str(BINARY), "serve", "--data", str(self.folder), "--listen", "127.0.0.1:0"], env=settings, stdout=self.log,
                                        stderr=self.errors, stdin=subprocess.DEVNULL)
        addresses = self.folder / "run" / "addresses.json"
        end = time.monotonic() + PATIENCE
        while not addresses.exists():
            assert self.process.poll() is None and time.monotonic() < end, "the server did not start: " + self.said()
            time.sleep(0.05)
        known = json.loads(addresses.read_text())
        self.address = known["http"]
        self.internal = known["internal"]
        while self.ask("GET", "/health/ready", address=self.internal)[0] != 200:
            assert self.process.poll() is None and time.monotonic() < end, "the server did not become ready: " + self.said()
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(PATIENCE)
        self.errors.close()

    def said(self):
        self.errors.seek(0)
        return self.errors.read()

    def ask(self, method, path, body=None, token=None, address=None):
        connection = http.client.HTTPConnection(address or self.address, timeout=PATIENCE)
        headers = {"Content-Type": "application/json", "Accept-Session": "bearer"}
        if token:
            headers["Authorization"] = "Bearer " + token
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text) if text.startswith(b"{") else text

    def login(self, name, expect=201):
        status, body = self.ask("POST", "/api/v1/sessions", {"username": name, "password": PASSWORD})
        assert status == expect, f"expected {expect} for the login of {name}, got {status} {body}"
        return body.get("accessToken")

    def use_link(self, link, expect=204):
        token = link.strip().split("#", 1)[1]
        status, body = self.ask("POST", "/api/v1/passwords", {"token": token, "password": PASSWORD})
        assert status == expect, f"expected {expect} for the link, got {status} {body}"


def add_client(server, name):
    link, _ = run("user", "add", name, "--role", "client", "--first-name", "Anna", "--last-name", "Iva", "--sex", "f", "--birth-date", "1980-05-17", "--phone",
                  "+15550100", folder=server.folder)
    server.use_link(link)
    return link


def init_twice(root):
    folder = root / "data"
    link, _ = run("init", folder=folder)
    assert "/password#" in link, f"expected a link, got {link!r}"
    assert (folder.stat().st_mode & 0o777, (folder / "keys").stat().st_mode & 0o777) == (0o700, 0o700)
    again, said = run("init", folder=folder)
    assert again == "" and "already" in said, f"expected no second link, got {again!r} {said!r}"
    with Server(folder) as server:
        server.use_link(link)
        server.use_link(link, expect=422)
        server.login("admin")
        assert "/password#" not in server.said(), "a later start printed a link"


def serve_prints_first_link(root):
    with Server(root / "data") as server:
        lines = [line.strip() for line in server.said().splitlines() if "/password#" in line]
        assert len(lines) == 1, f"expected one link on standard error, got {lines}"
        assert lines[0].startswith("http://" + server.address), lines[0]
        server.use_link(lines[0])
        server.login("admin")


def user_add_lock_unlock_reset(root):
    with Server(root / "data") as server:
        link = add_client(server, "anna.iva")
        token = server.login("anna.iva")
        assert server.ask("GET", "/api/v1/users/me", token=token)[0] == 200
        run("user", "lock", "anna.iva", folder=server.folder)
        server.login("anna.iva", expect=401)
        end = time.monotonic() + PATIENCE
        while (status := server.ask("GET", "/api/v1/users/me", token=token)[0]) != 401:
            assert time.monotonic() < end, f"expected 401 for the session of a locked person, got {status}"
            time.sleep(0.05)
        run("user", "unlock", "anna.iva", folder=server.folder)
        server.login("anna.iva")
        fresh, _ = run("user", "reset", "anna.iva", folder=server.folder)
        assert fresh != link
        server.use_link(fresh)
        people = {person["username"]: person for person in json.loads(run("user", "list", "--json", folder=server.folder)[0])}
        assert people["anna.iva"]["status"] == "active" and people["admin"]["type"] == "administrator", people
        _, said = run("user", "add", "x", "--role", "client", "--first-name", "A", "--last-name", "B", folder=server.folder, expect=1)
        assert "phone" in said and "username" in said, said
        run("user", "lock", "nobody", folder=server.folder, expect=1)
        run("log", "level", "tasks", "debug", folder=server.folder)
        run("log", "level", "tasks", "loud", folder=server.folder, expect=1)


def levels_change_while_it_runs(root):
    """One service's level is changed by the operator: it takes effect within a second, and touches no other."""
    with open(root / "log", "w") as log, Server(root / "data", log) as server:
        run("init", folder=server.folder, expect=3)
        link = run("user", "reset", "admin", folder=server.folder)[0]
        server.use_link(link)
        token = server.login("admin")

        def lines_of_debug():
            """Services that wrote lines of the level debug while two of them were called."""
            before = (root / "log").stat().st_size
            for path in ("/api/v1/tasks", "/api/v1/channels", "/api/v1/users"):
                assert server.ask("GET", path, token=token)[0] == 200, path
            time.sleep(0.3)  # lines are written by a thread of their own
            with open(root / "log", encoding="utf-8") as text:
                text.seek(before)
                return {line["service"] for line in map(json.loads, text) if line["level"] == "debug"}

        assert lines_of_debug() == set()
        run("log", "level", "tasks", "debug", folder=server.folder)
        assert lines_of_debug() == {"tasks"}
        run("log", "level", "tasks", "info", folder=server.folder)
        run("log", "level", "chat", "debug", folder=server.folder)
        assert lines_of_debug() == {"chat"}
        run("log", "level", "chat", "loud", folder=server.folder, expect=1)
        assert lines_of_debug() == {"chat"}, "what was refused changed something"


def admin_socket_is_private(root):
    with Server(root / "data") as server:
        mode = (server.folder / "admin.sock").stat().st_mode & 0o777
        assert mode == 0o600, oct(mode)
        status, body = server.ask("POST", "/people/lock", {"username": "admin"})
        assert status in (403, 404, 405), f"the public port answered the administration: {status} {body}"


def wait_for_case(server, token):
    end = time.monotonic() + PATIENCE
    while True:
        status, body = server.ask("GET", "/api/v1/tasks", token=token)
        assert status == 200, (status, body)
        if body["items"] and body["items"][0].get("processInstance"):
            return body["items"][0]
        assert time.monotonic() < end, "the post became no task"
        time.sleep(0.05)


def channel_of(server, token):
    status, me = server.ask("GET", "/api/v1/users/me", token=token)
    assert status == 200, (status, me)
    return me["commonChannelId"]


def posts_of(server, token, channel):
    status, body = server.ask("GET", f"/api/v1/channels/{channel}/posts", token=token)
    assert status == 200, (status, body)
    return {post["id"]: post.get("text") for post in body["items"]}


def operator_audit(server):
    with contextlib.closing(sqlite3.connect(f"file:{server.folder / 'consilium.db'}?mode=ro", uri=True)) as store:
        return store.execute("SELECT call, subject_id, outcome FROM operator_audit ORDER BY at, id").fetchall()


def backup_restore_and_story(root):
    backup, second = root / "backup.db", root / "second"
    with Server(root / "first") as server:
        add_client(server, "anna.iva")
        token = server.login("anna.iva")
        assert server.ask("GET", "/api/v1/refusals", token=token)[0] == 403
        channel = channel_of(server, token)
        status, post = server.ask("POST", f"/api/v1/channels/{channel}/posts", {"text": "heliotrope headache"}, token=token)
        assert status == 201, (status, post)
        number = wait_for_case(server, token)["number"]
        story = run("show", number, "--json", folder=server.folder)[0]
        assert number in story and "heliotrope" not in story and "Iva" not in story, story
        assert json.loads(story)["process"]["elements"], story
        assert "Iva" in run("show", number, "--texts", "--json", folder=server.folder)[0]
        assert number in run("show", number, folder=server.folder)[0]
        assert run("show", "dead-letters", folder=server.folder) == ("", "None.\n")
        assert run("show", "dead-letters", "--json", folder=server.folder)[0].split() == ["[]"]
        run("show", "MOI-999999", folder=server.folder, expect=1)
        run("show", "MOI-999999", "--texts", folder=server.folder, expect=1)
        run("verify", folder=server.folder)
        before = posts_of(server, token, channel)
        people = run("user", "list", "--json", folder=server.folder)[0]
        run("backup", backup, folder=server.folder)
        run("backup", backup, folder=server.folder, expect=1)
        assert backup.stat().st_mode & 0o777 == 0o600
        done = operator_audit(server)
        assert ("POST /people/client", "anna.iva", "done") in done, done
        assert done[-5:] == [
            (f"GET /cases/{number}", None, "done"), ("GET /cases/MOI-999999", None, "tasks.not-found"), ("POST /verify", None, "done"),
            ("POST /backup", str(backup), "done"), ("POST /backup", str(backup), "database.backup-exists")], done
    assert [path.name for path in root.iterdir() if path.name.startswith("backup")] == ["backup.db"]
    run("restore", backup, folder=second)
    run("restore", backup, folder=second, expect=1)
    assert {p.name: p.read_bytes() for p in (second / "keys").iterdir()} == {p.name: p.read_bytes() for p in (root / "first" / "keys").iterdir()}
    run("verify", folder=second)
    with Server(second) as server:
        assert run("user", "list", "--json", folder=second)[0] == people
        token = server.login("anna.iva")
        after = posts_of(server, token, channel)
        assert before and before.items() <= after.items(), (before, after)
    refusals_are_shown(root / "first")


def rows_of(database):
    """How many rows each table has: of a backup, or of a folder whose server has not begun."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as store:
        tables = [name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]
        return {table: store.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}


class Writer(threading.Thread):
    """Posts until it is told to stop; `stored`: what was acknowledged, in order."""

    def __init__(self, server, token, channel, name):
        super().__init__()
        self.server, self.token, self.path, self.name = server, token, f"/api/v1/channels/{channel}/posts", name
        self.stop, self.stored, self.refused = threading.Event(), [], []

    def run(self):
        while not self.stop.is_set():
            status, body = self.server.ask("POST", self.path, {"text": f"Zqx {len(self.stored)}", "clientId": f"{self.name}-{len(self.stored)}"}, token=self.token)
            if status == 201:
                self.stored.append(body["id"])
            else:
                self.refused.append((status, body))


def posts_with_client_id(server, token, channel):
    found, cursor = set(), ""
    while cursor is not None:
        status, page = server.ask("GET", f"/api/v1/channels/{channel}/posts?limit=200" + (f"&cursor={cursor}" if cursor else ""), token=token)
        assert status == 200, (status, page)
        found |= {post["id"] for post in page["items"] if post.get("clientId")}
        cursor = page.get("nextCursor")
    return found


def written_during_a_backup(server, token, channel, file):
    """What was acknowledged before it began, and in all."""
    writers = [Writer(server, token, channel, f"w{number}") for number in range(4)]
    for writer in writers:
        writer.start()
    try:
        end = time.monotonic() + PATIENCE
        while sum(len(writer.stored) for writer in writers) < 100:
            assert time.monotonic() < end, f"nobody writes: {[writer.refused[:1] for writer in writers]}"
            time.sleep(0.02)
        # A small one is soon made: again, until one met a write.
        while True:
            file.unlink(missing_ok=True)
            before = {post for writer in writers for post in list(writer.stored)}
            run("backup", file, folder=server.folder)
            if sum(len(writer.stored) for writer in writers) > len(before):
                break
            assert time.monotonic() < end, "nobody wrote while a backup was made"
    finally:
        for writer in writers:
            writer.stop.set()
        for writer in writers:
            writer.join(PATIENCE)
    assert all(status == 429 for writer in writers for status, _ in writer.refused), [writer.refused[:1] for writer in writers]
    return before, {post for writer in writers for post in writer.stored}


def backup_under_load(root):
    """People write while it is made: what was acknowledged before it began is in it, and a server elsewhere on it has the same totals."""
    limits = {"CONSILIUM_LIMITS_POSTS__PER__SECOND": "100"}
    with Server(root / "first", environment=limits) as server:
        add_client(server, "anna.iva")
        token = server.login("anna.iva")
        channel = channel_of(server, token)
        before, acknowledged = written_during_a_backup(server, token, channel, root / "backup.db")
    rows = rows_of(root / "backup.db")
    assert rows["chat_posts"] >= 100 and rows["users_user"] == 2, rows
    run("restore", root / "backup.db", folder=root / "second")
    run("verify", folder=root / "second")
    assert rows_of(root / "second" / "consilium.db") == rows
    with Server(root / "second", environment=limits) as server:
        token = server.login("anna.iva")
        found = posts_with_client_id(server, token, channel)
        assert before <= found, f"{len(before - found)} posts that were acknowledged before it began are not in the backup"
        # What was on its way at the end may be in it without an answer.
        assert len(found - acknowledged) <= 4, "more than was written"
        status, page = server.ask("GET", "/api/v1/tasks?count=true", token=token)
        assert status == 200 and page["total"] >= rows["tasks_task"], page
        assert len(json.loads(run("user", "list", "--json", folder=server.folder)[0])) == rows["users_user"]



def refusals_are_shown(folder):
    """What was refused before the server ended is on record."""
    with Server(folder):
        refused = json.loads(run("show", "refusals", "--json", folder=folder)[0])
        assert any(one["call"] == "GET /refusals" and one["code"] == "request.forbidden" and one["userId"] for one in refused), refused
        lines = run("show", "refusals", folder=folder)[0].splitlines()
        assert len(lines) == len(refused) and "request.forbidden" in "".join(lines), lines


def damaged_backup_is_refused(root):
    with Server(root / "first") as server:
        run("backup", root / "backup.db", folder=server.folder)
    flip(root / "backup.db")
    _, said = run("restore", root / "backup.db", folder=root / "second", expect=1)
    assert "restore.damaged" in said, said
    assert not any((root / "second").iterdir()), "a refused restore left something"
    (root / "text").write_text("no database")
    run("restore", root / "text", folder=root / "second", expect=1)


def flip(file):
    """One bit of the first copy of a group's code: its row and its index then differ."""
    content = bytearray(file.read_bytes())
    at = content.index(b"doctor-orthopedist")
    content[at + 3] ^= 1
    file.write_bytes(content)


def verify_finds_damage(root):
    run("init", folder=root / "data")
    run("verify", folder=root / "data")
    database = root / "data" / "consilium.db"
    sound = database.read_bytes()
    flip(database)
    out, _ = run("verify", "--json", folder=root / "data", expect=1)
    assert json.loads(out)["findings"], out
    # A text that no index repeats: only the checksum of its page tells.
    content = bytearray(sound)
    content[content.index(b"<bpmn:definitions") + 100] ^= 1
    database.write_bytes(content)
    out, said = run("verify", folder=root / "data", expect=1)
    assert "checksum" in out and "restore the last backup" in said, (out, said)


def refusals(root):
    with Server(root / "data") as server:
        _, said = run("serve", folder=server.folder, expect=3)
        assert "another server" in said, said
        _, said = run("init", folder=server.folder, expect=3)
        assert "another server" in said, said
    _, said = run("user", "list", folder=root / "data", expect=4)
    assert "running server" in said, said
    run("backup", root / "x", folder=root / "data", expect=4)
    (root / "data" / "version").write_text("999\n")
    _, said = run("serve", folder=root / "data", expect=3)
    assert "start a newer program" in said, said


def configuration_and_usage(root):
    wrong = root / "consilium.yaml"
    wrong.write_text("http:\n  connections: many\n  colour: red\nlog:\n  level: loud\n")
    _, said = run("serve", "--config", wrong, folder=root / "data", expect=3)
    for name in ("http.connections", "http.colour", "log.level"):
        assert name in said, said
    run("serve", "--colour", expect=2)
    run("user", "add", expect=2)
    run("user", "add", "x", "--role", "king", "--first-name", "A", "--last-name", "B", expect=2)
    run("nonsense", expect=2)
    run(expect=2)
    assert not (root / "data").exists()


def configuration_is_read_again(root):
    """SIGHUP: levels change, the rest is named, a broken file changes nothing."""
    file = root / "consilium.yaml"
    file.write_text("log: {level: warn}\n")
    with open(root / "log", "w") as log, Server(root / "data", log, {"CONSILIUM_CONFIG": str(file)}) as server:

        def reload(text, expected):
            file.write_text(text)
            before = len((root / "log").read_text())
            server.process.send_signal(signal.SIGHUP)
            end = time.monotonic() + PATIENCE
            while expected not in (root / "log").read_text()[before:]:
                assert time.monotonic() < end, f"not told: {expected}: " + (root / "log").read_text()[before:]
                time.sleep(0.02)
            return (root / "log").read_text()[before:]

        said = reload("log: {level: loud}\n", "A problem of the configuration")
        assert "log.level" in said and '"level":"error"' in said, said
        said = reload("log: {level: info}\nbus: {attempts: 3}\n", "was read again")
        assert '"setting":"bus.attempts"' in said and "needs a restart" in said, said
        said = reload("log: {level: info}\nbus: {attempts: 3}\n", "was read again")
        assert '"setting":"log.level"' not in said, f"it has not changed again: {said}"
        assert server.ask("GET", "/health/ready", address=server.internal)[0] == 200


def doctor(root):
    out, _ = run("doctor", "--json", folder=root / "data", environment={"CONSILIUM_DATABASE_RESERVE": "1KB"})
    assert {"clock", "disk", "fsync"} <= {check["check"] for check in json.loads(out)}, out
    run("init", folder=root / "data")
    key = next((root / "data" / "keys").iterdir())
    key.chmod(0o644)
    out, _ = run("doctor", "--json", folder=root / "data", expect=1)
    wrong = [check for check in json.loads(out) if check["state"] == "wrong"]
    assert [check["check"] for check in wrong] == ["keys"] and "chmod" in wrong[0]["remedy"], out


CODES = {"configuration_and_usage": "C-1 ", "configuration_is_read_again": "L-2 ", "levels_change_while_it_runs": "L-2 "}
TESTS = [levels_change_while_it_runs, init_twice, serve_prints_first_link, user_add_lock_unlock_reset, admin_socket_is_private, backup_restore_and_story, backup_under_load, damaged_backup_is_refused, verify_finds_damage,
         refusals, configuration_is_read_again, configuration_and_usage, doctor]


def name_of(test):
    """With the code of what it proves before it."""
    return CODES.get(test.__name__, "") + test.__name__.replace("_", " ")


def main():
    wanted = set(sys.argv[1:])
    failed = False
    for test in TESTS:
        if wanted and test.__name__ not in wanted:
            continue
        root = pathlib.Path(tempfile.mkdtemp(prefix="operate-"))
        began = time.monotonic()
        try:
            test(root)
            print(f"PASS {name_of(test)} [{time.monotonic() - began:.1f}s]", flush=True)
        except Exception as problem:
            failed = True
            print(f"FAIL {name_of(test)}: {type(problem).__name__} {problem}".replace("\n", " | "), flush=True)
        finally:
            shutil.rmtree(root, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
