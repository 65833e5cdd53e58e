"""The RocksDB of one partition: an error of the database ends the process, with its reason.

A table that turns out damaged while it is read is marked, so that the next start sets it aside;
without the mark that start would open the table, read the same block and leave again.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ticketing.engine import damage
from ticketing.engine.departure import leave
from ticketing.engine.manifest import ManifestNote

NOTE_OTHERS_EVERY_SECONDS = 1.0
"""A write may flush other partitions' tables, as all share one buffer; a look is a call of stat."""

_open: weakref.WeakSet[Database] = weakref.WeakSet()
_others_noted_at = 0.0
"""Monotonic time of the last look at all open tables."""


def is_of_rocksdb(error: BaseException) -> bool:
    """True for an error of RocksDB itself: rocksdict raises those as plain exceptions."""
    return type(error) is Exception


class Database:
    """An open RocksDB (rocksdict's Rdict, in raw mode); other attributes are its own."""

    def __init__(self, db: Any, path: Path) -> None:
        self._db = db
        self._path = path
        self._note = ManifestNote(path)
        self._note.update()
        _open.add(self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    def get(self, key: Any) -> Any:
        """The value of a key, or the values of a list of keys; None for one that is absent."""
        try:
            return self._db.get(key)
        except Exception as error:
            self._failed(error)
            raise

    def put(self, key: bytes, value: bytes) -> None:
        """Set a key."""
        try:
            self._db.put(key, value)
        except Exception as error:
            self._failed(error)
            raise

    def delete(self, key: bytes) -> None:
        """Delete a key."""
        try:
            self._db.delete(key)
        except Exception as error:
            self._failed(error)
            raise

    def write(self, batch: Any) -> None:
        """Write a batch in one piece."""
        try:
            self._db.write(batch)
        except Exception as error:
            self._failed(error)
            raise
        self._note.update()
        _note_others()

    def items(self, first: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Every pair from a key on, in order."""
        last = None
        try:
            for pair in self._db.items(from_key=first):
                last = pair[0]
                yield pair
            self._look_behind(last, first)
        except Exception as error:
            self._failed(error)
            raise

    def keys(self, prefix: bytes, rest: bytes = b"") -> Iterator[bytes]:
        """Every key that begins with a prefix, in order, from `prefix + rest` on."""
        first = prefix + rest
        last = None
        try:
            for key in self._db.keys(from_key=first):
                if not key.startswith(prefix):
                    return
                last = key
                yield key
            self._look_behind(last, first)
        except Exception as error:
            self._failed(error)
            raise

    def _look_behind(self, last: bytes | None, first: bytes) -> None:
        """Raise RocksDB's error if the table does not end behind `last`, the last key from `first`.

        rocksdict ends an iteration at a damaged block as at the end of the table.
        """
        iterator = self._db.iter()
        iterator.seek(first if last is None else last)
        if last is not None and iterator.valid() and iterator.key() == last:
            iterator.next()
        iterator.status()

    def _failed(self, error: Exception) -> None:
        if not is_of_rocksdb(error):
            return
        if damage.refused_by_disk(error):
            leave(damage.sentence(self._path, error), "disk")
            return
        damage.mark(self._path, str(error))
        leave(f"the table {self._path} is damaged: {error}", "table")


def _note_others() -> None:
    global _others_noted_at
    now = time.monotonic()
    if now - _others_noted_at >= NOTE_OTHERS_EVERY_SECONDS:
        _others_noted_at = now
        for database in list(_open):
            database._note.update()
