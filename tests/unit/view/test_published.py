"""The published record of an incident: the latest of its key, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from aiokafka.partitioner import murmur2
from support.incidents import ID, SCOPE, incident

from ticketing.errors import NotFound
from ticketing.view import published as module
from ticketing.view.published import published
from ticketing.wire.incidents import encode_incident
from ticketing.wire.topics import INCIDENTS

OTHER = f"{SCOPE}-{'f' * 16}"
PARTITIONS = 4
HOME = (murmur2(ID.encode()) & 0x7FFFFFFF) % PARTITIONS
"""Where a producer puts the incident by its key."""


class Message:
    """A record as the reader gives it."""

    def __init__(self, partition: int, offset: int, key: str, value: bytes | None) -> None:
        self._place, self._key, self._value = (partition, offset), key.encode(), value

    def key(self) -> bytes:
        return self._key

    def value(self) -> bytes | None:
        return self._value

    def partition(self) -> int:
        return self._place[0]

    def offset(self) -> int:
        return self._place[1]

    def timestamp(self) -> tuple[int, int]:
        return 2, 1_000_000


class Reader:
    """The records of each partition; notes which partitions were read."""

    records: ClassVar[Mapping[int, list[Message]]] = {}
    partitions_there = PARTITIONS
    read: ClassVar[list[int]] = []

    def __init__(self, runtime: Any) -> None:
        pass

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def partitions(self, topic: str) -> list[int]:
        assert topic == INCIDENTS
        return list(range(self.partitions_there))

    def bounds(self, topic: str, partition: int) -> tuple[int, int]:
        assert topic == INCIDENTS
        return 0, len(self.records.get(partition, []))

    def between(self, topic: str, partition: int, start: int, end: int) -> Iterator[Message]:
        self.read.append(partition)
        yield from self.records.get(partition, [])[start:end]


def with_records(
    monkeypatch: pytest.MonkeyPatch, *records: tuple[str, bytes | None], partition: int = HOME
) -> Any:
    found = [Message(partition, at, key, value) for at, (key, value) in enumerate(records)]
    monkeypatch.setattr(Reader, "records", {partition: found})
    monkeypatch.setattr(Reader, "read", [])
    monkeypatch.setattr(module, "TopicReader", Reader)
    return None


def test_the_latest_record_of_the_id_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    first, later = incident(), replace(incident(), revision=2)
    other = encode_incident(replace(first, id=OTHER))
    runtime = with_records(
        monkeypatch,
        (ID, encode_incident(first)),
        (ID, encode_incident(later)),
        (OTHER, other),
    )
    found = published(runtime, ID)
    assert (found.incident.revision, found.partition, found.offset) == (2, HOME, 1)
    assert Reader.read == [HOME]


def test_a_record_is_found_wherever_a_producer_has_put_it(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = (HOME + 1) % PARTITIONS
    value = encode_incident(incident())
    runtime = with_records(monkeypatch, (ID, value), partition=elsewhere)
    assert published(runtime, ID).partition == elsewhere


def test_a_forgotten_incident_is_told_from_one_that_never_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runtime = with_records(monkeypatch, (ID, encode_incident(incident())), (ID, None))
    with pytest.raises(NotFound, match=rf"deleted, or forgotten.*\[{HOME}\] offset 1"):
        published(runtime, ID)
    runtime = with_records(monkeypatch)
    with pytest.raises(NotFound, match="There is no incident"):
        published(runtime, ID)


def test_a_text_that_is_no_id_is_refused_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = with_records(monkeypatch)
    with pytest.raises(NotFound, match="not an incident id"):
        published(runtime, "OPS-1")


def test_a_topic_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = with_records(monkeypatch)
    monkeypatch.setattr(Reader, "partitions_there", 0)
    with pytest.raises(NotFound, match=INCIDENTS):
        published(runtime, ID)
