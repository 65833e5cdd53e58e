"""The gate before a platform: opened wide, or, after failures in a row, for one probe at a time."""

from __future__ import annotations

from sinks.backoff import Backoff
from sinks.outcome import Outcome, Reason, RetryAfter, Unknown

_NOT_THE_PLATFORMS_FAULT = frozenset({Reason.NOT_SENT, Reason.INTERNAL})


class Gate:
    """One platform's circuit, in one process and on arrival time (Unix seconds).

    It decides only about waiting, so losing it in a crash costs a few requests at most.
    """

    def __init__(
        self,
        *,
        failures_to_close: int = 5,
        backoff: Backoff = Backoff(first=2.0, cap=60.0, floor=1.0),  # noqa: B008  (frozen)
        probe_seconds: float = 30.0,
        seed: str = "gate",
    ) -> None:
        self._failures_to_close = failures_to_close
        self._backoff = backoff
        self._probe_seconds = probe_seconds
        self._seed = seed
        self._failures = 0
        self._probing_until = 0.0
        self.opens_at = 0.0

    @property
    def probing(self) -> bool:
        """Whether only one request at a time is let through."""
        return self._failures >= self._failures_to_close

    def admits(self, now: float) -> bool:
        """Whether a request may go; while probing, this is the one that may."""
        if now < self.opens_at:
            return False
        if not self.probing:
            return True
        if now < self._probing_until:
            return False
        self._probing_until = now + self._probe_seconds
        return True

    def record(self, outcome: Outcome, now: float) -> None:
        """Learn from how a request ended. A refusal is an answer: the platform is up."""
        if not isinstance(outcome, RetryAfter | Unknown):
            self._failures = 0
            self._probing_until = 0.0
            self.opens_at = 0.0
            return
        if outcome.reason in _NOT_THE_PLATFORMS_FAULT:
            return
        self._failures += 1
        self._probing_until = 0.0
        wait = outcome.seconds or 0.0
        if self.probing:
            beyond = self._failures - self._failures_to_close + 1
            wait = max(wait, self._backoff.seconds(beyond, f"{self._seed}:{self._failures}"))
        self.opens_at = max(self.opens_at, now + wait)
