"""A platform in memory that outlives every process, and its requests under way."""

from __future__ import annotations

from dataclasses import dataclass, field

from support.world import World

from sinks.calls.outcome import Absent, Delivered, Outcome
from sinks.delivery import reconcile
from sinks.platform import Repeat, Request, Traits
from tables.deliveries import Operation
from ticketing.domain.events import TicketState
from ticketing.domain.incidents.incident import Incident
from ticketing.wire.topics import platform_topic

PLATFORM = "jira"
PLATFORM_TOPIC = platform_topic(PLATFORM)


@dataclass
class Ticket:
    """What the platform keeps. `marked`: opened as a possible repeat."""

    id: str
    correlation: str
    made_at: float
    state: TicketState = TicketState.OPEN
    closed_as_duplicate: bool = False
    marked: bool = False
    history: list[str] = field(default_factory=list)
    times: list[tuple[float, str]] = field(default_factory=list)
    """What was done when, in true time."""


class Platform:
    """A platform of the given traits, which outlives every process."""

    name = PLATFORM

    def __init__(self, world: World, traits: Traits) -> None:
        self._world = world
        self.traits = traits
        self.tickets: list[Ticket] = []
        self.unknown: dict[str, int] = {}
        self.calls = 0

    def account(self, want: Incident) -> str:
        return "a"

    def of(self, incident_id: str) -> list[Ticket]:
        """The incident's tickets but for duplicates that were closed."""
        return [
            t for t in self.tickets if t.correlation == incident_id and not t.closed_as_duplicate
        ]

    def accept(self, request: Request) -> Outcome:
        """Carry a request out."""
        self.calls += 1
        found = self.of(request.incident_id)
        if request.operation is Operation.CREATE:
            return self._create(request, found)
        if request.operation is Operation.LOOK_UP:
            ripe = [t for t in found if t.made_at + self.traits.search_lag <= self._world.now]
            return Delivered(external_id=ripe[0].id, key=ripe[0].id) if ripe else Absent()
        assert request.have is not None
        if request.operation is Operation.DEDUPLICATE:
            for other in found:
                if other.id != request.have.external_id:
                    other.closed_as_duplicate = True
            return Delivered(external_id=request.have.external_id)
        held = next(t for t in found if t.id == request.have.external_id)
        self._change(held, request)
        return Delivered(external_id=held.id)

    def _create(self, request: Request, found: list[Ticket]) -> Outcome:
        if self.traits.repeat is Repeat.BLINDLY and found:
            return Delivered(external_id=found[0].id, key=found[0].id)
        ticket = Ticket(
            id=f"T-{len(self.tickets)}",
            correlation=request.incident_id,
            made_at=self._world.now,
            marked=request.uncertain,
        )
        self.tickets.append(ticket)
        ticket.times.append((self._world.now, request.operation.value))
        if self.traits.whole:
            self._change(ticket, request)
        return Delivered(external_id=ticket.id, key=ticket.id, account="a")

    def _change(self, ticket: Ticket, request: Request) -> None:
        reached = reconcile.reaches(request.operation, request.want, self.traits)
        if reached is not None:
            ticket.state = reached
        ticket.history.append(request.operation.value)
        if request.operation is not Operation.CREATE:
            ticket.times.append((self._world.now, request.operation.value))


@dataclass
class Late:
    """A request that reaches the platform after the process has stopped waiting, or has died."""

    at: float
    request: Request


class Requests:
    """Stands in for the Runner: requests end when the world says so."""

    def __init__(self, world: World, concurrency: int) -> None:
        self._world = world
        self._concurrency = concurrency
        self.running: dict[str, Request] = {}

    def __len__(self) -> int:
        return len(self.running)

    @property
    def room(self) -> int:
        return max(0, self._concurrency - len(self.running))

    def busy(self, incident_id: str) -> bool:
        return incident_id in self.running

    def now(self) -> float:
        return self._world.now

    def start(self, request: Request) -> None:
        assert request.incident_id not in self.running
        self._world.step(f"start {request.operation.value}")
        self.running[request.incident_id] = request
