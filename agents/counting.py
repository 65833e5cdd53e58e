"""The anomalies of one message, counted by fingerprint; those that fail are told apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

from tables.incidents import Record
from ticketing.domain.alerts.counting import merged
from ticketing.domain.signals import Anomalies
from ticketing.engine.guarded import Failure
from ticketing.engine.statemachine import Transaction

T = TypeVar("T")
Tx = Transaction[Record]


class Rules(Protocol):
    """The ways to count anomalies."""

    def count_own(self, tx: Tx, signal: Anomalies) -> Anomalies | None:
        """Count in the incident of the fingerprint; returns what the collective one counts."""

    def count_together(self, tx: Tx, signal: Anomalies) -> None:
        """Count in the service's collective incident."""


@dataclass(frozen=True, eq=False)
class _Found:
    """Anomalies with their places in the message."""

    places: tuple[int, ...]
    signal: Anomalies


class Counting:
    """Counts the anomalies of one message. `refused` gets each failure by place."""

    def __init__(self, rules: Rules, tx: Tx, refused: dict[int, Failure]) -> None:
        self._rules = rules
        self._tx = tx
        self._refused = refused

    def count(self, signals: Iterable[tuple[int, Anomalies]]) -> None:
        """Count anomalies, those of one fingerprint and source together."""
        same: dict[tuple[str, str], list[_Found]] = {}
        for place, signal in signals:
            key = signal.fingerprint, signal.source
            same.setdefault(key, []).append(_Found((place,), signal))
        others: dict[tuple[str, str, str], list[_Found]] = {}
        for parts in same.values():
            left = self._together(parts, partial(self._rules.count_own, self._tx))
            if left is not None:
                places = tuple(place for part in parts for place in part.places)
                service = left.tenant, left.service, left.source
                others.setdefault(service, []).append(_Found(places, left))
        # Last: the admissions above are judged by the collective as it was before.
        for parts in others.values():
            self._together(parts, partial(self._rules.count_together, self._tx))

    def _together(self, parts: list[_Found], rule: Callable[[Anomalies], T]) -> T | None:
        """The outcome of a rule for merged anomalies, without the parts that fail alone."""

        def applied(some: list[_Found]) -> T:
            return rule(merged([part.signal for part in some]))

        outcome = self._tx.attempt(partial(applied, parts))
        if not isinstance(outcome, Failure):
            return outcome
        alone = {
            part: self._tx.trial(partial(applied, [part])) if len(parts) > 1 else outcome
            for part in parts
        }
        good = [part for part, tried in alone.items() if not isinstance(tried, Failure)]
        if good and len(good) < len(parts):
            again = self._tx.attempt(partial(applied, good))
            if not isinstance(again, Failure):
                self._refuse({part: alone[part] for part in parts if part not in good}, outcome)
                return again
        self._refuse(alone, outcome)
        return None

    def _refuse(self, tried: Mapping[_Found, object], common: Failure) -> None:
        for part, why in tried.items():
            for place in part.places:
                self._refused[place] = why if isinstance(why, Failure) else common
