"""The whole job in memory: detection, alerts, traces and incidents, under a clock in event time.

The rules, machines and agents are those of a worker. Kafka is a list per topic, a table a dict, and
a record arrives at its event time. Time moves in steps of a quarter of a second while there is
something to do, and jumps to whatever comes next else. Nothing depends on the time of day or on
chance: the same recording gives the same incidents, byte for byte.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

from faust.types import TP

from agents.alerts import AlertMachine
from agents.detection_run import Detector
from agents.evidence import EvidenceAgent
from agents.incidents import IncidentMachine
from agents.traces import TracesAgent, correlator_for
from ticketing.config import Config
from ticketing.config.alert_policy import alert_policy
from ticketing.config.policy import policy
from ticketing.domain.events import Receipt, TicketState, Verdict
from ticketing.domain.signals import Anomalies, Origin, Progress
from ticketing.engine.transport import Pair
from ticketing.evaluation.history import History
from ticketing.evaluation.partition import MemoryPartition, MemoryRecord
from ticketing.evaluation.recording import Line
from ticketing.wire import topics
from ticketing.wire.events import decode_events, encode_events
from ticketing.wire.incidents import decode_incident
from ticketing.wire.signals import encode_signals
from ticketing.wire.traces import Position, encode_positions

STEP_SECONDS = 0.25
"""Little beside the shortest group wait of 5 s; a worker fetches as often."""
PROGRESS_SECONDS = 5.0
"""As often as detection reports how far it is."""
BUSY_SECONDS = 15.0
"""After the last record the quarters of a second go on for the first two reports of traces; later
ones may come with the next report of progress."""
TAIL_SECONDS = 300.0
"""Time after the last record: more than any wait for a ticket, and than traces look back."""
TOLD_EVERY_STEPS = 200
"""Some ten times a second: a bar of progress moves smoothly, and costs nothing."""


class _Kafka:
    """The topics between agents: what was sent and is not handled yet."""

    def __init__(self) -> None:
        self.waiting: dict[str, list[bytes]] = {}

    async def send(
        self, topic: str, key: Any, value: bytes | None, partition: Any, *_: Any
    ) -> None:
        """Keep a message for its reader."""
        self.put(topic, value)

    async def send_all(self, place: TP, messages: Sequence[Pair]) -> int:
        """Keep messages for their reader."""
        for _, value in messages:
            self.put(place.topic, value)
        return -1

    def put(self, topic: str, value: bytes | None) -> None:
        """Keep a message for its reader."""
        if value is not None:
            self.waiting.setdefault(topic, []).append(value)

    def take(self, topic: str) -> list[bytes]:
        """The messages that wait in a topic, which are handled then."""
        return self.waiting.pop(topic, [])


class Installation:
    """One run of the job over one recording."""

    def __init__(self, config: Config) -> None:
        self.history = History(config.enabled_platforms())
        self.records = 0
        self.anomalies = 0
        self._kafka = _Kafka()
        self._now = 0.0
        self._topic = config.input.topics[0]
        self._detector = Detector.of(config, {self._topic: self._topic})
        # One partition has the whole way, so that nothing depends on which is read first. A scope
        # is one partition's work anyway; the ceiling of pages is that of a partition of many.
        self._detector.traces_partitions = min(1, self._detector.traces_partitions)
        self._alerts = MemoryPartition(
            AlertMachine(alert_policy(config), inputs=[self._topic], partitions=1)
        )
        self._incidents = MemoryPartition(
            IncidentMachine(policy(config, config.kafka.partitions), partitions=1)
        )
        # Both are advisory and keep all of their state in memory, as in a worker.
        assigned = {TP(topics.TRACES, 0), TP(topics.EVIDENCE, 0)}
        app = SimpleNamespace(
            producer=self._kafka,
            consumer_generation_id=0,
            rebalancing=False,
            consumer=SimpleNamespace(assignment=lambda: assigned),
        )
        nothing: Any = SimpleNamespace()
        self._traces = TracesAgent(
            app,
            nothing,
            nothing,
            correlator_for(config),
            partitions=1,
            message_bytes_max=config.kafka.message_max_bytes,
            clock=lambda: self._now,
        )
        self._evidence = EvidenceAgent(
            app, nothing, nothing, events_partitions=1, clock=lambda: self._now
        )
        self._followed = config.traces.enabled
        self._offsets: dict[str, int] = {}
        self._reported_at = -math.inf
        self._heard_at = -math.inf

    @property
    def dead_letters(self) -> int:
        """Records and messages that could not be handled."""
        return self._dead + self._alerts.dead + self._incidents.dead

    _dead = 0

    async def run(
        self, lines: Sequence[Line], told: Callable[[int], None] = lambda _: None
    ) -> History:
        """Run a recording in the order of time; `told` gets the number of records handled so far."""
        self._now = _on_grid(lines[0].at)
        self._alerts.take_up(self._now)
        self._incidents.take_up(self._now)
        position, steps = 0, 0
        end = lines[-1].at + TAIL_SECONDS
        while self._now <= end:
            first = position
            while position < len(lines) and lines[position].at <= self._now:
                position += 1
            await self._step(lines[first:position], first)
            steps += 1
            if steps % TOLD_EVERY_STEPS == 0:
                told(position)
            self._now = self._next(lines[position].at if position < len(lines) else math.inf)
        told(position)
        return self.history

    def _next(self, arrives: float) -> float:
        """The next time at which something happens; `arrives` is that of the next record."""
        soonest = self._now + STEP_SECONDS
        if self._kafka.waiting or self._now < self._heard_at + BUSY_SECONDS:
            return soonest
        due = min(
            arrives,
            self._reported_at + PROGRESS_SECONDS,
            self._alerts.state.earliest(),
            self._incidents.state.earliest(),
        )
        return max(soonest, _on_grid(due))

    async def _step(self, lines: Sequence[Line], first: int) -> None:
        """Each agent reads once, in the order of the data's way."""
        if lines:
            self._heard_at = self._now
            self._detect(lines, first)
        if self._now >= self._reported_at + PROGRESS_SECONDS:
            self._report_progress()
        self._pass_on(self._alerts, topics.SIGNALS)
        if self._followed:
            await self._read(self._traces, topics.TRACES)
            await self._read(self._evidence, topics.EVIDENCE)
        self._pass_on(self._incidents, topics.EVENTS)
        self._publish()

    def _detect(self, lines: Sequence[Line], first: int) -> None:
        records = [
            MemoryRecord(line.value, first + place, int(line.at * 1000))
            for place, line in enumerate(lines)
        ]
        detected = self._detector.detect(self._topic, 0, records)
        self.records += detected.records
        self.anomalies += detected.anomalies
        self._dead += len(detected.dead_letters)
        origin = Origin(
            topic=self._topic, partition=0, since=f"{self._topic}:0", through=records[-1].offset
        )
        for bodies in detected.by_partition(1).values():
            for body in bodies:
                if isinstance(body, Anomalies):
                    self.history.note_anomalies(body)
            self._kafka.put(topics.SIGNALS, encode_signals([origin, *bodies]))
        for _, value in detected.spans:
            self._kafka.put(topics.TRACES, value)

    def _report_progress(self) -> None:
        self._reported_at = self._now
        progress = Progress(
            topic=self._topic, partition=0, partitions=1, through=self._now, caught_up=True
        )
        self._kafka.put(topics.SIGNALS, encode_signals([progress]))
        if self._followed:
            # Read to its end, the source has come as far as the clock.
            position = Position(self._topic, 0, 1, self._now)
            self._kafka.put(topics.TRACES, encode_positions([position]))

    def _pass_on(self, partition: MemoryPartition, topic: str) -> None:
        for target, _, value, _ in partition.handle(self._kafka.take(topic), self._now):
            self._kafka.put(target, value)

    async def _read(self, agent: TracesAgent | EvidenceAgent, topic: str) -> None:
        """Let an agent of requests handle what waits for it, and send what is due."""
        values = self._kafka.take(topic)
        known = len(self._kafka.waiting.get(topics.EVENTS, ()))
        if values:
            first = self._offsets.get(topic, 0)
            self._offsets[topic] = first + len(values)
            stamp = int(self._now * 1000)
            records = [
                MemoryRecord(value, first + place, stamp) for place, value in enumerate(values)
            ]
            event: Any = SimpleNamespace(message=SimpleNamespace(partition=0))
            await agent.handle(records, event)
        else:
            await agent.tell_due()
        for value in self._kafka.waiting.get(topics.EVENTS, ())[known:]:
            for body in decode_events(value):
                if isinstance(body, Verdict):
                    self.history.note_verdict(body, self._now)

    def _publish(self) -> None:
        """Take down published incidents; platforms hold their tickets at once and say so."""
        self._kafka.take(topics.ALERTS)
        self._dead += len(self._kafka.take(topics.DEAD_LETTERS))
        for value in self._kafka.take(topics.INCIDENTS):
            incident = decode_incident(value)
            for platform in self.history.note(incident, self._now):
                if platform not in incident.tickets:
                    receipt = Receipt(
                        incident_id=incident.id,
                        platform=platform,
                        state=TicketState.OPEN,
                        revision=incident.revision,
                        external_id=f"{platform}-{incident.id}",
                    )
                    self._kafka.put(topics.EVENTS, encode_events([receipt]))


def _on_grid(at: float) -> float:
    return math.ceil(at / STEP_SECONDS) * STEP_SECONDS
