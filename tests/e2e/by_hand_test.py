#!/usr/bin/env python3
"""One case that a supervisor plays by hand through the public API: given, given to another, cancelled. Nobody is online, so that the
platform gives nothing by itself; what the process then does is seen from outside alone."""
import sys
import tempfile
import time

from server import Person, Refused, Report, Server, expect, pages

PATIENCE = 30


def until(what, look):
    end = time.monotonic() + PATIENCE
    while not look():
        expect(time.monotonic() < end, f"{what}: not within {PATIENCE} s")
        time.sleep(0.05)


class Case:
    def __init__(self, server):
        self.admin, self.client, self.clara, self.david = (Person(server.address, name) for name in ("admin", "anna", "clara", "david"))
        self.channel = self.client.call("GET", "/channels")["items"][0]["id"]
        self.ask("Zqx, may somebody look at it?")
        self.number = self.open_task()["number"]

    def ask(self, text):
        self.client.call("POST", f"/channels/{self.channel}/posts", {"text": text})
        until("a task of it", lambda: any(self.open_tasks()))

    def open_tasks(self):
        return self.admin.call("GET", f"/tasks?status=open&reporterUserId={self.client.user_id}")["items"]

    def open_task(self):
        tasks = self.open_tasks()
        expect(len(tasks) == 1, f"open tasks: {tasks}")
        return tasks[0]

    def give(self, consultant):
        task = self.open_task()
        given = self.admin.call("PUT", f"/tasks/{task['id']}/assignee", {"userId": consultant.user_id}, {"If-Match": f'"{task["version"]}"'})
        expect(given["assignee"]["userId"] == consultant.user_id and given["substatus"] == "assigned", f"{given}")

    def codes(self, person):
        """Of the posts about this task that the person sees."""
        posts = pages(person, f"/channels/{self.channel}/posts")
        return [post["code"] for post in posts if post.get("code") and self.number in str(post.get("parameters"))]

    def may_write(self, person):
        try:
            person.call("POST", f"/channels/{self.channel}/posts", {"text": "Good day"})
            return True
        except Refused as refused:
            expect(refused.status in (403, 404), f"{refused}")
            return False

    def instances(self, state):
        listed = pages(self.admin, f"/processes/instances?processId=p-client-request&state={state}")
        return [one for one in listed if self.number in str(one["variables"])]


def given_by_hand(case):
    expect(not case.may_write(case.david), "david writes before it is his")
    case.give(case.david)
    until("david may write", lambda: case.may_write(case.david))
    until("both are introduced", lambda: "client.request-assigned" in case.codes(case.client) and "consultant.request-assigned" in case.codes(case.david))
    expect(not case.may_write(case.clara), "clara writes, too")


def given_to_another(case):
    case.give(case.clara)
    until("clara may write", lambda: case.may_write(case.clara))
    until("david may no longer write", lambda: not case.may_write(case.david))
    until("the client knows of clara", lambda: case.codes(case.client).count("client.request-assigned") == 2)
    expect(case.codes(case.clara).count("consultant.request-assigned") == 1, f"{case.codes(case.clara)}")
    expect(len(case.instances("active")) == 1, f"its process: {case.instances('active')}")


def cancelled_by_hand(case):
    task = case.open_task()
    done = case.admin.call("POST", f"/tasks/{task['id']}/transitions/cancel", {"reason": "The client called us"})
    expect(done["status"] == "closed" and done["substatus"] == "cancelled", f"{done}")
    until("the process has ended", lambda: not case.instances("active"))
    until("clara may no longer write", lambda: not case.may_write(case.clara))
    ended = case.instances("completed")
    expect(len(ended) == 1 and not ended[0]["hasIncident"] and not ended[0]["active"], f"{ended}")
    case.ask("Zqx again, something else")
    expect(case.open_task()["number"] != case.number, "the next question joined a case that is over")
    expect("client.feedback" not in case.codes(case.client), "who was never helped is asked for feedback")


def cancelled_in_the_queue(case):
    case.number = case.open_task()["number"]
    expect(len(case.instances("active")) == 1, "a case that waits")
    case.admin.call("POST", f"/tasks/{case.number}/transitions/cancel", {"reason": "Twice the same"})
    until("its process has ended", lambda: not case.instances("active"))
    expect(len(case.instances("completed")) == 1, f"{case.instances('completed')}")


def main():
    report = Report()
    with tempfile.TemporaryDirectory() as folder, Server(folder) as server:
        server.start()
        case = Case(server)
        report.check("B-31 a task given by hand brings its consultant into the channel", lambda: given_by_hand(case))
        report.check("B-31 given to another by hand, the former one is released", lambda: given_to_another(case))
        report.check("B-32 cancelled by hand, its process ends and the consultant is released", lambda: cancelled_by_hand(case))
        report.check("B-32 cancelled while it waits, its process ends", lambda: cancelled_in_the_queue(case))
    sys.exit(1 if report.failed else 0)


if __name__ == "__main__":
    main()
