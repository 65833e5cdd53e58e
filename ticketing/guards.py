"""Guards: threads that look at one thing for as long as the process lives.

A failed look never ends a guard. A guard that fails or stands still is an alarm
(`ticketing_guards_failing`, a reason of `/ready`); one whose thread ended is started again by
whoever looks after the guard, and the process leaves where that fails.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from ticketing import metrics

log = logging.getLogger(__name__)

STUCK_SECONDS_MAX = 120.0
"""A look asks the broker for 30 s at the longest; more means that nothing is looked at."""
STARTS_MAX = 3
"""A thread that ends this often will end again: its process is not to be trusted."""


class Guard:
    """A thread that calls `look` every so many seconds, whatever `look` raises."""

    def __init__(
        self,
        name: str,
        look: Callable[[], None],
        every_seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._look = look
        self._every_seconds = every_seconds
        self._clock = clock
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._starts = 0
        self._looking_since: float | None = None
        self._failing = False

    def start(self) -> None:
        """Look until the process ends. Safe to repeat."""
        if self._thread is None:
            self._begin()

    def stop(self) -> None:
        """Stop looking, for an orderly shutdown."""
        self._stop.set()

    def keep_alive(self) -> str | None:
        """Start an ended thread again; the reason to leave where that fails, else None.

        Called by another guard or by the event loop, as no thread notices its own end.
        """
        if self._thread is None or self._stop.is_set():
            return None
        if not self._thread.is_alive():
            log.error("the thread of the %s has ended; starting it again", self.name)
            metrics.guards_failing.labels(self.name).set(1)
            if self._starts >= STARTS_MAX:
                return f"the {self.name} has ended {self._starts} times"
            try:
                self._begin()
            except RuntimeError as error:
                return f"the {self.name} has ended and can't be started again: {error}"
        metrics.guards_failing.labels(self.name).set(1 if self._failing or self._stuck() else 0)
        return None

    def _begin(self) -> None:
        self._starts += 1
        self._looking_since = None
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()

    def _stuck(self) -> bool:
        since = self._looking_since
        return since is not None and self._clock() - since > STUCK_SECONDS_MAX

    def _run(self) -> None:
        while not self._stop.wait(self._every_seconds):
            self._looking_since = self._clock()
            try:
                self._look()
            except BaseException as error:
                # Even a SystemExit: raised in a thread, it ends the thread alone and unsaid.
                metrics.guard_failures_total.labels(self.name).inc()
                if not self._failing:
                    log.error("a look of the %s failed", self.name, exc_info=error)
                self._failing = True
            else:
                self._failing = False
            self._looking_since = None
