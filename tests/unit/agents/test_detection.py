"""The detection agent: what comes together is told together, in order, and never twice in one run."""

from __future__ import annotations

import asyncio
import json
import math
import shutil
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import TopicAuthorizationFailedError
from faust.types import TP
from support.configured import detector_for
from support.records import Record
from support.waiting import until

from agents import detection, detection_run
from agents.detection import (
    EVENTS_TOGETHER_MAX,
    FINGERPRINTS_TOGETHER_MAX,
    HELD_RECORDS_MAX,
    DetectionAgent,
)
from agents.source_totals import SourceTotals
from ticketing.domain.alerts.conservation import Tally
from ticketing.domain.alerts.quiet_clock import QuietClock
from ticketing.domain.signals import Anomalies, Origin, Progress
from ticketing.engine.commit_notes import CommitNotes
from ticketing.engine.deaths import DEATHS_ALONE_MAX, Deaths
from ticketing.engine.guarded import TooLarge
from ticketing.engine.watchdog import Watchdog
from ticketing.wire.dead_letters import DeadLetter, decode_dead_letter
from ticketing.wire.signals import decode_signals, encode_signals
from ticketing.wire.topics import DEAD_LETTERS, SIGNALS
from ticketing.wire.traces import Position

TOPIC = "enriched-logs"
ARRIVED_MS = 1_900_000_000_000
LATEST = ARRIVED_MS / 1000


def log(message: str = "it broke", service: str = "shop") -> bytes:
    return json.dumps({"message": message, "service": service, "anomaly_score": 0.9}).encode()


def event(
    *offsets: int, partition: int = 0, generation: int = 1, values: Sequence[bytes] = (log(),)
) -> Any:
    records = [
        Record(values[number % len(values)], offset, ARRIVED_MS)
        for number, offset in enumerate(offsets)
    ]
    message = SimpleNamespace(
        tp=TP(TOPIC, partition), offset=offsets[-1], generation_id=generation, timestamp=0.0
    )
    return SimpleNamespace(message=message, value=records)


class Kafka:
    """The agent's stream, consumer and producer; what is sent is durable once `gate` is open."""

    def __init__(self, events: list[Any], *, behind: bool) -> None:
        self.events_given = events
        self.gate = asyncio.Event()
        self.sent: list[list[int]] = []
        self.handled: list[int] = []
        self.messages = self.largest = 0
        self.takes = math.inf
        """The largest value that the broker takes."""
        self.letters: list[DeadLetter] = []
        self.deaths = Deaths()
        self.consumer = SimpleNamespace(
            begun=lambda *_: None,
            hurry=self.hurry,
            read_to_the_end=lambda tp: not behind,
            caught_up=lambda tp: not behind,
            handled=lambda message: self.handled.append(message.offset),
        )
        self.producer = SimpleNamespace(send_all=self.send_all, partition_of=self.partition_of)
        self.consumer_generation_id = 1
        self.notes = CommitNotes()
        self.hurried = 0

    def hurry(self) -> None:
        self.hurried += 1

    async def send_all(self, place: TP, messages: list[tuple[Any, bytes]]) -> int:
        if place.topic == DEAD_LETTERS:
            self.letters += [decode_dead_letter(value) for _, value in messages]
            return 0
        refused = tuple(n for n, (_, value) in enumerate(messages) if len(value) > self.takes)
        if refused:
            raise TooLarge(place.topic, int(self.takes) + 1, refused)
        for _, value in messages if place.topic == SIGNALS else ():
            self.messages += 1
            self.largest = max(self.largest, len(value))
            origin, *anomalies = decode_signals(value)
            assert isinstance(origin, Origin)
            for body in anomalies:
                assert isinstance(body, Anomalies)
                self.sent.append([o for found in body.counted() for o in found])
        await self.gate.wait()
        return 0

    async def partition_of(self, topic: str, key: bytes | None) -> int:
        return 0

    def noack(self) -> Kafka:
        return self

    async def events(self) -> AsyncIterator[Any]:
        for one in self.events_given:
            yield one

    async def ack(self, event: Any) -> None:
        pass


def agent_of(
    kafka: Kafka,
    message_bytes_max: int = 1_000_000,
    hold_seconds: float = 0.0,
    *,
    gaps_fail: bool = False,
) -> DetectionAgent:
    return DetectionAgent(
        kafka,
        Watchdog(),
        None,
        detector_for({TOPIC: "id"}),
        signals_partitions=1,
        message_bytes_max=message_bytes_max,
        gaps_fail=gaps_fail,
        hold_seconds=hold_seconds,
    )


