"""The gates before a platform: opened wide, or, after failures in a row, for one probe at a time."""

from __future__ import annotations

from sinks.calls.backoff import Backoff
from sinks.calls.outcome import Outcome, Reason, RetryAfter, Unknown

_NOT_THE_PLATFORMS_FAULT = frozenset({Reason.NOT_SENT, Reason.NO_ROOM, Reason.INTERNAL})


class Gate:
    """One circuit, in one process and on arrival time (Unix seconds).

    It decides only about waiting, so losing it in a crash costs a few requests at most.
    """

    def __init__(
        self,
        *,
        failures_to_close: int,
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
        self._asked_until = 0.0
        self.opens_at = 0.0

    @property
    def probing(self) -> bool:
        """Whether only one request at a time is let through."""
        return self._failures >= self._failures_to_close

    def may_admit(self, now: float) -> bool:
        """Whether `admits` would say yes; asking changes nothing."""
        return now >= self.opens_at and not (self.probing and now < self._probing_until)

    def admits(self, now: float) -> bool:
        """Whether a request may go; while probing, this is the one that may."""
        if not self.may_admit(now):
            return False
        if self.probing:
            self._probing_until = now + self._probe_seconds
        return True

    def record(self, outcome: Outcome, now: float) -> None:
        """Learn from how a request ended. A refusal is an answer: the platform is up."""
        self._probing_until = 0.0
        if not isinstance(outcome, RetryAfter | Unknown):
            self.answered()
            return
        if outcome.reason in _NOT_THE_PLATFORMS_FAULT:
            return
        wait = outcome.seconds or 0.0
        self._asked_until = max(self._asked_until, now + wait)
        # What was under way when the gate closed says nothing that is not known.
        if not self.probing or now >= self.opens_at:
            self._failures += 1
            if self.probing:
                beyond = self._failures - self._failures_to_close + 1
                wait = max(wait, self._backoff.seconds(beyond, f"{self._seed}:{self._failures}"))
        self.opens_at = max(self.opens_at, now + wait)

    def answered(self) -> None:
        """The platform is up."""
        self._failures = 0
        self._probing_until = 0.0
        # What was under way when the platform asked for a wait does not end that wait.
        self.opens_at = self._asked_until

    def hold(self, until: float) -> None:
        """Let nothing through before then; nothing has failed."""
        self._asked_until = max(self._asked_until, until)
        self.opens_at = max(self.opens_at, until)


class Gates:
    """The platform's gate, and one per account behind it.

    A rate limit is the account's: another account's pages go on meanwhile.
    """

    def __init__(self, platform: Gate, *, seed: str = "gate") -> None:
        self._platform = platform
        self._accounts: dict[str, Gate] = {}
        self._seed = seed

    @property
    def probing(self) -> bool:
        """Whether the platform gets one request at a time."""
        return self._platform.probing

    def probing_for(self, account: str) -> bool:
        """Whether requests of an account are let through one at a time."""
        return self.probing or self._account(account).probing

    def opens_at(self, account: str) -> float:
        """Before when nothing of an account is let through; in the past if it is open."""
        return max(self._platform.opens_at, self._account(account).opens_at)

    def may_admit(self, account: str, now: float) -> bool:
        """Whether `admits` would say yes; asking changes nothing."""
        return self._platform.may_admit(now) and self._account(account).may_admit(now)

    def admits(self, account: str, now: float) -> bool:
        """Whether a request of an account may go."""
        gates = (self._platform, self._account(account))
        return self.may_admit(account, now) and all([gate.admits(now) for gate in gates])

    def record(self, account: str, outcome: Outcome, now: float) -> None:
        """Learn from how a request of an account ended."""
        gate = self._account(account)
        if isinstance(outcome, RetryAfter) and outcome.reason is Reason.NO_ROOM:
            self._platform.record(outcome, now)
            gate.record(outcome, now)
            gate.hold(now + (outcome.seconds or 0.0))
        elif isinstance(outcome, RetryAfter) and outcome.reason is Reason.RATE_LIMITED:
            # An answer all the same: the platform itself is up.
            self._platform.answered()
            gate.record(outcome, now)
        else:
            self._platform.record(outcome, now)
            if not isinstance(outcome, RetryAfter | Unknown):
                gate.answered()

    def _account(self, account: str) -> Gate:
        if account not in self._accounts:
            seed = f"{self._seed}:{account}"
            self._accounts[account] = Gate(failures_to_close=1, seed=seed)
        return self._accounts[account]
