"""Tables that are written a batch at a time, changelog first, by one owner of each partition."""

from __future__ import annotations

import asyncio
import gc
import logging
import shutil
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from faust import Table
from faust.types import TP, EventT, StoreT
from rocksdict import WriteBatch

from ticketing import metrics
from ticketing.engine.changelog import Change, epoch_header, epoch_of
from ticketing.engine.guarded import StoreFailed, Superseded
from ticketing.engine.ownership import Ownership, counting, first_epoch
from ticketing.engine.rocksdb import BoundedOptions
from ticketing.engine.row import MARK_KEY, OWN_KEYS, OWN_PREFIX, OWNER_KEY
from ticketing.engine.row_index import RowIndex

log = logging.getLogger(__name__)

Rows = list[tuple[bytes, bytes | None]]
"""Encoded keys with their rows; None deletes."""
GENERATION_MAX = 2**31 - 1
"""Of a consumer group, in Kafka's protocol."""
RESTORED_ROWS = 100
"""Rows written back at once: of 64 kB at most, so they fit the changelog's limit."""


class OwnedRows:
    """Rows in a changelog and on the disk, whose partitions are claimed and written by one owner.

    Faust writes RocksDB at once and sends the changelog in the background. A crash between the two
    would leave states that exist on one disk only, and deletions that are never repeated.
    """

    name: str
    app: Any
    data: Any
    """Faust's store: a database for each partition."""
    changelog_topic_name: str
    """The compacted topic behind the table."""
    index = RowIndex()
    _owned: dict[int, Ownership]

    async def claim(self, partition: int, generation: int) -> bytes | None:
        """Become the owner of a partition; returns its mark. Raises Superseded.

        `generation` is the consumer's.
        """
        self._owned.pop(partition, None)
        epoch = first_epoch(generation, self._highest(partition))
        place = TP(self.changelog_topic_name, partition)
        while True:
            claim: Rows = [(OWNER_KEY, b"%d" % epoch)]
            known = self._persisted(partition)
            base = await self.app.producer.append(place, claim, epoch_header(epoch))
            between = await self._between(place, known, base)
            rows, highest = counting(between, self._highest(partition))
            if highest > epoch:
                raise Superseded(f"{place}: a process of epoch {highest} owns it, this has {epoch}")
            self._write(partition, [*((one.key, one.value) for one in rows), *claim], base)
            if highest < epoch:
                break
            epoch += 1
        self._owned[partition] = Ownership(epoch, base + 1)
        return self._get(partition, MARK_KEY)

    async def write(self, partition: int, rows: Rows) -> None:
        """Write keys of one partition, all or none; None deletes. Durable on return.

        Raises TooLarge, or Superseded once another process owns the partition. Writes that a crash
        keeps from the disk are recovered from the changelog at the next start.
        """
        largest = max((len(value) for _, value in rows if value is not None), default=None)
        if largest is not None:
            metrics.row_bytes.labels(self.name).observe(largest)
        owned = self._owned[partition]
        place = TP(self.changelog_topic_name, partition)
        base = await self.app.producer.append(place, rows, epoch_header(owned.epoch))
        between = await self._between(place, owned.next - 1, base)
        highest = max((one.epoch for one in between), default=-1)
        if highest > owned.epoch:
            raise Superseded(
                f"{place}: a process of epoch {highest} owns it, this has {owned.epoch}"
            )
        owned.next = base + len(rows)
        self._write(partition, rows, owned.next - 1)
        written = {key for key, _ in rows}
        await self._restore(partition, {one.key for one in between} - written)

    async def _between(self, place: TP, last: int, base: int) -> list[Change]:
        """The records that others have written behind the offset `last` and before `base`."""
        if base <= last + 1:
            return []
        found: list[Change] = await self.app.changelogs.read(place, last + 1, base)
        log.warning("%s: %d records of another process before offset %d", place, len(found), base)
        return found

    async def _restore(self, partition: int, keys: Iterable[bytes]) -> None:
        """Write rows over those of a process that had lost the partition."""
        names = sorted(keys)
        for start in range(0, len(names), RESTORED_ROWS):
            part = names[start : start + RESTORED_ROWS]
            await self.write(partition, [(name, self._get(partition, name)) for name in part])

    def apply_changelog_batch(self, batch: Iterable[EventT]) -> None:
        """Apply records of the changelog that Faust has read."""
        by_partition: dict[int, list[Change]] = {}
        for event in batch:
            one = event.message
            change = Change(one.offset, one.key, one.value, epoch_of(one.headers))
            by_partition.setdefault(one.partition, []).append(change)
        for partition, changes in by_partition.items():
            self.apply(partition, changes, changes[-1].offset)

    def apply(self, partition: int, changes: list[Change], offset: int) -> None:
        """Write those records of the changelog that count to the disk, as read up to `offset`.

        A disk that has nothing gets no index yet: all of it at once, at the claim, costs less.
        """
        rows, highest = counting(changes, self._highest(partition))
        written: Rows = [
            (one.key, one.value)
            for one in rows
            if one.key in OWN_KEYS or not one.key.startswith(OWN_PREFIX)
        ]
        if highest >= 0:
            written.append((OWNER_KEY, b"%d" % highest))
        self._write(partition, written, offset, indexed=self._persisted(partition) >= 0)

    def _highest(self, partition: int) -> int:
        """The highest epoch so far; above every generation where its row can't be read."""
        try:
            return int(self._get(partition, OWNER_KEY) or b"-1")
        except ValueError:
            log.error("%s[%d]: the owner's row can't be read", self.name, partition)
            return GENERATION_MAX

    def _persisted(self, partition: int) -> int:
        """The offset up to which the disk holds the changelog; -1 for an empty one."""
        return int(self._get(partition, self.data.offset_key) or b"-1")

    def _get(self, partition: int, key: bytes) -> bytes | None:
        found: bytes | None = self._on_disk(lambda: self.data._db_for_partition(partition).get(key))
        return found

    def _write(self, partition: int, rows: Rows, offset: int, *, indexed: bool = True) -> None:
        """Write rows to the disk in one piece, with the offset of the changelog that they reflect.

        Their index is kept up to date, unless it is that of other rows.
        """

        def work() -> None:
            db = self.data._db_for_partition(partition)
            # A recovery by Faust reads the changelog from this offset on.
            written = {**dict(rows), self.data.offset_key: b"%d" % offset}
            if indexed and self.index.fits(db, self.data.offset_key):
                written.update(self.index.changes(db, dict(rows), offset))
            _put(db, written.items())

        self._on_disk(work)

    async def build_index(self, partition: int) -> None:
        """Make the entries of a claimed partition's index anew where they are not its rows'.

        Other tasks run in between.
        """
        db = self.data._db_for_partition(partition)
        if self._on_disk(lambda: self.index.fits(db, self.data.offset_key)):
            return
        log.info("%s[%d]: the index of the rows is made anew", self.name, partition)
        parts = self.index.built(db, self.data.offset_key)
        while (part := self._on_disk(lambda: next(parts, None))) is not None:
            self._on_disk(partial(_put, db, part))
            await asyncio.sleep(0)

    def _on_disk(self, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except Exception as error:
            # RocksDB raises plain exceptions; nothing is isolated when the disk fails.
            raise StoreFailed(f"{self.name}: the disk failed: {error}") from error


def _put(db: Any, rows: Iterable[tuple[bytes, bytes | None]]) -> None:
    """Write rows to a database in one piece."""
    batch = WriteBatch(raw_mode=True)
    for key, value in rows:
        if value is None:
            batch.delete(key)
        else:
            batch.put(key, value)
    db.write(batch)


class DurableTable(OwnedRows, Table):
    """A Faust table that is written a batch at a time, by the owner of each partition."""

    def __init__(self, *args: Any, index: RowIndex, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.index = index
        self._owned = {}

    def _new_store(self) -> StoreT:
        store = super()._new_store()
        store.rocksdb_options = BoundedOptions()
        return store

    @property
    def changelog_topic_name(self) -> str:  # type: ignore[override]
        """The name of the compacted topic behind the table."""
        return str(self._changelog_topic_name())

    def start_over(self, partition: int) -> None:
        """Delete a partition's local database; recovery rebuilds it from the changelog."""
        self._owned.pop(partition, None)
        self.data._dbs.pop(partition, None)
        # RocksDB keeps its lock until the last reference is dropped.
        gc.collect()
        shutil.rmtree(self.data.partition_path(partition), ignore_errors=True)
