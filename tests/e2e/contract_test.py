#!/usr/bin/env python3
"""The public API against its own document: each field of each operation is given what it may not be, generated from the rules in
`/api/v1/openapi.json`, and is refused by name, leaving nothing behind; and answers keep the form that clients of v1 were written for.

The kept answers lie in tests/e2e/golden_v1.json. After an addition that is wanted: CONSILIUM_MAKE_GOLDEN=1 tests/e2e/contract_test.py"""
import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.parse

from server import BINARY, PASSWORD, Person, Report, Server, clean_environment, expect

GOLDEN = pathlib.Path(__file__).with_name("golden_v1.json")
METHODS = ("get", "post", "put", "patch", "delete")
SOME_ID = "0190a0a0-7b1c-7c3e-9d2f-1a2b3c4d5e6f"
# Rows that change although nobody asks for anything, or that say who was refused.
RESTLESS = re.compile(r"^(sessions_session|sessions_refusal|.*_consumer|chat_sockets)$")


class Document:
    def __init__(self, address):
        self.address = address
        self.connection = http.client.HTTPConnection(address, timeout=20)
        self.whole = json.loads(self.ask("GET", "/openapi.json")[1])

    def ask(self, method, path, body=None, token=None, headers=None):
        """Status and body of whatever is answered."""
        sent = dict(headers or {})
        if token:
            sent["Authorization"] = "Bearer " + token
        if body is not None:
            sent["Content-Type"] = "application/json"
        self.connection.request(method, "/api/v1" + path, None if body is None else json.dumps(body), sent)
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def resolved(self, schema):
        while "$ref" in schema:
            schema = self.at(schema["$ref"])
        if "anyOf" in schema:  # the value or null
            schema = next(one for one in schema["anyOf"] if one != {"type": "null"})
        return schema

    def at(self, reference):
        place = self.whole
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]
        return place

    def operations(self):
        for path, methods in self.whole["paths"].items():
            for method in METHODS:
                if method in methods:
                    yield Operation(self, method.upper(), path, methods[method])


class Operation:
    def __init__(self, document, method, path, said):
        self.document, self.method, self.path, self.said = document, method, path, said
        self.name = f"{method} {path}"
        parameters = [document.at(one["$ref"]) if "$ref" in one else one for one in said.get("parameters", [])]
        self.in_path = {one["name"]: document.resolved(one["schema"]) for one in parameters if one["in"] == "path"}
        self.in_query = {one["name"]: document.resolved(one["schema"]) for one in parameters if one["in"] == "query"}
        self.versioned = any(one["name"] == "If-Match" for one in parameters)
        content = said.get("requestBody", {}).get("content", {}).get("application/json")
        self.body = document.resolved(content["schema"]) if content else None
        self.example = content.get("example", {}) if content else None

    def send(self, token, body=None, query=None, path=None):
        target = self.path
        for name, schema in self.in_path.items():
            value = (path or {}).get(name, some_value(schema))
            target = target.replace("{%s}" % name, urllib.parse.quote(str(value), safe=""))
        if query:
            target += "?" + urllib.parse.urlencode(query, doseq=True)
        given = self.example if body is None and self.body is not None else body
        return self.document.ask(self.method, target, given, token, {"If-Match": '"1"'} if self.versioned else None)


def some_value(schema):
    if schema.get("format") == "uuid":
        return SOME_ID
    return "1" if re.search(schema.get("pattern", "$."), "1") or schema.get("type") == "integer" else "solve"


def bad_values(document, schema):
    """What the rules of a value forbid: (why, value)."""
    schema = document.resolved(schema)
    kind = schema.get("type")
    if "enum" in schema:
        yield "unknown value", "no-such-value"
    elif kind == "string":
        if "maxLength" in schema:
            yield "too long", "a" * (schema["maxLength"] + 1)
        if schema.get("minLength"):
            yield "too short", "a" * (schema["minLength"] - 1)
        if "pattern" in schema:
            refused = next((text for text in ("\u00e9 !", "   ", "\u0001") if not re.search(schema["pattern"], text)), None)
            if refused is not None:
                yield "bad characters", refused
        if schema.get("format") in ("uuid", "date", "date-time", "email", "uri"):
            yield "bad format", "nonsense"
    elif kind == "integer":
        if "minimum" in schema:
            yield "too small", schema["minimum"] - 1
        if "maximum" in schema:
            yield "too large", schema["maximum"] + 1
    elif kind == "array":
        if schema.get("minItems"):
            yield "too few", []
        if "maxItems" in schema:
            yield "too many", ["a"] * (schema["maxItems"] + 1)
        for why, value in bad_values(document, schema["items"]):
            yield "item " + why, [value]
    elif kind is None and "properties" not in schema:
        yield "too long", "x" * (schema["x-max-length"] + 1)


