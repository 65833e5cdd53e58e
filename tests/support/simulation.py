"""A whole installation in memory that can die at any step: agents, tables and a platform.

The agents, machines and folds are the real ones. Kafka is a list per topic, RocksDB a dict, time a
number. Whatever reaches a log, a disk or a platform is a step, and before any step the process
that takes it can be killed; the next one starts from what was durable.
"""

from __future__ import annotations

import math
import random
from collections.abc import Awaitable, Callable, Generator, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from faust.types import TP
from support.configured import gate_for, timing_with
from support.records import Record

from agents.incidents import IncidentMachine
from sinks.agent import SinkAgent
from sinks.calls.backoff import Backoff
from sinks.calls.outcome import Absent, Delivered, Outcome, Reason, RetryAfter, Unknown
from sinks.delivery import reconcile
from sinks.delivery.machine import AdapterMachine
from sinks.delivery.wishes import OperationResult, encode_result
from sinks.platform import Repeat, Request, Traits
from tables.deliveries import Delivery, Operation
from tables.incidents import COUNTED
from ticketing.domain.alerts.conservation import Counted
from ticketing.domain.events import TicketState
from ticketing.domain.incidents.incident import Incident
from ticketing.domain.incidents.policy import Policy
from ticketing.engine import statemachine
from ticketing.engine.guarded import TooLarge
from ticketing.engine.keyed_agent import KeyedAgent
from ticketing.engine.role_topics import RoleTopics
from ticketing.engine.table import DurableTable
from ticketing.wire import topics
from ticketing.wire.incidents import decode_incident
from ticketing.wire.signals import encode_signals

START = 1_800_000_000.0
PLATFORM = "jira"
PLATFORM_TOPIC = topics.platform_topic(PLATFORM)


class Crash(BaseException):
    """The process is gone: nothing may catch it."""


@dataclass
class Chances:
    """What goes wrong by chance, each from 0 to 1."""

    fault: float = 0.0
    uncommitted: float = 0.0
    lazy: float = 0.0
    wiped: float = 0.0
    slow: float = 0.0


class World:
    """Everything that outlives a process, and the knife. `crashes` are the steps at which it falls.

    Steps are counted from 1 over the whole run.
    """

    def __init__(
        self,
        *,
        crashes: frozenset[int] = frozenset(),
        seed: int = 0,
        chances: Chances | None = None,
    ) -> None:
        self.now = START
        self.random = random.Random(seed)
        self.chances = chances or Chances()
        self.crashes = crashes
        self.steps: list[str] = []
        self.logs: dict[str, list[Record]] = {}
        self.committed: dict[str, int] = {}
        self.disks: dict[str, Disk] = {}
        self.limits: dict[str, int] = {}
        """The largest value that a topic takes."""

    def step(self, what: str) -> None:
        """Something is about to become real."""
        self.steps.append(what)
        if len(self.steps) in self.crashes:
            raise Crash(what)

    def happens(self, probability: float) -> bool:
        """Whether something of this probability happens now."""
        return probability > 0 and self.random.random() < probability

    def append(self, topic: str, key: bytes | None, value: bytes | None) -> int:
        """A record reaches its log."""
        log = self.logs.setdefault(topic, [])
        log.append(Record(value, len(log), int(self.now * 1000), key, topic=topic))
        return len(log) - 1

    def lag(self, topic: str) -> int:
        """Records that nobody has handled yet."""
        return len(self.logs.get(topic, [])) - self.committed.get(topic, 0)


