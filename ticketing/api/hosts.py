"""Host names and origins of requests, read strictly (RFC 9110, RFC 3986, RFC 6454)."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

NAME_CHARS_MAX = 253
"""The longest name of the domain name system (RFC 1035)."""
PORT_MAX = 65535
"""The highest port of TCP."""

_NAME = re.compile(
    r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*\.?"
)
_HOST = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[^\[\]:/?#@\s]+)(?::(?P<port>[0-9]{1,5}))?")
_ORIGIN = re.compile(r"(?P<scheme>https?)://(?P<host>.+)")
_USUAL_PORTS = {"http": 80, "https": 443}


class Host(NamedTuple):
    """A name or address in lower case, without brackets or a final dot, and the port as given."""

    name: str
    port: int | None


def parse_host(text: str) -> Host:
    """The host of a `Host` header; raises ValueError for anything else."""
    found = _HOST.fullmatch(text.lower())
    # Some characters of other scripts have a lower case in ASCII.
    if found is None or not text.isascii():
        raise ValueError("not a host name or address")
    port = None if found["port"] is None else int(found["port"])
    if port is not None and port > PORT_MAX:
        raise ValueError("not a port")
    return Host(_name(found["host"]), port)


def parse_origin(text: str) -> tuple[str, Host]:
    """Scheme and host of an `Origin` header, without the scheme's own port; raises ValueError.

    `null`, the origin of sandboxed pages and files, is no host's.
    """
    found = _ORIGIN.fullmatch(text.lower())
    if found is None:
        raise ValueError("not an origin")
    return found["scheme"], without_usual_port(found["scheme"], parse_host(found["host"]))


def without_usual_port(scheme: str, host: Host) -> Host:
    """The host without a port that the scheme has by itself."""
    return Host(host.name, None) if host.port == _USUAL_PORTS[scheme] else host


def _name(host: str) -> str:
    if host.startswith("["):
        return str(ipaddress.IPv6Address(host[1:-1]))
    if len(host) > NAME_CHARS_MAX or _NAME.fullmatch(host) is None:
        raise ValueError("not a host name")
    return host.removesuffix(".")
