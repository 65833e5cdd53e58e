"""The event time that has been reached, while lines of one request come from several sources.

Each source (a partition of the input) reports its own time; the slowest one counts, except those
that have fallen silent.
"""

from __future__ import annotations

import math

SILENT_SECONDS = 10.0
"""An idle partition holds up everybody's findings this long; a slow one is waited for this long."""
SOURCES_MAX = 10_000
"""More than there are partitions: bounds the memory where names of sources change."""


class Watermark:
    """Event time of all sources together. Event and arrival times are Unix seconds."""

    def __init__(self, silent_seconds: float = SILENT_SECONDS) -> None:
        self._silent = silent_seconds
        self._sources: dict[str, tuple[float, float]] = {}
        self._at = -math.inf

    def report(self, source: str, at: float, now: float) -> None:
        """Note that a source has reached this event time, seen at `now`."""
        known = self._sources.pop(source, (at, now))
        if len(self._sources) >= SOURCES_MAX:
            del self._sources[next(iter(self._sources))]
        self._sources[source] = max(known[0], at), now

    def at(self, now: float) -> float:
        """The event time up to which all lines have come, as far as is known; never goes back.

        Infinite once all sources are silent: no more is to come.
        """
        times = [at for at, heard in self._sources.values() if heard > now - self._silent]
        if not times:
            return math.inf
        self._at = max(self._at, min(times))
        return self._at
