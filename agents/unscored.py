"""Says that records have no anomaly score: without one nobody is paged, and nothing else would show."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from ticketing.log import about_the_process

log = structlog.get_logger(__name__)

SAY_EVERY_SECONDS = 60.0
"""Seldom enough for a log where it is meant so, soon enough for a person who waits for a page."""


class UnscoredNotice:
    """A line in the log about records without a score, a minute at most for the whole process."""

    def __init__(self, *, enabled: bool, clock: Callable[[], float] = time.monotonic) -> None:
        """Not `enabled` where such records are scored by their level. `clock` is in seconds."""
        self._enabled = enabled
        self._clock = clock
        self._said_at: float | None = None
        self._unscored = self._records = 0

    def handled(self, records: int, unscored: int) -> None:
        """Note so many handled records, some of them without a score."""
        if not self._enabled:
            return
        self._records += records
        self._unscored += unscored
        now = self._clock()
        if not self._unscored or (
            self._said_at is not None and now - self._said_at < SAY_EVERY_SECONDS
        ):
            return
        with about_the_process():
            log.warning(
                "records_without_score",
                records=self._unscored,
                of=self._records,
                hint="they open no incident; anomaly.scoring: level scores them by their level",
            )
        self._said_at = now
        self._unscored = self._records = 0
