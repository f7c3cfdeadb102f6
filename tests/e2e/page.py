"""A page that is open: a WebSocket of a person that pings, so that the person counts as there, and may read what it is told. RFC 6455
by hand, only what that needs."""
import base64
import json
import os
import socket
import struct
import threading


class Page:
    def __init__(self, person, after=None, on_frame=None):
        """`after`: the last event that was seen before; `on_frame`: called with each frame, from a thread of the page."""
        self.on_frame = on_frame
        host, port = person.address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=10)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = ["GET /api/v1/events" + (f"?after={after}" if after is not None else "") + " HTTP/1.1", f"Host: {person.address}", "Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Key: {key}",
                 "Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: consilium.v1", f"Authorization: Bearer {person.token}", "", ""]
        self.socket.sendall("\r\n".join(lines).encode())
        answer = b""
        while b"\r\n\r\n" not in answer:  # a byte at a time: frames may follow at once
            got = self.socket.recv(1)
            if not got:
                raise OSError("the socket was closed before it was open")
            answer += got
        if b" 101 " not in answer.split(b"\r\n", 1)[0]:
            raise OSError(answer.split(b"\r\n", 1)[0].decode())
        self.socket.settimeout(None)
        self.lock = threading.Lock()
        self.closed = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._ping, daemon=True).start()

    def _send(self, opcode, data):
        mask = os.urandom(4)
        frame = struct.pack("!BB", 0x80 | opcode, 0x80 | len(data)) + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
        with self.lock:
            self.socket.sendall(frame)

    def _receive(self, size):
        data = b""
        while len(data) < size:
            got = self.socket.recv(size - len(data))
            if not got:
                raise OSError("the server closed the socket")
            data += got
        return data

    def _read(self):
        try:
            while True:
                first, second = self._receive(2)
                size = second & 0x7F
                if size >= 126:
                    size = struct.unpack("!H" if size == 126 else "!Q", self._receive(2 if size == 126 else 8))[0]
                data = self._receive(size)
                if first & 0x0F == 0x9:
                    self._send(0xA, data)
                elif first & 0x0F == 0x8:
                    break
                elif self.on_frame:
                    self.on_frame(json.loads(data))
        except OSError:
            pass
        self.closed.set()

    def _ping(self):
        try:
            while not self.closed.wait(5):
                self._send(0x1, b'{"type":"ping"}')
        except OSError:
            self.closed.set()

    def close(self):
        self.closed.set()
        self.socket.close()
