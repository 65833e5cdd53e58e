"""The watchdog: a process that hangs leaves, so that its partitions move to another worker."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)

BATCH_SECONDS_MAX = 60.0
"""Longer than a slow disk or broker holds a batch up, and tickets are late by no more than that."""
CHECK_EVERY_SECONDS = 1.0
"""Adds little to the limit above; a check reads a few numbers."""
EXIT_HUNG = 70
"""EX_SOFTWARE of sysexits.h."""


def leave(why: str, status: int = EXIT_HUNG) -> None:
    """End the process at once, without committing anything; a supervisor starts it again."""
    log.critical("leaving: %s", why)
    logging.shutdown()
    os._exit(status)


class Watchdog:
    """Watches batches and added checks, from a thread of its own.

    A thread, since a task could not notice that the event loop itself hangs.
    """

    def __init__(
        self,
        *,
        batch_seconds_max: float = BATCH_SECONDS_MAX,
        clock: Callable[[], float] = time.monotonic,
        leave: Callable[[str], None] = leave,
    ) -> None:
        self._batch_seconds_max = batch_seconds_max
        self._clock = clock
        self._leave = leave
        self._batches: dict[str, float] = {}
        self.begun = 0
        """The number of batches begun so far."""
        self._checks: list[Callable[[], str | None]] = []
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def batch(self, name: str) -> Iterator[None]:
        """Watch a batch of the named agent."""
        self.begun += 1
        self._batches[name] = self._clock()
        try:
            yield
        finally:
            del self._batches[name]

    def alive(self, name: str) -> None:
        """Start the time of the named agent's batch anew: slow, but alive."""
        if name in self._batches:
            self._batches[name] = self._clock()

    def add(self, check: Callable[[], str | None]) -> None:
        """Add a check; the process leaves when `check` returns a sentence."""
        self._checks.append(check)

    def undelivered(self, waiting: Callable[[], bool]) -> Callable[[], str | None]:
        """A check that fails when batches wait and none begins within a batch's limit."""
        since, begun = self._clock(), self.begun

        def check() -> str | None:
            nonlocal since, begun
            now = self._clock()
            if self._batches or self.begun != begun or not waiting():
                since, begun = now, self.begun
            if now - since > self._batch_seconds_max:
                return f"batches have waited {now - since:.0f} s and no agent takes them"
            return None

        return check

    def verdict(self) -> str | None:
        """The reason to leave, None without one."""
        now = self._clock()
        for name, since in list(self._batches.items()):
            if now - since > self._batch_seconds_max:
                return f"{name} has handled one batch for {now - since:.0f} s"
        for check in self._checks:
            why = check()
            if why is not None:
                return why
        return None

    def start(self) -> None:
        """Watch until the process ends. Safe to repeat."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop watching, for an orderly shutdown."""
        self._stop.set()

    def _watch(self) -> None:
        while not self._stop.wait(CHECK_EVERY_SECONDS):
            why = self.verdict()
            if why is not None:
                self._leave(why)
