"""A partition's database in memory, as the tables use it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ticketing.engine.row import OWN_PREFIX


class Batch:
    """Stands in for RocksDB's WriteBatch, to be written in one step."""

    def __init__(self, raw_mode: bool) -> None:
        self.writes: list[tuple[bytes, bytes | None]] = []

    def put(self, key: bytes, value: bytes) -> None:
        self.writes.append((key, value))

    def delete(self, key: bytes) -> None:
        self.writes.append((key, None))


class MemoryDisk:
    """The rows of a partition, and the engine's own beside them."""

    offset_key = b"__faust\0offset__"

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}

    def get(self, key: Any) -> Any:
        """The value of a key, or the values of a list of keys."""
        return [self.rows.get(one) for one in key] if isinstance(key, list) else self.rows.get(key)

    def items(self, first: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Every pair from a key on, as of now."""
        return iter(sorted(pair for pair in self.rows.items() if pair[0] >= first))

    def keys(self, prefix: bytes, rest: bytes = b"") -> Iterator[bytes]:
        """Every key that begins so, as of now."""
        found = (key for key in self.rows if key.startswith(prefix) and key >= prefix + rest)
        return iter(sorted(found))

    def write(self, batch: Batch) -> None:
        """Write in one piece."""
        for key, value in batch.writes:
            if value is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = value

    def states(self) -> dict[bytes, bytes]:
        """The rows of states."""
        return {
            key: row
            for key, row in self.rows.items()
            if key != self.offset_key and not key.startswith(OWN_PREFIX)
        }
