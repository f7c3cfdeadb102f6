#!/usr/bin/env python3
"""Records seeds for the fuzzers from a real run: the demo, and a page in Chromium when it is installed, through a proxy.

    python3 tests/fuzz/record.py build/release

Keeps one of each kind (method and path without ids, status, type of frame …), small ones alone, in the `…_corpus/` folders as
`seen-…`. Secrets are replaced by as many letters; the server and its keys are gone afterwards anyway.
"""
import os
import pathlib
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))
LARGEST = 2500  # bytes of a seed
MASK = b"\x12\x34\x56\x78"
SECRETS = [re.compile(pattern) for pattern in (
    rb"eyJ[\w-]+\.[\w-]+\.[\w-]+", rb"(?<=ession=)[^;\r\n]+", rb'(?<="refreshToken":")[^"]+', rb'(?<="password":")[^"]+', rb'(?<="token":")[^"]+',
    rb"(?<=Bearer )[^\r\n]+")]
ID = re.compile(rb"[0-9a-f]{8}-[0-9a-f-]{27}|\d{10,}|(?<=-)[\w-]{8}(?=\.(?:js|css))")


def scrubbed(text):
    for secret in SECRETS:
        text = secret.sub(lambda found: b"x" * len(found.group()), text)
    return text


class Proxy:
    """Passes bytes on and keeps what each side of each connection sent."""

    def __init__(self, host, port):
        self.to = (host, int(port))
        self.connections = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near, _ = self.listener.accept()
            far = socket.create_connection(self.to)
            said = (bytearray(), bytearray())
            self.connections.append(said)
            for source, target, kept in ((near, far, said[0]), (far, near, said[1])):
                threading.Thread(target=self.pump, args=(source, target, kept), daemon=True).start()

    @staticmethod
    def pump(source, target, kept):
        try:
            while piece := source.recv(65536):
                kept += piece
                target.sendall(piece)
        except OSError:
            pass
        try:
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def messages(stream):
    """HTTP messages of one direction, and what follows an upgrade."""
    while stream:
        end = stream.find(b"\r\n\r\n")
        if end < 0:
            return
        head = stream[:end + 4]
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
        size = end + 4 + (int(length.group(1)) if length else 0)
        yield bytes(stream[:size]), False
        stream = stream[size:]
        if re.search(rb"(?i)\r\nupgrade: websocket", head):
            if stream:
                yield bytes(stream), True
            return


def frames(stream):
    """(opcode, payload) of each whole frame."""
    at = 0
    while at + 2 <= len(stream):
        first, second = stream[at], stream[at + 1]
        at += 2
        size = second & 127
        if size > 125:
            wide = 2 if size == 126 else 8
            size = int.from_bytes(stream[at:at + wide], "big")
            at += wide
        mask = stream[at:at + 4] if second & 128 else b"\0\0\0\0"
        at += 4 if second & 128 else 0
        payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(stream[at:at + size]))
        at += size
        yield first & 15, payload


def frame(opcode, payload, masked):
    size = len(payload)
    length = bytes([size | masked << 7]) if size < 126 else bytes([126 | masked << 7]) + size.to_bytes(2, "big")
    body = MASK + bytes(byte ^ MASK[i % 4] for i, byte in enumerate(payload)) if masked else payload
    return bytes([128 | opcode]) + length + body


class Seeds:
    def __init__(self):
        self.seen = {}

    def add(self, corpus, kind, content):
        """One of each kind, the first."""
        content = scrubbed(content)
        name = re.sub(rb"[^a-z0-9]+", b"-", kind.lower()).strip(b"-").decode()[:60]
        if len(content) <= LARGEST:
            self.seen.setdefault((corpus, name), content)

    def write(self):
        for old in ROOT.glob("src/**/*_corpus/seen-*"):
            old.unlink()
        for (corpus, name), content in self.seen.items():
            folder = ROOT / corpus
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"seen-{name}").write_bytes(content)
        print(f"{len(self.seen)} seeds, {sum(map(len, self.seen.values()))} bytes")


HTTP, SOCKET, VALUE, GATEWAY = "src/net/http_message_corpus", "src/net/web_socket_frame_corpus", "src/net/header_value_corpus", "src/gateway/request_corpus"