def wrong_type(document, schema):
    schema = document.resolved(schema)
    kind = schema.get("type")
    if kind is None and "properties" not in schema:
        return None  # any JSON
    return {"string": 7, "integer": "seven", "boolean": "maybe", "array": "seven", "object": "seven"}.get(kind, 7)


def leaves(document, schema, prefix=()):
    """(path, schema, required) of each member, those of members first."""
    schema = document.resolved(schema)
    for name, member in schema.get("properties", {}).items():
        inside = document.resolved(member)
        if "properties" in inside:
            yield from leaves(document, inside, (*prefix, name))
        else:
            yield (*prefix, name), member, name in schema.get("required", [])


def with_member(body, path, value):
    out = json.loads(json.dumps(body))
    place = out
    for part in path[:-1]:
        place = place.setdefault(part, {})
    if value is MISSING:
        place.pop(path[-1], None)
    else:
        place[path[-1]] = value
    return out


MISSING = object()


def refused_fields(answer, what):
    status, text = answer
    expect(status in (400, 422), f"{what}: {status} {text[:200]}")
    problem = json.loads(text)
    expect(problem["status"] == status and problem["code"] and problem["requestId"] and problem["title"], f"{what}: no whole problem: {problem}")
    for field in problem.get("fields", []):
        expect(field["name"] and field["code"] and field["message"], f"{what}: a field without name, code or message: {problem}")
    return status, [field["name"] for field in problem.get("fields", [])]


def named(name, fields):
    """`groups` is also named by `groups[3]` or `groups.3`."""
    return any(field == name or (field.startswith(name) and field[len(name)] in "[.") for field in fields)


class Negatives:
    def __init__(self, document, people):
        self.document, self.people = document, people
        self.cases = 0

    def caller_of(self, operation):
        if operation.said.get("security") == []:
            return None
        for person in self.people:
            # With a body that no call takes: whoever may not make the call hears that first.
            if operation.send(person.token, {"noSuchMember": 1} if operation.body is not None else None, {"noSuchMember": 1})[0] != 403:
                return person.token
        raise AssertionError(f"{operation.name}: nobody may make it")

    def try_body(self, operation, token):
        broken, untested = {}, []
        for path, schema, required in leaves(self.document, operation.body):
            name = ".".join(path)
            before = self.cases
            values = list(bad_values(self.document, schema)) + ([("missing", MISSING)] if required else [])
            for why, value in values:
                status, fields = refused_fields(operation.send(token, with_member(operation.example, path, value)), f"{operation.name}: {name} {why}")
                expect(named(name, fields), f"{operation.name}: {name} {why}: named are {fields}")
                self.cases += 1
                if status == 422 and value is not MISSING:
                    broken[path] = value
            wrong = wrong_type(self.document, schema)
            if wrong is not None:
                _, fields = refused_fields(operation.send(token, with_member(operation.example, path, wrong)), f"{operation.name}: {name} of another type")
                expect(named(name, fields), f"{operation.name}: {name} of another type: named are {fields}")
                self.cases += 1
            untested += [name] if self.cases == before else []
        expect(not untested, f"{operation.name}: no negative case for {untested}")
        unknown = refused_fields(operation.send(token, {**operation.example, "noSuchMember": 1}), f"{operation.name}: unknown member")
        expect(unknown[0] == 400 and "noSuchMember" in unknown[1], f"{operation.name}: an unknown member: {unknown}")
        if broken:
            body = operation.example
            for path, value in broken.items():
                body = with_member(body, path, value)
            _, fields = refused_fields(operation.send(token, body), f"{operation.name}: all at once")
            missed = [".".join(path) for path in broken if not named(".".join(path), fields)]
            expect(not missed, f"{operation.name}: of all that is wrong at once {missed} is not listed: {fields}")

    def try_places(self, operation, token, place, parameters):
        for name, schema in parameters.items():
            values = list(bad_values(self.document, schema))
            if schema.get("type") in ("integer", "boolean"):
                values.append(("of another type", "maybe"))
            if place == "path":
                values = [(why, value) for why, value in values if value != ""]
            expect(values, f"{operation.name}: no negative case for {name} of the {place}")
            for why, value in values:
                _, fields = refused_fields(operation.send(token, **{place: {name: value}}), f"{operation.name}: {name} {why}")
                expect(named(name, fields), f"{operation.name}: {name} {why}: named are {fields}")
                self.cases += 1
        if place == "query":
            status, fields = refused_fields(operation.send(token, query={"noSuchMember": 1}), f"{operation.name}: unknown query member")
            expect("noSuchMember" in fields, f"{operation.name}: an unknown query member: {fields}")

    def run(self):
        wrong = []
        for operation in self.document.operations():
            for attempt in (lambda o, t: self.try_body(o, t) if o.body is not None else None, lambda o, t: self.try_places(o, t, "query", o.in_query),
                            lambda o, t: self.try_places(o, t, "path", o.in_path)):
                try:
                    attempt(operation, self.caller_of(operation))
                except AssertionError as error:
                    wrong.append(str(error))
        print(f"  {self.cases} negative cases for {sum(1 for _ in self.document.operations())} operations")
        expect(not wrong, f"{len(wrong)} findings: " + "; ".join(wrong))


