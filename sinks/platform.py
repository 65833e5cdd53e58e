"""What every platform offers to the adapter: its traits, and one method that performs a request."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from sinks.calls.outcome import Outcome
from tables.deliveries import Held, Operation, Why
from ticketing.domain.incidents.incident import Incident, StepKind
from ticketing.domain.severity import Severity


class Repeat(str, Enum):
    """What to do about an operation whose outcome is not known."""

    BLINDLY = "blindly"
    """Repeat it: the platform recognises the key and does nothing twice."""
    AFTER_LOOK_UP = "after_look_up"
    """Look for the ticket first; create it only if it is not there."""
    MARKED = "marked"
    """Repeat it and say so in the text: the platform can't be searched."""


ALL_OPERATIONS = frozenset(Operation)
STATUS_STEPS = frozenset(
    {
        StepKind.OPENED,
        StepKind.SEVERITY_RAISED,
        StepKind.ACKNOWLEDGED,
        StepKind.ESCALATED,
        StepKind.RESOLVED,
        StepKind.REOPENED,
        StepKind.FLAPPING,
        StepKind.FALLBACK,
        StepKind.COMMENT,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """How a platform behaves, as far as planning must know it. Times in seconds.

    `operations` are those it knows; a missing one is never planned. `updates` are the reasons for
    which a ticket is written again, `steps` those of the timeline that are posted to it. `whole`
    says that every operation but a comment writes the whole ticket, its state included. `aside`
    are operations that go another way than the page, such as another API: while they fail, nothing
    but they waits.
    """

    repeat: Repeat
    operations: frozenset[Operation] = ALL_OPERATIONS
    updates: frozenset[Why] = frozenset({Why.SEVERITY})
    steps: frozenset[StepKind] = frozenset()
    whole: bool = False
    aside: frozenset[Operation] = frozenset()
    search_lag: float = 0.0
    count_interval: float = 300.0
    auto_acknowledge: frozenset[Severity] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One operation to perform. `uncertain`: an earlier attempt at it may have succeeded.

    Not before `started_at` and not after `start_by` (wall clock, Unix seconds) may it be begun;
    it is given up `timeout` seconds after its beginning.
    """

    incident_id: str
    partition: int
    number: int
    operation: Operation
    why: Why
    want: Incident
    have: Held | None
    account: str
    uncertain: bool
    start_by: float
    timeout: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What a test of the connection found; `message` says what to fix."""

    ok: bool
    message: str


class Platform(Protocol):
    """A platform, as the adapter and the runner see it."""

    name: str
    traits: Traits

    def account(self, want: Incident) -> str:
        """Which account a new ticket for this incident is opened with: a reference, no secret.

        Pure. Called once per incident, before its first create; the answer is kept for good.
        """

    async def perform(self, request: Request) -> Outcome:
        """Make the ticket what `request.want` says; it must be safe to repeat.

        May raise `outcome.Failed`, and be cancelled at any await when its time is over. Called by
        the runner only, never twice at once for the same incident.
        """

    async def test_connection(self) -> Connection:
        """Check credentials and address without any side effect on the platform."""

    async def close(self) -> None:
        """Close what was opened; called once, after the last request."""
