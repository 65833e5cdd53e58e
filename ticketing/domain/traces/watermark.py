"""How far event time has come, where lines of one request come by several ways.

Each source (a partition of the input) tells its own time; the slowest one counts, except those that
have fallen silent.
"""

from __future__ import annotations

import math

SILENT_SECONDS = 10.0
SOURCES_MAX = 10_000


class Watermark:
    """Event time of all sources together. Event and arrival times are Unix seconds."""

    def __init__(self, silent_seconds: float = SILENT_SECONDS) -> None:
        self._silent = silent_seconds
        self._sources: dict[str, tuple[float, float]] = {}
        self._at = -math.inf

    def report(self, source: str, at: float, now: float) -> None:
        """A source has come to this event time, seen at `now`."""
        known = self._sources.pop(source, (at, now))
        if len(self._sources) >= SOURCES_MAX:
            del self._sources[next(iter(self._sources))]
        self._sources[source] = max(known[0], at), now

    def at(self, now: float) -> float:
        """Event time up to which everything came, as far as one can know; never goes back.

        Once all are silent, whatever was to come has come: infinite.
        """
        times = [at for at, heard in self._sources.values() if heard > now - self._silent]
        if not times:
            return math.inf
        self._at = max(self._at, min(times))
        return self._at
