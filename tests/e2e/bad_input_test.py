#!/usr/bin/env python3
"""Bad input against the real binary over its public API: each kind has a coded answer, and nothing half-written stays.

Prints a table `item → answer` at the end. What belongs to the configuration, to a second server and to a newer folder is in
operate_test.py too, from the operator's side; broken models are refused in src/bpmn/model/reader_test.cpp, as this program
takes models from nowhere but itself."""
import base64
import concurrent.futures
import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import re
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time

from server import BINARY, PASSWORD, Person, Report, Server, clean_environment, expect

PATIENCE = 60
# Without waiting for real minutes: what is watched in minutes is watched in seconds here.
QUICK_SOCKETS = {"CONSILIUM_SOCKET_PING": "1s", "CONSILIUM_SOCKET_PING__DEADLINE": "3s", "CONSILIUM_PRESENCE_LEASE": "5s"}
table = []
# What a test of this file proves, before its name.
PROVES = {"foreign_ids": "B-15 ", "tokens": "U-3 ", "replayed_refresh": "U-3 ", "cookies_and_origins": "B-16 ", "frames": "B-17 H-3 ", "stale_versions": "ST-1 ", "slow_reader": "H-3 "}


def ask(address, method, path, body=None, headers=None, raw=None):
    """Status, problem or answer, headers. `raw` is a body as it is."""
    connection = http.client.HTTPConnection(address, timeout=PATIENCE)
    headers = dict(headers or {})
    payload = raw if raw is not None else None if body is None else json.dumps(body)
    if payload is not None:
        headers.setdefault("Content-Type", "application/json")
    connection.request(method, path if path.startswith("/oauth2") else "/api/v1" + path, payload, headers)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    is_json = (answer.getheader("Content-Type") or "").endswith(("application/json", "problem+json"))
    return answer.status, json.loads(text) if text and is_json else text, answer


def bearer(person):
    return {"Authorization": "Bearer " + person.token}


def refused(item, answer, status, code):
    got, problem, response = answer
    expect(got == status, f"{item}: expected {status} {code}, got {got} {problem}")
    expect(response.getheader("Content-Type") == "application/problem+json", f"{item}: {response.getheader('Content-Type')}")
    expect(problem["code"] == code, f"{item}: expected {code}, got {problem}")
    expect(problem["status"] == status and problem["requestId"], f"{item}: {problem}")
    table.append((item, f"{status} {code}"))
    return problem


def fields_of(problem):
    return sorted(field["name"] for field in problem.get("fields", []))


def posts_of(person):
    return person.call("GET", f"/channels/{channel_of(person)}/posts?limit=200")["items"]


def channel_of(person):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        channels = person.call("GET", "/channels")["items"]
        if channels:
            return channels[0]["id"]
        time.sleep(0.05)
    raise AssertionError("no channel was made")


class RawSocket:
    """A WebSocket whose frames are exactly what the test wants."""

    def __init__(self, address, token, path="/api/v1/events", receive_buffer=None):
        host, port = address.rsplit(":", 1)
        self.plain = socket.socket()
        if receive_buffer:
            self.plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.plain.settimeout(PATIENCE)
        self.plain.connect((host, int(port)))
        key = base64.b64encode(os.urandom(16)).decode()
        self.plain.sendall((f"GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: consilium.v1\r\nAuthorization: Bearer {token}\r\n\r\n").encode())
        self.pending = b""
        while b"\r\n\r\n" not in self.pending:
            some = self.plain.recv(4096)
            if not some:
                break
            self.pending += some
        head, _, self.pending = self.pending.partition(b"\r\n\r\n")
        self.status = int(head.split()[1])

    def send(self, opcode, payload, masked=True, final=True):
        head = bytes([(0x80 if final else 0) | opcode])
        mask_bit = 0x80 if masked else 0
        if len(payload) < 126:
            head += bytes([mask_bit | len(payload)])
        elif len(payload) < 65536:
            head += bytes([mask_bit | 126]) + struct.pack(">H", len(payload))
        else:
            head += bytes([mask_bit | 127]) + struct.pack(">Q", len(payload))
        if masked:
            mask = os.urandom(4)
            payload = mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
        self.plain.sendall(head + payload)

    def say(self, text):
        self.send(1, text.encode())

    def take(self, size):
        while len(self.pending) < size:
            some = self.plain.recv(65536)
            if not some:
                raise EOFError
            self.pending += some
        taken, self.pending = self.pending[:size], self.pending[size:]
        return taken

    def receive(self):
        """Opcode and payload; None at the end of the connection."""
        try:
            head = self.take(2)
            length = head[1] & 0x7F
            if length == 126:
                length = struct.unpack(">H", self.take(2))[0]
            elif length == 127:
                length = struct.unpack(">Q", self.take(8))[0]
            return head[0] & 0x0F, self.take(length)
        except (EOFError, ConnectionResetError):
            return None

    def close_code(self):
        """Of the close frame, after whatever comes before it; None when the connection ends without."""
        while (frame := self.receive()) is not None:
            if frame[0] == 8:
                return struct.unpack(">H", frame[1][:2])[0]
        return None

    def welcome(self):
        frame = json.loads(self.receive()[1])
        expect(frame["type"] == "welcome", f"expected a welcome, got {frame}")
        return frame

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.plain.close()


