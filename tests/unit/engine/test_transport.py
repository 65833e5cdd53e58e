"""A heartbeat is as old as its question, and a batch that is too large is sent in parts."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import MessageSizeTooLargeError, UnknownTopicOrPartitionError
from faust.types import TP

from ticketing.engine import transport
from ticketing.engine.guarded import TooLarge
from ticketing.errors import Unavailable


async def test_an_answer_read_after_a_sleep_is_old(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0

    async def heartbeat() -> bool:
        nonlocal now
        now += 60.0  # stopped right here
        return True

    monkeypatch.setattr(transport, "boottime", lambda: now)
    thread: Any = object.__new__(transport.BatchConsumerThread)
    coordinator = SimpleNamespace(_do_heartbeat=heartbeat)
    thread._consumer = SimpleNamespace(_coordinator=coordinator)
    thread._note_heartbeats()
    assert await coordinator._do_heartbeat()
    assert thread.heard_at == 100.0


class Left(BaseException):
    """The process is gone."""


def leave(why: str, reason: str) -> None:
    raise Left(why, reason)


@pytest.mark.parametrize("topic", ["enriched-logs", "ticketing-signals", "ticketing-events"])
@pytest.mark.parametrize(
    ("committed", "behind", "first"),
    [(None, None, 3), (7, None, 9), (7, 11, 13)],
    ids=["nothing read yet", "committed", "read"],
)
async def test_records_that_the_embedded_broker_let_go_unread_end_the_run(
    monkeypatch: pytest.MonkeyPatch,
    topic: str,
    committed: int | None,
    behind: int | None,
    first: int,
) -> None:
    monkeypatch.setattr(transport, "leave", leave)
    thread: Any = object.__new__(transport.BatchConsumerThread)

    async def end(tp: TP) -> int | None:
        return committed

    consumer, tp = SimpleNamespace(committed=end), TP(topic, 0)
    expected = behind + 1 if behind is not None else committed or 0
    for offset in (expected, max(0, expected - 2)):
        await thread._require_no_gap(consumer, tp, [SimpleNamespace(offset=offset)], behind)
    with pytest.raises(Left) as left:
        await thread._require_no_gap(consumer, tp, [SimpleNamespace(offset=first)], behind)
    why, reason = left.value.args
    assert reason == "missed"
    assert f"dropped unread records of {topic}[0]: {first} follows {expected - 1}" in why


class Builder:
    """A batch as aiokafka builds it: full above a size, but any first message fits."""

    def __init__(self, full: int) -> None:
        self.full = full
        self.messages: list[tuple[bytes | None, bytes | None]] = []
        self.headers: list[list[tuple[str, bytes]]] = []

    def size(self) -> int:
        return 61 + sum(len(key or b"") + len(value or b"") + 10 for key, value in self.messages)

    def append(
        self,
        *,
        key: bytes | None,
        value: bytes | None,
        timestamp: None,
        headers: list[tuple[str, bytes]],
    ) -> Any:
        if self.messages and self.size() + len(key or b"") + len(value or b"") + 10 > self.full:
            return None
        self.messages.append((key, value))
        self.headers.append(headers)
        return object()


class Broker:
    """A partition that refuses larger batches than it takes."""

    def __init__(self, takes: int, full: int) -> None:
        self.takes, self.full = takes, full
        self.log: list[tuple[bytes | None, bytes | None]] = []
        self.headers: list[list[tuple[str, bytes]]] = []
        self.requests = self.asked = 0

    async def partitions_for(self, topic: str) -> set[int]:
        self.asked += 1
        if topic != "t":
            raise UnknownTopicOrPartitionError
        return {0}

    def create_batch(self) -> Builder:
        return Builder(self.full)

    async def send_batch(self, batch: Builder, topic: str, partition: int) -> Any:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.requests += 1
        if batch.size() > self.takes:
            future.set_exception(MessageSizeTooLargeError())
        else:
            future.set_result(SimpleNamespace(offset=len(self.log)))
            self.log += batch.messages
            self.headers += batch.headers
        return future


def producer_for(broker: Broker) -> Any:
    producer: Any = object.__new__(transport.BatchProducer)
    producer._bounds, producer._there = {}, set()
    producer._ensure_producer = lambda: broker
    return producer


async def test_a_batch_that_is_too_large_is_sent_in_parts_and_the_next_one_fits() -> None:
    broker = Broker(takes=1_000, full=100_000)
    producer = producer_for(broker)
    messages = [(None, b"v%03d" % number * 20) for number in range(100)]
    assert await producer.send_all(TP("t", 0), messages) == len(broker.log) - 1
    assert sorted(broker.log) == sorted(messages), "each of them once"
    broker.log.clear()
    broker.requests = 0
    await producer.send_all(TP("t", 0), messages)
    assert broker.log == messages
    assert broker.requests < 25


async def test_a_message_keeps_its_context_in_whatever_batch_it_goes() -> None:
    broker = Broker(takes=1_000, full=3_000)
    messages = [(None, b"v%03d" % number * 20) for number in range(100)]
    contexts = {number: [("traceparent", b"%03d" % number)] for number in range(0, 100, 3)}
    await producer_for(broker).send_all(TP("t", 0), messages, contexts)
    carried = dict(zip([value for _, value in broker.log], broker.headers, strict=True))
    assert carried == {
        value: contexts.get(number, []) for number, (_, value) in enumerate(messages)
    }


async def test_the_last_message_of_a_key_stays_the_last() -> None:
    broker = Broker(takes=1_000, full=3_000)
    messages = [(b"k%d" % (number % 7), b"%03d" % number * 30) for number in range(100)]
    last = await producer_for(broker).send_all(TP("t", 0), messages)
    assert dict(broker.log) == dict(messages)
    assert last == len(broker.log) - 1


async def test_single_messages_that_are_too_large_are_named_and_all_others_sent() -> None:
    broker = Broker(takes=1_000, full=3_000)
    messages = [(None, b"v%03d" % number) for number in range(100)]
    messages[13], messages[77] = (None, b"x" * 2_000), (None, b"y" * 5_000)
    with pytest.raises(TooLarge) as raised:
        await producer_for(broker).send_all(TP("t", 0), messages)
    assert sorted(raised.value.refused) == [13, 77]
    assert raised.value.size == 2_000
    assert sorted(broker.log) == sorted(m for n, m in enumerate(messages) if n not in (13, 77))


async def test_a_missing_topic_is_told_at_once_and_one_that_is_there_is_asked_for_once() -> None:
    broker = Broker(takes=1_000, full=3_000)
    producer = producer_for(broker)
    with pytest.raises(Unavailable, match="missing"):
        await producer.send_all(TP("missing", 0), [(None, b"v")])
    assert broker.requests == 0
    for _ in range(3):
        await producer.send_all(TP("t", 0), [(None, b"v")])
    assert (broker.asked, len(broker.log)) == (2, 3)
