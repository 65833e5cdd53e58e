"""Changelogs on a real broker: batches whole or not at all, one owner, and all of it read back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from faust.types import TP
from rocksdict import Options, Rdict
from support.kafka import Kafka

from ticketing.engine.changelog import Change, ChangelogReader
from ticketing.engine.guarded import Superseded, TooLarge
from ticketing.engine.row import OWN_KEYS, OWN_PREFIX
from ticketing.engine.table import OwnedRows
from ticketing.engine.transport import BatchProducer
from ticketing.kafka.sequences import take_back_refused

pytestmark = pytest.mark.kafka

OFFSET_KEY = b"__faust\0offset__"
ROW = b'{"state":"%06d","text":"' + b"x" * 450 + b'"}'


class Owner(OwnedRows):
    """A worker's table: a real RocksDB and Kafka, without Faust."""

    def __init__(self, kafka: Kafka, topic: str, directory: Path) -> None:
        arguments = {"bootstrap_servers": kafka.address}
        self.client = AIOKafkaProducer(**arguments, enable_idempotence=True, acks="all")
        take_back_refused(self.client)
        producer: Any = object.__new__(BatchProducer)
        producer._ensure_producer = lambda: self.client
        self.reader = ChangelogReader(arguments)
        self.app = SimpleNamespace(producer=producer, changelogs=self.reader)
        self.name = self.changelog_topic_name = topic
        self._owned = {}
        directory.mkdir()
        self._dbs: dict[int, Any] = {}
        self._directory = directory
        self.data = SimpleNamespace(offset_key=OFFSET_KEY, _db_for_partition=self.disk)

    def disk(self, partition: int) -> Any:
        if partition not in self._dbs:
            path = str(self._directory / str(partition))
            self._dbs[partition] = Rdict(path, Options(raw_mode=True))
        return self._dbs[partition]

    def rows(self, partition: int = 0) -> dict[bytes, bytes]:
        found = dict(self.disk(partition).items())
        return {
            key: row
            for key, row in found.items()
            if key != OFFSET_KEY and not key.startswith(OWN_PREFIX)
        }

    async def read_back(self, *ends: int) -> None:
        def apply(place: TP, changes: list[Change], offset: int) -> None:
            self.apply(place.partition, changes, offset)

        parts = {TP(self.name, number): (0, end) for number, end in enumerate(ends)}
        await self.reader.read_all(parts, apply)


@pytest.fixture
def topic(kafka: Kafka, prefix: str) -> Iterator[str]:
    name = kafka.create(f"{prefix}-changelog", 2, cleanup_policy="compact")
    yield name
    kafka.delete(name)


@pytest.fixture
async def owners(kafka: Kafka, topic: str, tmp_path: Path) -> AsyncIterator[list[Owner]]:
    found = [Owner(kafka, topic, tmp_path / str(number)) for number in range(3)]
    for owner in found:
        await owner.client.start()
    yield found
    for owner in found:
        await owner.client.stop()


async def test_all_of_it_is_read_back(kafka: Kafka, topic: str, owners: list[Owner]) -> None:
    first, second, _ = owners
    for partition in (0, 1):
        await first.claim(partition, 1)
        for start in range(0, 4_000, 500):
            await first.write(
                partition, [(b"%d" % (n % 3_000), ROW % n) for n in range(start, start + 500)]
            )
        await first.write(partition, [(b"%d" % n, None) for n in range(100)])
    ends = kafka.ends(topic)
    await second.read_back(ends[0], ends[1])
    for partition in (0, 1):
        assert second.rows(partition) == first.rows(partition)
        assert len(second.rows(partition)) == 2_900
        stored = second.disk(partition).get(OFFSET_KEY)
        assert int(stored) == ends[partition] - 1


async def test_a_batch_that_is_too_large_is_not_there_at_all(
    kafka: Kafka, topic: str, owners: list[Owner]
) -> None:
    owner = owners[0]
    kafka.configure(topic, max_message_bytes=20_000)
    await owner.claim(0, 1)
    noise = [(b"%d" % n, bytes((n * 7 + i * i) % 251 for i in range(900))) for n in range(80)]
    before = kafka.ends(topic)
    with pytest.raises(TooLarge):
        await owner.write(0, noise)
    assert kafka.ends(topic) == before
    await owner.write(0, noise[:3])
    await owner.write(0, [(b"a", ROW % 1)] * 20)
    assert owner.rows() == {**dict(noise[:3]), b"a": ROW % 1}


async def test_a_successor_is_noticed_and_what_comes_late_is_written_over(
    kafka: Kafka, topic: str, owners: list[Owner]
) -> None:
    old, new, reader = owners
    await old.claim(0, 1)
    await old.write(0, [(b"a", b"1"), (b"b", b"1")])
    await new.read_back(kafka.ends(topic)[0])
    await new.claim(0, 2)
    await new.write(0, [(b"a", b"2")])
    with pytest.raises(Superseded):
        await old.write(0, [(b"a", b"late"), (b"b", b"late"), (b"c", b"late")])
    await reader.read_back(kafka.ends(topic)[0])
    assert reader.rows() == {b"a": b"2", b"b": b"1"}
    await new.write(0, [(b"d", b"2")])
    last = await reader.reader.read(TP(topic, 0), 0, kafka.ends(topic)[0])
    written = {one.key: one.value for one in last if one.key not in OWN_KEYS}
    assert written == {b"a": b"2", b"b": b"1", b"c": None, b"d": b"2"}