class World:
    """One server and two clients for all tests that do no harm to it."""

    def __init__(self, server):
        self.server = server
        self.address = server.address
        self.anna, self.boris = Person(server.address, "anna"), Person(server.address, "boris")
        self.channel = channel_of(self.anna)
        self.posts = f"/channels/{self.channel}/posts"

    def as_anna(self, method, path, body=None, raw=None, headers=None):
        return ask(self.address, method, path, body, {**bearer(self.anna), **(headers or {})}, raw)


def bodies(world):
    before = posts_of(world.anna)
    for text in ('{"text":', '{"text":"a"}x', "", "[]", '"a"', '{"text":"\\ud800"}', '{"text":"a","text":"b"}', '{"a":' * 200):
        problem = refused(f"malformed JSON {text[:24]!r}", world.as_anna("POST", world.posts, raw=text), *((422, "request.invalid") if text == "" else (400, "request.malformed")))
        expect("Traceback" not in json.dumps(problem), "no internals")
    refused("JSON that is no UTF-8", world.as_anna("POST", world.posts, raw=b'{"text":"\xff"}'), 400, "request.malformed")
    refused("another content type", world.as_anna("POST", world.posts, raw="text=a", headers={"Content-Type": "text/plain"}), 415, "request.unsupported-media-type")
    expect(posts_of(world.anna) == before, "a refused post left something")


def members(world):
    before = posts_of(world.anna)
    problem = refused("unknown member", world.as_anna("POST", world.posts, {"text": "a", "colour": "red"}), 400, "request.malformed")
    expect([(field["name"], field["code"]) for field in problem["fields"]] == [("colour", "unknown-member")], f"the member is not named: {problem}")
    for value in (1, True, [], {}, None):
        refused(f"wrong type {value!r} for a text", world.as_anna("POST", world.posts, {"text": value}), 400, "request.malformed")
    refused("unknown query member", world.as_anna("GET", "/channels?colour=red"), 400, "request.malformed")
    refused("wrong type in the query", world.as_anna("GET", "/channels?limit=many"), 400, "request.malformed")
    refused("limit out of its range", world.as_anna("GET", "/channels?limit=201"), 422, "request.invalid")
    refused("cursor that was never given", world.as_anna("GET", "/channels?cursor=abc"), 400, "chat.bad-cursor")
    refused("id that is none", world.as_anna("GET", "/channels/abc"), 400, "request.malformed")
    expect(posts_of(world.anna) == before, "a refused post left something")


def sizes(world):
    before = posts_of(world.anna)
    problem = refused("text and id too long, both named", world.as_anna("POST", world.posts, {"text": "a" * 4001, "clientId": "b" * 65}), 422, "request.invalid")
    expect(fields_of(problem) == ["clientId", "text"], f"expected both fields, got {problem}")
    refused("body over 1 MB", world.as_anna("POST", world.posts, raw=b'{"text":"' + b"a" * 1_100_000 + b'"}'), 413, "request.too-large")
    refused("header over 16 KB", world.as_anna("GET", "/channels", headers={"X-Long": "a" * 17_000}), 431, "request.head-too-large")
    refused("idempotency key over 64", world.as_anna("POST", world.posts, {"text": "a"}, headers={"Idempotency-Key": "k" * 65}), 422, "request.bad-idempotency-key")
    expect(posts_of(world.anna) == before, "a refused post left something")


