"""Reading a stretch of a topic to answer a person; commits nothing and never waits for ever."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import TracebackType

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from ticketing.errors import Unavailable
from ticketing.kafka.admin import silent
from ticketing.kafka.runtime import Runtime
from ticketing.wire.topics import READER

KAFKA_SECONDS_MAX = 10.0
"""Covers the election of a leader, and a person waits for the answer."""
POLL_SECONDS = 0.2
"""Pause between attempts; unnoticed by a person."""


class TopicReader:
    """A consumer without commits. Use it in a `with`; every method raises Unavailable."""

    def __init__(self, runtime: Runtime) -> None:
        self._consumer = Consumer(
            {
                **runtime.client(),
                "group.id": READER,
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                # Only records that already exist are read, so the broker need not wait for more.
                "fetch.wait.max.ms": 10,
                "fetch.message.max.bytes": runtime.config.kafka.message_max_bytes,
            }
        )

    def __enter__(self) -> TopicReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._consumer.close()

    def partitions(self, topic: str) -> list[int]:
        """The partitions of a topic; none if there is no such topic."""
        try:
            found = self._consumer.list_topics(topic, timeout=KAFKA_SECONDS_MAX).topics[topic]
        except KafkaException as error:
            raise silent(error) from None
        return sorted(found.partitions)

    def bounds(self, topic: str, partition: int) -> tuple[int, int]:
        """The first offset of a partition, and the offset of its next new record."""
        place = TopicPartition(topic, partition)
        deadline = time.monotonic() + KAFKA_SECONDS_MAX
        while True:
            try:
                low, high = self._consumer.get_watermark_offsets(place, timeout=KAFKA_SECONDS_MAX)
                return low, max(low, high)
            except KafkaException as error:
                # The partition may be without a leader for a moment.
                if time.monotonic() > deadline:
                    raise silent(error) from None
                time.sleep(POLL_SECONDS)

    def backwards(
        self, topic: str, partition: int, low: int, before: int, together: int
    ) -> Iterator[Message]:
        """The records from before offset `before` back to `low`, so many read in one go."""
        while before > low:
            start = max(low, before - together)
            yield from reversed(list(self.between(topic, partition, start, before)))
            before = start

    def between(self, topic: str, partition: int, start: int, end: int) -> Iterator[Message]:
        """The records from offset `start` to before `end`."""
        if start >= end:
            return
        place = TopicPartition(topic, partition, start)
        self._consumer.assign([place])
        heard_at, position = time.monotonic(), start
        while position < end:
            message = self._consumer.poll(POLL_SECONDS)
            error = None if message is None else message.error()
            if error is not None and error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
                raise silent(KafkaException(error))
            if message is None or error is not None:
                if time.monotonic() - heard_at > KAFKA_SECONDS_MAX:
                    raise Unavailable("Kafka does not answer")
                # The rest may be transaction markers, which are no records.
                position = max(position, self._consumer.position([place])[0].offset)
                continue
            heard_at, position = time.monotonic(), message.offset() + 1
            if position <= end:
                yield message
