"""Tables that are written a batch at a time, changelog first."""

from __future__ import annotations

import gc
import shutil

from faust import Table
from faust.types import TP, StoreT
from rocksdict import WriteBatch

from ticketing.engine.guarded import StoreFailed
from ticketing.engine.outbox import Outbox
from ticketing.engine.rocksdb import BoundedOptions


class DurableTable(Table):
    """A table that is written a batch at a time: the changelog first, then the disk in one write.

    Faust writes RocksDB at once and sends the changelog in the background. A crash between the two
    would leave states that exist on one disk only, and deletions that are never repeated.
    """

    def _new_store(self) -> StoreT:
        store = super()._new_store()
        store.rocksdb_options = BoundedOptions()
        return store

    async def write(
        self, partition: int, writes: list[tuple[bytes, bytes | None]], outbox: Outbox
    ) -> None:
        """Write keys of one partition, in order; None deletes. Durable on return.

        Writes that a crash keeps from the disk are recovered from the changelog at the next start.
        """
        if not writes:
            return
        place = TP(self.changelog_topic_name, partition)
        batch = WriteBatch(raw_mode=True)
        for key, value in writes:
            await outbox.send(place.topic, key, value, partition)
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        offset = (await outbox.settle())[place]
        # A recovery by Faust reads the changelog from this offset on.
        batch.put(self.data.offset_key, str(offset).encode())
        try:
            self.data._db_for_partition(partition).write(batch)
        except Exception as error:
            # RocksDB raises plain exceptions; nothing is isolated when the disk fails.
            raise StoreFailed(f"{self.name}: the disk failed: {error}") from error

    def start_over(self, partition: int) -> None:
        """Delete a partition's local database; recovery rebuilds it from the changelog."""
        self.data._dbs.pop(partition, None)
        # RocksDB keeps its lock until the last reference is dropped.
        gc.collect()
        shutil.rmtree(self.data.partition_path(partition), ignore_errors=True)

    @property
    def changelog_topic_name(self) -> str:
        """The name of the compacted topic behind the table."""
        return str(self._changelog_topic_name())
