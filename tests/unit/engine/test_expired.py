"""Messages that were deleted before they were read are counted and told; other gaps are not."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError

from ticketing import metrics
from ticketing.engine.expired import Overtaken

PLACE = TopicPartition("logs", 2)


class Fetcher:
    """Answers a fetch; the position may be out of range."""

    def __init__(self, *, out_of_range: bool) -> None:
        self.state = SimpleNamespace(
            has_valid_position=not out_of_range, awaiting_reset=out_of_range
        )

    async def _proc_fetch_request(self, assignment: Any, node_id: int, request: Any) -> bool:
        return True

    async def fetch(self, offset: int) -> bool:
        """Fetch from an offset."""
        assignment = SimpleNamespace(state_value=lambda _: self.state)
        request = SimpleNamespace(topics=[(PLACE.topic, [(PLACE.partition, offset, 1000)])])
        return await self._proc_fetch_request(assignment, 0, request)


class Consumer:
    """Knows the first offset of the partition."""

    def __init__(self, first: int | None) -> None:
        self.first = first

    async def beginning_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        """The first offset; None: the broker is away."""
        if self.first is None:
            raise KafkaConnectionError
        return dict.fromkeys(places, self.first)


def expired() -> float:
    """The messages counted so far."""
    return metrics.messages_expired_total.labels(PLACE.topic, str(PLACE.partition))._value.get()


async def overtaken(fetcher: Fetcher, offset: int) -> Overtaken:
    """A watch that has seen a fetch from an offset."""
    found = Overtaken()
    found.watch(fetcher)
    assert await fetcher.fetch(offset)
    return found


async def test_messages_deleted_before_they_were_read_are_counted_once_and_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    found, before = await overtaken(Fetcher(out_of_range=True), 10), expired()
    with caplog.at_level(logging.ERROR):
        await found.tell(Consumer(25))
        await found.tell(Consumer(25))
    assert expired() - before == 15
    (line,) = [record.getMessage() for record in caplog.records]
    assert "logs[2]: 15 messages, offsets 10 to 24, were deleted before they were read" in line


async def test_a_broker_that_is_away_is_asked_again() -> None:
    found, before = await overtaken(Fetcher(out_of_range=True), 10), expired()
    await found.tell(Consumer(None))
    assert expired() == before
    await found.tell(Consumer(11))
    assert expired() - before == 1


@pytest.mark.parametrize(("out_of_range", "first"), [(False, 25), (True, 10), (True, 0)])
async def test_nothing_is_told_of_a_position_in_range_or_behind_the_end(
    out_of_range: bool, first: int
) -> None:
    found, before = await overtaken(Fetcher(out_of_range=out_of_range), 10), expired()
    await found.tell(Consumer(first))
    assert expired() == before


async def test_a_new_assignment_begins_anew() -> None:
    found, before = await overtaken(Fetcher(out_of_range=True), 10), expired()
    found.forget()
    await found.tell(Consumer(25))
    assert expired() == before