async def run(kafka: Kafka, **options: Any) -> None:
    agent = agent_of(kafka, **options)
    async for _ in agent.run(kafka):
        pass


async def test_what_waits_while_a_partition_is_behind_is_told_in_one_run() -> None:
    kafka = Kafka([event(0, 1), event(2), event(3)], behind=True)
    kafka.gate.set()
    await run(kafka)
    await until(lambda: kafka.handled == [1, 2, 3], "the records to be handled")
    assert kafka.sent == [[0, 1, 2, 3]]


async def test_a_run_is_told_at_once_when_there_is_nothing_more() -> None:
    kafka = Kafka([event(0)], behind=False)
    running = asyncio.ensure_future(run(kafka))
    await until(lambda: kafka.sent == [[0]], "the signals")
    kafka.gate.set()
    await running
    await until(lambda: kafka.handled == [0], "the records to be handled")


class OneByOne(Kafka):
    """Gives the next event once some records are handled: the number is that of the next event."""

    def __init__(self, events: list[Any], waits: dict[int, list[int]]) -> None:
        super().__init__(events, behind=False)
        self.waits = waits
        self.gate.set()

    async def events(self) -> AsyncIterator[Any]:
        for number, one in enumerate(self.events_given):
            if number in self.waits:
                await until(lambda n=number: self.handled == self.waits[n], "the records before")
            yield one


async def test_counts_wait_for_more_and_an_alert_that_begins_does_not() -> None:
    new = event(3, values=[log(service="cart")])
    kafka = OneByOne([event(0), event(1), event(2), new], {1: [0]})
    await run(kafka, hold_seconds=3600.0)
    await until(lambda: kafka.handled == [0, 1, 2, 3], "the records to be handled")
    assert sorted(kafka.sent) == [[0], [1, 2], [3]]
    assert kafka.messages == 2
    assert kafka.hurried == 2


async def test_many_counts_do_not_wait_for_more() -> None:
    many = event(*range(1, 1 + HELD_RECORDS_MAX))
    kafka = OneByOne([event(0), many], {1: [0]})
    await run(kafka, hold_seconds=3600.0)
    await until(lambda: kafka.handled == [0, HELD_RECORDS_MAX], "the records to be handled")


async def test_counts_do_not_wait_for_good() -> None:
    kafka = OneByOne([event(0), event(1)], {1: [0]})
    await run(kafka, hold_seconds=0.01)
    await until(lambda: kafka.handled == [0, 1], "the records to be handled")
    assert (kafka.messages, kafka.hurried) == (2, 1)


async def test_what_is_held_holds_no_clock_back_at_the_times_that_records_bear() -> None:
    old = event(0)
    old.value = [Record(log(), 0, 1_000)]
    kafka = OneByOne([old, event(1)], {1: [0]})
    kafka.consumer.assignment = lambda: {TP(TOPIC, 0)}
    kafka.consumer.topic_partitions = lambda _: 1
    agent = agent_of(kafka, hold_seconds=60.0)
    before = time.time()
    async for _ in agent.run(kafka):
        pass
    assert kafka.handled == [0]
    kafka.consumer.caught_up = lambda _: False
    (told,) = [body for body in agent._progress() if isinstance(body, Progress)]
    assert told.through >= before - 60.0
    assert told.caught_up


async def test_a_backlog_holds_the_quiet_clock_whatever_the_workers_clock_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kafka = Kafka([event(0)], behind=False)
    kafka.gate.set()
    kafka.consumer.assignment = lambda: {TP(TOPIC, 0)}
    kafka.consumer.topic_partitions = lambda _: 1
    agent, quiet = agent_of(kafka, hold_seconds=0.25), QuietClock([TOPIC])
    since, ahead = ARRIVED_MS / 1000.0, 3600.0
    passed = 0.0
    clocks = SimpleNamespace(
        time=lambda: since + ahead + passed, monotonic=lambda: 1_000.0 + passed
    )
    monkeypatch.setattr(detection, "time", clocks)
    async for _ in agent.run(kafka):
        pass
    await until(lambda: kafka.handled == [0], "the record to be handled")
    # From here on records come that nobody handles.
    kafka.consumer.caught_up = lambda _: False
    for passed in (2.0, 7.0, 12.0):
        (told,) = [body for body in agent._progress() if isinstance(body, Progress)]
        quiet.report(told, since + passed)
    assert quiet.now() == since


