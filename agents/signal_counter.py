"""Counts the signals of a batch; a batch that does not become durable counts nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from ticketing import metrics
from ticketing.engine.statemachine import Transaction
from ticketing.wire.signals import SignalBody, kind_of


class SignalCounter:
    """Counts the signals of one batch by kind."""

    def __init__(self) -> None:
        self._found: Counter[str] = Counter()

    def note(self, bodies: Iterable[SignalBody]) -> None:
        """Note the signals of a folded message."""
        self._found.update(kind_of(body) for body in bodies)

    def count_in(self, tx: Transaction[Any]) -> None:
        """Count the noted signals once the batch is durable, and start anew."""
        found, self._found = self._found, Counter()
        if found:
            tx.after(lambda: _count_signals(found))


def _count_signals(found: Mapping[str, int]) -> None:
    for kind, count in found.items():
        metrics.signals_total.labels(kind).inc(count)
