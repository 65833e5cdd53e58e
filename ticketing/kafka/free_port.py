"""Free ports on loopback."""

from __future__ import annotations

import socket


def free_port() -> int:
    """A port without a listener at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """True for a port without a listener at the moment."""
    with socket.socket() as probe:
        # As servers do: a connection that has just ended keeps no port from them.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_ports(wanted: int, count: int = 1) -> int:
    """The first of `count` ports in a row without listeners: `wanted`, else the next such.

    Raises OSError where none are left above `wanted`.
    """
    for first in range(wanted, 65_536 - count, count):
        if all(is_free(port) for port in range(first, first + count)):
            return first
    raise OSError(f"no {count} free ports above {wanted}")
