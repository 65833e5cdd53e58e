"""The counts of an incident's first hour, or of its latest windows, as a row of bars."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from math import gcd

from ticketing.domain.incidents.incident import Incident
from ticketing.domain.text import moment

BARS = "▁▂▃▄▅▆▇█"
"""One for each eighth of the highest count; no mark-up on any platform."""
BARS_MAX = 60
"""An hour by the minute, which a phone shows in two lines."""
MINUTE, HOUR = 60, 3_600
"""Seconds: an alert keeps its counts by the minute for its first hour."""


def bars(incident: Incident) -> str:
    """A bar for each minute of the first hour, later for each window; empty for a single one.

    `▁▁▃█ a minute each from 2026-01-31 03:00:00 UTC, at most 40`: the lowest bar is also that of
    a minute without an anomaly.
    """
    young = incident.last_seen - incident.first_seen < HOUR
    minutes = _summed(count for alert in incident.alerts for count in alert.minutes)
    if young and len(minutes) > 1:
        return _row(minutes, MINUTE, "a minute each")
    windows = _summed(incident.windows)
    starts = sorted(windows)
    # Of windows far apart no two may be neighbours: the length that all the distances share.
    length = gcd(*(b - a for a, b in pairwise(starts)))
    if length <= 0:
        return ""
    return _row(windows, length, f"{_span(length)} each")


def _summed(counts: Iterable[tuple[int, int]]) -> dict[int, int]:
    found: Counter[int] = Counter()
    for start, count in counts:
        found[start] += count
    return dict(found)


def _row(counts: dict[int, int], length: int, said: str) -> str:
    """The bars from the first start to the last one, at most `BARS_MAX`, the latest ones."""
    last = max(counts)
    number = min(BARS_MAX, (last - min(counts)) // length + 1)
    first = last - (number - 1) * length
    highest = max(count for start, count in counts.items() if start >= first)
    if highest <= 0:
        return ""
    shown = (counts.get(start, 0) for start in range(first, last + 1, length))
    row = "".join(BARS[_eighth(count, highest)] for count in shown)
    return f"{row} {said} from {moment(first)}, at most {highest:,}"


def _eighth(count: int, highest: int) -> int:
    """The index of the bar of a count: 0 for none, 7 for the highest."""
    return 0 if count <= 0 else max(1, -(-count * (len(BARS) - 1) // highest))


def _span(seconds: int) -> str:
    if seconds % MINUTE:
        return f"{seconds} seconds"
    minutes = seconds // MINUTE
    return "a minute" if minutes == 1 else f"{minutes} minutes"
