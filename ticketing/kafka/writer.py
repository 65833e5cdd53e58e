"""Writing a few records to a topic for a person or at a start, each durable before the return."""

from __future__ import annotations

from collections.abc import Mapping

from confluent_kafka import KafkaError, KafkaException, Producer

from ticketing.errors import Unavailable
from ticketing.kafka.runtime import Runtime

BY_KEY = -1
"""In place of a partition: that which follows from the key."""
PRODUCE_SECONDS_MAX = 20.0
"""Covers the election of a leader, as of a topic that was made a moment ago."""


def write(
    runtime: Runtime,
    topic: str,
    records: Mapping[str, bytes],
    about: str,
    partition: int = BY_KEY,
) -> None:
    """Write records by their keys. Raises Unavailable, which names what they are `about`."""
    failed: list[str] = []

    def ended(error: KafkaError | None, _: object) -> None:
        if error is not None:
            failed.append(error.name())

    producer = Producer(
        {
            **runtime.client(),
            "acks": "all",
            "linger.ms": 0,
            "delivery.timeout.ms": int(PRODUCE_SECONDS_MAX * 1000),
        }
    )
    for key, value in records.items():
        try:
            producer.produce(topic, value, key.encode(), partition, on_delivery=ended)
        except KafkaException as error:
            failed.append(error.args[0].name())
    left = producer.flush(PRODUCE_SECONDS_MAX + 5)
    if failed or left:
        raise Unavailable(f"Kafka did not take {about} ({[*failed, 'silence'][0]})")
