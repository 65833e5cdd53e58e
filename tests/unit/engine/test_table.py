"""A table's batch is in the changelog before it is on the disk, and in both in one piece."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP
from rocksdict import Options, Rdict

from ticketing import metrics
from ticketing.engine.row import MARK_KEY, OWN_KEYS, OWN_PREFIX, OWNER_KEY
from ticketing.engine.table import GENERATION_MAX, OwnedRows

OFFSET_KEY = b"__faust\0offset__"


class Kafka:
    """A producer, and its app."""

    def __init__(self) -> None:
        self.log: list[Any] = []
        self.fails = False
        self.producer = self

    async def append(self, place: TP, messages: list[Any], headers: list[Any]) -> int:
        if self.fails:
            raise ConnectionError
        base = sum(len(batch) for _, batch, _ in self.log)
        self.log.append((place, messages, headers))
        return base


class Table(OwnedRows):
    """What of a Faust table the writing needs, on a real RocksDB."""

    name = changelog_topic_name = "changelog"

    def __init__(self, path: Path, kafka: Kafka) -> None:
        self.app = kafka
        self._owned = {}
        self.db = Rdict(str(path), Options(raw_mode=True))
        self.data = SimpleNamespace(offset_key=OFFSET_KEY, _db_for_partition=lambda n: self.db)


async def test_a_batch_is_on_the_disk_with_the_offset_of_its_changelog(tmp_path: Path) -> None:
    kafka = Kafka()
    table = Table(tmp_path / "db", kafka)
    table.db.put(b"old", b"1")
    table.db.put(MARK_KEY, b"mark")
    assert await table.claim(3, 7) == b"mark"
    measured = metrics.row_bytes.labels("changelog")._sum
    before = measured.get()
    await table.write(3, [(b"a", b"1"), (b"b", b"2"), (b"old", None)])
    assert measured.get() == before + 1, "the largest row has a byte"
    headers = [("epoch", b"7")]
    assert kafka.log == [
        (TP("changelog", 3), [(OWNER_KEY, b"7")], headers),
        (TP("changelog", 3), [(b"a", b"1"), (b"b", b"2"), (b"old", None)], headers),
    ]
    rows = {k: v for k, v in table.db.items() if k in OWN_KEYS or not k.startswith(OWN_PREFIX)}
    assert rows == {
        b"a": b"1",
        b"b": b"2",
        MARK_KEY: b"mark",
        OWNER_KEY: b"7",
        OFFSET_KEY: b"3",
    }


async def test_what_the_changelog_did_not_take_is_not_on_the_disk(tmp_path: Path) -> None:
    kafka = Kafka()
    table = Table(tmp_path / "db", kafka)
    await table.claim(0, 1)
    before = dict(table.db.items())
    kafka.fails = True
    with pytest.raises(ConnectionError):
        await table.write(0, [(b"a", b"1"), (b"b", b"2")])
    assert dict(table.db.items()) == before


async def test_an_owner_whose_row_cannot_be_read_is_followed_all_the_same(tmp_path: Path) -> None:
    table = Table(tmp_path / "db", Kafka())
    table.db.put(OWNER_KEY, b"?")
    await table.claim(0, 1)
    assert table.db.get(OWNER_KEY) == b"%d" % (GENERATION_MAX + 1)
