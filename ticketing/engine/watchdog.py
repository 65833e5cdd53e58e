"""The watchdog: a process that hangs leaves, so that its partitions move to another worker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ticketing.engine.departure import leave as leave
from ticketing.guards import Guard
from ticketing.restarts import Reason

Check = Callable[[], "str | None"]
"""Returns the reason to leave, a sentence, or None."""

BATCH_SECONDS_MAX = 60.0
"""Longer than a slow disk or broker holds a batch up, and tickets are late by no more than that."""
CHECK_EVERY_SECONDS = 1.0
"""Adds little to the limit above; a check reads a few numbers."""


class Watchdog:
    """Watches batches and added checks, from a thread of its own.

    A thread, since a task could not notice that the event loop itself hangs.
    """

    def __init__(
        self,
        *,
        batch_seconds_max: float = BATCH_SECONDS_MAX,
        clock: Callable[[], float] = time.monotonic,
        leave: Callable[[str, Reason], None] = leave,
    ) -> None:
        self._batch_seconds_max = batch_seconds_max
        self._clock = clock
        self._leave = leave
        self._batches: dict[str, float] = {}
        self.begun = 0
        """The number of batches begun so far."""
        self._checks: list[tuple[Check, Reason]] = []
        self.guard = Guard("watchdog", self.look, CHECK_EVERY_SECONDS)

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

    def add(self, check: Check, reason: Reason = "hung") -> None:
        """Add a check; the process leaves, for `reason`, when `check` returns a sentence."""
        self._checks.append((check, reason))

    def undelivered(self, waiting: Callable[[], bool]) -> Check:
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
        """The reason to leave, None without one; raises the first failure of a check, if any."""
        found = self._verdict()
        return None if found is None else found[0]

    def _verdict(self) -> tuple[str, Reason] | None:
        now = self._clock()
        for name, since in list(self._batches.items()):
            if now - since > self._batch_seconds_max:
                return f"{name} has handled one batch for {now - since:.0f} s", "hung"
        failures = []
        for check, reason in self._checks:
            # A check that fails must not hide the verdict of those behind it.
            try:
                why = check()
            except Exception as error:  # noqa: BLE001
                failures.append(error)
                continue
            if why is not None:
                return why, reason
        if failures:
            raise failures[0]
        return None

    def look_after(self, guard: Guard) -> None:
        """Start another guard, and start its thread again should that end."""
        guard.start()
        self.add(guard.keep_alive, "guard")

    def start(self) -> None:
        """Watch until the process ends. Safe to repeat."""
        self.guard.start()

    def stop(self) -> None:
        """Stop watching, for an orderly shutdown."""
        self.guard.stop()

    def look(self) -> None:
        """Leave if there is a reason."""
        found = self._verdict()
        if found is not None:
            self._leave(*found)