def take_request(seeds, text, agent):
    line = ID.sub(b"id", text.split(b"\r\n", 1)[0].rsplit(b" ", 1)[0])
    seeds.add(HTTP, agent + b" request " + line, b"q" + text)
    method, _, target = text.split(b"\r\n", 1)[0].rsplit(b" ", 1)[0].partition(b" ")
    path, _, query = target.partition(b"?")
    if path.startswith(b"/api/v1/"):
        seeds.add(GATEWAY, b"path " + line.partition(b"?")[0], b"p" + method + b" " + path[len(b"/api/v1"):])
    if query:
        seeds.add(VALUE, b"query " + ID.sub(b"id", path), query)
    for name, value in re.findall(rb"\r\n([\w-]+): ([^\r\n]*)", text.split(b"\r\n\r\n")[0]):
        if name.lower() == b"cookie":
            value = b"session\n" + value
        if name.lower() in (b"accept-language", b"cookie", b"if-match", b"host", b"accept-encoding", b"accept"):
            seeds.add(VALUE, name, value)
    body = text.partition(b"\r\n\r\n")[2]
    for post in re.findall(rb'"text":"([^"]*)"', body):
        seeds.add("src/services/chat/post_text_corpus", b"post", b"x" + post)


def take_connection(seeds, said):
    agent = b"browser" if b"Mozilla" in said[0] else b"program"
    for text, is_socket in messages(said[0]):
        if not is_socket:
            take_request(seeds, text, agent)
            continue
        for opcode, payload in frames(text):
            kind = re.search(rb'"type":"([\w.-]+)"', payload)
            kind = kind.group(1) if kind else str(opcode).encode()
            seeds.add(SOCKET, b"client " + kind, b"s" + frame(opcode, scrubbed(payload), True))
            if opcode == 1:
                seeds.add(GATEWAY, b"frame " + kind, b"e" + payload)
    for text, is_socket in messages(said[1]):
        if not is_socket:
            first = text.split(b"\r\n", 1)[0]
            seeds.add(HTTP, b"answer " + first.partition(b" ")[2], b"p" + text)
            continue
        for opcode, payload in frames(text):
            kind = re.search(rb'"type":"([\w.-]+)"', payload)
            kind = kind.group(1) if kind else str(opcode).encode()
            seeds.add(SOCKET, b"server " + kind, b"c" + frame(opcode, scrubbed(payload), False))
            if opcode == 1:
                seeds.add(GATEWAY, b"told " + kind, b"e" + payload)


def take_database(seeds, path):
    """Journal records and checkpoints of the engine, variables of instances, parameters of posts."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        for (record,) in database.execute("SELECT record FROM processes_journal ORDER BY position"):
            seeds.add("src/bpmn/bpmn_corpus", b"record %d" % (len(record) // 100), b"r" + record)
        for kind, content in database.execute("SELECT kind, content FROM processes_checkpoint"):
            seeds.add("src/bpmn/bpmn_corpus", b"checkpoint %d %d" % (kind, len(content) // 100), b"c" + content)
        for process, variables in database.execute("SELECT process_id, variables FROM processes_instance"):
            seeds.add("src/bpmn/bpmn_corpus", b"variables " + process.encode(), b"j" + bytes(variables))
            seeds.add("src/services/processes/job_variables_corpus", process.encode(), bytes(variables))
        for code, parameters in database.execute("SELECT code, parameters FROM chat_posts WHERE code IS NOT NULL AND code <> ''"):
            text = parameters if isinstance(parameters, bytes) else str(parameters or "{}").encode()
            seeds.add("src/services/chat/post_text_corpus", b"parameters " + code.encode(), b"p" + code.encode() + b"\n" + text)


def open_page(url, folder):
    chromium = shutil.which("chromium")
    if chromium is None:
        print("no chromium: without the headers of a browser")
        return
    subprocess.run([chromium, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile", "--lang=ru", "--virtual-time-budget=4000",
                    "--dump-dom", url + "/login"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120, check=False)


def main():
    os.environ["TEST_BINARY"] = str(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build/release").resolve() / "consilium")
    import server
    seeds = Seeds()
    with tempfile.TemporaryDirectory() as folder, server.Server(folder) as platform:
        platform.start()
        proxy = Proxy(*platform.address.rsplit(":", 1))
        environment = server.clean_environment()
        subprocess.run([str(server.BINARY), "demo", "--url", proxy.url, "--password", server.PASSWORD], env=environment, check=True, stdout=subprocess.DEVNULL)
        subprocess.run([str(server.BINARY), "demo", "--url", proxy.url, "--password", "wrong-password", "--timeout", "5"], env=environment, check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        open_page(proxy.url, folder)
        database = pathlib.Path(folder) / "data/consilium.db"
        take_database(seeds, database)  # with the journal, which goes into a checkpoint when the server stops
        platform.end()
        take_database(seeds, database)
        for said in proxy.connections:
            take_connection(seeds, said)
    seeds.write()


main()
