"""Figures of a time: incidents, pages, how soon they were seen and resolved; sums over cells."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

DAY = 86_400.0
"""The seconds of a day."""


class Bucket(Enum):
    """Lengths of the parts of a time, by their names in the API; days and weeks are of UTC."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"

    @property
    def seconds(self) -> int:
        """The length."""
        return {"hour": 3_600, "day": 86_400, "week": 604_800}[self.value]

    @property
    def offset(self) -> int:
        """Unix seconds at which one begins: weeks begin on Mondays, and 1970 on a Thursday."""
        return 4 * 86_400 if self is Bucket.WEEK else 0

    def start_of(self, at: float) -> float:
        """The start of the part that a time lies in."""
        return (at - self.offset) // self.seconds * self.seconds + self.offset

    def starts(self, since: float, until: float) -> list[float]:
        """The starts of all parts from `since` up to and without `until`."""
        first = int(self.start_of(since))
        return [float(start) for start in range(first, max(first, _ceiling(until)), self.seconds)]


def _ceiling(at: float) -> int:
    return int(-(-at // 1))


@dataclass(frozen=True)
class Period:
    """A time and filters: incidents opened, and pages sent, from `since` up to `until`.

    Unix seconds; an empty filter allows all, `tenants` None too.
    """

    since: float
    until: float
    bucket: Bucket
    services: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    tenants: tuple[str, ...] | None = None


class Cell(NamedTuple):
    """Sums over the incidents of a part of the time, a service and a severity.

    The incidents and all about them belong to the time of their opening, the pages to their own.
    `seen` are acknowledged, `ended` resolved; seconds are sums over these.
    """

    start: float
    service: str
    severity: str
    incidents: int = 0
    anomalies: int = 0
    seen: int = 0
    seen_seconds: float = 0.0
    ended: int = 0
    ended_seconds: float = 0.0
    pages: int = 0


@dataclass(frozen=True)
class Measured:
    """The cells of a period, and the pages of each person."""

    cells: list[Cell]
    people: dict[str, int]


def figures(cells: Iterable[Cell]) -> dict[str, Any]:
    """The figures over cells, by their names in the API; a mean of nothing is None."""
    sums = [0.0] * (len(Cell._fields) - 3)
    for cell in cells:
        for place, value in enumerate(cell[3:]):
            sums[place] += value
    incidents, anomalies, acknowledged, until_seen, resolved, until_resolved, pages = sums
    return {
        "incidents": int(incidents),
        "anomalies": int(anomalies),
        "pages": int(pages),
        "noiseReduction": _share(anomalies, pages),
        "acknowledged": int(acknowledged),
        "mttaSeconds": _share(until_seen, acknowledged),
        "resolved": int(resolved),
        "mttrSeconds": _share(until_resolved, resolved),
    }


def _share(whole: float, parts: float) -> float | None:
    return round(whole / parts, 3) if parts else None


def by(cells: Iterable[Cell], key: Callable[[Cell], Any]) -> dict[Any, list[Cell]]:
    """The cells by a key."""
    found: dict[Any, list[Cell]] = {}
    for cell in cells:
        found.setdefault(key(cell), []).append(cell)
    return found


def per_day(number: int, period: Period) -> float:
    """A number of the period as one a day."""
    return round(number * DAY / max(period.until - period.since, 1.0), 3)
