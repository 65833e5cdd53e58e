"""Limits of failed attempts: a pause that doubles with each failure beyond the first few.

Kept by the address of the sender and by the beginning of the token tried, in bounded memory.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Iterable

FREE_FAILURES = 10
"""Typing errors of a person, and a program's retries before somebody looks."""
PAUSE_SECONDS = 1.0
"""The first pause, unnoticed by a person who types."""
PAUSE_SECONDS_MAX = 900.0
"""A quarter of an hour: 96 guesses a day, and bearable for somebody with a wrong token in a script."""
FORGOTTEN_SECONDS = 900.0
"""Failures count as one series until so long after the last pause."""
KEPT_MAX = 10_000
"""Series kept at once, a megabyte or two; beyond, the one that failed the longest ago is forgotten."""
NETWORK_BITS = 64
"""An IPv6 network of one household or server: its owner has all addresses in it."""
_SERIES_MAX = 64
"""Beyond, the pause has long been the longest."""


class Attempts:
    """The failed attempts by key. `now` is in seconds of any steady clock."""

    def __init__(self, kept_max: int = KEPT_MAX) -> None:
        self._kept_max = kept_max
        self._failed: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._failed)

    def wait(self, keys: Iterable[str], now: float) -> float:
        """Seconds until the next attempt may be made for all keys; 0 for at once."""
        return max((self._wait(key, now) for key in keys), default=0.0)

    def failed(self, keys: Iterable[str], now: float) -> float:
        """Count a failure for each key; returns the seconds until the next attempt."""
        longest = 0.0
        for key in keys:
            number, at = self._failed.pop(key, (0, now))
            if now - at > pause_after(number) + FORGOTTEN_SECONDS:
                number = 0
            self._failed[key] = (min(number + 1, _SERIES_MAX), now)
            longest = max(longest, self._wait(key, now))
        while len(self._failed) > self._kept_max:
            self._failed.popitem(last=False)
        return longest

    def _wait(self, key: str, now: float) -> float:
        number, at = self._failed.get(key, (0, now))
        return max(at + pause_after(number) - now, 0.0)


def pause_after(failures: int) -> float:
    """Seconds without an attempt after so many failures in a row."""
    if failures < FREE_FAILURES:
        return 0.0
    doubled = min(failures - FREE_FAILURES, _SERIES_MAX)
    return float(min(PAUSE_SECONDS * 2**doubled, PAUSE_SECONDS_MAX))


def address_key(address: str | None) -> str:
    """The key of a sender: its IPv4 address, or the network of its IPv6 address."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return "address:"
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return f"address:{found.ipv4_mapped}"
        network = ipaddress.ip_network((found, NETWORK_BITS), strict=False)
        return f"address:{network}"
    return f"address:{found}"
