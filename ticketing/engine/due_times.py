"""The due times of one partition's keys."""

from __future__ import annotations

import heapq
import math

HORIZON_SECONDS = 3600.0
"""Later due times are left to the next look: two an hour are cheap, a timer per key is not."""


class DueTimes:
    """The due times of one partition's keys within the horizon, one entry a key."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, str]] = []
        self._scheduled: dict[str, float] = {}
        self.scan_at = math.inf
        """The time of the next scan of the table for keys that came within the horizon."""

    def schedule(self, key: str, due: float | None, now: float) -> None:
        """Remember a key's due time; an earlier entry may stay, as `pop` checks it."""
        if due is None or due > now + HORIZON_SECONDS:
            return
        known = self._scheduled.get(key)
        if known is None or due < known:
            self._scheduled[key] = due
            heapq.heappush(self._heap, (due, key))

    def earliest(self) -> float:
        """The earliest time at which a key may be due."""
        return min(self._heap[0][0] if self._heap else math.inf, self.scan_at)

    def pop(self, now: float) -> str | None:
        """A key whose scheduled time has come, if any."""
        while self._heap and self._heap[0][0] <= now:
            due, key = heapq.heappop(self._heap)
            if self._scheduled.get(key) == due:
                del self._scheduled[key]
                return key
        return None

    def __len__(self) -> int:
        return len(self._scheduled)
