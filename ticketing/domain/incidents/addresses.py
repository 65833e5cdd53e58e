"""Addresses of tickets: whether one lies where its platform has its pages.

A receipt comes through a topic, and a platform's answer over the network: a link of either is shown
on other platforms, so it must lead to the platform that it names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import SplitResult, unquote, urlsplit

ANY_HOST = "*."
"""Before a domain: any host of it."""
_NO_ADDRESS = re.compile(r"[\\\s<>\"|^`{}]")
"""Characters that no address has (RFC 3986), and that end a link in Slack, Markdown or HTML."""
_HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")
_PORTS = {"https": 443, "http": 80}


def leads_there(url: str, places: Iterable[str]) -> bool:
    """True for an address at or below one of the places.

    A place is an address such as `https://jira.example/path`, or `https://*.example.com`.
    """
    # Browsers take a backslash for a slash, and drop what is not printable.
    if not url.isprintable() or _NO_ADDRESS.search(url):
        return False
    there = _parts(url)
    if there is None or there.username is not None or there.password is not None:
        return False
    return any(_lies_below(there, place) for place in map(_parts, places) if place is not None)


def _parts(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        known = parts.scheme in _PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if known else None


def _lies_below(there: SplitResult, place: SplitResult) -> bool:
    if (there.scheme, _port(there)) != (place.scheme, _port(place)):
        return False
    host, allowed = there.hostname or "", place.hostname or ""
    if allowed.startswith(ANY_HOST):
        if not (host.endswith(allowed.removeprefix("*")) and _HOST.fullmatch(host)):
            return False
    elif host != allowed:
        return False
    below = place.path.rstrip("/")
    # Some servers read a path twice.
    path = unquote(there.path.replace("%25", "%"))
    if any(segment.partition(";")[0] == ".." for segment in path.split("/")):
        return False
    return not below or there.path == below or there.path.startswith(f"{below}/")


def _port(parts: SplitResult) -> int:
    return parts.port or _PORTS[parts.scheme]
