"""Agents of batches: what is committed, and what is left to the next owner of a partition."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import (
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
)
from faust.exceptions import NotReady
from faust.types import TP
from support.records import Record

from ticketing.engine import agent as module
from ticketing.engine import keyed_agent
from ticketing.engine.agent import Abandoned, BatchAgent
from ticketing.engine.batch import TOGETHER_BYTES_MAX
from ticketing.engine.guarded import StoreFailed, TooLarge
from ticketing.engine.statemachine import Mark, PartitionState
from ticketing.engine.watchdog import Watchdog
from ticketing.errors import Unavailable
from ticketing.wire.dead_letters import (
    VALUE_BYTES_MAX,
    DeadLetter,
    dead_letter_of,
    decode_dead_letter,
    encode_dead_letter,
)


def event(offset: int, *, partition: int = 0, generation: int = 1) -> Any:
    tp = TP("t", partition)
    message = SimpleNamespace(
        tp=tp, offset=offset, timestamp=0.0, partition=partition, generation_id=generation
    )
    return SimpleNamespace(message=message, value=[Record(b"v", offset)])


class Stream:
    """Each event comes once the one before is handled."""

    def __init__(self, events: list[Any]) -> None:
        self._events = events
        self.acked: list[Any] = []
        self._handled = asyncio.Event()

    def noack(self) -> Stream:
        return self

    async def events(self) -> AsyncIterator[Any]:
        for one in self._events:
            yield one
            await self._handled.wait()
            self._handled.clear()

    async def ack(self, event: Any) -> None:
        self.acked.append(event)
        self._handled.set()


class Crowded(Stream):
    """All events are there at once."""

    async def events(self) -> AsyncIterator[Any]:
        for one in self._events:
            yield one


class Seen(BatchAgent):
    """Notes what is handled together."""

    name = "seen"

    def __init__(self) -> None:
        self.begun: list[list[int]] = []
        self.committed: list[int] = []
        self.batches: list[list[int]] = []
        consumer = SimpleNamespace(
            begun=lambda *messages: self.begun.append([one.offset for one in messages]),
            handled=lambda message: self.committed.append(message.offset),
        )
        super().__init__(SimpleNamespace(consumer=consumer), Watchdog(), None)  # type: ignore[arg-type]

    async def handle(self, records: list[Any], event: Any) -> None:
        assert event.message.offset == records[-1].offset
        await asyncio.sleep(0)
        self.batches.append([record.offset for record in records])


class Picky(BatchAgent):
    """Abandons some offsets, fails on others."""

    name = "picky"

    def __init__(self, abandons: set[int], fails: set[int] = frozenset()) -> None:  # type: ignore[assignment]
        self.committed: list[tuple[int, int]] = []
        consumer = SimpleNamespace(
            begun=lambda *_: None,
            handled=lambda m: self.committed.append((m.partition, m.offset)),
        )
        super().__init__(SimpleNamespace(consumer=consumer), Watchdog(), None)  # type: ignore[arg-type]
        self._abandons, self._fails = abandons, fails

    async def handle(self, records: list[Any], event: Any) -> None:
        if records[0].offset in self._abandons:
            raise Abandoned
        if records[0].offset in self._fails:
            raise OSError("disk full")


async def test_what_comes_while_a_batch_is_handled_is_handled_together() -> None:
    agent = Seen()
    events = [event(number, partition=number % 2) for number in range(1, 7)]
    stream = Crowded([*events, event(6), event(7, generation=2)])
    async for _ in agent.run(stream):
        pass
    # Records that are read again, and those of another generation, are a batch of their own.
    assert agent.batches == [[1, 3, 5], [2, 4, 6], [6], [7]]
    assert agent.begun == [[1, 3, 5], [2, 4, 6], [6], [7]]
    assert agent.committed == [1, 3, 5, 2, 4, 6, 6, 7]
    assert len(stream.acked) == 8


async def test_as_much_waits_as_is_handled_together() -> None:
    agent = Seen()
    events = [event(number) for number in range(1, 5)]
    for one in events:
        one.value = [Record(b"v" * TOGETHER_BYTES_MAX, one.message.offset)]
    taken = []

    class Counted(Crowded):
        async def events(self) -> AsyncIterator[Any]:
            for one in self._events:
                taken.append((one.message.offset, len(agent.batches)))
                yield one

    async for _ in agent.run(Counted(events)):
        pass
    assert agent.batches == [[1], [2], [3], [4]]
    assert all(offset - 2 <= handled for offset, handled in taken)


async def test_a_fetch_of_much_is_handled_in_parts_each_of_which_is_a_sign_of_life() -> None:
    now = [0.0]
    verdicts: list[str | None] = []

    class Slow(Seen):
        async def handle(self, records: list[Any], event: Any) -> None:
            self.batches.append([record.offset for record in records])
            now[0] += 40.0
            verdicts.append(self.watchdog.verdict())
            if records[-1].offset == 7:
                now[0] += 30.0
                verdicts.append(self.watchdog.verdict())

    agent = Slow()
    agent.watchdog = Watchdog(clock=lambda: now[0])
    # Packed, they came in one fetch; the last but one alone is more than goes together.
    sizes = [TOGETHER_BYTES_MAX // 2] * 5 + [2 * TOGETHER_BYTES_MAX, 1]
    one = event(7)
    one.value = [Record(b"v" * size, offset) for offset, size in enumerate(sizes, 1)]
    async for _ in agent.run(Stream([one])):
        pass
    assert agent.batches == [[1, 2], [3, 4], [5], [6], [7]]
    assert verdicts == [None] * 5 + ["seen has handled one batch for 70 s"]
    assert agent.committed == [7]


async def run(agent: Picky, *events: Any) -> list[tuple[int, int]]:
    async for _ in agent.run(Stream(list(events))):
        pass
    return agent.committed


async def test_what_follows_an_abandoned_batch_is_not_committed_over_it() -> None:
    committed = await run(
        Picky({2}),
        event(1),
        event(2),
        event(3),
        event(4, partition=1),
        event(5, generation=2),
    )
    assert committed == [(0, 1), (1, 4), (0, 5)]


async def test_a_failure_leaves_before_anything_is_committed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Left(BaseException):
        pass

    def leave(why: str) -> None:
        raise Left(why)

    monkeypatch.setattr(module, "leave", leave)
    agent = Picky(set(), {2})
    with pytest.raises(Left, match="picky: OSError: disk full"):
        async for _ in agent.run(Crowded([event(1), event(2, partition=1)])):
            pass
    assert agent.committed == [(0, 1)]


class Kafka:
    """A producer whose topics take only so many bytes in one message."""

    def __init__(self) -> None:
        self.letters: list[DeadLetter] = []

    async def partition_of(self, topic: str, key: bytes | None) -> int:
        return 0

    async def send_all(self, place: TP, messages: list[Any]) -> int:
        self.letters += [decode_dead_letter(value) for _, value in messages]
        return 0


class Packs(BatchAgent):
    """Handles a batch as a whole; raises for some records, or for too many together."""

    name = "packs"

    def __init__(self, error: Exception, *, bad: set[int], together: int) -> None:
        self.kafka = Kafka()
        self.committed: list[int] = []
        consumer = SimpleNamespace(
            begun=lambda *_: None, handled=lambda message: self.committed.append(message.offset)
        )
        app = SimpleNamespace(consumer=consumer, producer=self.kafka)
        super().__init__(app, Watchdog(), None)  # type: ignore[arg-type]
        self.error, self.bad, self.together = error, bad, together
        self.done: list[int] = []

    async def handle(self, records: list[Any], event: Any) -> None:
        if len(records) > self.together or self.bad.intersection(r.offset for r in records):
            raise self.error
        self.done += [record.offset for record in records]


@pytest.mark.parametrize(
    "error",
    [
        TooLarge("t", 5_000_000),
        MessageSizeTooLargeError(),
        RecordListTooLargeError(),
        RecursionError(),
        UnicodeDecodeError("utf-8", b"\xe9", 0, 1, "cut"),
        TypeError(),
        MemoryError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_batch_that_fails_is_halved_until_each_bad_record_stands_alone(
    error: Exception,
) -> None:
    agent = Packs(error, bad={3, 17}, together=6)
    records = [Record(b"v%d" % offset, offset) for offset in range(40)]
    one = event(39)
    one.value = records
    async for _ in agent.run(Stream([one])):
        pass
    assert agent.done == [offset for offset in range(40) if offset not in (3, 17)]
    found = [(letter.offset, letter.value, letter.stage) for letter in agent.kafka.letters]
    assert found == [(3, b"v3", "packs"), (17, b"v17", "packs")]
    assert agent.committed == [39]


@pytest.mark.parametrize(
    "error",
    [
        KafkaTimeoutError(),
        NotReady(),
        OSError(),
        StoreFailed("x"),
        Unavailable("x"),
        TimeoutError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_an_outage_is_no_fault_of_a_record(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    class Left(BaseException):
        pass

    def leave(why: str) -> None:
        raise Left(why)

    monkeypatch.setattr(module, "leave", leave)
    agent = Packs(error, bad={3}, together=99)
    one = event(9)
    one.value = [Record(b"v", offset) for offset in range(10)]
    with pytest.raises(Left):
        async for _ in agent.run(Crowded([one])):
            pass
    assert agent.kafka.letters == []
    assert agent.committed == []


def test_a_dead_letter_is_bounded() -> None:
    record = Record(b"\xff" * 10_000_000, 7, 1500, b"k" * 10_000_000)
    encoded = encode_dead_letter(
        dead_letter_of(
            "t", 1, record, stage="incidents", reason="undecodable", detail="d" * 1_000_000
        )
    )
    assert len(encoded) < 262_144, "less than the smallest kafka.messageMaxBytes"
    letter = decode_dead_letter(encoded)
    assert (letter.topic, letter.partition, letter.offset, letter.timestamp) == ("t", 1, 7, 1.5)
    assert letter.value == b"\xff" * VALUE_BYTES_MAX
    assert letter.size == 10_000_000


@pytest.mark.parametrize(("folded", "refused"), [(-1_001, False), (4, False), (5, True)])
def test_a_mark_beyond_the_end_is_another_topics(
    folded: int, refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[tuple[str, str]] = []
    monkeypatch.setattr(keyed_agent, "leave", lambda *told: left.append(told))
    keyed: Any = object.__new__(keyed_agent.KeyedAgent)
    keyed.name = "incidents"
    keyed.app = SimpleNamespace(consumer=SimpleNamespace(highwater=lambda tp: 5))
    partition = PartitionState(floor=1_000, mark=Mark(1_000 + folded))
    keyed._require_own_topic(partition, TP("ticketing-signals", 0))
    assert bool(left) is refused
    if refused:
        assert "`ticketing topics adopt ticketing-signals`" in left[0][0]
        assert left[0][1] == "misconfigured"
