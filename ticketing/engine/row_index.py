"""The index of a partition's rows: due, reflecting a message, open, belonging to another row.

A newly assigned partition needs only the rows that are due within the hour, those of unfinished
states and those that may be unpublished; with the index no other row is read. Entries stand in the
rows' own RocksDB, change in the same write, and are in no changelog: a table without them, or with
those of other rows, gets them anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from ticketing.engine.guarded import Failure, guarded
from ticketing.engine.row import FIRST_ROW, OWN_PREFIX, unpack_at, unpack_due, unpack_state

AT, DUE, OPEN, OF = b"\0at:", b"\0due:", b"\0open:", b"\0of:"
"""Begin the keys of entries. A number of `WIDTH` bytes and the row's key follow, or the key alone, or
the key of the row that it belongs to, a zero byte and its own."""
INDEX_KEY = b"\0index"
"""The key of the row that says which rows the entries are those of."""
VERSION = 2
"""Of the entries: raised with a change of their form, or of what tables say of a state."""
WIDTH = 8
"""Takes every offset, and milliseconds of every date."""
BUILT_TOGETHER = 500
"""Rows whose entries are written at once, before other tasks run: some milliseconds."""

Entries = list[tuple[bytes, bytes | None]]
"""Keys of entries to put, without a value (b""), or to delete (None)."""


def never_open(state: bytes) -> bool:
    """False: for tables whose unfinished rows are all due within the hour."""
    return False


def on_its_own(state: bytes) -> str:
    """The empty text: for tables whose rows belong to no other."""
    return ""


class RowIndex:
    """The entries of a table's rows. Databases are those of one partition each."""

    def __init__(
        self,
        is_open: Callable[[bytes], bool] = never_open,
        owner: Callable[[bytes], str] = on_its_own,
    ) -> None:
        """`is_open`: True for an encoded state that may be unfinished and not due for long.

        `owner`: the key of the row that an encoded state belongs to, "" for none.
        """
        self._is_open = is_open
        self._owner = owner

    def fits(self, db: Any, offset_key: bytes) -> bool:
        """True where the entries are those of the rows that the database has."""
        reflected, noted = db.get([offset_key, INDEX_KEY])
        if reflected is None:
            return noted is None
        return (noted or b"").rpartition(b" ")[0] == _version(int(reflected))

    def changes(self, db: Any, rows: Mapping[bytes, bytes | None], offset: int) -> Entries:
        """The changes of entries as the rows are written, with the offset that they reflect."""
        keys = [key for key in rows if not key.startswith(OWN_PREFIX)]
        changed: Entries = []
        added = 0
        for key, before in zip(keys, db.get(keys) if keys else (), strict=True):
            old, new = self._of(key, before), self._of(key, rows[key])
            changed += [(entry, None) for entry in old - new]
            changed += [(entry, b"") for entry in new - old]
            added += len(new) - len(old)
        return [*changed, _noted(offset, entries_in(db) + added)]

    def built(self, db: Any, offset_key: bytes) -> Iterator[Entries]:
        """The changes that make the entries anew, in parts."""
        offset = int(db.get(offset_key))
        for prefix in (AT, DUE, OPEN, OF):
            yield from _parts((key, None) for key in db.keys(prefix))
        total = 0
        for part in _parts(self._all(db, offset_key)):
            total += len(part)
            yield part
        yield [_noted(offset, total)]

    def _all(self, db: Any, offset_key: bytes) -> Iterator[tuple[bytes, bytes]]:
        for key, row in db.items(FIRST_ROW):
            for entry in self._of(key, row) if key != offset_key else ():
                yield entry, b""

    def _of(self, key: bytes, row: bytes | None) -> set[bytes]:
        """The entries of a row. A row that can't be read counts as open: it is to be reported."""
        if row is None:
            return set()
        at, due = guarded(partial(unpack_at, row)), guarded(partial(unpack_due, row))
        if isinstance(at, Failure) or isinstance(due, Failure):
            return {OPEN + key}
        found = {AT + number(at) + key}
        if due is not None:
            found.add(DUE + number(round(due * 1000.0)) + key)
        state = unpack_state(row)
        if guarded(partial(self._is_open, state)) is not False:
            found.add(OPEN + key)
        owner = guarded(partial(self._owner, state))
        if owner and isinstance(owner, str):
            found.add(_of(owner) + key)
        return found


def due_or_open(db: Any, until: float) -> Iterator[bytes]:
    """The keys of rows due until a time, in order of time; then of those that are open."""
    end = DUE + number(round(until * 1000.0) + 1)
    for entry in db.keys(DUE):
        if entry >= end:
            break
        yield entry[len(DUE) + WIDTH :]
    for entry in db.keys(OPEN):
        yield entry[len(OPEN) :]


def reflecting(db: Any, offset: int) -> Iterator[bytes]:
    """The keys of rows that reflect the message at an offset or a later one, in order."""
    for entry in db.keys(AT, number(offset)):
        yield entry[len(AT) + WIDTH :]


def belonging(db: Any, owner: str) -> Iterator[bytes]:
    """The keys of rows that belong to the row of another key, in order."""
    first = _of(owner)
    for entry in db.keys(first):
        yield entry[len(first) :]


def entries_in(db: Any) -> int:
    """The number of entries that a database has."""
    return int((db.get(INDEX_KEY) or b"0").rpartition(b" ")[2])


def number(value: int) -> bytes:
    """A whole number as bytes of the same order; one beyond their range is the last within."""
    middle = 1 << (8 * WIDTH - 1)
    return (min(max(value, -middle), middle - 1) + middle).to_bytes(WIDTH, "big")


def _of(owner: str) -> bytes:
    return OF + owner.encode() + b"\0"


def _version(offset: int) -> bytes:
    return b"%d %d" % (VERSION, offset)


def _noted(offset: int, entries: int) -> tuple[bytes, bytes]:
    return INDEX_KEY, b"%b %d" % (_version(offset), entries)


def _parts(entries: Iterable[tuple[bytes, bytes | None]]) -> Iterator[Entries]:
    part: Entries = []
    for entry in entries:
        part.append(entry)
        if len(part) == BUILT_TOGETHER:
            yield part
            part = []
    if part:
        yield part
