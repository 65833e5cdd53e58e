"""The way from lines to verdicts through both agents of the role, without Kafka."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from faust.types import TP
from support.configured import correlator_with, detector_for
from support.microservices import START, Fault, System
from support.records import Record

from agents.evidence import EvidenceAgent
from agents.traces import TracesAgent
from ticketing import metrics
from ticketing.domain.events import Verdict
from ticketing.domain.scope import partition_of_scope, scope_of
from ticketing.wire.events import decode_events
from ticketing.wire.evidence import encode_tally
from ticketing.wire.topics import EVENTS, EVIDENCE, TRACES
from ticketing.wire.traces import Position, encode_positions

INPUT = "enriched-logs"
PARTITIONS = 4


class Kafka:
    """The producer of both agents; each topic's messages by partition."""

    def __init__(self) -> None:
        self.sent: dict[tuple[str, int], list[bytes]] = {}

    async def send(self, topic: str, key: Any, value: bytes, partition: int, *_: Any) -> None:
        self.sent.setdefault((topic, partition), []).append(value)

    async def send_all(self, place: TP, messages: list[tuple[Any, bytes]]) -> int:
        for _, value in messages:
            await self.send(place.topic, None, value, place.partition)
        return 0


class Role:
    """Both agents of one worker; `mine` are its partitions of ticketing-traces."""

    def __init__(self, kafka: Kafka, mine: set[int]) -> None:
        self.now = START
        self.kafka = kafka
        self.mine = mine
        consumer = SimpleNamespace(assignment=lambda: {TP(TRACES, one) for one in self.mine})
        self.app: Any = SimpleNamespace(producer=kafka, consumer=consumer, consumer_generation_id=1)
        nothing: Any = None
        self.traces = TracesAgent(
            self.app,
            nothing,
            nothing,
            correlator_with(),
            partitions=PARTITIONS,
            message_bytes_max=40_000,
            clock=lambda: self.now,
        )
        self.evidence = EvidenceAgent(
            self.app,
            nothing,
            nothing,
            events_partitions=PARTITIONS,
            clock=lambda: self.now,
        )
        self.offsets: dict[int, int] = {}

    async def follow(self, partition: int, values: list[bytes]) -> None:
        first = self.offsets.get(partition, 0)
        self.offsets[partition] = first + len(values)
        records = [Record(value, first + place) for place, value in enumerate(values)]
        await self.traces.handle(records, event(partition))

    async def judge(self, partition: int, values: list[bytes]) -> None:
        await self.evidence.handle([Record(value) for value in values], event(partition))


def event(partition: int) -> Any:
    return SimpleNamespace(message=SimpleNamespace(partition=partition))


def documents() -> tuple[list[dict[str, Any]], Fault]:
    system = System(3)
    operations = [one for one in system.reachable() if one not in system.entries]
    fault = Fault("return", operations[3], START + 200)
    found = system.run(fault, 290.0)
    return [record | {"environment": "prod", "tenant_id": "acme"} for record in found], fault


async def verdicts(workers: int) -> list[Verdict]:
    """The verdicts of a recording that comes over two partitions of the input."""
    kafka = Kafka()
    shares = [{one for one in range(PARTITIONS) if one % workers == w} for w in range(workers)]
    roles = [Role(kafka, share) for share in shares]
    records, _ = documents()
    detector = detector_for({INPUT: "id"}, traces_partitions=PARTITIONS)
    for second in range(0, 330, 10):
        now = START + second + 10
        slice_ = [one for one in records if START + second <= _at(one) < now]
        for source in (0, 1):
            given = [
                Record(json.dumps(one).encode(), place, int(now * 1000))
                for place, one in enumerate(slice_[source::2])
            ]
            spans = detector.detect(INPUT, source, given).spans if given else []
            for partition, value in spans:
                kafka.sent.setdefault((TRACES, partition), []).append(value)
        told = encode_positions([Position(INPUT, source, 2, now) for source in (0, 1)])
        for role in roles:
            role.now = now
            for partition in role.mine:
                await role.follow(partition, [*kafka.sent.pop((TRACES, partition), []), told])
        for partition in range(PARTITIONS):
            await roles[0].judge(partition, kafka.sent.pop((EVIDENCE, partition), []))
    roles[0].now += 10.0
    await roles[0].judge(0, [])
    (((topic, partition), values),) = kafka.sent.items()
    scope = scope_of("acme", "prod")
    assert (topic, partition) == (EVENTS, partition_of_scope(scope, PARTITIONS))
    bodies = [body for value in values for body in decode_events(value)]
    found = [body for body in bodies if isinstance(body, Verdict)]
    assert {one.scope for one in found} == {scope}
    return found


def _at(record: dict[str, Any]) -> float:
    from datetime import datetime

    return datetime.fromisoformat(record["@timestamp"]).timestamp()


async def test_lines_become_a_verdict_that_names_the_cause() -> None:
    _, fault = documents()
    told = await verdicts(workers=1)
    assert [one.at for one in told] == sorted({one.at for one in told})
    assert told[-1].causes[0].service == fault.operation.service
    assert any(alert.cause == 0 for alert in told[-1].alerts)


async def test_two_workers_come_to_the_verdict_of_one() -> None:
    one, two = await verdicts(workers=1), await verdicts(workers=2)
    assert (two[-1].at, two[-1].ranking) == (one[-1].at, one[-1].ranking)


async def test_a_new_share_of_partitions_begins_with_nothing_of_the_old_one() -> None:
    kafka = Kafka()
    role = Role(kafka, {0, 1, 2, 3})
    records, _ = documents()
    detector = detector_for({INPUT: "id"}, traces_partitions=PARTITIONS)
    given = [Record(json.dumps(one).encode(), n) for n, one in enumerate(records[:300])]
    role.now = START + 300
    for partition, value in detector.detect(INPUT, 0, given).spans:
        await role.follow(partition, [value])
    held = role.traces._correlator.held
    role.mine, role.app.consumer_generation_id = {0}, 2
    await role.follow(0, [encode_positions([Position(INPUT, 0, 1, START + 300)])])
    assert 0 < role.traces._correlator.held < held / 2
    ledger = role.traces._correlator._ledger
    assert ledger is not None
    assert 0 < len(ledger) < 100


async def test_what_cannot_be_read_is_counted_and_hides_nothing() -> None:
    role = Role(Kafka(), {0})
    dropped = metrics.evidence_dropped_total.labels("undecodable")._value
    before = dropped.get()
    await role.judge(0, [b"\xc1", b"", *_tally_of(10), b"[]"])
    assert dropped.get() == before + 3
    assert len(role.evidence._books) == 1


def _tally_of(slot: int) -> list[bytes]:
    from ticketing.domain.evidence.tally import Tally

    return encode_tally(scope_of("acme", "prod"), "w", slot, 1, Tally(), bytes_max=500_000)
