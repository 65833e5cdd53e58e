"""A partition of a keyed agent in memory: its machine, its timers, and a table that is a dict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ticketing.domain.incidents.incident import Incident
from ticketing.engine.statemachine import (
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
)


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

    def keep(self, tx: Transaction[Any], machine: Machine[Any], folded: Folded) -> None:
        """Make a transaction's writes durable, with the mark of its batch."""
        for key, write in tx.writes():
            self.mark = folded.mark
            if write.state is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = pack(write.at, write.due, machine.encode(write.state))


class MemoryPartition:
    """Folds batches as a keyed agent does; the process may die before or after its write."""

    def __init__(self, machine: Machine[Any], number: int = 0) -> None:
        self.machine = machine
        self.number = number
        self.table = MemoryTable()
        self.state = PartitionState()

    def transaction(self) -> Transaction[Any]:
        """A transaction over the table as it is now."""
        return Transaction(self.table, self.machine, self.number)

    def fold(
        self, records: list[Any], writes: bool | None = None, *, now: float | None = None
    ) -> list[Send]:
        """Fold a batch without dead letters, at `now`; returns what it sends.

        `writes`: whether the process dies after its write or before, nothing being sent.
        """
        tx = self.transaction()
        folded = fold(self.machine, tx, records, self.state, now=now)
        assert folded.dead == []
        if writes is not False:
            self.table.keep(tx, self.machine, folded)
        accept(self.machine, tx, folded, self.state)
        if writes is not None:
            return []
        for callback in tx.callbacks():
            callback()
        return tx.sends()

    def restart(self) -> None:
        """Another process goes on with the table."""
        self.state = PartitionState(mark=self.table.mark)

    def scan(self, first: int, now: float) -> list[Send]:
        """What the new owner sends again when `first` is the first message not handled."""
        tx = self.transaction()
        scan(self.machine, tx, self.state, first, now)
        return tx.sends()

    def incidents(self) -> dict[str, Incident]:
        """Every incident in the table, by its key."""
        tx = self.transaction()
        states = {key: tx.get(key) for key in self.table.rows}
        return {key: state for key, state in states.items() if isinstance(state, Incident)}
