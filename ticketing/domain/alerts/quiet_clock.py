"""The quiet clock: the arrival time up to which all input has been handled.

The clock shows the earliest `through` over all partitions of all input topics. Until every
partition of every topic has reported, the clock stands still: silence must not be taken for quiet
while detection lags behind or a partition is not being read.
"""

from __future__ import annotations

from collections.abc import Iterable

from ticketing.domain.signals import Progress


class QuietClock:
    """The clock of one partition of the signals: each partition gets reports of its own."""

    def __init__(self, topics: Iterable[str] = ()) -> None:
        """`topics` are those that must report; with none named, those that have reported once."""
        self._expected = frozenset(topics)
        self._through: dict[str, dict[int, float]] = {}
        self._partitions: dict[str, int] = {}

    def report(self, progress: Progress) -> None:
        """Take in a report. A partition that is read again from further back takes nothing back."""
        through = self._through.setdefault(progress.topic, {})
        through[progress.partition] = max(
            progress.through, through.get(progress.partition, progress.through)
        )
        # The latest word counts: a topic may have been recreated with fewer partitions.
        self._partitions[progress.topic] = progress.partitions

    def now(self) -> float | None:
        """Unix seconds of arrival, or None while the clock stands still."""
        topics = self._expected or self._through.keys()
        times = []
        for topic in topics:
            through = self._through.get(topic, {})
            for partition in range(self._partitions.get(topic, 1)):
                if partition not in through:
                    return None
                times.append(through[partition])
        return min(times, default=None)
