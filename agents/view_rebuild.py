"""Rebuilds an incomplete view from the whole topic of incidents, beside the view agent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from agents.view import latest
from ticketing.errors import Unavailable
from ticketing.kafka.runtime import Runtime
from ticketing.view.store import Rebuild, ViewStore
from ticketing.wire.topics import INCIDENTS

log = structlog.get_logger(__name__)

LOOK_EVERY_SECONDS = 5.0
"""Longest time that an emptied Redis goes unnoticed; each look is one small read."""
RECORDS_PER_WRITE = 500
"""Enough that round trips to Redis don't dominate, few enough for other writes to come between."""
POLL_SECONDS = 0.5
"""Each poll is followed by a write that extends the rebuild's lock, which lasts a minute."""
ADMIN_SECONDS_MAX = 10.0
"""Metadata come at once or not at all: after this long Kafka is away, and the next look tries again."""


class _Read:
    """A record of confluent-kafka in the shape of aiokafka's."""

    __slots__ = ("key", "value")

    def __init__(self, message: Any) -> None:
        self.key: bytes | None = message.key()
        self.value: bytes | None = message.value()


async def keep_complete(
    runtime: Runtime,
    store: ViewStore,
    stopped: Callable[[], bool],
    seconds: float = LOOK_EVERY_SECONDS,
) -> None:
    """Rebuild the view whenever Redis is new or was emptied; runs as long as the app does.

    Meanwhile the agent writes into both builds. Only one of several workers rebuilds at a time.
    """
    while not stopped():
        try:
            if not await store.is_complete():
                await _rebuild(runtime, store)
        except (Unavailable, KafkaException) as error:
            log.warning("view_rebuild_failed", why=str(error))
        await asyncio.sleep(seconds)


async def _rebuild(runtime: Runtime, store: ViewStore) -> None:
    rebuild = await store.begin_rebuild()
    if rebuild is None:
        return
    log.info("view_rebuild_started")
    incidents = await _fill(runtime, rebuild)
    await rebuild.finish()
    log.info("view_rebuilt", records=incidents)


async def _fill(runtime: Runtime, rebuild: Rebuild) -> int:
    """Write every record from the topic's beginning to its end; returns their number."""
    read = 0
    consumer = await asyncio.to_thread(_from_the_beginning, runtime)
    try:
        unread = {place.partition for place in consumer.assignment()}
        while unread:
            messages = await asyncio.to_thread(consumer.consume, RECORDS_PER_WRITE, POLL_SECONDS)
            records = []
            for message in messages:
                error = message.error()
                if error is None:
                    records.append(_Read(message))
                elif error.code() == KafkaError._PARTITION_EOF:
                    unread.discard(message.partition())
                elif not error.retriable():
                    raise KafkaException(error)
            # Also with nothing to write: the call extends the rebuild's lock.
            await rebuild.write(latest(records))
            read += len(records)
    finally:
        await asyncio.to_thread(consumer.close)
    return read


def _from_the_beginning(runtime: Runtime) -> Consumer:
    """A consumer of all partitions, outside every group, that reports the end of each."""
    consumer = Consumer(
        {
            **runtime.client(),
            "group.id": "ticketing-view-rebuild",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    topic = consumer.list_topics(INCIDENTS, timeout=ADMIN_SECONDS_MAX).topics[INCIDENTS]
    if topic.error is not None:
        consumer.close()
        raise KafkaException(topic.error)
    consumer.assign(
        [TopicPartition(INCIDENTS, number, OFFSET_BEGINNING) for number in topic.partitions]
    )
    return consumer
