#!/usr/bin/env python3
"""How sockets end at the real binary: a code for each reason; and an end of the server that says goodbye to a thousand of them."""
import collections
import json
import pathlib
import sys
import tempfile

from bad_input_test import RawSocket
from server import Person, Report, Server, expect

PEOPLE = ("anna", "boris", "clara", "david")
SOCKETS = 1000


def opened(person):
    one = RawSocket(person.address, person.token)
    expect(one.status == 101, f"expected a socket, got {one.status}")
    one.welcome()
    return one


def end_of(one):
    """The code that the server sent; answered, as RFC 6455 wants it, so that neither side has to cut."""
    code = one.close_code()
    if code is not None:
        one.send(8, code.to_bytes(2, "big"))
    return code


def logout(server):
    person, other = Person(server.address, "anna"), Person(server.address, "anna")
    with opened(person) as first, opened(person) as second, opened(other) as elsewhere:
        person.call("DELETE", "/sessions/current")
        codes = [end_of(first), end_of(second)]
        expect(codes == [1000, 1000], f"expected 1000 after the logout, got {codes}")
        elsewhere.say('{"type":"ping","id":"alive"}')
        while json.loads(elsewhere.receive()[1]).get("corrId") != "alive":
            pass


def replaced(server, most):
    person = Person(server.address, "boris")
    oldest = opened(person)
    others = [opened(person) for _ in range(most)]
    code = end_of(oldest)
    expect(code == 4002, f"expected 4002 for the oldest of too many, got {code}")
    for one in [oldest, *others]:
        one.plain.close()


def goodbye(folder):
    """1,000 sockets, some of them in the middle of a talk."""
    with Server(folder, CONSILIUM_LIMITS_SOCKETS__PER__PERSON=str(SOCKETS // len(PEOPLE)), CONSILIUM_LOG_LEVEL="info") as server:
        server.start()
        people = [Person(server.address, name) for name in PEOPLE]
        sockets = [opened(people[i % len(people)]) for i in range(SOCKETS)]
        for one in sockets[::7]:
            one.say('{"type":"ping","id":"p"}')
        server.process.terminate()
        codes = collections.Counter(end_of(one) for one in sockets)
        expect(codes == {1001: SOCKETS}, f"expected {SOCKETS} times 1001, got {dict(codes)}")
        exit_code = server.process.wait(60)
        expect(exit_code == 0, f"ended with {exit_code}")
        lines = [json.loads(line) for line in server.log().splitlines() if line.startswith("{")]
        ends = collections.Counter(line["code"] for line in lines if line["message"] == "Socket closed")
        expect(ends == {1001: SOCKETS}, f"the log tells of {dict(ends)}")
        wrong = [line for line in lines if line["level"] in ("error", "fatal")]
        expect(not wrong, f"an orderly end is no error: {wrong[:3]}")


def main():
    report = Report()
    with tempfile.TemporaryDirectory(prefix="sockets-") as text:
        root = pathlib.Path(text)
        (root / "codes").mkdir()
        (root / "goodbye").mkdir()
        with Server(root / "codes", CONSILIUM_LIMITS_SOCKETS__PER__PERSON="5", CONSILIUM_LIMITS_LOGINS__PER__MINUTE="1000") as server:
            server.start()
            report.check("H-3 a logout ends the sockets of its session with 1000", lambda: logout(server))
            report.check("H-3 the oldest of too many sockets ends with 4002", lambda: replaced(server, 5))
        report.check("H-3 a server that ends says 1001 to a thousand sockets", lambda: goodbye(root / "goodbye"))
    sys.exit(1 if report.failed else 0)


if __name__ == "__main__":
    main()
