"""The registry of topics in Kafka: what the state of an installation was made with.

It stands in a topic, as a data directory may be lost and is one host's. Reads and writes are few: one
of each at most when a process starts.
"""

from __future__ import annotations

from collections.abc import Mapping

from ticketing.kafka import writer
from ticketing.kafka.reader import TopicReader
from ticketing.kafka.runtime import Runtime
from ticketing.wire.known_topics import Known, decode_known, encode_known
from ticketing.wire.packed import UNREADABLE
from ticketing.wire.topics import REGISTRY


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
    except UNREADABLE:
        # Not ours: a topic is then as if it were seen for the first time.
        found.pop(name, None)


def write(runtime: Runtime, known: Mapping[str, Known]) -> None:
    """Note topics, each under its name; raises Unavailable."""
    records = {name: encode_known(one) for name, one in known.items()}
    writer.write(runtime, REGISTRY, records, "what is known of topics")
