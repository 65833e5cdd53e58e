"""The registry of topics in Kafka: what the state of an installation was made with.

It stands in a topic, as a data directory may be lost and is one host's. Reads and writes are few: one
of each at most when a process starts.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from confluent_kafka import KafkaError, KafkaException, Producer

from ticketing.errors import Unavailable
from ticketing.kafka.reader import TopicReader
from ticketing.kafka.runtime import Runtime
from ticketing.wire.known_topics import Known, decode_known, encode_known
from ticketing.wire.topics import REGISTRY

PRODUCE_SECONDS_MAX = 20.0
"""Covers the election of a leader, as of a topic that was made a moment ago."""


def read(runtime: Runtime) -> dict[str, Known]:
    """Every known topic by name; raises Unavailable."""
    found: dict[str, Known] = {}
    with TopicReader(runtime) as reader:
        for number in reader.partitions(REGISTRY):
            low, high = reader.bounds(REGISTRY, number)
            for message in reader.between(REGISTRY, number, low, high):
                _take(found, message.key(), message.value())
    return found


def _take(found: dict[str, Known], key: bytes | None, value: bytes | None) -> None:
    name = (key or b"").decode(errors="replace")
    try:
        if value is None:
            found.pop(name, None)
        else:
            found[name] = decode_known(value)
    except msgspec.MsgspecError:
        # Not ours: a topic is then as if it were seen for the first time.
        found.pop(name, None)


def write(runtime: Runtime, known: Mapping[str, Known]) -> None:
    """Note topics, each under its name; raises Unavailable."""
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
    for name, one in known.items():
        try:
            producer.produce(REGISTRY, encode_known(one), name.encode(), on_delivery=ended)
        except KafkaException as error:
            failed.append(error.args[0].name())
    left = producer.flush(PRODUCE_SECONDS_MAX + 5)
    if failed or left:
        raise Unavailable(f"Kafka did not take what is known of topics ({[*failed, 'silence'][0]})")
