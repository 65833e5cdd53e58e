"""The ledger of a traces worker: whole requests by scope and slot, from which tallies are made.

Facts are kept for as long as evidence looks back, so that a request whose lines come late replaces
its earlier facts, and the tally of its slot is made anew.
"""

from __future__ import annotations

import hashlib
from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from ticketing.domain.evidence.tally import SLOT_SECONDS, Tally
from ticketing.domain.traces.facts import Facts

REQUESTS_MAX = 60
"""Requests of one scope and slot, those with the lowest hashes: six times the 60 a minute that
evidence needs, as the smallest of several workers must have enough."""
SLOTS_MAX = 120
"""Slots of a scope: as many as the book of a scope remembers."""
FACTS_MAX = 20_000
"""Requests of all scopes together."""
CALLS_MAX = 200_000
"""Calls of these requests, some 150 MB: requests differ in size by the hundred."""
CLOSED_SECONDS = 5.0
"""Event time after the end of a slot from which on its requests are complete
(`correlator.SETTLE_SECONDS`)."""
AGAIN_SECONDS = 10.0
"""Arrival time after which a slot that has changed is told again: late lines come in heaps."""
TALLIES_MAX = 8
"""Tallies made per call, some 100 ms: a replay at full speed must not block."""

_LOTS = b"ticketing.evidence.lot"


@dataclass(slots=True)
class _Slot:
    requests: dict[str, tuple[int, Facts, Mapping[str, str]]] = field(default_factory=dict)
    """By trace id: the lot, the facts, and the services of its alerts by fingerprint."""
    highest: int = -1
    """The highest lot, once the slot is full."""
    changed: bool = False
    told_at: float | None = None


@dataclass(slots=True)
class _Scope:
    slots: dict[int, _Slot] = field(default_factory=dict)
    first: int = 0
    """Slots below are forgotten: a tally of what comes late would replace a fuller one."""


@dataclass(frozen=True, slots=True)
class Told:
    """The tally of a scope's slot as it is now; it replaces an earlier one."""

    scope: str
    slot: int
    tally: Tally


class Ledger:
    """Takes whole requests in, gives tallies out. All of it may be lost."""

    def __init__(self) -> None:
        self._scopes: OrderedDict[str, _Scope] = OrderedDict()
        self._changed: dict[tuple[str, int], None] = {}
        self._size = 0
        self._calls = 0
        self._dropped: Counter[str] = Counter()

    def __len__(self) -> int:
        return self._size

    def take_dropped(self) -> dict[str, int]:
        """The numbers of requests not counted since the last call, by reason."""
        dropped, self._dropped = self._dropped, Counter()
        return dict(dropped)

    def wants(self, scope: str, trace_id: str, at: float) -> bool:
        """True if a request of this end (Unix s) would be kept; unwanted ones cost nothing more."""
        known = self._scopes.get(scope)
        slot = known.slots.get(slot_of(at)) if known is not None else None
        if slot is None or len(slot.requests) < REQUESTS_MAX or trace_id in slot.requests:
            return True
        return _lot(trace_id) < slot.highest

    def add(
        self, scope: str, facts: Facts, alerts: Mapping[str, str], was_at: float | None = None
    ) -> None:
        """Take in a request; `alerts` are the services of its anomalies by fingerprint.

        `was_at` is the end of the request in facts taken earlier, which these replace.
        """
        known = self._scopes.get(scope)
        if known is None:
            known = self._scopes[scope] = _Scope()
        self._scopes.move_to_end(scope)
        number = slot_of(facts.at)
        if number < known.first:
            self._dropped["late_requests"] += 1
            return
        if was_at is not None and slot_of(was_at) != number:
            self._remove(scope, known, slot_of(was_at), facts.trace_id)
        slot = known.slots.setdefault(number, _Slot())
        earlier = slot.requests.get(facts.trace_id)
        if earlier is not None and len(earlier[1].observed) > len(facts.observed):
            return  # Lines of it were let go meanwhile.
        self._count(facts, 1)
        if earlier is not None:
            self._count(earlier[1], -1)
        slot.requests[facts.trace_id] = _lot(facts.trace_id), facts, dict(alerts)
        self._change(scope, number, slot)
        if len(slot.requests) > REQUESTS_MAX:
            gone = slot.requests.pop(max(slot.requests, key=lambda id: slot.requests[id][0]))
            self._count(gone[1], -1)
        if len(slot.requests) == REQUESTS_MAX:
            slot.highest = max(lot for lot, _, _ in slot.requests.values())
        self._make_room(scope, known)

    def due(self, through: float, now: float) -> list[Told]:
        """The tallies of slots that are complete at event time `through`, a few at once.

        A slot that was told and has changed is told again, with a pause of arrival time.
        """
        told: list[Told] = []
        for scope, number in list(self._changed):
            if len(told) >= TALLIES_MAX:
                break
            slot = self._scopes[scope].slots[number]
            closed = (number + 1) * SLOT_SECONDS + CLOSED_SECONDS <= through
            if not closed or (slot.told_at is not None and now < slot.told_at + AGAIN_SECONDS):
                continue
            del self._changed[scope, number]
            slot.changed, slot.told_at = False, now
            tally = Tally()
            for _, facts, alerts in slot.requests.values():
                tally.add(facts, alerts)
            told.append(Told(scope, number, tally))
        return told

    def clear(self) -> None:
        """Forget all, as another worker goes on with some of the requests."""
        self._scopes.clear()
        self._changed.clear()
        self._size = self._calls = 0

    def _change(self, scope: str, number: int, slot: _Slot) -> None:
        if not slot.changed:
            slot.changed = True
            self._changed[scope, number] = None

    def _remove(self, scope: str, known: _Scope, number: int, trace_id: str) -> None:
        slot = known.slots.get(number)
        gone = slot.requests.pop(trace_id, None) if slot is not None else None
        if slot is not None and gone is not None:
            self._count(gone[1], -1)
            self._change(scope, number, slot)

    def _count(self, facts: Facts, sign: int) -> None:
        self._size += sign
        self._calls += sign * len(facts.observed)

    def _make_room(self, scope: str, known: _Scope) -> None:
        while len(known.slots) > SLOTS_MAX:
            self._forget_first(scope, known)
        while self._size > FACTS_MAX or self._calls > CALLS_MAX:
            other = next(iter(self._scopes))
            self._forget_first(other, self._scopes[other])
            if not self._scopes[other].slots:
                del self._scopes[other]

    def _forget_first(self, scope: str, known: _Scope) -> None:
        number = min(known.slots)
        slot = known.slots.pop(number)
        known.first = number + 1
        for _, facts, _ in slot.requests.values():
            self._count(facts, -1)
        if slot.changed:
            del self._changed[scope, number]
            self._dropped["untold_requests"] += len(slot.requests)


def slot_of(at: float) -> int:
    """The slot of an event time (Unix s)."""
    return int(at // SLOT_SECONDS)


def _lot(trace_id: str) -> int:
    """A request's lot: independent of its partition, and of the samples in tallies."""
    encoded = trace_id.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(encoded, digest_size=8, key=_LOTS).digest(), "big")
