"""A table's batch is in the changelog before it is on the disk, and there in one piece."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP
from rocksdict import Options, Rdict

from ticketing.engine.outbox import Outbox
from ticketing.engine.table import DurableTable

OFFSET_KEY = b"__faust\0offset__"


class Kafka:
    def __init__(self, fails_at: int = -1) -> None:
        self.log: list[Any] = []
        self._fails_at = fails_at
        self.producer = self

    async def send_all(self, place: TP, messages: list[Any]) -> int:
        for key, value in messages:
            if len(self.log) == self._fails_at:
                raise ConnectionError
            self.log.append((place.topic, place.partition, key, value))
        return len(self.log) - 1


class Table:
    """What of a Faust table the writing needs, on a real RocksDB."""

    write = DurableTable.write
    changelog_topic_name = "changelog"

    def __init__(self, path: Path) -> None:
        self.db = Rdict(str(path), Options(raw_mode=True))
        self.data = SimpleNamespace(offset_key=OFFSET_KEY, _db_for_partition=lambda n: self.db)


async def test_a_batch_is_on_the_disk_with_the_offset_of_its_changelog(tmp_path: Path) -> None:
    kafka, table = Kafka(), Table(tmp_path / "db")
    table.db.put(b"old", b"1")
    await table.write(3, [(b"a", b"1"), (b"b", b"2"), (b"old", None)], Outbox(kafka))
    assert [entry[1:] for entry in kafka.log] == [
        (3, b"a", b"1"),
        (3, b"b", b"2"),
        (3, b"old", None),
    ]
    assert dict(table.db.items()) == {b"a": b"1", b"b": b"2", OFFSET_KEY: b"2"}


async def test_what_the_changelog_did_not_take_is_not_on_the_disk(tmp_path: Path) -> None:
    kafka, table = Kafka(fails_at=1), Table(tmp_path / "db")
    with pytest.raises(ConnectionError):
        await table.write(0, [(b"a", b"1"), (b"b", b"2")], Outbox(kafka))
    assert dict(table.db.items()) == {}