class Sent:
    """A send under way; awaiting it makes it and everything before it durable."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self.offset = -1

    def __await__(self) -> Generator[Any, None, Sent]:
        self._producer.deliver_through(self)
        return self
        yield  # a generator, as __await__ has to be one

    def result(self) -> Sent:
        return self


class Producer:
    """Sends at once, or, when the world is lazy, not before somebody waits for it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._held: list[tuple[Sent, str, bytes | None, bytes | None]] = []

    async def send(
        self, topic: str, key: bytes | None, value: bytes | None, partition: Any, *_: Any
    ) -> Sent:
        assert partition in (None, 0), "one partition is all there is"
        sent = Sent(self)
        self._held.append((sent, topic, key, value))
        if not self._world.happens(self._world.chances.lazy):
            self.deliver_through(sent)
        return sent

    async def partition_of(self, topic: str, key: bytes | None) -> int:
        return 0

    async def send_all(self, place: Any, messages: list[tuple[bytes | None, bytes | None]]) -> int:
        assert place.partition == 0, "one partition is all there is"
        last = -1
        refused = []
        for index, (key, value) in enumerate(messages):
            if len(value or b"") > self._world.limits.get(place.topic, math.inf):
                refused.append(index)
                continue
            self._world.step(f"send {place.topic}")
            last = self._world.append(place.topic, key, value)
        if refused:
            size = min(len(messages[index][1] or b"") for index in refused)
            raise TooLarge(place.topic, size, tuple(refused))
        return last

    def deliver_through(self, last: Sent) -> None:
        while last.offset < 0:
            sent, topic, key, value = self._held.pop(0)
            self._world.step(f"send {topic}")
            sent.offset = self._world.append(topic, key, value)


class Disk:
    """A partition's RocksDB, with the offset of the changelog that it reflects."""

    offset_key = b"__offset"

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}

    def _db_for_partition(self, partition: int) -> Disk:
        return self

    def get(self, key: bytes) -> bytes | None:
        return self.rows.get(key)

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        return iter(list(self.rows.items()))


class Batch:
    """Stands in for RocksDB's WriteBatch, to be written in one step."""

    def __init__(self, raw_mode: bool) -> None:
        self.writes: list[tuple[bytes, bytes | None]] = []

    def put(self, key: bytes, value: bytes) -> None:
        self.writes.append((key, value))

    def delete(self, key: bytes) -> None:
        self.writes.append((key, None))


class Table:
    """The real table's way of writing, over a dict."""

    write = DurableTable.write

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.changelog_topic_name = f"{name}-changelog"
        if name not in world.disks or world.happens(world.chances.wiped):
            world.disks[name] = Disk()
        self.data = world.disks[name]
        self.data.write = self._write  # type: ignore[attr-defined]
        self._recover()

    def _write(self, batch: Batch) -> None:
        self.world.step(f"write {self.changelog_topic_name}")
        for key, value in batch.writes:
            if value is None:
                self.data.rows.pop(key, None)
            else:
                self.data.rows[key] = value

    def _recover(self) -> None:
        rows = self.data.rows
        first = int(rows.get(Disk.offset_key, b"-1")) + 1
        for record in self.world.logs.get(self.changelog_topic_name, [])[first:]:
            assert record.key is not None
            if record.value is None:
                rows.pop(record.key, None)
            else:
                rows[record.key] = record.value
            rows[Disk.offset_key] = b"%d" % record.offset


class Process:
    """One process: an app with one agent on one topic. Make a new one after a crash."""

    def __init__(self, world: World, topic: str) -> None:
        self.world = world
        self.topic = topic
        self.position = world.committed.get(topic, 0)
        self.app = SimpleNamespace(
            producer=Producer(world),
            consumer_generation_id=len(world.steps),
            consumer=SimpleNamespace(highwater=lambda tp: len(world.logs[tp.topic])),
            role_topics=RoleTopics(),
        )
        self.fence = SimpleNamespace(check=lambda: None)

    async def handle(self, records: list[Record]) -> None:
        """What the agent does with a batch."""
        raise NotImplementedError

    def wants_tick(self) -> bool:
        """Whether the owner would send a tick now."""
        return False

    async def turn(self) -> bool:
        """Read one batch and handle it; whether there was one."""
        if self.wants_tick():
            self.world.append(self.topic, statemachine.TICK_KEY, b"{}")
        unread = self.world.logs.get(self.topic, [])[self.position :]
        if not unread:
            return False
        batch = unread[: self.world.random.randint(1, len(unread))]
        await self.handle(batch)
        self.position = batch[-1].offset + 1
        if not self.world.happens(self.world.chances.uncommitted):
            self.world.step(f"commit {self.topic}")
            self.world.committed[self.topic] = self.position
            self.committed()
        return True

    def committed(self) -> None:
        """What else the commit has changed."""


