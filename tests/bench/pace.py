"""How every side of the benchmark measures itself: in its own process, over the same part of a run."""

from __future__ import annotations

import json
import os
import time

SKIPPED_SHARE = 0.1
"""What comes first is warming up: it is left out."""


class Pace:
    """Measures records a second from the first tenth of a run, or a later part, to its end."""

    def __init__(self, total: int, skipped_share: float = SKIPPED_SHARE) -> None:
        self._total = total
        self._skipped_share = skipped_share
        self._begun: tuple[int, float, float] | None = None

    def at(self, done: int) -> None:
        """So many records are done; leaves the process with the result once it is all of them."""
        now = time.perf_counter()
        if self._begun is None and done >= self._total * self._skipped_share:
            self._begun = (done, now, time.process_time())
        if done >= self._total and self._begun is not None:
            first, since, used = self._begun
            rate = (done - first) / (now - since) if now > since and done > first else 0.0
            cpu = (time.process_time() - used) / max(1, done - first) * 1e6
            print(json.dumps({"recordsPerSecond": rate, "cpuMicroseconds": cpu}), flush=True)
            # Nothing is to be committed or closed: the next side begins.
            os._exit(0)
