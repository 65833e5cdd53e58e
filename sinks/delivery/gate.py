"""The gates before a platform: circuit breakers that let one probe through after failures."""

from __future__ import annotations

from sinks.calls.backoff import Backoff
from sinks.calls.outcome import Outcome, Reason, RetryAfter, Unknown, bounded

PROBE_BACKOFF = Backoff(first=2.0, cap=60.0, floor=1.0)
"""Pauses between probes: at least a second, so that a platform in trouble is left alone, and at
most a minute, so that pages go out soon after the platform is back."""
PROBE_SECONDS = 30.0
"""For gates of accounts; longer than a request takes from its plan to its result by default."""
_NOT_THE_PLATFORMS_FAULT = frozenset(
    {Reason.NOT_SENT, Reason.NO_ROOM, Reason.NOT_SEEN, Reason.INTERNAL}
)


class Gate:
    """A circuit breaker in one process, on arrival time (Unix seconds).

    A gate decides only about waiting, so that losing its state in a crash costs a few requests.
    `probe_seconds` is the time after which a probe without a result counts as lost.
    """

    def __init__(
        self,
        *,
        failures_to_close: int,
        backoff: Backoff = PROBE_BACKOFF,
        probe_seconds: float = PROBE_SECONDS,
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
        self.since = 0.0
        """The time at which the gate began to let probes alone through, while it does."""
        self.reason: Reason | None = None
        """The failure after which it did."""

    @property
    def probing(self) -> bool:
        """True while only one request at a time is let through."""
        return self._failures >= self._failures_to_close

    def may_admit(self, now: float) -> bool:
        """True if `admits` would let a request through; changes nothing."""
        return now >= self.opens_at and not (self.probing and now < self._probing_until)

    def admits(self, now: float) -> bool:
        """True if a request may go. While probing, that request is the probe."""
        if not self.may_admit(now):
            return False
        if self.probing:
            self._probing_until = now + self._probe_seconds
        return True

    def record(self, outcome: Outcome, now: float) -> None:
        """Learn from a request's outcome. A refusal is an answer: the platform is up."""
        self._probing_until = 0.0
        if not isinstance(outcome, RetryAfter | Unknown):
            self.answered()
            return
        if outcome.reason in _NOT_THE_PLATFORMS_FAULT:
            return
        wait = bounded(outcome.seconds)
        self._asked_until = max(self._asked_until, now + wait)
        # Requests that were under way when the gate closed fail for the failure already counted.
        if not self.probing or now >= self.opens_at:
            self._failures += 1
            if self._failures == self._failures_to_close:
                self.since, self.reason = now, outcome.reason
            if self.probing:
                beyond = self._failures - self._failures_to_close + 1
                wait = max(wait, self._backoff.seconds(beyond, f"{self._seed}:{self._failures}"))
        self.opens_at = max(self.opens_at, now + wait)

    def answered(self) -> None:
        """Note that the platform is up."""
        self._failures = 0
        self._probing_until = 0.0
        # An answer to a request sent before the platform asked for a wait does not end the wait.
        self.opens_at = self._asked_until

    def hold(self, until: float) -> None:
        """Let nothing through before `until`, without counting a failure."""
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
        """True while the platform gets one request at a time."""
        return self._platform.probing

    @property
    def closed(self) -> tuple[float, str] | None:
        """Since when (Unix s), and after what failure, only probes go; None while all may."""
        gate = self._platform
        return (gate.since, gate.reason.value) if gate.probing and gate.reason else None

    def probing_for(self, account: str) -> bool:
        """True while requests of the account are let through one at a time."""
        return self.probing or self._account(account).probing

    def opens_at(self, account: str) -> float:
        """The time before which nothing of the account is let through; past if it is open."""
        return max(self._platform.opens_at, self._account(account).opens_at)

    def may_admit(self, account: str, now: float) -> bool:
        """True if `admits` would let a request of the account through; changes nothing."""
        return self._platform.may_admit(now) and self._account(account).may_admit(now)

    def admits(self, account: str, now: float) -> bool:
        """True if a request of the account may go."""
        gates = (self._platform, self._account(account))
        return self.may_admit(account, now) and all([gate.admits(now) for gate in gates])

    def record(self, account: str, outcome: Outcome, now: float) -> None:
        """Learn from the outcome of a request of the account."""
        gate = self._account(account)
        if isinstance(outcome, RetryAfter) and outcome.reason is Reason.NO_ROOM:
            self._platform.record(outcome, now)
            gate.record(outcome, now)
            gate.hold(now + bounded(outcome.seconds))
        elif isinstance(outcome, RetryAfter) and outcome.reason is Reason.RATE_LIMITED:
            # A refusal to one account is an answer: the platform itself is up.
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
