"""The quiet clock: the arrival time up to which all input has been handled.

The clock shows the earliest time over all partitions of all input topics. Until every partition of
every topic has reported, the clock stands still: silence must not be taken for quiet while a reader
lags behind or a partition is not being read.

No worker's clock is believed. A report is never ahead of its own arrival, and a reader that says it
has caught up vouches for the time of its report before: what had arrived by then was handled when
it looked.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from ticketing.domain.signals import Progress

AHEAD_SECONDS_MAX = 60.0
"""An ordinary correction of the broker's time is smaller."""


class QuietClock:
    """The clock of one reader of progress reports."""

    def __init__(self, topics: Iterable[str] = ()) -> None:
        """`topics` are those that must report; with none named, those that have reported once."""
        self._expected = frozenset(topics)
        self._through: dict[str, dict[int, float]] = {}
        self._heard: dict[tuple[str, int], tuple[float | None, float]] = {}
        """The arrivals of the last two reports of a partition."""
        self._partitions: dict[str, int] = {}

    def report(self, progress: Progress, at: float = math.inf) -> None:
        """Take in a report that arrived at a time (Unix seconds of the broker), infinite if unknown.

        A partition that is read again from further back takes nothing back.
        """
        place = progress.topic, progress.partition
        stated: float | None = progress.through
        before, latest = self._heard.get(place, (None, -math.inf))
        if at != latest:  # A report may be taken in twice.
            before = latest if latest > -math.inf else None
            self._heard[place] = before, at
        if progress.caught_up and at < math.inf:
            stated = before
        # The latest word counts: a topic may have been recreated with fewer partitions.
        self._partitions[progress.topic] = progress.partitions
        if stated is not None:
            through = self._through.setdefault(progress.topic, {})
            known = through.get(progress.partition, stated)
            through[progress.partition] = max(min(stated, at), min(known, at))

    def now(self, at: float = math.inf) -> float | None:
        """Unix seconds of arrival, or None while the clock stands still.

        `at` is the present time, which the clock never passes. Far ahead of that are reports from
        before the broker's time leapt back, or from after it leapt ahead: the clock stands still
        until all have reported again, or the present time has followed.
        """
        topics = self._expected or self._through.keys()
        times = []
        for topic in topics:
            through = self._through.get(topic, {})
            for partition in range(self._partitions.get(topic, 1)):
                if partition not in through:
                    return None
                times.append(through[partition])
        quiet = min(times, default=None)
        if quiet is None or quiet > at + AHEAD_SECONDS_MAX:
            return None
        return min(quiet, at)
