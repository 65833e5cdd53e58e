"""A part of a changelog is read to its end, whatever compaction and transactions have left of it."""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka import TopicPartition
from faust.types import TP
from support.records import Record

from ticketing.engine import changelog
from ticketing.engine.changelog import Change, ChangelogReader, epoch_header, epoch_of

A, B = TP("log", 0), TP("log", 1)


class Consumer:
    """aiokafka's consumer: positions pass gaps, and markers behind the last record."""

    logs: dict[TP, list[Record]]
    ends: dict[TP, int]

    def __init__(self, **settings: Any) -> None:
        assert settings["group_id"] is None
        assert settings["isolation_level"] == "read_committed"
        self.positions: dict[TP, int] = {}
        self.paused: set[TP] = set()
        self.stopped = False

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        self.stopped = True

    def assign(self, places: list[TP]) -> None:
        assert all(isinstance(place, TopicPartition) for place in places)
        self.positions = dict.fromkeys(places, 0)

    def seek(self, place: TP, offset: int) -> None:
        self.positions[place] = offset

    def pause(self, *places: TP) -> None:
        assert set(places) <= set(self.positions)
        self.paused.update(places)

    async def position(self, place: TP) -> int:
        return self.positions[place]

    async def getmany(self, *places: TP, timeout_ms: int) -> dict[TP, list[Record]]:
        assert not self.paused & set(places)
        assert all(isinstance(place, TopicPartition) for place in places)
        found = {}
        for place in places:
            unread = [one for one in self.logs[place] if one.offset >= self.positions[place]]
            if unread[:3]:
                found[place] = unread[:3]
            self.positions[place] = unread[3].offset if unread[3:] else self.ends[place]
        return found


@pytest.fixture(autouse=True)
def consumer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changelog, "AIOKafkaConsumer", Consumer)


def record(offset: int, key: bytes | None = b"k", epoch: int = 1) -> Record:
    return Record(b"%d" % offset, offset, 0, key, headers=epoch_header(epoch))


async def read(first: int, end: int) -> list[int]:
    return [change.offset for change in await ChangelogReader({}).read(A, first, end)]


async def test_a_part_is_read_over_gaps_and_to_its_end() -> None:
    Consumer.logs = {A: [record(offset) for offset in (0, 1, 4, 5, 9, 10, 11)]}
    Consumer.ends = {A: 14}
    assert await read(0, 14) == [0, 1, 4, 5, 9, 10, 11]
    assert await read(1, 10) == [1, 4, 5, 9]
    assert await read(6, 9) == []
    assert await read(12, 14) == []


async def test_partitions_are_read_beside_each_other_and_told_where_they_are() -> None:
    Consumer.logs = {A: [record(n) for n in range(7)], B: [record(n, epoch=3) for n in (2, 5)]}
    Consumer.ends = {A: 7, B: 8}
    found: dict[TP, list[Change]] = {A: [], B: []}
    offsets: dict[TP, list[int]] = {A: [], B: []}

    def apply(place: TP, changes: list[Change], offset: int) -> None:
        found[place] += changes
        offsets[place].append(offset)

    await ChangelogReader({}).read_all({A: (2, 7), B: (0, 8)}, apply)
    assert [one.offset for one in found[A]] == [2, 3, 4, 5, 6]
    assert [(one.offset, one.key, one.value, one.epoch) for one in found[B]] == [
        (2, b"k", b"2", 3),
        (5, b"k", b"5", 3),
    ]
    assert offsets[A][-1] == 6
    assert offsets[B][-1] == 7
    assert all(told == sorted(told) for told in offsets.values())


async def test_a_record_without_a_key_is_no_row() -> None:
    Consumer.logs = {A: [record(0, None), record(1)]}
    Consumer.ends = {A: 2}
    assert await read(0, 2) == [1]


@pytest.mark.parametrize("headers", [None, (), [("other", b"3")], [("epoch", b"x")], "epoch"])
def test_the_records_of_strangers_have_no_epoch(headers: Any) -> None:
    assert epoch_of(headers) == -1


def test_an_epoch_is_read_as_it_was_written() -> None:
    assert epoch_of(epoch_header(17)) == 17
    assert epoch_of(tuple(epoch_header(0))) == 0
