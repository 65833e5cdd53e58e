"""The processes of an installation in memory: the real agents over the simulated world."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from faust.types import TP
from support.configured import gate_for, timing_with
from support.records import Record
from support.simulated_platform import PLATFORM, PLATFORM_TOPIC, Late, Platform, Requests
from support.world import Host, Process, Table, World

from agents.detection import DetectionAgent
from agents.detection_run import Detector
from agents.source_totals import SourceTotals
from sinks.agent import SinkAgent
from sinks.calls.backoff import Backoff
from sinks.calls.outcome import Outcome, Reason, RetryAfter, Unknown
from sinks.delivery.machine import AdapterMachine
from sinks.delivery.wishes import OperationResult, encode_result, result_key
from sinks.platform import Request
from ticketing.domain.alerts.conservation import Tally
from ticketing.engine import statemachine
from ticketing.engine.commit_notes import CommitNotes
from ticketing.engine.keyed_agent import KeyedAgent
from ticketing.engine.watchdog import Watchdog
from ticketing.wire import topics
from ticketing.wire.signals import encode_signals

INPUT = "enriched-logs"
TOPIC_ID = "id"


class _App(SimpleNamespace):
    """An app that stops after `looks` looks at whether it stops."""

    looks = 0

    @property
    def should_stop(self) -> bool:
        self.looks -= 1
        return self.looks < 0


class Keyed(Process):
    """A process with a keyed state machine."""

    def __init__(
        self,
        world: World,
        host: Host,
        topic: str,
        partitions: list[int],
        name: str,
        machine: statemachine.Machine[Any],
    ) -> None:
        super().__init__(world, host, topic, partitions)
        self.app = _App(**vars(self.app))
        self.machine = machine
        self.table = Table(world, host, self.app, name)
        self.agent: KeyedAgent[Any] = KeyedAgent(
            self.app,
            SimpleNamespace(batch=None),  # type: ignore[arg-type]
            self.fence,  # type: ignore[arg-type]
            name=name,
            topic=topic,
            table=self.table,  # type: ignore[arg-type]
            machine=machine,
        )
        for number in partitions:
            self.table.recover(number)

    async def handle(self, tp: TP, records: list[Record]) -> None:
        await self.agent.handle(records, _event(self, tp))

    async def ticks(self) -> bool:
        self.app.looks = 1
        before = self._unread()
        await self.agent.tick()
        return self._unread() > before

    def _unread(self) -> int:
        return sum(len(self.world.logs.get(TP(self.topic, n), [])) for n in self.partitions)

    async def reassign(self, partitions: list[int]) -> None:
        gained = [number for number in partitions if number not in self.partitions]
        await super().reassign(partitions)
        for number in gained:
            self.table.recover(number)

    async def revoked(self, revoked: list[TP]) -> None:
        await self.agent.revoked(None, revoked)

    def next_due(self) -> float:
        """The time by its partitions' clocks at which it has something to do by itself."""
        known = [self.agent._partitions.get(number) for number in self.partitions]
        return min(
            (self.world.now if one is None else one.timers.earliest() for one in known),
            default=float("inf"),
        )

    def states(self) -> dict[str, Any]:
        """Every state of its partitions."""
        return {
            key.decode(): self.machine.decode(statemachine.unpack_state(value))
            for number in self.partitions
            for key, value in self.table.disk(number).states().items()
        }


class Detection(Process):
    """The process with detection; Kafka keeps its totals beside the committed offsets."""

    def __init__(self, world: World, host: Host, partitions: list[int], detector: Detector) -> None:
        super().__init__(world, host, INPUT, partitions)
        self.app.notes = CommitNotes()
        self.detector = detector
        for number in partitions:
            self._read_note(TP(INPUT, number))
        self.agent = DetectionAgent(
            self.app,
            Watchdog(),
            self.fence,
            detector,
            signals_partitions=world.partitions,
            message_bytes_max=1_000_000,
            gaps_fail=False,
        )

    def _read_note(self, tp: TP) -> None:
        offset = self.world.committed.get(tp)
        known = None if offset is None else (offset, self.world.notes.get(tp, ""))
        self.app.notes.read(tp, known)

    async def reassign(self, partitions: list[int]) -> None:
        await super().reassign(partitions)
        for number in partitions:
            self._read_note(TP(INPUT, number))

    async def handle(self, tp: TP, records: list[Record]) -> None:
        run = self.detector.begin(INPUT, tp.partition)
        run.take(records)
        await self.agent.handle(tp, run, records)
        self.agent._handled_at[tp] = records[-1].timestamp / 1000.0

    def committed(self, tp: TP) -> None:
        self.world.notes[tp] = self.app.notes.note(tp, self.positions[tp])
        self.app.notes.saved({tp: self.positions[tp]})

    def report(self) -> None:
        """Report the progress of its partitions, as every few seconds."""
        bodies = self.agent._progress()
        if bodies:
            value = encode_signals(bodies)
            for number in range(self.world.partitions):
                self.world.append(topics.SIGNALS, number, None, value)

    def totals(self) -> Tally:
        """The sum of Kafka's own totals, as another process would read them."""
        found = Tally(since="")
        for number in range(self.world.partitions):
            tp = TP(INPUT, number)
            notes = CommitNotes()
            offset = self.world.committed.get(tp)
            if offset is not None:
                notes.read(tp, (offset, self.world.notes[tp]))
                found = found.plus(SourceTotals(self.detector.topic_ids, notes).committed(tp))
        return found


class Sinks(Process):
    """The process with the sink agent."""

    def __init__(self, world: World, host: Host, partitions: list[int]) -> None:
        super().__init__(world, host, topics.INCIDENTS, partitions)
        self.agent = SinkAgent(
            self.app,
            None,  # type: ignore[arg-type]
            self.fence,  # type: ignore[arg-type]
            [PLATFORM],
            partitions=world.partitions,
        )

    async def handle(self, tp: TP, records: list[Record]) -> None:
        await self.agent.handle(records, _event(self, tp))


class Adapter(Keyed):
    """The process of a platform's adapter."""

    def __init__(
        self,
        world: World,
        host: Host,
        partitions: list[int],
        platform: Platform,
        late: list[Late],
        concurrency: int,
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
            partitions=world.partitions,
            clock=host.time,
        )
        super().__init__(world, host, PLATFORM_TOPIC, partitions, f"{PLATFORM}-deliveries", machine)

    async def turn(self) -> bool:
        busy = await super().turn()
        return await self._end_one() or busy

    async def _end_one(self) -> bool:
        """One request under way ends, somehow; True if there was one that did."""
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
            world.append(
                PLATFORM_TOPIC,
                request.partition,
                result_key(request.incident_id, request.number).encode(),
                encode_result(result),
            )
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
        self.late.append(Late(world.now + request.timeout, request))
        return Unknown(Reason.TIMEOUT)

    def died(self) -> None:
        """Its process is gone: requests under way may still arrive within their time."""
        for request in self.requests.running.values():
            known = self.platform.unknown.get(request.incident_id, 0)
            self.platform.unknown[request.incident_id] = known + 1
            if self.world.random.random() < 0.5:
                at = self.world.now + self.world.random.uniform(0.0, request.timeout)
                self.late.append(Late(at, request))
        self.requests.running.clear()


def _event(process: Process, tp: TP) -> Any:
    generation = process.app.consumer_generation_id
    message = SimpleNamespace(partition=tp.partition, tp=tp, generation_id=generation)
    return SimpleNamespace(message=message)
