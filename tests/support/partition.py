"""A partition of a keyed agent in memory: its machine, its timers, and a table that is a dict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ticketing.domain.incidents.incident import Incident
from ticketing.engine.statemachine import (
    Machine,
    PartitionState,
    Send,
    Store,
    Transaction,
    fold,
    pack,
)


class MemoryTable(Store):
    """A table's partition as a dict."""

    def __init__(self) -> None:
        self.rows: dict[str, bytes] = {}

    def get(self, key: str) -> bytes | None:
        """The stored bytes of a key."""
        return self.rows.get(key)

    def items(self) -> Iterator[tuple[str, bytes]]:
        """Every row, as of now."""
        return iter(list(self.rows.items()))

    def keep(self, tx: Transaction[Any], machine: Machine[Any], first: int | None = None) -> None:
        """Make a transaction's writes durable, or only the first so many of them."""
        for key, write in tx.writes()[:first]:
            if write.state is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = pack(write.at, write.due, machine.encode(write.state))


class MemoryPartition:
    """Folds batches as a keyed agent does; a batch may die with a part of its writes done."""

    def __init__(self, machine: Machine[Any], number: int = 0) -> None:
        self.machine = machine
        self.number = number
        self.table = MemoryTable()
        self.state = PartitionState()

    def transaction(self) -> Transaction[Any]:
        """A transaction over the table as it is now."""
        return Transaction(self.table, self.machine, self.number)

    def fold(self, records: list[Any], writes: int | None = None) -> list[Send]:
        """Fold a batch without dead letters; returns what it sends.

        `writes`: how many of its writes reach the disk before the process dies, nothing being sent.
        """
        tx = self.transaction()
        folded = fold(self.machine, tx, records, self.state)
        assert folded.dead == []
        self.table.keep(tx, self.machine, writes)
        if writes is not None:
            return []
        for callback in tx.callbacks():
            callback()
        return tx.sends()

    def restart(self) -> None:
        """Another process goes on with the table."""
        self.state = PartitionState()

    def incidents(self) -> dict[str, Incident]:
        """Every incident in the table, by its key."""
        tx = self.transaction()
        states = {key: tx.get(key) for key in self.table.rows}
        return {key: state for key, state in states.items() if isinstance(state, Incident)}
