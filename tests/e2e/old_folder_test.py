#!/usr/bin/env python3
"""Every kept data folder of an earlier version opens: its cases are there and its open case goes on to its end.

old_folder_test.py            tests the folders kept in tests/e2e/old_folders
old_folder_test.py keep NAME  makes a folder with the present program and keeps it there (refuses to replace one)
"""
import pathlib
import signal
import subprocess
import sys
import tarfile
import tempfile
import time

from server import BINARY, PASSWORD, Person, Report, Server, clean_environment, expect

KEPT = pathlib.Path(__file__).parent / "old_folders"
PATIENCE = 30


def wait_for(what, look):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what} did not come")


def tasks_of(admin, status):
    return [task for task in admin.call("GET", f"/tasks?status={status}&limit=200")["items"] if task["type"]["type"] == "client"]


def keep(name):
    """Two cases that have ended, one that waits in the queue; the power goes off."""
    archive = KEPT / f"{name}.tar.xz"
    expect(not archive.exists(), f"{archive} is there already")
    with tempfile.TemporaryDirectory() as folder, Server(folder) as server:
        server.start()
        for _ in range(2):
            done = subprocess.run([str(BINARY), "demo", "--url", server.url, "--password", PASSWORD], env=clean_environment(), capture_output=True, text=True)
            expect(done.returncode == 0, done.stderr)
        boris = Person(server.address, "boris")
        boris.call("POST", f"/channels/{boris.call('GET', '/channels')['items'][0]['id']}/posts", {"text": "Zqx vbn of an earlier version"})
        admin = Person(server.address, "admin")
        wait_for("the open case", lambda: tasks_of(admin, "open"))
        server.end(signal.SIGKILL)
        KEPT.mkdir(exist_ok=True)
        data = pathlib.Path(folder) / "data"
        with tarfile.open(archive, "w:xz") as out:
            # The keys stay out: no private key belongs into a repository, and a server makes new ones.
            for file in sorted(data.rglob("*")):
                if file.is_file() and not {"keys", "run", "log"} & set(file.relative_to(data).parts) and file.name not in ("lock", "consilium.db-shm"):
                    out.add(file, f"data/{file.relative_to(data)}")


def opens(archive):
    with tempfile.TemporaryDirectory() as folder, Server(folder) as server:
        with tarfile.open(archive) as kept:
            kept.extractall(folder)
        verified = subprocess.run([str(BINARY), "verify", "--data", f"{folder}/data"], env=clean_environment(), capture_output=True, text=True)
        expect(verified.returncode == 0, f"verify ended with {verified.returncode}: {verified.stdout} {verified.stderr}")
        server.start()
        admin = Person(server.address, "admin")
        closed = tasks_of(admin, "closed")
        expect(len(closed) == 2, f"expected two cases that have ended, found {[task['number'] for task in closed]}")
        expect(all(task["feedback"]["answer"] == "yes" for task in closed), "a feedback is gone")
        boris = Person(server.address, "boris")
        channel = boris.call("GET", "/channels")["items"][0]["id"]
        expect(any(post["text"] == "Zqx vbn of an earlier version" for post in boris.call("GET", f"/channels/{channel}/posts")["items"]), "the client's post is gone")
        end_open_case(server, admin)
        shown = subprocess.run([str(BINARY), "show", closed[0]["number"], "--data", f"{folder}/data"], env=clean_environment(), capture_output=True, text=True)
        expect(shown.returncode == 0 and closed[0]["number"] in shown.stdout, f"show: {shown.stdout} {shown.stderr}")
        expect(server.end() == 0, "the server did not end cleanly")


def end_open_case(server, admin):
    (waiting,) = tasks_of(admin, "open")
    path = f"/tasks/{waiting['id']}"
    clara = Person(server.address, "clara")
    version = admin.call("GET", path)["version"]
    admin.call("PUT", path + "/assignee", {"userId": clara.user_id}, {"If-Match": f'"{version}"'})
    clara.call("POST", path + "/transitions/start", {})
    clara.call("POST", path + "/transitions/solve", {})
    instance = f"/processes/instances/{waiting['processInstance']}"
    boris = Person(server.address, "boris")
    channel = boris.call("GET", "/channels")["items"][0]["id"]

    def feedback_post():
        return next((post for post in boris.call("GET", f"/channels/{channel}/posts")["items"] if post.get("code") == "client.feedback"), None)

    asked = wait_for("the question for feedback", feedback_post)
    yes = next(action for action in asked["actions"] if action["id"] == "yes")
    boris.call("POST", f"/posts/{asked['id']}/actions/yes", {"token": yes["token"]})
    wait_for("the end of the process", lambda: admin.call("GET", instance)["state"] == "completed")


def main():
    if sys.argv[1:2] == ["keep"]:
        keep(sys.argv[2])
        return 0
    report = Report()
    archives = sorted(KEPT.glob("*.tar.*"))
    report.check("folders of earlier versions are kept", lambda: expect(archives, f"there is none in {KEPT.name}"))
    for archive in archives:
        report.check(f"the folder {archive.name.partition('.tar.')[0]} opens and its open case goes on", lambda: opens(archive))
    return report.failed


sys.exit(main())