def stored(server):
    """A hash of each table's rows."""
    with contextlib.closing(sqlite3.connect(f"file:{server.folder / 'data/consilium.db'}?mode=ro", uri=True)) as store:
        names = [row[0] for row in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: hashlib.sha256(repr(sorted(map(repr, store.execute(f"SELECT * FROM {name}")))).encode()).hexdigest()
                for name in names if not RESTLESS.match(name)}


def at_rest(server, patience=60):
    """What is stored when nothing goes on any more."""
    end, before = time.monotonic() + patience, None
    while (now := stored(server)) != before:
        expect(time.monotonic() < end, "the server does not come to rest")
        before = now
        time.sleep(0.7)
    return now


def shape_of(value):
    """The form of an answer: what a client may rely on."""
    if isinstance(value, dict):
        # Clients branch on the code of a problem; the variables of an instance are its process' own.
        kept = {name: value[name] for name in ("code", "status") if "requestId" in value}
        kept |= {"variables": "any"} if "variables" in value else {}
        return {name: kept.get(name) or shape_of(member) for name, member in value.items()}
    if isinstance(value, list):
        shapes = [shape_of(item) for item in value]
        return [merged(shapes)] if shapes else []
    if isinstance(value, str):
        for name, pattern in (("id", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), ("time", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"), ("date", r"\d{4}-\d\d-\d\d"),
                              ("duration", r"PT?[0-9.DHMS]+"), ("key", r"\d{6,}")):
            if re.fullmatch(pattern, value):
                return name
        return "text"
    return {bool: "boolean", int: "number", float: "number", type(None): "null"}[type(value)]


def merged(shapes):
    """What all items have; a member that is of two forms is of none."""
    first = shapes[0]
    if all(isinstance(shape, dict) for shape in shapes):
        return {name: merged([shape[name] for shape in shapes]) for name in first if all(name in shape for shape in shapes)}
    return first if all(shape == first for shape in shapes) else "any"


def lost(golden, now, place):
    """Where an answer lacks what the golden one has."""
    if golden == "any" or now == "any":
        return []
    if isinstance(golden, dict) and isinstance(now, dict):
        return [f"{place}.{name} is gone" for name in golden if name not in now] + [
            one for name in golden if name in now for one in lost(golden[name], now[name], f"{place}.{name}")]
    if isinstance(golden, list) and isinstance(now, list):
        return lost(golden[0], now[0], place + "[]") if golden and now else []
    return [] if golden == now else [f"{place} was {golden}, is {now}"]


class Answers:
    """The answers of v1 to one consultation and its administration."""

    def __init__(self, document, people):
        self.document, self.people, self.taken = document, people, {}

    def take(self, who, method, pattern, body=None, name=None, headers=None, **values):
        path = pattern
        for member, value in values.items():
            path = path.replace("{%s}" % member, str(value))
        token = self.people[who].token if who else None
        status, text = self.document.ask(method, path, body, token, headers)
        told = json.loads(text) if text else None
        self.taken[name or f"{method} {pattern.split('?')[0]}"] = {"status": status, "body": shape_of(told)}
        expect(status < 500, f"{method} {path}: {status} {text[:300]}")
        return told

    def collect(self):
        login = {"username": "anna", "password": PASSWORD}
        bearer = self.take(None, "POST", "/sessions", login, headers={"Accept-Session": "bearer"})
        self.take(None, "POST", "/sessions", login, "POST /sessions with a cookie")
        self.take(None, "POST", "/sessions/refresh", {"refreshToken": bearer["refreshToken"]})
        self.take("anna", "GET", "/users/me")
        self.take("anna", "GET", "/users/me/presence")
        self.take("anna", "PUT", "/users/me/presence", {"status": "online"})
        channel = self.take("anna", "GET", "/channels")["items"][0]["id"]
        self.take("anna", "GET", "/channels/{id}", id=channel)
        posts = self.take("anna", "GET", "/channels/{id}/posts?limit=200", id=channel)["items"]
        self.take("anna", "POST", "/channels/{id}/read", {"postId": posts[0]["id"]}, id=channel)
        task = self.take("admin", "GET", "/tasks?status=closed")["items"][0]
        for who, method, pattern in (("admin", "GET", "/tasks/{id}"), ("admin", "GET", "/tasks/{id}/transitions"), ("admin", "GET", "/tasks/{id}/history"),
                                     ("admin", "GET", "/tasks/{id}/feedback")):
            self.take(who, method, pattern, id=task["id"])
        self.take("admin", "GET", "/assignments/log")
        self.take("admin", "GET", "/processes")
        self.take("admin", "GET", "/processes/instances")
        self.take("admin", "GET", "/processes/instances/{key}", key=task["processInstance"])
        for pattern in ("/incidents", "/groups", "/users?limit=200&count=true", "/sessions", "/sessions/current", "/refusals", "/dead-letters"):
            self.take("admin", "GET", pattern)
        client = self.take("admin", "POST", "/users/clients", {"firstName": "Zoe", "lastName": "Zander", "sex": "f", "birthDate": "1990-01-31", "phone": "+491701234599"})
        end = time.monotonic() + 60
        while self.take("admin", "GET", "/users/{id}", id=client["id"])["status"] != "active":
            expect(time.monotonic() < end, "the client does not become active")
            time.sleep(0.1)
        user = self.take("admin", "GET", "/users/{id}", id=client["id"])
        self.take("admin", "PATCH", "/users/{id}", {"lastName": "Zimt"}, id=client["id"], headers={"If-Match": f'"{user["version"]}"'})
        self.take("admin", "POST", "/users/clients", {"firstName": ""}, "POST /users/clients with mistakes")
        self.take("admin", "GET", "/users/{id}", id=SOME_ID, name="GET /users/{id} of nobody")
        self.take("anna", "GET", "/users", name="GET /users without the right")
        self.take(None, "GET", "/users/me", name="GET /users/me without a session")
        self.take("admin", "PATCH", "/users/{id}", {"lastName": "Zimt"}, "PATCH /users/{id} of an old version", {"If-Match": '"1"'}, id=client["id"])
        self.take("admin", "POST", "/tasks", {}, "POST /tasks without members")
        self.take("anna", "DELETE", "/sessions/current")
        return self.taken


def golden_answers(document, people):
    now = Answers(document, people).collect()
    if os.environ.get("CONSILIUM_MAKE_GOLDEN"):
        GOLDEN.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n")
    golden = json.loads(GOLDEN.read_text())
    wrong = [f"{name}: not asked any more" for name in golden if name not in now]
    for name in golden.keys() & now.keys():
        if golden[name]["status"] != now[name]["status"]:
            wrong.append(f"{name}: answered {golden[name]['status']}, answers {now[name]['status']}")
        wrong += lost(golden[name]["body"], now[name]["body"], name)
    expect(len(golden) > 30 and not wrong, f"{len(golden)} kept; " + "; ".join(sorted(wrong)))
    planted = {"a": "text", "b": [{"c": "id"}], "d": "number"}
    seen = lost(planted, {"b": [{"c": "text", "new": "id"}], "d": "number"}, "x")
    expect(seen == ["x.a is gone", "x.b[].c was id, is text"], f"the comparison is blind: {seen}")


def each_documented_path_is_served(document):
    for operation in document.operations():
        status, text = operation.send(None)
        code = json.loads(text).get("code") if text else None
        expect(code not in ("request.unknown-path", "request.unknown-version", "request.method-not-allowed"), f"{operation.name}: {status} {code}")
    for path in ("/api/v2/users", "/api/users", "/api/v11/users"):
        document.connection.request("GET", path)
        answer = document.connection.getresponse()
        problem = json.loads(answer.read())
        expect(answer.status == 404 and problem["code"] == "request.unknown-version", f"{path}: {answer.status} {problem}")


def nothing_is_stored(server, before):
    after = at_rest(server)
    changed = [name for name in before if before[name] != after.get(name)]
    expect(len(before) > 20 and not changed, f"what was refused changed {changed}")


def play_demo(server):
    done = subprocess.run([str(BINARY), "demo", "--url", server.url, "--password", PASSWORD], env=clean_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=120)
    expect(done.returncode == 0, f"the demo ended with {done.returncode}: {done.stderr[-600:]}")


def main():
    report = Report()
    with tempfile.TemporaryDirectory(prefix="contract-") as folder, Server(folder, CONSILIUM_LIMITS_LOGINS__PER__MINUTE="10000") as server:
        server.start()
        document = Document(server.address)
        people = {name: Person(server.address, name) for name in ("admin", "clara", "anna")}
        report.check("V-2 each documented path is served, and no other version", lambda: each_documented_path_is_served(document))
        before = at_rest(server)
        report.check("VA-2 each field of each operation is refused by name, all of them at once", Negatives(document, [people[one] for one in ("admin", "clara", "anna")]).run)
        report.check("VA-2 nothing that was refused is stored", lambda: nothing_is_stored(server, before))
        report.check("V-2 the answers of v1 keep their form", lambda: (play_demo(server), golden_answers(document, people)))
        expect(server.end() == 0, "the server ends well")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