def foreign_ids(world):
    boris = Person(world.address, "boris")
    theirs = channel_of(boris)
    before = posts_of(boris)
    refused("another's channel", world.as_anna("GET", f"/channels/{theirs}"), 404, "chat.channel-not-found")
    refused("post into another's channel", world.as_anna("POST", f"/channels/{theirs}/posts", {"text": "a"}), 404, "chat.channel-not-found")
    refused("a channel that is not", world.as_anna("GET", "/channels/00000000-0000-7000-8000-000000000000"), 404, "chat.channel-not-found")
    session = boris.call("GET", "/sessions")["items"][0]["id"]
    refused("another's session", world.as_anna("DELETE", f"/sessions/{session}"), 404, "sessions.not-found")
    refused("a route for staff", world.as_anna("GET", "/users"), 403, "request.forbidden")
    expect(posts_of(boris) == before and boris.call("GET", "/sessions/current"), "what is another's was changed")


def stale_versions(world):
    """What was changed since it was read is not overwritten: one of many that saw the same version wins, the others get 412."""
    path = f"/users/{world.anna.user_id}"
    status, user, response = world.as_anna("GET", path)
    tag = response.getheader("ETag")
    expect(status == 200 and tag == f'"{user["version"]}"', f"{status} {tag} {user}")
    refused("change without If-Match", world.as_anna("PATCH", path, {"language": "en"}), 428, "request.precondition-required")
    refused("If-Match that is no version", world.as_anna("PATCH", path, {"language": "en"}, headers={"If-Match": "*"}), 400, "request.malformed-if-match")
    with concurrent.futures.ThreadPoolExecutor(max_workers=20) as pool:
        names = [f"Anna{chr(97 + i // 10)}{chr(97 + i % 10)}" for i in range(100)]
        answers = list(pool.map(lambda name: world.as_anna("PATCH", path, {"middleName": name}, headers={"If-Match": tag}), names))
    won = [name for name, answer in zip(names, answers) if answer[0] == 200]
    lost = [answer for answer in answers if answer[0] != 200]
    expect(len(won) == 1, f"{len(won)} of a hundred changes of one version succeeded")
    expect(all(answer[0] == 412 and answer[1]["code"] == "users.stale" for answer in lost), f"{[answer[:2] for answer in lost][:2]}")
    status, now, response = world.as_anna("GET", path)
    expect(now["middleName"] == won[0] and now["version"] == user["version"] + 1, f"{now}")
    expect(response.getheader("ETag") == f'"{now["version"]}"', "the tag is not that of the version")
    table.append(("100 changes of one version at once", "one 200, 99 times 412 users.stale"))


def server_key(world):
    """The key that signs, as openssl reads it (RFC 5915): its file holds the number alone."""
    file = next(entry for entry in (world.server.folder / "data/keys").iterdir() if "-" in entry.name)
    scalar = base64.urlsafe_b64decode(file.read_text().strip() + "==")
    return bytes.fromhex("30310201010420") + scalar + bytes.fromhex("a00a06082a8648ce3d030107")


def encoded(value):
    raw = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(part):
    return json.loads(base64.urlsafe_b64decode(part + "=="))


def signed(header, claims, key):
    """ES256 by the openssl program; DER of two integers to 64 bytes."""
    text = encoded(header) + "." + encoded(claims)
    with tempfile.TemporaryDirectory() as folder:
        der = pathlib.Path(folder) / "key.der"
        der.write_bytes(key)
        pem = subprocess.run(["openssl", "pkey", "-inform", "DER", "-in", der], check=True, capture_output=True).stdout
        der.write_bytes(pem)
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", der], input=text.encode(), check=True, capture_output=True).stdout
    first_length = signature[3]
    first, second = signature[4:4 + first_length], signature[6 + first_length:]
    return text + "." + encoded(b"".join(part.lstrip(b"\0").rjust(32, b"\0") for part in (first, second)))


