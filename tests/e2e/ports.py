"""Ports for processes that tests start, where these cannot choose for themselves (`:0`)."""
import contextlib
import random
import socket


def free_ports(count):
    """Ports of loopback that were free a moment ago; held together, so that they differ. They lie below those that the kernel gives who
    asks for any (net.ipv4.ip_local_port_range): no other process gets one of them before the one that it is for has started."""
    with contextlib.ExitStack() as held:
        found = []
        while len(found) < count:
            one = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                one.bind(("127.0.0.1", random.randrange(20_000, 32_000)))
                found.append(one.getsockname()[1])
        return found


def free_addresses(count):
    return [f"127.0.0.1:{port}" for port in free_ports(count)]
