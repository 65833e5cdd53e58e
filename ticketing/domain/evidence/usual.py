"""The usual behaviour of an operation, from its counts before the windows that are compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from ticketing.domain.evidence.tally import (
    CALLS,
    COARSE,
    ERRORS,
    GAPS,
    MICROS,
    NAMED,
    OWN,
    REQUESTS,
    REST,
    SPOILED,
    bucket_of,
    seconds_of,
)
from ticketing.domain.traces.facts import Operation

WAIT = "wait"
"""The kind under which the microseconds of gaps are summed."""
SEEN_MIN = 5
"""Calls of an operation from which on something about it is usual: fewer may agree by chance."""
USUAL_SHARE = 0.6
"""Share of an operation's calls that must have a child for others to lack it: a clear majority, as
some calls may have failed already."""
RARE_SHARE = 0.05
"""Share of calls from which on a number of lines is usual."""
# A slow call takes several times the usual, and at least 10 ms more: less is jitter of short calls.
SLOWER_FACTOR = 3.0
SLOWER_SECONDS_MIN = 0.01
HIGH_SHARE, HIGH_FACTOR, FAR_FACTOR = 0.95, 1.5, 10.0
"""Nor is slow what one call in twenty takes, by half, unless that is ten times the usual."""

Kinds = dict[str, dict[Any, int]]
"""Per kind of item, how often each detail was seen."""
Key = tuple[Operation, str, Any]
"""A count: operation, kind and detail."""
Pair = tuple[Operation, Operation]
"""The operations on both sides of a gap; ITSELF is the caller at work."""


class Profile:
    """The usual of one operation: numbers of calls, times, callees and lines."""

    __slots__ = (
        *("children", "errors", "gaps", "known", "lacking", "least", "limit", "median"),
        *("named", "requests", "short", "slow", "spoiled", "timed", "trials"),
    )

    def __init__(self, before: Kinds) -> None:
        calls = before.get(CALLS, {})
        self.trials = sum(calls.values())
        self.known = self.trials >= SEEN_MIN
        self.requests = before.get(REQUESTS, {}).get(None, 0)
        self.errors = before.get(ERRORS, {})
        self.named = before.get(NAMED, {})
        self.spoiled = before.get(SPOILED, {})
        self.children: list[Operation] = usual_children(calls) if self.known else []
        self.lacking: Counter[Any] = Counter()
        for detail, count in calls.items() if self.children else ():
            missing = first_missing(detail, self.children)
            if missing is not None:
                self.lacking[missing] += count
        self._lines(calls)
        self._times(before)

    def _lines(self, calls: Mapping[Any, int]) -> None:
        lines: Counter[int] = Counter()
        for detail, count in calls.items():
            if detail != REST:
                lines[detail[2]] += count
        usual = [number for number, count in lines.items() if count >= RARE_SHARE * self.trials]
        self.least = min(usual, default=0)
        """The smallest usual number of lines."""
        self.short = sum(count for detail, count in calls.items() if self.is_short(detail))

    def is_short(self, detail: Any) -> bool:
        """True for a call with fewer lines than usual, that no failing callee has broken off."""
        return detail != REST and detail[2] < self.least and not detail[1]

    def _times(self, before: Kinds) -> None:
        own = before.get(OWN, {})
        self.timed = sum(own.values())
        self.median = seconds_of(quantile(own, 0.5))
        high = seconds_of(quantile(own, HIGH_SHARE))
        far = min(high * HIGH_FACTOR, self.median * FAR_FACTOR)
        slow = max(self.median * SLOWER_FACTOR, far, self.median + SLOWER_SECONDS_MIN)
        self.limit = bucket_of(slow)
        """The bucket of times above which a call is slow."""
        self.slow = sum(count for bucket, count in own.items() if bucket > self.limit)
        number: Counter[Pair] = Counter()
        micros: Counter[Pair] = Counter()
        waits = before.get(WAIT, {})
        for detail, count in before.get(GAPS, {}).items():
            if detail != REST and detail[0] <= (self.limit + 1) // COARSE:
                number[detail[1:]] += count
                micros[detail[1:]] += waits.get(detail, 0)
        self.gaps = {pair: micros[pair] / MICROS / count for pair, count in number.items()}
        """The mean of each gap (s) in calls that are not slow."""

    def excess(self, slow: Mapping[int, int]) -> float:
        """The time (s) by which slow calls, counted by buckets, exceed the usual."""
        return seconds_of(quantile(slow, 0.5)) - self.median


def usual_children(calls: Mapping[Any, int]) -> list[Operation]:
    """The operations that most calls of an operation call, in their usual order."""
    seen: Counter[Operation] = Counter()
    places: Counter[Operation] = Counter()
    for detail, count in calls.items():
        if detail != REST:
            for place, child in enumerate(detail[0]):
                seen[child] += count
                places[child] += place * count
    enough = USUAL_SHARE * sum(calls.values())
    usual = [child for child, count in seen.items() if count >= enough]
    return sorted(usual, key=lambda child: (places[child] / seen[child], child))


def first_missing(detail: Any, usual: list[Operation]) -> tuple[Operation, Operation | None] | None:
    """The first usual child that a call lacks, and the child before it.

    `detail` begins with the call's children and whether it is excused. A call with an unusual child
    took another way and lacks nothing; nor does a call that the failure of a child broke off.
    """
    if not usual or detail == REST or detail[1]:
        return None
    children = detail[0]
    if not set(children) <= set(usual):
        return None
    previous: Operation | None = None
    for child in usual:
        if child not in children:
            return child, previous
        previous = child
    return None


def quantile(counts: Mapping[int, int], share: float) -> int:
    """The bucket that this share of the counts lies below; 0 without counts."""
    left = share * sum(counts.values())
    bucket = 0
    for bucket in sorted(counts):
        left -= counts[bucket]
        if left < 0:
            break
    return bucket
