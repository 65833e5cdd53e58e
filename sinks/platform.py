"""The interface of a platform to its adapter: traits, and a method that performs a request."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from sinks.calls.outcome import Outcome
from tables.deliveries import Held, Operation, Why
from ticketing.domain.incidents.incident import Incident, Step, StepKind
from ticketing.domain.severity import Severity


class Repeat(str, Enum):
    """The way to repeat an operation of unknown outcome."""

    BLINDLY = "blindly"
    """Repeat the operation: the platform recognises its key and does nothing twice."""
    AFTER_LOOK_UP = "after_look_up"
    """Look for the ticket first; create one only if there is none."""
    MARKED = "marked"
    """Repeat the operation and say so in the text: the platform can't be searched."""


ALL_OPERATIONS = frozenset(Operation) - {Operation.PAGE}
"""All but paging again, which is an act of its own on paging platforms alone; others show the step."""
PAGING = frozenset({Operation.CREATE, Operation.REOPEN, Operation.PAGE})
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
        StepKind.REPAGED,
        StepKind.MERGED,
        StepKind.MOVED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """The behaviour of a platform that planning must know. Times in seconds.

    Only `operations` are planned. `updates` are the reasons to write a ticket again, `steps` the
    kinds of timeline steps that are posted. With `whole`, every operation but a comment writes the
    whole ticket, its state included. Operations `aside` go another way than the page, such as
    another API: while they fail, no other operation waits. `pages` are the operations that page
    people by themselves; with `loud` there is no ticket without a page. With `quiet_is_told` an end
    by quiet is a comment, as people close the tickets. The end of incidents of `untold_ends` is
    told by the state alone (`notify.resolution`).
    """

    repeat: Repeat
    operations: frozenset[Operation] = ALL_OPERATIONS
    updates: frozenset[Why] = frozenset({Why.SEVERITY})
    steps: frozenset[StepKind] = frozenset()
    whole: bool = False
    aside: frozenset[Operation] = frozenset()
    pages: frozenset[Operation] = PAGING
    loud: bool = False
    quiet_is_told: bool = False
    search_lag: float = 0.0
    count_interval: float = 300.0
    """The time between edits for a count alone, by default for edits that notify nobody."""
    auto_acknowledge: frozenset[Severity] = field(default_factory=frozenset)
    untold_ends: frozenset[Severity] = field(default_factory=frozenset)

    def tells_the_end(self, want: Incident) -> bool:
        """False where the ticket is to change its state at the end and nobody is told."""
        return want.severity.nearest not in self.untold_ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One operation to perform. With `uncertain`, an earlier attempt may have succeeded.

    `steps` are to be told by a comment, oldest first: steps of the timeline, and remarks.

    A request that has not begun by `start_by`, in seconds on the runner's clock, is not sent; one
    that has is given up after `timeout` seconds.
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
    steps: list[Step] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """The result of a connection test; `message` says what to fix."""

    ok: bool
    message: str


class Sink(Protocol):
    """A platform, as the adapter and the runner see it."""

    name: str
    traits: Traits

    def account(self, want: Incident) -> str:
        """The account for a new ticket of the incident: a reference, not a secret.

        Pure. Called before the incident's first create, whose account is kept for good.
        """

    async def perform(self, request: Request) -> Outcome:
        """Make the ticket what `request.want` says. Must be safe to repeat.

        May raise `outcome.Failed`. Called by the runner, never twice at once for the same incident,
        and cancelled at any await once the request's time is over.
        """

    async def test_connection(self) -> Connection:
        """Check credentials and address without any side effect on the platform."""

    async def close(self) -> None:
        """Close what was opened; called once, after the last request."""
