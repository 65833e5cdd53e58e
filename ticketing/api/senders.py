"""The address of a request's sender, also behind proxies that are trusted to name it."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache
from itertools import islice

from aiohttp import web

from ticketing.config import Config

FORWARDED = "X-Forwarded-For"
HOPS_MAX = 16
"""Proxies in a row, with room; whoever sends more names himself by the last that was read."""
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def sender_address(request: web.Request, config: Config) -> str:
    """The address that a request came from; empty on a Unix socket.

    Behind `web.trustedProxies` it is the last one in `X-Forwarded-For` that is no such proxy: what
    stands before it is what the sender says.
    """
    trusted = _networks(tuple(config.web.trusted_proxies))
    remote = request.remote or ""
    return _before(remote, request.headers.getall(FORWARDED, ()), trusted) if trusted else remote


def _before(remote: str, headers: Sequence[str], trusted: Sequence[Network]) -> str:
    last = _parsed(remote)
    named = (part for header in reversed(headers) for part in reversed(header.split(",")))
    for part in islice(named, HOPS_MAX):
        if last is None or not _is_in(last, trusted):
            break
        found = _parsed(part)
        if found is None:
            break
        last = found
    return remote if last is None else str(last)


def _parsed(text: str) -> Address | None:
    """An address, as it is or with its port; None for anything else."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


@lru_cache(8)
def _networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(map(ipaddress.ip_network, texts))
