"""Event times of records: by their own clocks where these can be believed, else by arrival."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timezone

YEAR_2000 = 946_684_800.0
"""Unix seconds: no log is older, so an earlier event time is a clock that was never set."""
AHEAD_SECONDS_MAX = 86_400.0
"""An event time further ahead of the record's arrival is a clock that runs wrong."""
UNREADABLE = float("-inf")
"""Stands for a stated time that can't be read, and so not be believed."""

Stated = datetime | float | None
"""The time that a record states: a date, UTC if without a zone, Unix seconds, or nothing."""


class EventTimes:
    """The event times of some records, in Unix seconds, in the order of the records.

    `first` and `last` are the earliest and the latest. Nearly always no others are needed, so these
    are converted on access only. `corrections` counts the records whose stated time can't be
    believed; like records without one, they have their arrival.
    """

    __slots__ = ("_stated", "corrections", "first", "last")

    def __init__(self, stated: Sequence[Stated], arrivals: Sequence[int]) -> None:
        """Of at least one record; arrivals in milliseconds, as Kafka has them."""
        self._stated = stated
        self.corrections = 0
        earliest = min(arrivals) / 1000.0
        try:
            first, last = (believed(of(stated), earliest) for of in (min, max))  # type: ignore[type-var]
        except TypeError:
            # Nothing stated, or dates beside numbers: there is no order among these.
            first = last = None
        if first is None or last is None:
            corrected = self._corrected(arrivals)
            self._stated, first, last = corrected, min(corrected), max(corrected)
        self.first, self.last = first, last

    def _corrected(self, arrivals: Sequence[int]) -> list[float]:
        found = []
        for stated, arrival in zip(self._stated, arrivals, strict=True):
            arrived = arrival / 1000.0
            at = believed(stated, arrived)
            self.corrections += at is None and stated is not None
            found.append(arrived if at is None else at)
        return found

    def __getitem__(self, index: int) -> float:
        at = _seconds(self._stated[index])
        assert at is not None, "what states nothing is corrected"
        return at

    def __iter__(self) -> Iterator[float]:
        return (self[index] for index in range(len(self._stated)))


def believed(stated: Stated, arrived: float) -> float | None:
    """The stated time in Unix seconds; None if it is absent or, given the arrival, not credible."""
    at = _seconds(stated)
    return at if at is not None and YEAR_2000 <= at <= arrived + AHEAD_SECONDS_MAX else None


def _seconds(stated: Stated) -> float | None:
    if not isinstance(stated, datetime):
        return stated
    if stated.tzinfo is None:
        stated = stated.replace(tzinfo=timezone.utc)
    return stated.timestamp()
