"""Reading the dead letters: what could not be handled, with why and where from."""

from __future__ import annotations

from collections.abc import Iterator

from confluent_kafka import Consumer, TopicPartition

from ticketing.models import DeadLetter, decode_dead_letter
from ticketing.runtime import Runtime
from ticketing.topics import DEAD_LETTERS

POLL_SECONDS = 1.0
ADMIN_SECONDS = 10.0


def read_all(runtime: Runtime) -> Iterator[tuple[str, DeadLetter]]:
    """Every dead letter as (its id `partition-offset`, letter), up to where the topic ends now."""
    consumer = Consumer(
        {
            **runtime.client(),
            "group.id": "ticketing-dead-letters-reader",
            "enable.auto.commit": False,
        }
    )
    try:
        numbers = consumer.list_topics(DEAD_LETTERS, timeout=ADMIN_SECONDS).topics[DEAD_LETTERS]
        for number in sorted(numbers.partitions):
            yield from _read_partition(consumer, number)
    finally:
        consumer.close()


def _read_partition(consumer: Consumer, number: int) -> Iterator[tuple[str, DeadLetter]]:
    low, high = consumer.get_watermark_offsets(
        TopicPartition(DEAD_LETTERS, number), timeout=ADMIN_SECONDS
    )
    if low >= high:
        return
    consumer.assign([TopicPartition(DEAD_LETTERS, number, low)])
    position = low
    while position < high:
        message = consumer.poll(POLL_SECONDS)
        if message is None or message.error():
            position = consumer.position([TopicPartition(DEAD_LETTERS, number)])[0].offset
            if position < 0:
                position = low
            continue
        position = message.offset() + 1
        yield f"{number}-{message.offset()}", decode_dead_letter(message.value())