def tokens(world):
    person = Person(world.address, "anna")
    head, body, signature = person.token.split(".")
    header, claims = decoded(head), decoded(body)
    expect(claims["iss"] == "http://" + world.address, f"the issuer does not name the port that was chosen: {claims}")
    key = server_key(world)
    own = {"Authorization": "Bearer " + signed(header, claims, key)}
    expect(ask(world.address, "GET", "/sessions/current", headers=own)[0] == 200, "the test signs as the server does")
    other = subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-outform", "DER"], check=True, capture_output=True).stdout

    def token_refused(item, token, code="sessions.invalid"):
        answer = ask(world.address, "GET", "/sessions/current", headers={"Authorization": "Bearer " + token})
        refused(item, answer, 401, code)

    old = {**claims, "iat": claims["iat"] - 3600, "exp": claims["iat"] - 3300}
    token_refused("expired token", signed(header, old, key), "sessions.expired")
    status, known, response = ask(world.address, "GET", "/oauth2/jwks")
    expect(status == 200 and response.getheader("Content-Type").startswith("application/jwk-set+json"), f"the keys are not published: {status}")
    expect(header["kid"] in [one["kid"] for one in json.loads(known)["keys"]], "the key that signs is not published")
    expect(b'"d"' not in known, "a private key is published")
    token_refused("token signed by another key", signed(header, claims, other))
    token_refused("token with alg none", encoded({**header, "alg": "none"}) + "." + body + ".")
    token_refused("token with an altered claim", ".".join((head, encoded({**claims, "sid": "00000000-0000-7000-8000-000000000000"}), signature)))
    token_refused("token of another issuer", signed(header, {**claims, "iss": "http://elsewhere.example"}, key))
    token_refused("token for another audience", signed(header, {**claims, "aud": "elsewhere"}, key))
    # The clock was set back meanwhile: a new one mends it, as with one that is too old.
    token_refused("token from the future", signed(header, {**claims, "iat": claims["iat"] + 3600, "exp": claims["exp"] + 3600}, key), "sessions.expired")
    token_refused("token that is none", "abc")
    token_refused("token of 10 KB", "a" * 10_000)
    refused("cookie that was not issued", ask(world.address, "GET", "/sessions/current", headers={"Cookie": "session=" + "a" * 43}), 401, "sessions.invalid")
    refused("no proof at all", ask(world.address, "GET", "/sessions/current"), 401, "sessions.required")
    person.call("DELETE", "/sessions/current")
    token_refused("token replayed after the logout", person.token)


def replayed_refresh(world):
    login = ask(world.address, "POST", "/sessions", {"username": "boris", "password": PASSWORD}, {"Accept-Session": "bearer"})[1]
    first = login["refreshToken"]
    second = ask(world.address, "POST", "/sessions/refresh", {"refreshToken": first})[1]["refreshToken"]
    third = ask(world.address, "POST", "/sessions/refresh", {"refreshToken": second})[1]
    refused("refresh token replayed", ask(world.address, "POST", "/sessions/refresh", {"refreshToken": first}), 401, "sessions.token-reused")
    refused("newest refresh token of that family", ask(world.address, "POST", "/sessions/refresh", {"refreshToken": third["refreshToken"]}), 401, "sessions.invalid")
    answer = ask(world.address, "GET", "/sessions/current", headers={"Authorization": "Bearer " + third["accessToken"]})
    refused("access token of that family", answer, 401, "sessions.invalid")


def cookies_and_origins(world):
    status, _, response = ask(world.address, "POST", "/sessions", {"username": "anna", "password": PASSWORD})
    expect(status == 201, "login by cookie")
    cookie = {"Cookie": response.getheader("Set-Cookie").split(";")[0]}
    path, body = "/users/me/presence", {"status": "online"}
    refused("cookie without Origin", ask(world.address, "PUT", path, body, cookie), 403, "request.foreign-origin")
    refused("cookie from a foreign page", ask(world.address, "PUT", path, body, {**cookie, "Origin": "http://evil.example"}), 403, "request.foreign-origin")
    refused("login from a foreign page", ask(world.address, "POST", "/sessions", {"username": "anna", "password": PASSWORD}, {"Origin": "http://evil.example"}), 403, "request.foreign-origin")
    expect(ask(world.address, "PUT", path, body, {**cookie, "Origin": f"http://{world.address}"})[0] == 200, "our own page")
    with socket.create_connection(world.address.rsplit(":", 1), timeout=PATIENCE) as plain:
        plain.sendall((f"GET /api/v1/events HTTP/1.1\r\nHost: {world.address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                       f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\nCookie: {cookie['Cookie']}\r\nOrigin: http://evil.example\r\n\r\n").encode())
        expect(b" 403 " in plain.recv(4096).split(b"\r\n")[0], "a foreign page opened a socket")
    table.append(("socket opened by a foreign page", "403 before the upgrade"))