class Keyed(Process):
    """A process with a keyed state machine."""

    def __init__(
        self, world: World, topic: str, name: str, machine: statemachine.Machine[Any]
    ) -> None:
        super().__init__(world, topic)
        self.machine = machine
        self.agent: KeyedAgent[Any] = KeyedAgent(
            self.app,
            SimpleNamespace(),  # type: ignore[arg-type]
            self.fence,  # type: ignore[arg-type]
            name=name,
            topic=topic,
            table=Table(world, name),  # type: ignore[arg-type]
            machine=machine,
        )

    async def handle(self, records: list[Record]) -> None:
        event = SimpleNamespace(message=SimpleNamespace(partition=0, tp=TP(self.agent.topic, 0)))
        await self.agent.handle(records, event)  # type: ignore[arg-type]

    def wants_tick(self) -> bool:
        partition = self.agent._partitions.get(0)
        return partition is None or partition.timers.earliest() <= self.world.now

    def next_due(self) -> float:
        """When it has something to do by itself."""
        partition = self.agent._partitions.get(0)
        return self.world.now if partition is None else partition.timers.earliest()

    def states(self) -> dict[str, Any]:
        """Every state of its table."""
        return {
            key.decode(): self.machine.decode(statemachine.unpack_state(value))
            for key, value in self.agent.table.data.items()
            if key != Disk.offset_key
        }


class Sinks(Process):
    """The process with the sink agent."""

    def __init__(self, world: World) -> None:
        super().__init__(world, topics.INCIDENTS)
        self.agent = SinkAgent(self.app, None, self.fence, [PLATFORM])  # type: ignore[arg-type]

    async def handle(self, records: list[Record]) -> None:
        event = SimpleNamespace(message=SimpleNamespace(partition=0, tp=TP(self.topic, 0)))
        await self.agent.handle(records, event)  # type: ignore[arg-type]


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
        if self.traits.whole:
            self._change(ticket, request)
        return Delivered(external_id=ticket.id, key=ticket.id, account="a")

    def _change(self, ticket: Ticket, request: Request) -> None:
        reached = reconcile.reaches(request.operation, request.want, self.traits)
        if reached is not None:
            ticket.state = reached
        ticket.history.append(request.operation.value)


@dataclass
class _Late:
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


class Adapter(Keyed):
    """The process of a platform's adapter."""

    def __init__(
        self, world: World, platform: Platform, late: list[_Late], concurrency: int
    ) -> None:
        self.platform = platform
        self.late = late
        self.requests = Requests(world, concurrency)
        self.timing = timing_with(
            timeout=10.0, start_within=5.0, grace=5.0, backoff=Backoff(first=1.0, cap=20.0)
        )
        machine = AdapterMachine(
            platform,
            self.requests,  # type: ignore[arg-type]
            gate_for(PLATFORM),
            self.timing,
            clock=lambda: world.now,
        )
        super().__init__(world, PLATFORM_TOPIC, f"{PLATFORM}-deliveries", machine)

    def end_one(self) -> bool:
        """One request under way ends, somehow; whether there was one that did."""
        world = self.world
        for request in list(self.requests.running.values()):
            if world.happens(world.chances.slow):
                continue
            outcome = self._fate(request)
            result = OperationResult(
                incident_id=request.incident_id,
                number=request.number,
                operation=request.operation,
                outcome=outcome,
            )
            world.step("send result")
            world.append(PLATFORM_TOPIC, request.incident_id.encode(), encode_result(result))
            return True
        return False

    def _fate(self, request: Request) -> Outcome:
        world, platform = self.world, self.platform
        if world.now > request.start_by:
            del self.requests.running[request.incident_id]
            return RetryAfter(Reason.NOT_SENT)
        world.step(f"request {request.operation.value}")
        # From here on it is on its way by itself.
        del self.requests.running[request.incident_id]
        if not world.happens(world.chances.fault):
            outcome = platform.accept(request)
            world.step(f"answer {request.operation.value}")
            return outcome
        kind = world.random.randrange(6)
        if kind == 0:
            return RetryAfter(Reason.RATE_LIMITED, world.random.choice([None, 3.0]))
        if kind == 1:
            return RetryAfter(Reason.UNREACHABLE)
        count = platform.unknown.get(request.incident_id, 0)
        platform.unknown[request.incident_id] = count + 1
        if kind == 2:
            return Unknown(Reason.SERVER_ERROR, True)
        if kind == 3:
            platform.accept(request)
            return Unknown(Reason.SERVER_ERROR, True)
        if kind == 4:
            platform.accept(request)
            return Unknown(Reason.CONNECTION_LOST)
        # No answer came in time, and the request arrives in the last moment before its deadline.
        self.late.append(_Late(world.now + request.timeout, request))
        return Unknown(Reason.TIMEOUT)

    def died(self) -> None:
        """Its process is gone: what was under way may still arrive within its time."""
        for request in self.requests.running.values():
            known = self.platform.unknown.get(request.incident_id, 0)
            self.platform.unknown[request.incident_id] = known + 1
            if self.world.random.random() < 0.5:
                at = self.world.now + self.world.random.uniform(0.0, request.timeout)
                self.late.append(_Late(at, request))
        self.requests.running.clear()


