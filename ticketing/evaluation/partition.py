"""A partition of a keyed agent in memory: its machine, its timers, and a table that is a dict."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from ticketing.engine.guarded import guarded
from ticketing.engine.statemachine import (
    TICK_KEY,
    Folded,
    Machine,
    Mark,
    PartitionState,
    Send,
    Store,
    Transaction,
    accept,
    fold,
    pack,
    scan,
    unpack_at,
    unpack_due,
)


@dataclass(slots=True)
class MemoryRecord:
    """A record as aiokafka has it; `timestamp` is in milliseconds."""

    value: bytes | None
    offset: int
    timestamp: int
    key: bytes | None = None


class MemoryTable(Store):
    """A table's partition as a dict, and its mark."""

    def __init__(self) -> None:
        self.rows: dict[str, bytes] = {}
        self.mark = Mark(-1)

    def get(self, key: str) -> bytes | None:
        """The stored bytes of a key."""
        return self.rows.get(key)

    def items(self) -> Iterator[tuple[str, bytes]]:
        """Every row, as of now."""
        return iter(list(self.rows.items()))

    def to_look_at(self, until: float) -> Iterator[tuple[str, bytes]]:
        """Every row: those due until a time in order of time, then the others."""
        found = [(_due(row), key, row) for key, row in self.rows.items()]
        soon = sorted(one for one in found if one[0] <= until)
        later = [one for one in found if one[0] > until]
        return iter([(key, row) for _, key, row in [*soon, *later]])

    def reflecting(self, offset: int) -> Iterator[str]:
        """The keys of the rows that reflect the message at an offset or a later one."""
        found = {key: guarded(partial(unpack_at, row)) for key, row in self.rows.items()}
        return iter([key for key, at in found.items() if isinstance(at, int) and at >= offset])

    def belonging(self, owner: str) -> Iterator[str]:
        """The keys of the rows that name another key, be it as the one that they belong to or not."""
        name = owner.encode()
        return iter([key for key, row in self.rows.items() if name in row])

    def keep(self, tx: Transaction[Any], machine: Machine[Any], folded: Folded) -> None:
        """Make a transaction's writes durable, with the mark of its batch."""
        for key, write in tx.writes():
            self.mark = folded.mark
            if write.state is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = pack(write.at, write.due, machine.encode(write.state))


def _due(row: bytes) -> float:
    due = guarded(partial(unpack_due, row))
    return due if isinstance(due, float) else math.inf


class MemoryPartition:
    """One partition of a topic with its machine; messages are folded as a keyed agent does."""

    def __init__(self, machine: Machine[Any], number: int = 0) -> None:
        self.machine = machine
        self.number = number
        self.table = MemoryTable()
        self.state = PartitionState()
        self.dead = 0
        """Messages, or parts of one, that became dead letters."""
        self._offset = 0

    def transaction(self) -> Transaction[Any]:
        """A transaction over the table as it is now."""
        return Transaction(self.table, self.machine, self.number)

    def take_up(self, now: float) -> None:
        """Begin with the partition, as its new owner does."""
        tx = self.transaction()
        self._commit(tx, scan(self.machine, tx, self.state, self._offset, now))

    def is_due(self, now: float) -> bool:
        """True if a tick would have something to do."""
        return self.state.earliest() <= now

    def handle(self, values: Iterable[bytes], now: float) -> list[Send]:
        """Fold messages that arrive at `now`, then the keys that are due; returns the sends."""
        stamp = int(now * 1000)
        records = [
            MemoryRecord(value, self._offset + place, stamp) for place, value in enumerate(values)
        ]
        self._offset += len(records)
        if self.is_due(now) or self.machine.ready(self.number):
            records.append(MemoryRecord(b"{}", self._offset, stamp, TICK_KEY))
            self._offset += 1
        if not records:
            return []
        tx = self.transaction()
        return self._commit(tx, fold(self.machine, tx, records, self.state, now=now))

    def _commit(self, tx: Transaction[Any], folded: Folded) -> list[Send]:
        self.dead += len(folded.dead)
        self.table.keep(tx, self.machine, folded)
        accept(self.machine, tx, folded, self.state)
        for callback in tx.callbacks():
            callback()
        return tx.sends()
