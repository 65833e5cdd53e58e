"""RocksDB's memory, bounded once for all tables and partitions of a process."""

from __future__ import annotations

from faust.stores.rocksdb import RocksDBOptions
from rocksdict import BlockBasedOptions, Cache, Options, WriteBufferManager

MEGABYTE = 1024**2
BLOCK_CACHE_BYTES = 4 * MEGABYTE
MEMTABLES_BYTES = 8 * MEGABYTE
"""Of all partitions together; the fullest is flushed first."""
MEMTABLE_BYTES_MAX = 2 * MEGABYTE
BLOOM_BITS = 10
"""A key that is not there, as of each new fault, is then looked for on the disk once in a hundred."""

_cache = Cache(BLOCK_CACHE_BYTES)
_memtables = WriteBufferManager(MEMTABLES_BYTES, False)


class BoundedOptions(RocksDBOptions):
    """Faust's options; its own bounds are per partition, and by default above 2 GB."""

    def __init__(self) -> None:
        super().__init__(
            use_rocksdict=True,
            max_open_files=256,
            write_buffer_size=MEMTABLE_BYTES_MAX,
            max_write_buffer_number=2,
        )

    def as_options(self) -> Options:
        """What a partition is opened with."""
        options = super().as_options()
        blocks = BlockBasedOptions()
        blocks.set_block_cache(_cache)
        blocks.set_bloom_filter(BLOOM_BITS, block_based=False)
        options.set_block_based_table_factory(blocks)
        options.set_write_buffer_manager(_memtables)
        return options