async def test_what_became_of_each_record_is_committed_with_its_offset() -> None:
    unset = json.dumps({**json.loads(log()), "@timestamp": "1970-01-01T00:00:00Z"}).encode()
    usual = b'{"anomaly_score": 0.1}'
    kafka = Kafka([event(0, 1, 2, 3, values=(log(), unset, usual, log(service="")))], behind=False)
    kafka.gate.set()
    await run(kafka)
    await until(lambda: kafka.handled == [3], "the records to be handled")
    found = totals(kafka)
    assert (found.since, found.records, found.below, found.clock_corrections) == ("id:0", 4, 1, 1)
    assert found.dead == {"no_service": 1}


async def test_no_event_of_a_run_is_handled_before_all_are() -> None:
    kafka = Kafka([event(0, 1), event(2), event(3)], behind=True)
    committable: list[list[int]] = []

    async def ack(event: Any) -> None:
        committable.append(list(kafka.handled))

    kafka.ack = ack  # type: ignore[method-assign]
    kafka.gate.set()
    await run(kafka)
    await until(lambda: kafka.handled == [1, 2, 3], "the records to be handled")
    assert committable == [[], [], []], "a commit in between would have no totals"
    assert kafka.notes.note(TP(TOPIC, 0), 4)


async def test_only_its_own_partitions_last_run_delays_a_run() -> None:
    kafka = Kafka([event(0), event(1), event(5, partition=1), event(2)], behind=False)
    running = asyncio.ensure_future(run(kafka))
    await until(lambda: kafka.sent == [[0], [5]], "the signals")
    assert kafka.handled == []
    kafka.gate.set()
    await running
    await until(lambda: sorted(kafka.handled) == [0, 1, 2, 5], "the records to be handled")
    assert kafka.sent == [[0], [5], [1, 2]]


@pytest.mark.parametrize("again", [event(0, 1), event(0, 1, generation=2)])
async def test_what_is_read_again_is_not_put_into_the_same_run(again: Any) -> None:
    kafka = Kafka([event(0, 1), again], behind=True)
    kafka.gate.set()
    await run(kafka)
    await until(lambda: kafka.handled == [1, 1], "the records to be handled")
    assert kafka.sent == [[0, 1], [0, 1]]


async def test_a_run_has_an_end() -> None:
    events = [event(offset) for offset in range(EVENTS_TOGETHER_MAX + 1)]
    kafka = Kafka(events, behind=True)
    kafka.gate.set()
    await run(kafka)
    await until(lambda: len(kafka.handled) == len(events), "the records to be handled")
    assert kafka.sent == [list(range(EVENTS_TOGETHER_MAX)), [EVENTS_TOGETHER_MAX]]


async def test_a_run_of_many_faults_waits_for_no_more_of_them() -> None:
    enough = FINGERPRINTS_TOGETHER_MAX
    many = event(*range(enough), values=[log(service=f"shop-{n}") for n in range(enough)])
    kafka = Kafka([many, event(enough, values=[log(service="shop-0")])], behind=True)
    kafka.gate.set()
    await run(kafka)
    await until(lambda: kafka.handled == [enough - 1, enough], "the records to be handled")
    assert kafka.sent == [[offset] for offset in range(enough + 1)]


async def test_what_does_not_fit_into_a_message_becomes_several_runs() -> None:
    values = [log(service=f"shop-{number}") for number in range(200)]
    kafka = Kafka([event(*range(200), values=values)], behind=False)
    kafka.gate.set()
    await run(kafka, message_bytes_max=20_000)
    await until(lambda: kafka.handled == [199], "the records to be handled")
    assert kafka.messages > 5
    assert kafka.largest <= 20_000
    assert '"records":200' in kafka.notes.note(TP(TOPIC, 0), 200)
    assert kafka.sent == [[offset] for offset in range(200)]


def totals(kafka: Kafka) -> Tally:
    """What became of the records, as committed with the last of them."""
    end = kafka.handled[-1] + 1
    kafka.notes.saved({TP(TOPIC, 0): end})
    return SourceTotals({TOPIC: "id"}, kafka.notes).committed(TP(TOPIC, 0))