def http_framing(world):
    """Where the server cannot even read a request it answers and closes."""
    for item, request, status in (
            ("no HTTP", b"hello\r\n\r\n", 400),
            ("two lengths (smuggling)", b"POST /api/v1/sessions HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
            ("length and chunks (smuggling)", b"POST /api/v1/sessions HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
            ("no Host", b"GET / HTTP/1.1\r\n\r\n", 400),
            ("broken escape in the path", b"GET /api/v1/channels/%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", None)):
        with socket.create_connection(world.address.rsplit(":", 1), timeout=PATIENCE) as plain:
            plain.sendall(request)
            head = b""
            while some := plain.recv(4096):
                head += some
            got = int(head.split()[1])
            expect(400 <= got < 500 and (status is None or got == status), f"{item}: {head[:100]}")
            expect(b'"code":"' in head, f"{item}: no code in {head[:300]}")
            table.append((item, f"{got} " + json.loads(head.partition(b"\r\n\r\n")[2])["code"]))


def frames(world):
    ping = b'{"type":"ping"}'
    cases = [("frame over 16 KB", lambda s: s.send(1, b"a" * 17_000), 1009), ("many small frames of one message over 16 KB", fragments, 1009),
             ("frame that says 2^62 bytes", lambda s: s.plain.sendall(b"\x81\xff" + struct.pack(">Q", 1 << 62) + b"abcd"), 1009),
             ("unmasked frame", lambda s: s.send(1, ping, masked=False), 1002), ("binary frame", lambda s: s.send(2, ping), 4004),
             ("reserved opcode", lambda s: s.send(3, b""), 1002), ("continuation of nothing", lambda s: s.send(0, b"a"), 1002),
             ("control frame in pieces", lambda s: s.send(9, b"a", final=False), 1002), ("text that is no UTF-8", lambda s: s.send(1, b'"\xff"'), 1007),
             ("message that is no JSON", lambda s: s.say("hello"), 4004), ("message of an unknown type", lambda s: s.say('{"type":"dance"}'), 4004),
             ("message with an unknown member", lambda s: s.say('{"type":"ping","more":1}'), 4004)]
    for item, send, code in cases:
        with RawSocket(world.address, world.anna.token) as one:
            one.welcome()
            send(one)
            got = one.close_code()
            expect(got == code, f"{item}: expected {code}, got {got}")
            table.append((item, f"close {code}"))
    with RawSocket(world.address, world.anna.token) as one:
        one.welcome()
        one.say(json.dumps({"type": "read", "id": "r", "data": {"channelId": world.channel}}))
        one.say(json.dumps({"type": "typing", "id": "t", "data": {"channelId": 7}}))
        one.say(json.dumps({"type": "read", "id": "f", "data": {"channelId": channel_of(world.boris), "postId": world.channel}}))
        codes = {}
        while len(codes) < 3:
            frame = json.loads(one.receive()[1])
            if frame["type"] == "error":
                codes[frame["corrId"]] = frame["data"]["code"]
        expect(codes == {"r": "request.invalid", "t": "request.malformed", "f": "chat.channel-not-found"}, f"{codes}")
        table.append(("socket message with wrong members", "error with its code, the socket stays"))
    with RawSocket(world.address, "nonsense") as one:
        expect(one.status == 401, f"a socket without a session: {one.status}")
    with RawSocket(world.address, world.anna.token, "/api/v1/events?after=x") as one:
        expect(one.status == 400, f"a socket after nonsense: {one.status}")
    table.append(("socket without a session, after nonsense", "401, 400 before the upgrade"))


def fragments(one):
    one.send(1, b"a" * 1000, final=False)
    for _ in range(20):
        try:
            one.send(0, b"a" * 1000, final=False)
        except (BrokenPipeError, ConnectionResetError):
            return


def slow_reader(world):
    """Who reads nothing is closed at the bound of its queue; others are served as ever."""
    with RawSocket(world.address, world.anna.token, receive_buffer=4096) as slow, RawSocket(world.address, world.boris.token) as other:
        slow.welcome()
        other.welcome()
        frame = b'{"type":"ping","id":"' + b"p" * 60 + b'"}'
        masked = bytes([0x81, 0x80 | len(frame)]) + b"\0\0\0\0" + frame  # a mask of zeros changes nothing
        slow.plain.settimeout(1)
        sent = 0
        try:
            while sent < 2_000_000:
                slow.plain.sendall(masked * 200)
                sent += 200
        except (TimeoutError, BrokenPipeError, ConnectionResetError):
            pass  # the server reads no more: it closes
        other.say('{"type":"ping","id":"alive"}')
        while json.loads(other.receive()[1]).get("corrId") != "alive":
            pass
        slow.plain.settimeout(PATIENCE)
        code = slow.close_code()
        expect(code == 4003, f"expected 4003 for a reader that reads nothing, got {code} after {sent} messages")
    table.append(("slow reader", "close 4003, others are served"))


def half_open(world_folder):
    """A peer that vanished without a word: neither pong nor ping comes."""
    with Server(world_folder, **QUICK_SOCKETS).start() as server:
        person = Person(server.address, "clara")
        with RawSocket(server.address, person.token) as dead, RawSocket(server.address, person.token) as frozen:
            dead.welcome()
            frozen.welcome()
            # `frozen` answers the pings of the connection, as a browser does for a page that stands still.
            code = None
            while (frame := frozen.receive()) is not None:
                if frame[0] == 9:
                    frozen.send(10, frame[1])
                if frame[0] == 8:
                    code = struct.unpack(">H", frame[1][:2])[0]
                    break
            expect(code == 4000, f"expected 4000 for a page without life, got {code}")
            code = dead.close_code()
            expect(code == 4000, f"expected 4000 for a peer without an answer, got {code}")
        end = time.monotonic() + PATIENCE
        while person.call("GET", "/users/me/presence")["effective"] != "offline" and time.monotonic() < end:
            time.sleep(0.1)
        expect(person.call("GET", "/users/me/presence")["effective"] == "offline", "the lease did not end")
        expect(server.end() == 0, "the server ends well")
    table.append(("half-open socket, page that stands still", "close 4000, offline after the lease"))


def run(*words, expected):
    done = subprocess.run([str(BINARY), *map(str, words)], env=clean_environment(), capture_output=True, text=True, timeout=PATIENCE,
                          stdin=subprocess.DEVNULL)
    expect(done.returncode == expected, f"expected exit {expected} of {words}, got {done.returncode}: {done.stderr[-500:]}")
    return done.stdout + done.stderr


def contents(folder):
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


def broken_configuration(root):
    wrong = root / "consilium.yaml"
    data = root / "wrong"
    wrong.write_text("http:\n  connections: many\n  colour: red\n  listen: nowhere\nlog: {level: loud}\nsessions: {idle: 40d}\ndemo: {password: secret-word-of-mine}\n")
    said = run("serve", "--config", wrong, "--data", data, expected=3)
    for name in ("http.connections", "http.colour", "http.listen", "log.level"):
        expect(name in said, f"{name} is not named: {said}")
    expect("secret-word-of-mine" not in said, "a secret was printed")
    wrong.write_text("http: [\n")
    run("serve", "--config", wrong, "--data", data, expected=3)
    run("serve", "--config", root / "missing.yaml", "--data", data, expected=3)
    wrong.write_text("http: {listen: 0.0.0.0:0}\n")
    said = run("serve", "--config", wrong, "--data", data, expected=3)
    expect("behind-proxy" in said, f"open to the world without TLS: {said}")
    expect(not data.exists(), "a refused start made a folder")
    table.append(("broken configuration", "exit 3, all problems named, nothing made"))


def no_connection_is_opened(root):
    """What is wrong is found before the program turns to anybody: no socket is made, no folder, and there is no service to ask for settings."""
    wrong = root / "consilium.yaml"
    data = root / "unmade"

    def sockets(*words, text, expected):
        wrong.write_text(text)
        trace = root / "trace"
        done = subprocess.run(["strace", "-f", "-o", str(trace), "-e", "trace=network", str(BINARY), *words, "--config", str(wrong)],
                              env=clean_environment(), capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)
        expect(done.returncode == expected, f"ended with {done.returncode}: {done.stderr[-600:]}")
        return [line for line in trace.read_text().splitlines() if re.search(r"\b(socket|connect|bind|listen)\(", line)], done.stderr

    seen, said = sockets("serve", "--data", str(data), text="http: {colour: red, listen: '127.0.0.1:0'}\nbus: {attempts: many}\n", expected=3)
    expect(not seen, f"something was opened: {seen[:3]}")
    expect("http.colour" in said and "bus.attempts" in said, said)
    expect(not data.exists(), "a folder was made")
    good = "http: {listen: '127.0.0.1:0'}\n"
    expect(not sockets("config", "check", text=good, expected=0)[0], "a check of the configuration needs nobody")
    # The trace sees what it is for.
    trace = root / "seen"
    subprocess.run(["strace", "-f", "-o", str(trace), "-e", "trace=network", sys.executable, "-c", "import socket; socket.socket()"], check=True, timeout=PATIENCE)
    expect("socket(" in trace.read_text(), "the trace is blind")


def two_servers(world):
    before = (world.server.folder / "data/run/addresses.json").read_text()
    said = run("serve", "--data", world.server.folder / "data", expected=3)
    expect("another server uses it" in said, said)
    expect((world.server.folder / "data/run/addresses.json").read_text() == before, "the second one wrote")
    expect(world.anna.call("GET", "/channels"), "the first one goes on")
    table.append(("two servers on one folder", "exit 3 data.locked, the first goes on"))


def newer_folder(root):
    data = root / "newer"
    run("init", "--data", data, expected=0)
    (data / "version").write_text("999\n")
    before = contents(data)
    said = run("serve", "--data", data, expected=3)
    expect("start a newer program" in said, said)
    after = contents(data)
    expect({**before, "lock": ""} == {**after, "lock": ""}, "a refused start changed the folder")
    (data / "version").write_text("nonsense\n")
    said = run("serve", "--data", data, expected=3)
    expect("version" in said, said)
    table.append(("newer folder, nonsense in its version", "exit 3 data.newer, nothing changed"))


def folder_of_the_engine(root):
    data = root / "engine"
    engine = subprocess.Popen([str(BINARY), "engine", "--listen", "127.0.0.1:0", "--data", str(data)], stderr=subprocess.PIPE, text=True)
    said = engine.stderr.readline()
    expect("listens on" in said, said)
    engine.kill()
    engine.communicate()
    for verb in ("serve", "init"):
        said = run(verb, "--data", data, expected=3)
        expect("one of `consilium engine`" in said, said)
    expect((data / "version").read_text().strip() == "2", "a program that does not know the log would take this folder")
    expect("sound" in run("verify", "--data", data, expected=0), "verify does not take it")
    table.append(("a folder of consilium engine", "exit 3 data.of-engine"))


def in_own_mounts(*words):
    """This script again, where a mount is seen by nobody else and goes with the process."""
    own = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    done = subprocess.run([*own, sys.executable, __file__, *words], capture_output=True, text=True, timeout=300)
    expect(done.returncode == 0, (done.stdout + done.stderr)[-1500:])
    for line in done.stdout.splitlines():
        item, _, answer = line.partition(" → ")
        table.append((item, answer))


def fill(file):
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT)
    try:
        for size in (1 << 20, 4096, 1):
            try:
                while True:
                    os.write(descriptor, b"\0" * size)
            except OSError:
                pass
    finally:
        os.close(descriptor)


def full_disk(folder, reserve):
    """Inside its own mounts: a disk of 64 MB for the data."""
    folder = pathlib.Path(folder)
    data = folder / "data"
    data.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(data)], check=True)
    filler = data / "filler"
    with Server(folder, CONSILIUM_DATABASE_RESERVE=reserve).start() as server:
        anna = Person(server.address, "anna")
        posts = f"/channels/{channel_of(anna)}/posts"
        anna.call("POST", posts, {"text": "before", "clientId": "before"})
        fill(filler)
        refusals, stored, end = 0, [], time.monotonic() + PATIENCE
        while refusals < 3 and time.monotonic() < end:
            client_id = f"full-{len(stored)}-{refusals}"
            status, problem, response = ask(server.address, "POST", posts, {"text": "x" * 3000, "clientId": client_id}, bearer(anna))
            if status == 201:
                stored.append(client_id)
            elif status == 429:
                time.sleep(0.2)
            else:
                expect(status == 503 and problem["code"] == "storage-full", f"expected storage-full, got {status} {problem}")
                expect(response.getheader("Retry-After"), "without Retry-After")
                refusals += 1
        expect(refusals == 3, f"the disk took {len(stored)} posts and was never full")
        kept = [post.get("clientId") for post in anna.call("GET", posts + "?limit=200")["items"]]
        expect("before" in kept and all(one in kept for one in stored), "an acknowledged post is lost")
        expect(not any((one or "").startswith("full-") and one not in stored for one in kept), "a refused post stayed")
        filler.unlink()
        end = time.monotonic() + PATIENCE
        while True:
            status = ask(server.address, "POST", posts, {"text": "after", "clientId": "after"}, bearer(anna))[0]
            if status == 201:
                break
            expect(time.monotonic() < end, f"writes do not go on after room was made: {status}")
            time.sleep(0.2)
        expect(server.end() == 0, f"the server did not end well: {server.log()[-500:]}")
    expect(run("verify", "--data", data, expected=0) is not None, "verify")
    fill(filler)
    # A start on a full disk says so and leaves the folder as it was.
    start = subprocess.run([str(BINARY), "serve", "--data", str(data), "--listen", "127.0.0.1:0"], env=clean_environment(CONSILIUM_DATABASE_RESERVE=reserve), capture_output=True,
                           text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)
    expect(start.returncode in (1, 3) and "storage-full" in start.stderr, f"a start on a full disk: {start.returncode} {start.stderr[-500:]}")
    filler.unlink()
    run("verify", "--data", data, expected=0)
    print(f"full disk, reserve {reserve} → 503 storage-full with Retry-After, reads go on, writes go on after room was made")
    print(f"start on a full disk, reserve {reserve} → exit {start.returncode} storage-full")


