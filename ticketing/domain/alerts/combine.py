"""Combines the records of one fingerprint in one batch, field by field."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

from ticketing.domain.alerts.counting import MINUTE_SECONDS
from ticketing.domain.alerts.event_times import EventTimes
from ticketing.domain.severity import Severity, worst

# Bounds of one signal: the alert gathers more from many (`AlertPolicy.trace_ids_kept` and the like).
TRACE_IDS_MAX = 8
ENDPOINTS_MAX = 16
SERVICES_MAX = 16


class Identity(NamedTuple):
    """The identity of a fault."""

    fingerprint: str
    tenant: str
    environment: str
    service: str
    pattern: str
    stray: bool = False
    """True for lines of a stack trace, which count with the record before them or, in an alert of
    their service that never pages, by themselves."""
    traced: bool = False
    """True for a text with a stack trace."""
    slow: bool = False
    """True for lines of slow work, known by its operation (see ticketing.domain.alerts.slow_spans)."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The counted records of one fingerprint, one column a field, all of one length.

    `offsets` rise; `stated` is the severity of each record that states one.
    """

    offsets: Sequence[int]
    times: EventTimes
    scores: Sequence[float]
    stated: Sequence[Severity | None]

    def chosen(self) -> list[int]:
        """The indices of the records shown: the worst, the first and the last, each once."""
        return list(dict.fromkeys((self.scores.index(max(self.scores)), 0, len(self.offsets) - 1)))

    def buckets(self, length: float) -> dict[int, list[int]]:
        """The offsets by the start of their bucket: the part of a minute in one window of a length."""
        first, last = _start(self.times.first, length), _start(self.times.last, length)
        if first == last:
            return {first: list(self.offsets)}
        buckets: dict[int, list[int]] = {}
        for offset, at in zip(self.offsets, self.times, strict=True):
            buckets.setdefault(_start(at, length), []).append(offset)
        return buckets

    def severity(self, by_score: Callable[[float], Severity]) -> Severity:
        """The worst severity stated; records that state none count by their score."""
        stated = set(self.stated)
        found = {severity for severity in stated if severity is not None}
        if not found:
            return by_score(max(self.scores))
        if None in stated:
            silent = zip(self.scores, self.stated, strict=True)
            found.add(by_score(max(score for score, severity in silent if severity is None)))
        return reduce(worst, found)


def _start(at: float, length: float) -> int:
    return int(max(at // length * length, at // MINUTE_SECONDS * MINUTE_SECONDS))