class Installation:
    """Everything together. `script` does something at each turn, until it is empty."""

    def __init__(
        self, world: World, policy: Policy, traits: Traits, *, concurrency: int = 3
    ) -> None:
        self.world = world
        self.policy = policy
        self.platform = Platform(world, traits)
        self.concurrency = concurrency
        self.late: list[_Late] = []
        self._make: dict[str, Callable[[], Process]] = {
            "incidents": lambda: Keyed(
                world, topics.SIGNALS, "incidents", IncidentMachine(self.policy, partitions=1)
            ),
            "sinks": lambda: Sinks(world),
            "adapter": lambda: Adapter(world, self.platform, self.late, self.concurrency),
        }
        self.processes = {name: make() for name, make in self._make.items()}
        self.deaths = 0

    def restart(self, name: str) -> None:
        """Another process takes the place of one that died."""
        self.deaths += 1
        process = self.processes[name]
        if isinstance(process, Adapter):
            process.died()
        self.processes[name] = self._make[name]()

    async def surviving(self, name: str, work: Callable[[Any], Awaitable[bool]]) -> bool:
        """Let a process do something; if it dies of it, the next one starts."""
        try:
            return await work(self.processes[name])
        except Crash:
            self.restart(name)
            return True

    def signal(self, *bodies: Any) -> None:
        """Detection, or a person, says something."""
        self.world.append(topics.SIGNALS, None, encode_signals(list(bodies)))

    async def turn(self) -> bool:
        """Every process reads once and every request may end; whether anything was done."""
        busy = False
        for name in self.processes:
            busy |= await self.surviving(name, lambda process: process.turn())

        async def end(adapter: Adapter) -> bool:
            return adapter.end_one()

        busy |= await self.surviving("adapter", end)
        for one in [late for late in self.late if late.at <= self.world.now]:
            self.late.remove(one)
            self.platform.accept(one.request)
        return busy

    async def run(
        self, script: list[Callable[[Installation], None]], quiet: float = 3600.0
    ) -> None:
        """Play the script, a line a turn, then go on until nothing is due any more for `quiet` s."""
        for line in script:
            line(self)
            await self.turn()
            self.world.now += self.world.random.choice([0.0, 0.5, 2.0])
        self.world.chances = Chances()
        until = self.world.now + quiet
        for _ in range(10_000):
            if await self.turn():
                continue
            due = min(
                min(p.next_due() for p in self.processes.values() if isinstance(p, Keyed)),
                min((late.at for late in self.late), default=math.inf),
            )
            if due > until:
                return
            self.world.now = max(self.world.now, due) + 0.01
        raise AssertionError("it does not come to rest")

    def incidents(self) -> list[Incident]:
        """Every incident as its writer has it."""
        states = self.processes["incidents"].states().values()  # type: ignore[attr-defined]
        return [state for state in states if isinstance(state, Incident)]

    def counted(self) -> Counted:
        """The anomalies counted, as the writer has them beside the incidents."""
        found = self.processes["incidents"].states()[COUNTED]  # type: ignore[attr-defined]
        assert isinstance(found, Counted)
        return found

    def published(self) -> dict[str, Incident]:
        """Every incident as the topic has it."""
        latest: dict[str, Incident] = {}
        for record in self.world.logs.get(topics.INCIDENTS, []):
            assert record.key is not None
            if record.value is not None:
                latest[record.key.decode()] = decode_incident(record.value)
        return latest

    def deliveries(self) -> dict[str, Delivery]:
        """What the adapter remembers."""
        return self.processes["adapter"].states()  # type: ignore[attr-defined,no-any-return]