def client_that_leaves(world):
    """Nobody waits for the answer any more: the work is given up, and the log says so."""
    connection = socket.create_connection(world.address.rsplit(":", 1), timeout=PATIENCE)
    body = json.dumps({"username": "anna", "password": PASSWORD}).encode()
    connection.sendall(b"POST /api/v1/sessions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body[:5]))
    connection.close()
    expect(world.anna.call("GET", "/channels"), "the server goes on")
    table.append(("client that leaves in the middle of its body", "nothing; the server goes on"))


def main():
    if sys.argv[1:2] == ["full-disk"]:
        return full_disk(*sys.argv[2:])
    report = Report()
    with tempfile.TemporaryDirectory(prefix="bad-input-") as folder:
        root = pathlib.Path(folder)
        (root / "shared").mkdir()
        (root / "quick").mkdir()
        limits = {"CONSILIUM_LIMITS_LOGINS__PER__MINUTE": "1000", "CONSILIUM_LOG_LEVEL": "info"}
        with Server(root / "shared", **limits).start() as server:
            world = World(server)
            for test in (bodies, members, sizes, foreign_ids, stale_versions, tokens, replayed_refresh, cookies_and_origins, http_framing, frames, slow_reader, client_that_leaves, two_servers):
                report.check(PROVES.get(test.__name__, "") + test.__name__.replace("_", " "), lambda test=test: test(world))

            def nothing_was_wrong():
                expect(server.end() == 0, "the server ends well")
                expect('"level":"error"' not in server.log(), "bad input is no error of ours: " + next((line for line in server.log().splitlines() if '"level":"error"' in line), ""))
                expect("panic" not in server.log().lower(), "something threw")
                run("verify", "--data", root / "shared/data", expected=0)

            def refusals_are_on_record():
                with contextlib.closing(sqlite3.connect(root / "shared/data/consilium.db")) as stored:
                    rows = stored.execute("SELECT call, code, times, user_id IS NOT NULL FROM sessions_refusal").fetchall()
                for call, code, known in (("GET /users", "request.forbidden", 1), ("PUT /users/me/presence", "request.foreign-origin", 1), ("GET /events", "request.foreign-origin", 0),
                                          ("GET /sessions/current", "sessions.invalid", 0), ("POST /sessions/refresh", "sessions.token-reused", 0)):
                    expect(any(row[0] == call and row[1] == code and row[3] == known for row in rows), f"{call} {code} is not among {rows}")
                expect(len(rows) < 60, f"{len(rows)} rows for one test")

            report.check("nothing was wrong inside, and the data is whole", nothing_was_wrong)
            report.check("U-6 refusals of importance are on record", refusals_are_on_record)
        report.check("H-3 H-4 half open sockets", lambda: half_open(root / "quick"))
        report.check("C-1 broken configuration: all problems at once, exit 3, nothing made", lambda: broken_configuration(root))
        report.check("C-1 broken configuration is found before a connection is opened", lambda: no_connection_is_opened(root))
        report.check("newer folder", lambda: newer_folder(root))
        report.check("folder of the engine", lambda: folder_of_the_engine(root))
        for name, reserve in (("early", "16MB"), ("late", "1KB")):
            (root / name).mkdir()
            report.check(f"full disk, {name} refusal", lambda name=name, reserve=reserve: in_own_mounts("full-disk", str(root / name), reserve))
    for item, answer in table:
        print(f"  {item} → {answer}")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