async def test_a_broker_that_takes_less_gets_less_at_once() -> None:
    values = [log(service=f"shop-{number}") for number in range(200)]
    values[77] = log("x" * 2_000, service="huge")
    kafka = Kafka([event(*range(200), values=values)], behind=False)
    kafka.takes = 2_000
    kafka.gate.set()
    await run(kafka)
    await until(lambda: kafka.handled == [199], "the records to be handled")
    assert kafka.sent == [[offset] for offset in range(200) if offset != 77]
    assert [(letter.offset, letter.reason) for letter in kafka.letters] == [(77, "too_large")]
    assert totals(kafka) == Tally(since="id:0", records=200, dead={"too_large": 1}, latest=LATEST)


@pytest.mark.parametrize("name", ["Run.take", "Run.finish", "encode_signals"])
@pytest.mark.parametrize("error", [RecursionError(), UnicodeEncodeError("u", "\ud800", 0, 1, "")])
async def test_a_record_that_no_rule_bears_is_a_dead_letter_alone(
    monkeypatch: pytest.MonkeyPatch, name: str, error: Exception
) -> None:
    def fails_for(records: Any) -> bool:
        return any(record.offset == 5 for record in records)

    if name == "encode_signals":

        def encode(bodies: Any) -> bytes:
            _, *signals = bodies
            if any(5 in found for signal in signals for found in signal.counted()):
                raise error
            return encode_signals(bodies)

        monkeypatch.setattr(detection, "encode_signals", encode)
    else:
        part = name.removeprefix("Run.")
        method = getattr(detection_run.Run, part)

        def failing(run: Any, *args: Any) -> Any:
            run.seen = [*getattr(run, "seen", []), *(args[0] if args else [])]
            if fails_for(run.seen):
                raise error
            return method(run, *args)

        monkeypatch.setattr(detection_run.Run, part, failing)
        monkeypatch.setattr(detection_run.Run, "seen", [], raising=False)
        if part == "finish":
            take = detection_run.Run.take

            def noting(run: Any, records: Any) -> None:
                run.seen = [*run.seen, *records]
                take(run, records)

            monkeypatch.setattr(detection_run.Run, "take", noting)
    kafka = Kafka([event(*range(4)), event(*range(4, 8)), event(8)], behind=True)
    kafka.gate.set()
    await run(kafka)
    await until(lambda: kafka.handled[-1:] == [8], "the records to be handled")
    assert sorted(offset for run_ in kafka.sent for offset in run_) == [0, 1, 2, 3, 4, 6, 7, 8]
    assert [letter.offset for letter in kafka.letters] == [5]
    assert totals(kafka) == Tally(since="id:0", records=9, dead={"failed": 1}, latest=LATEST)


async def test_records_of_a_deadly_batch_are_judged_and_told_alone(tmp_path: Path) -> None:
    for _ in range(2):
        Deaths(tmp_path).begin(TP(TOPIC, 0), 2, 5)
    kafka = Kafka([event(0, 1), event(2, 3, 4), event(5, 6), event(7, 8)], behind=True)
    kafka.deaths = Deaths(tmp_path)
    kafka.gate.set()
    await run(kafka)
    await until(lambda: kafka.handled == [1, 4, 6, 8], "the records to be handled")
    assert kafka.sent == [[0, 1], [2], [3], [4], [5], [6], [7, 8]]


async def test_a_deadly_record_is_a_dead_letter(tmp_path: Path) -> None:
    for _ in range(DEATHS_ALONE_MAX):
        Deaths(tmp_path).begin(TP(TOPIC, 0), 3, 3)
    kafka = Kafka([event(0, 1), event(2, 3, 4), event(5, 6)], behind=True)
    kafka.deaths = Deaths(tmp_path)
    kafka.gate.set()
    await run(kafka)
    await until(lambda: kafka.handled == [1, 4, 6], "the records to be handled")
    assert kafka.sent == [[0, 1], [2], [4], [5, 6]]
    assert [(letter.offset, letter.reason) for letter in kafka.letters] == [(3, "deadly")]
    assert totals(kafka) == Tally(since="id:0", records=7, dead={"deadly": 1}, latest=LATEST)


