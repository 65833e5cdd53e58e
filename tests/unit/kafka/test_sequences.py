"""A refused batch leaves no hole in the sequence of an idempotent producer."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.structs import TopicPartition

from ticketing.kafka.sequences import take_back_refused

PLACE = TopicPartition("t", 0)


async def numbers(producer: AIOKafkaProducer, *, refused: bool) -> list[int]:
    """The sequence numbers after each of two batches, the first of which may be refused."""
    accumulator, manager = producer._message_accumulator, producer._txn_manager
    manager.set_pid_and_epoch(1, 0)
    found = []
    for first in (True, False):
        builder = accumulator.create_builder()
        for _ in range(3):
            builder.append(key=None, value=b"v", timestamp=None)
        future = await accumulator.add_batch(builder, PLACE, 1.0)
        batch = accumulator._pop_batch(PLACE)
        if first:
            accumulator.reenqueue(batch)  # As after an answer that was lost.
            batch = accumulator._pop_batch(PLACE)
        if first and refused:
            batch.failure(MessageSizeTooLargeError())
            with pytest.raises(MessageSizeTooLargeError):
                await future
        else:
            batch.done(0)
        await asyncio.sleep(0)
        found.append(manager.sequence_number(PLACE))
    return found


@pytest.mark.parametrize(("refused", "wanted"), [(False, [3, 6]), (True, [0, 3])])
async def test_a_refused_batch_takes_no_numbers(refused: bool, wanted: list[int]) -> None:
    producer = AIOKafkaProducer(enable_idempotence=True)
    take_back_refused(producer)
    try:
        assert await numbers(producer, refused=refused) == wanted
    finally:
        await producer.client.close()
        producer._closed = True


async def test_a_producer_without_numbers_is_left_alone() -> None:
    producer = AIOKafkaProducer()
    take_back_refused(producer)
    assert "_pop_batch" not in vars(producer._message_accumulator)
    producer._closed = True
