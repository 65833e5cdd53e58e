"""A platform that is a list: it does what it is asked, loses answers, and shows things late."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from support.life import Clock

from sinks.calls.outcome import Absent, Delivered, Outcome, Reason, Refused, RetryAfter, Unknown
from sinks.platform import Connection, Repeat, Request, Traits
from tables.deliveries import Operation
from ticketing.domain.events import TicketState
from ticketing.domain.incidents.incident import Incident

STATES = {
    Operation.ACKNOWLEDGE: TicketState.ACKNOWLEDGED,
    Operation.ESCALATE: TicketState.ESCALATED,
    Operation.RESOLVE: TicketState.RESOLVED,
    Operation.REOPEN: TicketState.OPEN,
}
SEARCHES = (Operation.LOOK_UP, Operation.DEDUPLICATE)
TROUBLES = (
    "well",
    "well",
    "answer lost",
    "answer lost, done late",
    "not done, not said",
    "busy",
    "unreachable",
    "bad token",
    "refused",
)


@dataclass
class Entry:
    """A ticket. `seen_at` is when a search begins to show it."""

    id: str
    incident_id: str
    seen_at: float
    state: TicketState = TicketState.OPEN
    marked: bool = False
    closed_as_duplicate: bool = False
    steps: list[int] = field(default_factory=list)


class Ledger:
    """Behaves as its traits say. While `troubled`, what comes next is drawn by `dice`."""

    name = "ledger"

    def __init__(self, traits: Traits, clock: Clock, seed: int = 0) -> None:
        self.traits = traits
        self.entries: list[Entry] = []
        self.troubled = False
        self.asked = 0
        self._clock = clock
        self._dice = random.Random(seed)
        self._token_bad_until = 0.0
        self._late: list[tuple[float, Request]] = []

    def account(self, want: Incident) -> str:
        return "only"

    async def perform(self, request: Request) -> Outcome:
        self.asked += 1
        self.catch_up()
        trouble = self._dice.choice(TROUBLES) if self.troubled else "well"
        if trouble == "bad token":
            self._token_bad_until = self._clock.now + self._dice.uniform(0.0, 90.0)
        if self.troubled and self._clock.now <= self._token_bad_until:
            return Refused(Reason.CREDENTIALS, "no such token")
        if trouble == "busy":
            return RetryAfter(Reason.RATE_LIMITED, self._dice.choice([None, 1.0, 90.0]))
        if trouble == "unreachable":
            return RetryAfter(Reason.UNREACHABLE)
        if trouble == "refused" and request.operation not in SEARCHES:
            return Refused(Reason.INVALID, "not like this")
        if trouble == "not done, not said":
            return Unknown(Reason.CONNECTION_LOST)
        if trouble == "answer lost, done late":
            at = self._clock.now + self._dice.uniform(0.0, request.timeout)
            self._late.append((at, request))
            return Unknown(Reason.TIMEOUT)
        outcome = self._do(request, self._clock.now)
        return Unknown(Reason.SERVER_ERROR, over=True) if trouble == "answer lost" else outcome

    def catch_up(self) -> None:
        """Do what was asked before and takes effect only now."""
        due = sorted(
            (one for one in self._late if one[0] <= self._clock.now), key=lambda one: one[0]
        )
        self._late = [one for one in self._late if one[0] > self._clock.now]
        for at, request in due:
            self._do(request, at)

    def live(self, incident_id: str) -> list[Entry]:
        """The tickets of an incident that nobody has marked as a duplicate."""
        return [
            one
            for one in self.entries
            if one.incident_id == incident_id and not one.closed_as_duplicate
        ]

    def _do(self, request: Request, at: float) -> Outcome:
        if request.operation is Operation.LOOK_UP:
            found = [one for one in self.live(request.incident_id) if one.seen_at <= at]
            return Delivered(external_id=found[0].id) if found else Absent()
        if request.operation is Operation.CREATE:
            return self._create(request, at)
        if request.operation is Operation.DEDUPLICATE:
            return self._deduplicate(request, at)
        entry = self._entry(request)
        if entry is None:
            return Refused(Reason.NOT_FOUND, "no such ticket")
        self._change(entry, request)
        return Delivered()

    def _create(self, request: Request, at: float) -> Outcome:
        open_ones = [
            one for one in self.live(request.incident_id) if one.state is not TicketState.RESOLVED
        ]
        if self.traits.repeat is Repeat.BLINDLY and open_ones:
            return Delivered(external_id=open_ones[0].id)
        entry = Entry(
            id=f"T-{len(self.entries) + 1}",
            incident_id=request.incident_id,
            seen_at=at + self.traits.search_lag,
            marked=request.uncertain,
        )
        self.entries.append(entry)
        if self.traits.whole:
            self._change(entry, request)
        return Delivered(external_id=entry.id)

    def _deduplicate(self, request: Request, at: float) -> Outcome:
        kept = self._entry(request)
        for one in self.live(request.incident_id):
            if one is not kept and one.seen_at <= at:
                one.closed_as_duplicate = True
        return Delivered()

    def _entry(self, request: Request) -> Entry | None:
        if request.have is None:
            return None
        wanted = request.have.external_id
        return next((one for one in self.entries if one.id == wanted), None)

    def _change(self, entry: Entry, request: Request) -> None:
        if request.operation is Operation.COMMENT:
            entry.steps += [step.seq for step in request.want.timeline]
        elif self.traits.whole:
            entry.state = TicketState(request.want.status.value)
        else:
            entry.state = STATES.get(request.operation, entry.state)

    async def test_connection(self) -> Connection:
        return Connection(ok=True, message="it is a list")

    async def close(self) -> None:
        return None
