#!/usr/bin/env python3
"""Keeps what a server has acknowledged, in a process of its own, and holds it against what the public API shows, one by one.

Standard input, a line of JSON each:
  {"post": [username, channel, clientId, id, text]}
  {"transition": [task, name, userId]}
  {"choice": [task, action]}
  {"compare": address, "unanswered": [clientId …], "cases": true when all are over}
Each comparison is answered by a line: {"compared": how many, "wrong": [what, …]}."""
import collections
import json
import sys

from server import Person, Refused, pages

# What the client of a case is told once.
ONCE = ("client.new-request", "client.request-assigned", "client.task-solved", "client.feedback")


class Ledger:
    def __init__(self):
        self.people = {}  # username -> session, kept over the lives of the server
        self.channels = {}  # username -> channel
        self.posts = collections.defaultdict(dict)  # username -> clientId -> (id, text)
        self.transitions = []
        self.seen = 0  # transitions that an earlier comparison found
        self.choices = {}  # task -> action

    def note_post(self, username, channel, client_id, post_id, text):
        self.channels.setdefault(username, channel)
        self.posts[username][client_id] = (post_id, text)

    def person(self, username, address):
        known = self.people.get(username)
        self.people[username] = known.again(address) if known else Person(address, username)
        return self.people[username]

    def compare(self, address, unanswered, cases):
        self.wrong, self.compared = [], 0
        told = collections.Counter()
        for username in self.posts:
            self.compare_posts(username, self.person(username, address), unanswered, told)
        admin = self.person("admin", address)
        tasks = {task["id"]: task for task in pages(admin, "/tasks") if task["type"]["type"] == "client"}
        self.compare_transitions(admin, tasks, self.transitions if cases else self.transitions[self.seen:])
        self.seen = len(self.transitions)
        self.compare_choices(tasks)
        if cases:
            self.compare_cases(admin, tasks, told)
        return {"compared": self.compared, "wrong": self.wrong[:10], "tasks": len(tasks)}

    def expect(self, holds, what):
        if not holds:
            self.wrong.append(what)

    def compare_posts(self, username, person, unanswered, told):
        stored = collections.defaultdict(list)
        for post in pages(person, f"/channels/{self.channels[username]}/posts"):
            if post.get("authorId") == person.user_id:
                stored[post.get("clientId")].append((post["id"], post["text"]))
            if post.get("code") in ONCE:
                told[post["code"], json.loads(post["parameters"])["taskId"] if isinstance(post["parameters"], str) else post["parameters"]["taskId"]] += 1
        for client_id, wanted in self.posts[username].items():
            self.compared += 1
            self.expect(stored.get(client_id) == [wanted], f"the acknowledged post {wanted[0]} ({client_id}) is there as {stored.get(client_id, [])}")
        for client_id, found in stored.items():
            known = client_id in self.posts[username] or client_id in unanswered
            self.expect(known and len(found) == 1, f"{client_id} is there {len(found)} times" + ("" if known else ", and nobody wrote it"))

    def compare_transitions(self, admin, tasks, transitions):
        for task, name, user in transitions:
            self.compared += 1
            made = [entry for entry in self.history(admin, task) if entry.get("transition") == name and entry.get("changedByUserId") == user]
            self.expect(len(made) == 1, f"the acknowledged transition {name} of {task} is there {len(made)} times")
            self.expect(name != "solve" or tasks.get(task, {}).get("status") == "closed", f"the solved task {task} is not closed")

    def compare_choices(self, tasks):
        for task, action in self.choices.items():
            self.compared += 1
            found = (tasks.get(task, {}).get("feedback") or {}).get("answer")
            # The task learns of it by an event, a moment later.
            self.expect(found in (action, None), f"the feedback of {task} is {found}, not {action}")

    def compare_cases(self, admin, tasks, told):
        """Each case is over, and had each of its effects once."""
        ended = collections.Counter(instance["key"] for instance in pages(admin, "/processes/instances?state=completed"))
        for task_id, task in tasks.items():
            made = collections.Counter(entry.get("transition") for entry in self.history(admin, task_id))
            self.expect(task["status"] == "closed", f"{task['number']} is {task['substatus']}")
            self.expect(made["report"] == made["assign"] == made["solve"] == 1, f"the history of {task['number']} is {dict(made)}")
            for code in ONCE:
                self.expect(told[code, task_id] == 1, f"{code} of {task['number']} was said {told[code, task_id]} times")
            self.expect((task.get("feedback") or {}).get("answer") == self.choices.get(task_id, "yes"), f"the feedback of {task['number']} is {task.get('feedback')}")
            self.expect(ended[task["processInstance"]] == 1, f"the process of {task['number']} ended {ended[task['processInstance']]} times")
        numbers = collections.Counter(task["number"] for task in tasks.values())
        self.expect(max(numbers.values(), default=1) == 1, "two tasks have one number")
        self.expect({task for _, task in told} == set(tasks), "a notice tells of a task that is not there")
        running = sum(1 for _ in pages(admin, "/processes/instances?state=active"))
        self.expect(running == 0, f"{running} processes are running")
        self.expect(not admin.call("GET", "/incidents")["items"], "there are incidents")

    def history(self, admin, task):
        try:
            return admin.call("GET", f"/tasks/{task}/history")["items"]
        except Refused:
            return []


def main():
    ledger = Ledger()
    for line in sys.stdin:
        said = json.loads(line)
        if "post" in said:
            ledger.note_post(*said["post"])
        elif "transition" in said:
            ledger.transitions.append(said["transition"])
        elif "choice" in said:
            task, action = said["choice"]
            ledger.choices[task] = action
        else:
            print(json.dumps(ledger.compare(said["compare"], set(said["unanswered"]), said["cases"])), flush=True)


main()
