"""The counter of one partition's alerts in memory, and signals for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from support.partition import MemoryPartition
from support.records import Record

from agents.alerts import AlertMachine
from ticketing.config import Config
from ticketing.config.alert_policy import alert_policy
from ticketing.domain.alerts.alert import Alert
from ticketing.domain.alerts.conservation import Counted
from ticketing.domain.alerts.policy import AlertPolicy
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Anomalies, Origin, Progress
from ticketing.engine.statemachine import BATCH_KEY, TICK_KEY, Dead, Send, accept, fold
from ticketing.wire import topics
from ticketing.wire.events import EventBody, decode_events
from ticketing.wire.signals import SignalBody, encode_signals

START = 1_800_000_000.0
INPUT = "enriched-logs"
TOPIC_ID = "id"
DEFAULTS = alert_policy(Config())


def alert_policy_with(**changes: Any) -> AlertPolicy:
    """The default policy with some settings changed."""
    return replace(DEFAULTS, **changes)


def origin(through: int, partition: int = 0, since: int = 0, id: str = TOPIC_ID) -> Origin:
    """The origin of a run that ends at an offset."""
    return Origin(topic=INPUT, partition=partition, since=f"{id}:{since}", through=through)


def anomalies(name: str, *offsets: int, at: float = START, **changes: Any) -> Anomalies:
    """Anomalies of a fingerprint, all in the minute of one event time."""
    known = Anomalies(
        fingerprint=name,
        tenant="acme",
        environment="prod",
        service="checkout",
        pattern=f"pattern {name}",
        title=f"title {name}",
        source=f"{TOPIC_ID}:0",
        severity=Severity.HIGH,
        offsets={int(at // 60 * 60): list(offsets)} if offsets else {},
        first_seen=at,
        last_seen=at,
        arrived=at,
        last_arrived=at,
        max_score=0.9,
    )
    return replace(known, **changes)


@dataclass(frozen=True)
class Sent:
    """A message of the counter, decoded."""

    topic: str
    key: str | None
    bodies: list[EventBody]
    partition: int | None


class AlertDesk:
    """The counter of one partition; the clock moves when told to."""

    def __init__(self, policy: AlertPolicy = DEFAULTS, *, partitions: int = 1) -> None:
        self.partitions = partitions
        self.partition = MemoryPartition(self.machine(policy))
        self.now = START
        self.offset = 0
        self.sent: list[Sent] = []
        self.dead: list[Dead] = []
        self.totals: list[tuple[int, int, int]] = []
        self.hurried = 0
        self.restart()

    def machine(self, policy: AlertPolicy) -> AlertMachine:
        """A counter under a policy."""
        return AlertMachine(
            policy,
            inputs=[INPUT],
            counted=lambda *total: self.totals.append(total),
            hurry=self.hurry,
            partitions=self.partitions,
        )

    def hurry(self) -> None:
        """Count how often the events are urgent."""
        self.hurried += 1

    def run(self, through: int, *found: Anomalies, partition: int = 0) -> list[Sent]:
        """A run of a source partition with all its anomalies."""
        return self.send(origin(through, partition), *found)

    def send(self, *bodies: SignalBody) -> list[Sent]:
        """One message, alone in its batch."""
        return self.fold([self.record(encode_signals(list(bodies)))])

    def record(self, value: bytes, key: bytes | None = None) -> Record:
        """The next record of the signals."""
        record = Record(value, self.offset, int(self.now * 1000), key)
        self.offset += 1
        return record

    def fold(self, records: list[Record], now: float | None = None) -> list[Sent]:
        """A batch, at a time by the partition's clock; returns what it sends."""
        partition = self.partition
        tx = partition.transaction()
        folded = fold(partition.machine, tx, records, partition.state, now=now)
        assert BATCH_KEY not in folded.failing, folded.failing
        partition.table.keep(tx, partition.machine, folded)
        accept(partition.machine, tx, folded, partition.state)
        for callback in tx.callbacks():
            callback()
        self.dead += folded.dead
        found = [decoded(sent) for sent in tx.sends()]
        self.sent += found
        return found

    def tick(self, after: float = 0.0) -> list[Sent]:
        """A tick, so many seconds later."""
        self.now += after
        return self.fold([self.record(b"{}", TICK_KEY)])

    def caught_up(self, after: float = 0.0) -> list[Sent]:
        """Two reports of a reader that has read everything, the second one so much later."""
        report = Progress(topic=INPUT, partition=0, partitions=1, through=0.0, caught_up=True)
        first = self.send(report)
        self.now += after
        return [*first, *self.send(report), *self.tick()]

    def restart(self, policy: AlertPolicy | None = None) -> list[Sent]:
        """Another process goes on with the table, perhaps under another policy."""
        kept = self.partition.machine.policy  # type: ignore[attr-defined]
        self.partition.machine = self.machine(policy or kept)
        self.partition.restart()
        return [decoded(sent) for sent in self.partition.scan(self.offset, self.now)]

    def alert(self, name: str) -> Alert:
        """The stored alert of a fingerprint."""
        return self.alerts()[name]

    def alerts(self) -> dict[str, Alert]:
        """Every stored alert by fingerprint."""
        return {key: state for key, state in self._states() if isinstance(state, Alert)}

    def counted(self) -> Counted:
        """The marks of the sources."""
        return next(state for _, state in self._states() if isinstance(state, Counted))

    def _states(self) -> Iterable[tuple[str, Any]]:
        tx = self.partition.transaction()
        return [(key, tx.peek(key)) for key in self.partition.table.rows]


def decoded(send: Send) -> Sent:
    """A message as its reader sees it."""
    topic, key, value, partition = send
    bodies = decode_events(value) if topic == topics.EVENTS and value is not None else []
    return Sent(topic, key, bodies, partition)


def told(sent: Iterable[Sent]) -> list[Alert]:
    """The alerts among the events that were sent, in order."""
    return [body for one in sent for body in one.bodies if isinstance(body, Alert)]
