"""The published record of an incident: the latest of its key, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from support.incidents import ID, SCOPE, incident

from ticketing.domain.scope import partition_of_incident
from ticketing.errors import NotFound
from ticketing.view import published as module
from ticketing.view.published import published
from ticketing.wire.incidents import encode_incident
from ticketing.wire.topics import INCIDENTS

OTHER = f"{SCOPE}-{'f' * 16}"
PARTITIONS = 4
HOME = partition_of_incident(ID, PARTITIONS)


class Message:
    """A record as the reader gives it."""

    def __init__(self, offset: int, key: str, value: bytes | None) -> None:
        self._offset, self._key, self._value = offset, key.encode(), value

    def key(self) -> bytes:
        return self._key

    def value(self) -> bytes | None:
        return self._value

    def offset(self) -> int:
        return self._offset

    def timestamp(self) -> tuple[int, int]:
        return 2, 1_000_000


class Reader:
    """Records of the one partition that may be asked for."""

    records: tuple[Message, ...] = ()
    partitions_there = PARTITIONS

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
        assert (topic, partition) == (INCIDENTS, HOME)
        return 0, len(self.records)

    def between(self, topic: str, partition: int, start: int, end: int) -> Iterator[Message]:
        assert (topic, partition) == (INCIDENTS, HOME)
        yield from self.records[start:end]


def with_records(monkeypatch: pytest.MonkeyPatch, *records: tuple[str, bytes | None]) -> Any:
    found = tuple(Message(at, key, value) for at, (key, value) in enumerate(records))
    monkeypatch.setattr(Reader, "records", found)
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
