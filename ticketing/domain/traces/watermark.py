"""The event time that has been reached, while lines of one request come from several sources.

Each source (a partition of the input) reports its own time, with or without lines; the slowest one
counts. A source that has been read to its end reports the time of the look, and holds nothing back.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from ticketing.domain.alerts.event_times import YEAR_2000

UNMOVED_SECONDS = 60.0
"""A source whose time stands still this long is waited for no more: longer than a rebalance or the
death of a worker takes. Requests whose lines come later are looked at again."""
SOURCES_MAX = 50_000
"""More than there are partitions: bounds the memory where names of sources change."""
AHEAD_SECONDS_MAX = 60.0
"""An event time further ahead is replaced by the arrival: one wrong clock would end all requests."""
MOSTLY = 0.9
"""A source has come as far as this share of its lines: the few clocks that run ahead don't count."""
SAMPLED_MAX = 20
"""Lines whose times are read to tell how far a run has come: two of them may run ahead."""


class Watermark:
    """Event time of all sources together. Event and arrival times are Unix seconds."""

    def __init__(self, unmoved_seconds: float = UNMOVED_SECONDS) -> None:
        self._unmoved = unmoved_seconds
        self._sources: dict[str, tuple[float, float]] = {}

    def report(self, source: str, at: float, now: float) -> None:
        """Note that a source has reached this event time, seen at `now`; it may go back.

        Negative infinity is that of a source of which nothing is read yet.
        """
        known = self._sources.pop(source, None)
        moved_at = known[1] if known is not None and known[0] == at else now
        if len(self._sources) >= SOURCES_MAX:
            del self._sources[next(iter(self._sources))]
        self._sources[source] = at, moved_at

    def expect(self, source: str, now: float) -> None:
        """Wait for a source that is known to exist, as if nothing of it were read."""
        if source not in self._sources:
            self.report(source, -math.inf, now)

    def keep(self, wanted: Iterable[str]) -> None:
        """Forget all sources but those whose names end like one of `wanted`."""
        ends = tuple(wanted)
        self._sources = {
            source: seen for source, seen in self._sources.items() if source.endswith(ends)
        }

    def at(self, now: float) -> float:
        """The event time up to which all lines have come, as far as is known.

        Infinite if no source is waited for: no more is to come.
        """
        return min(
            (at for at, moved_at in self._sources.values() if moved_at > now - self._unmoved),
            default=math.inf,
        )


def plausible(at: float | None, arrived: float) -> float:
    """The event time; the arrival in its place if it is absent or can't be. Both are Unix seconds."""
    return at if at is not None and YEAR_2000 <= at <= arrived + AHEAD_SECONDS_MAX else arrived


def reached(times: Sequence[float]) -> float:
    """The event time that a source has reached, by the times of some of its lines, at least one."""
    return sorted(times)[int(MOSTLY * (len(times) - 1))]
