"""The offsets of the batches under way, in mapped files that outlive the process.

Some records can't be caught: they end the process, by its memory, by a fault of a library, by a
hang that the watchdog ends. The next process reads them again. Each partition has a small file
with the batch being handled; a process that finds a batch there notes that somebody died of it.
After a second death the partition is read a record at a time until past that batch, and a record
that ended the process alone four times is a dead letter.
"""

from __future__ import annotations

import mmap
import struct
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from faust.types import TP

DEADLY = "deadly"
"""The reason of a dead letter whose record ended the process."""
DEATHS_MAX = 2
"""One death has many causes outside of the records: a node that is switched off, a deployment."""
DEATHS_ALONE_MAX = 4
"""Of one record. On a quiet partition each batch is of one record, which is the first thing that a
process handles: two kills in a row may well meet an innocent one, four hardly do."""
DEADLY_MAX = 16
"""Deadly records remembered: more in the stretch between two commits are not the records' fault."""
PAST_OFFSETS = 100_000
"""More than is read again after a death: deadly records further back are forgotten."""
_FORMAT = struct.Struct(f"<{6 + DEADLY_MAX}q22s")
"""Offsets and numbers, and the id of the topic that they are of: Kafka's ids have 22 characters."""
_NONE = -1
"""No offset."""
_NOTHING = (_NONE, _NONE)


@dataclass
class _Mark:
    """The file of one partition: offsets of the batch under way and of the suspect, and deaths.

    `alone` counts the deaths of a suspect that is one record, `deadly` has the convicted ones. `id`
    is the topic's: the offsets of another topic of the same name say nothing about its records.
    """

    memory: mmap.mmap
    id: bytes = b""
    current: tuple[int, int] = _NOTHING
    suspect: tuple[int, int] = _NOTHING
    deaths: int = 0
    alone: int = 0
    deadly: tuple[int, ...] = ()

    def read(self) -> None:
        """Take over what the process before left, which died if it left a batch."""
        *found, of = _FORMAT.unpack_from(self.memory)
        if self.id and of.rstrip(b"\0") != self.id:
            self.write()
            return
        self.current, self.suspect = (found[0], found[1]), (found[2], found[3])
        self.deaths, self.alone = found[4], found[5]
        self.deadly = tuple(offset for offset in found[6:] if offset >= 0)
        if self.current[0] < 0 or self.current[1] < self.current[0]:
            self.current = _NOTHING
        else:
            self._blame(*self.current)
            self.current = _NOTHING
        self.write()

    def _blame(self, first: int, last: int) -> None:
        common = max(first, self.suspect[0]), min(last, self.suspect[1])
        single = first == last
        if self.suspect[0] >= 0 and common[0] <= common[1]:
            known = self.suspect[0] == self.suspect[1]
            self.alone = (self.alone + 1 if known else 1) if single else 0
            self.suspect = common
            self.deaths += 1
        else:
            self.suspect, self.deaths, self.alone = (first, last), 1, int(single)
        if self.alone >= DEATHS_ALONE_MAX:
            self.deadly = (*self.deadly, first)[-DEADLY_MAX:]
            self.acquit()

    def acquit(self) -> None:
        """Forget the suspect."""
        self.suspect, self.deaths, self.alone = _NOTHING, 0, 0

    def write(self) -> None:
        """Keep the mark; the system keeps it when the process ends."""
        fields = (*self.current, *self.suspect, self.deaths, self.alone, *self.deadly)
        unused = (_NONE,) * (DEADLY_MAX - len(self.deadly))
        _FORMAT.pack_into(self.memory, 0, *fields, *unused, self.id)


class Deaths:
    """The marks of one app. Without a directory nothing is kept."""

    def __init__(
        self, directory: Path | None = None, id_of: Callable[[str], str] = lambda topic: ""
    ) -> None:
        """`id_of` gives the id of a topic, empty for one that is not known."""
        self._directory = directory
        self._id_of = id_of
        self._marks: dict[TP, _Mark] = {}
        _all.add(self)

    def begin(self, tp: TP, first: int, last: int) -> None:
        """Note that records are being handled; they replace those noted before."""
        mark = self._mark(tp)
        if mark is not None:
            mark.current = (first, last)
            mark.write()

    def end(self, tp: TP) -> None:
        """Note that nothing is being handled; a suspect that was handled is none any more."""
        mark = self._mark(tp)
        if mark is None or mark.current == _NOTHING:
            return
        if mark.current[1] >= mark.suspect[1]:
            mark.acquit()
        if mark.deadly:
            reached = mark.current[0] - PAST_OFFSETS
            mark.deadly = tuple(offset for offset in mark.deadly if offset >= reached)
        mark.current = _NOTHING
        mark.write()

    def pause(self, tp: TP) -> None:
        """Note that nothing is being handled, for a reason that says nothing about the records."""
        mark = self._mark(tp)
        if mark is not None:
            mark.current = _NOTHING
            mark.write()

    def pause_all(self) -> None:
        """As `pause`, for every partition."""
        for tp in list(self._marks):
            self.pause(tp)

    def suspects(self, tp: TP, first: int, last: int) -> bool:
        """True for records to be handled one at a time."""
        mark = self._mark(tp)
        if mark is None:
            return False
        suspected = mark.deaths >= DEATHS_MAX
        return (suspected and first <= mark.suspect[1] and last >= mark.suspect[0]) or any(
            first <= offset <= last for offset in mark.deadly
        )

    def is_deadly(self, tp: TP, offset: int) -> bool:
        """True for a record that ended the process alone, `DEATHS_ALONE_MAX` times."""
        mark = self._mark(tp)
        return mark is not None and offset in mark.deadly

    def _mark(self, tp: TP) -> _Mark | None:
        if self._directory is None:
            return None
        mark = self._marks.get(tp)
        if mark is None:
            memory = _mapped(self._directory / f"{tp.topic}-{tp.partition}")
            mark = self._marks[tp] = _Mark(memory, self._id_of(tp.topic).encode())
            mark.read()
        return mark


def _mapped(path: Path) -> mmap.mmap:
    """A file of the size of a mark, made if it is missing or has another size."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.stat().st_size != _FORMAT.size:
        path.write_bytes(_FORMAT.pack(*_NOTHING, *_NOTHING, 0, 0, *(_NONE,) * DEADLY_MAX, b""))
    with path.open("r+b") as file:
        return mmap.mmap(file.fileno(), _FORMAT.size)


_all: weakref.WeakSet[Deaths] = weakref.WeakSet()


def blame_no_record() -> None:
    """Note, as the process leaves, that none of the batches under way is the cause."""
    for deaths in list(_all):
        deaths.pause_all()
