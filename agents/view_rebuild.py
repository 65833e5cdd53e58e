"""Rebuilds an incomplete view from the whole topics of incidents and alerts, beside the agents."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from agents.view import latest, latest_alerts
from ticketing.errors import Unavailable
from ticketing.kafka.runtime import Runtime
from ticketing.view.store import Rebuild, ViewStore
from ticketing.wire.topics import ALERTS, INCIDENTS, VIEW_REBUILD

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

    __slots__ = ("key", "topic", "value")

    def __init__(self, message: Any) -> None:
        self.topic: str = message.topic()
        self.key: bytes | None = message.key()
        self.value: bytes | None = message.value()


async def keep_complete(
    runtime: Runtime,
    store: ViewStore,
    stopped: Callable[[], bool],
    seconds: float = LOOK_EVERY_SECONDS,
) -> None:
    """Rebuild the view whenever Redis is new or was emptied; runs as long as the app does.

    Meanwhile the agents write into both builds. Only one of several workers rebuilds at a time.
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
    records = await _fill(runtime, rebuild)
    await rebuild.finish()
    log.info("view_rebuilt", records=records)


async def _fill(runtime: Runtime, rebuild: Rebuild) -> int:
    """Write every record from the beginning of the topics to their ends; returns their number."""
    read = 0
    consumer = await asyncio.to_thread(_from_the_beginning, runtime)
    try:
        unread = {(place.topic, place.partition) for place in consumer.assignment()}
        while unread:
            messages = await asyncio.to_thread(consumer.consume, RECORDS_PER_WRITE, POLL_SECONDS)
            records = []
            for message in messages:
                error = message.error()
                if error is None:
                    records.append(_Read(message))
                elif error.code() == KafkaError._PARTITION_EOF:
                    unread.discard((message.topic(), message.partition()))
                elif not error.retriable():
                    raise KafkaException(error)
            # Also with nothing to write: the call extends the rebuild's lock.
            incidents = [record for record in records if record.topic == INCIDENTS]
            alerts = [record for record in records if record.topic == ALERTS]
            await rebuild.write(latest(incidents), latest_alerts(alerts))
            read += len(records)
    finally:
        await asyncio.to_thread(consumer.close)
    return read


def _from_the_beginning(runtime: Runtime) -> Consumer:
    """A consumer of all partitions, outside every group, that reports the end of each."""
    consumer = Consumer(
        {
            **runtime.client(),
            "group.id": VIEW_REBUILD,
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    places = []
    for name in (INCIDENTS, ALERTS):
        topic = consumer.list_topics(name, timeout=ADMIN_SECONDS_MAX).topics[name]
        if topic.error is not None:
            consumer.close()
            raise KafkaException(topic.error)
        places += [TopicPartition(name, number, OFFSET_BEGINNING) for number in topic.partitions]
    consumer.assign(places)
    return consumer
