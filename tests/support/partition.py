"""A partition of a keyed agent in memory, whose process may die before or after its write."""

from __future__ import annotations

from typing import Any

from ticketing.domain.incidents.incident import Incident
from ticketing.engine.statemachine import (
    Machine,
    PartitionState,
    Send,
    Transaction,
    accept,
    fold,
    scan,
)
from ticketing.evaluation.partition import MemoryTable

__all__ = ["MemoryPartition", "MemoryTable"]


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
