"""RocksDB's memory, bounded once for all tables and partitions of a process."""

from __future__ import annotations

from faust.stores.rocksdb import RocksDBOptions
from rocksdict import BlockBasedOptions, Cache, Options, WriteBufferManager

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

    def as_options(self) -> Options:
        """The RocksDB options of a partition."""
        options = super().as_options()
        blocks = BlockBasedOptions()
        blocks.set_block_cache(_cache)
        blocks.set_bloom_filter(BLOOM_BITS, block_based=False)
        options.set_block_based_table_factory(blocks)
        options.set_write_buffer_manager(_memtables)
        return options