async def test_a_death_shows_what_was_under_way(tmp_path: Path) -> None:
    for _ in range(2):
        kafka = Kafka([event(0, 1), event(2, 3), event(9, partition=1)], behind=False)
        kafka.deaths = Deaths(tmp_path)
        running = asyncio.ensure_future(run(kafka))
        await until(lambda: len(kafka.sent) == 2, "the signals")  # noqa: B023
        running.cancel()
    found = Deaths(tmp_path)
    assert found.suspects(TP(TOPIC, 0), 0, 0)
    assert found.suspects(TP(TOPIC, 1), 9, 9)
    assert not found.suspects(TP(TOPIC, 0), 4, 4)


async def test_a_failure_of_kafka_blames_no_record_of_any_partition(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tmp_path / "0"
    for number in range(1, 4):
        after = tmp_path / str(number)

        def leave(why: str, after: Path = after, before: Path = before) -> None:
            if not after.exists():
                shutil.copytree(before, after)  # As the process would leave it.

        monkeypatch.setattr(detection, "leave", leave)
        kafka = Kafka([event(3), event(9, partition=1), event(5, partition=2)], behind=False)
        kafka.deaths = Deaths(before)

        async def refused(place: TP, messages: list[tuple[Any, bytes]]) -> int:
            raise TopicAuthorizationFailedError(place.topic)

        kafka.producer.send_all = refused
        await run(kafka)
        await until(after.exists, "the process to leave")
        # What is left of it must not leave in the name of the next process.
        await until(lambda kafka=kafka: len(kafka.handled) == 3, "the rest of the process")
        before = after
    found = Deaths(before)
    places = [(TP(TOPIC, 0), 3), (TP(TOPIC, 1), 9), (TP(TOPIC, 2), 5)]
    assert not [place for place, offset in places if found.suspects(place, offset, offset)]


@pytest.mark.parametrize("offsets", [[(0, 1), (3,)], [(0, 2)], [(7, 8), (4, 6)]])
async def test_a_gap_in_what_the_embedded_broker_gives_ends_the_process(
    monkeypatch: pytest.MonkeyPatch, offsets: list[tuple[int, ...]]
) -> None:
    left: list[str] = []
    monkeypatch.setattr(detection, "leave", lambda why, reason: left.append(reason))
    kafka = Kafka([], behind=False)
    agent = agent_of(kafka, gaps_fail=True)
    for again in (event(0, 1), event(2), event(1, 2)):
        agent._look_for_gap(TP(TOPIC, 0), again.value)
    assert left == []
    kafka.consumer_generation_id = 2
    for some in offsets:
        agent._look_for_gap(TP(TOPIC, 0), event(*some).value)
    assert left == ["missed"]


def follower(*, caught_up: bool) -> Any:
    """An agent that follows requests, and owns a partition of which it has read nothing."""
    consumer = SimpleNamespace(
        assignment=lambda: {TP(TOPIC, 1), TP(SIGNALS, 1)},
        caught_up=lambda tp: caught_up,
        topic_partitions=lambda topic: 3,
    )
    app: Any = SimpleNamespace(consumer=consumer, notes=CommitNotes())
    return DetectionAgent(
        app,
        Watchdog(),
        None,
        detector_for({TOPIC: "id"}, traces_partitions=4),
        signals_partitions=1,
        message_bytes_max=1_000_000,
        gaps_fail=False,
    )


def test_a_partition_tells_its_event_time_with_or_without_records() -> None:
    now = 1_900_000_000.0
    ends = {
        (caught_up, handled_ago): position.at
        for caught_up in (True, False)
        for handled_ago in (None, 4.0, 60.0)
        for position in _positions(follower(caught_up=caught_up), now, handled_ago)
    }
    assert ends == {
        (True, None): now,
        (True, 4.0): 1_000_000_004.0,
        (True, 60.0): now,
        (False, None): 0.0,
        (False, 4.0): 1_000_000_000.0,
        (False, 60.0): 1_000_000_000.0,
    }


def _positions(agent: Any, now: float, handled_ago: float | None) -> list[Position]:
    """The positions of an agent that has come to event time 1,000,000,000."""
    if handled_ago is not None:
        agent._reached[TP(TOPIC, 1)] = 1_000_000_000.0, now - handled_ago
    found: list[Position] = agent._positions(now)
    assert [(one.topic, one.partition, one.partitions) for one in found] == [(TOPIC, 1, 3)]
    return found
