"""RocksDB's memory, bounded once for all tables and partitions of a process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from faust.stores.rocksdb import RocksDBOptions
from rocksdict import BlockBasedOptions, Cache, Options, WriteBufferManager

from ticketing.engine import damage, manifest
from ticketing.engine.database import Database, is_of_rocksdb
from ticketing.engine.departure import leave

MEGABYTE = 1024**2
BLOCK_CACHE_BYTES = 4 * MEGABYTE
"""Hot blocks only; the operating system caches the files themselves."""
MEMTABLES_BYTES = 8 * MEGABYTE
"""For all partitions together; RocksDB flushes when the sum is reached."""
MEMTABLE_BYTES_MAX = 2 * MEGABYTE
"""For one partition: a quarter of the total, so that a busy one does not flush all the others."""
BLOOM_BITS = 10
"""One needless disk read in a hundred for a key that is absent, as the key of a new fault is."""

_cache = Cache(BLOCK_CACHE_BYTES)
_memtables = WriteBufferManager(MEMTABLES_BYTES, False)


class BoundedOptions(RocksDBOptions):
    """Options with bounds for the process; Faust's are per partition, by default over 2 GB."""

    def __init__(self) -> None:
        super().__init__(
            use_rocksdict=True,
            max_open_files=256,
            write_buffer_size=MEMTABLE_BYTES_MAX,
            max_write_buffer_number=2,
        )

    def open(self, path: Path, *, read_only: bool = False) -> Database:
        """Open the table of a partition; a damaged one is set aside and begins anew, empty.

        Leaves where the disk refuses. Raises rocksdict's error for a table that is still locked.
        """
        path = Path(path)
        try:
            why = damage.marked(path) or manifest.shortened(path)
            if why is not None:
                damage.set_aside(path, why)
            return Database(self._open_or_renew(path, read_only), path)
        except Exception as error:
            if damage.refused_by_disk(error) and not damage.is_locked(error):
                leave(damage.sentence(path, error), "disk")
            raise

    def _open_or_renew(self, path: Path, read_only: bool) -> Any:
        try:
            return super().open(path, read_only=read_only)
        except Exception as error:
            if not is_of_rocksdb(error) or damage.refused_by_disk(error):
                raise
            damage.set_aside(path, str(error))
        return super().open(path, read_only=read_only)

    def as_options(self) -> Options:
        """The RocksDB options of a partition."""
        options = super().as_options()
        blocks = BlockBasedOptions()
        blocks.set_block_cache(_cache)
        blocks.set_bloom_filter(BLOOM_BITS, block_based=False)
        options.set_block_based_table_factory(blocks)
        options.set_write_buffer_manager(_memtables)
        return options
