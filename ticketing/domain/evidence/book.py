"""The book of a scope: the tallies of its last slots, and what they say against services."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from ticketing.domain.evidence.sample import Sample
from ticketing.domain.evidence.signs import Evidence, compared
from ticketing.domain.evidence.tally import ALERT, ALL, CALLS, GAPS, REQUESTS, REST, Tally
from ticketing.domain.evidence.usual import WAIT, Key, Kinds, Profile
from ticketing.domain.traces.facts import Operation

WINDOWS_SLOTS = (6, 9, 12)
"""Ages of the fault that are tried; evidence that shows in several windows counts more."""
LONGEST = max(WINDOWS_SLOTS)
# Bounds of a book: twenty minutes in which there was traffic, and about 40 MB. Beyond, the earliest
# slots go, so that a large scope knows less of what is usual, but the same of the present; and some
# 200 MB, beyond which the windows get shorter too.
SLOTS_MAX = 120
ITEMS_MAX = 120_000
PRESENT_ITEMS_MAX = 600_000
WORKERS_MAX = 256
"""Workers of a slot: names of workers that restart under new ones must not add up."""
KNOWN_SLOTS, KNOWN_SHARE = 60, 0.8
"""The last slots, and the share of them with requests, from which on a seldom thing is known to be
seldom: five times the longest window, without a long pause, after which much may be new."""
STRENGTH_MIN = 1.0
"""Nats below which two rates may well differ by chance."""
BURSTS_MAX, BURSTS_USUAL = 16, 2
"""Earlier bursts of an observation that are remembered, and their number from which on another one
is no news: once may be the same fault again."""
BURST_ALIKE = 0.7
"""A burst is as strong as another with this share of its strength."""
NAMES_MAX = 20_000
"""Observations whose bursts are remembered: bounds the memory, the least recent go."""
OUTBREAK_MIN = 3.0
"""Nats from which on a slot of an operation is set aside from what is usual."""
ASIDE_SLOTS_MAX = 30
"""Slots of an operation that are set aside, five minutes: beyond that it is what is usual now."""

Counts = dict[Operation, Kinds]
Entry = tuple[int, int, int, "array[int]"]
"""Count, microseconds, limit and ids of an item."""
Entries = dict[Key, Entry]
Name = tuple[Any, ...]
Alert = tuple[str, str]
"""Service and fingerprint."""


class Book:
    """Takes tallies of a scope in, in any order, and compares the last minutes with those before."""

    def __init__(self) -> None:
        self._slots: dict[int, dict[str, Entries]] = {}
        self._keys: dict[Key, Key] = {}
        self._total: Counts = {}
        self._windows: list[Counts] = [{} for _ in WINDOWS_SLOTS]
        self._aside: Counts = {}
        self._aside_slots: dict[Operation, set[int]] = {}
        self._profiles: dict[Operation, Profile] = {}
        self._bursts: dict[Name, list[tuple[int, float]]] = {}
        self.last = 0
        """The last slot of the windows."""
        self.size = 0
        """Items held."""

    def put(self, slot: int, worker: str, tally: Tally) -> None:
        """Take in what a worker saw in a slot, in place of an earlier tally of the same two."""
        workers = self._slots.setdefault(slot, {})
        if worker not in workers and len(workers) >= WORKERS_MAX:
            return
        self._sum(slot, workers.pop(worker, {}), -1)
        entries = {
            self._key(operation, kind, detail): (
                item.count,
                item.micros,
                item.limit,
                array("I", sorted(item.ids)),
            )
            for operation, kind, detail, item in tally.items()
            if item.count > 0
        }
        workers[worker] = entries
        self._sum(slot, entries, 1)
        while self._is_full():
            self._forget(min(self._slots))

    def _is_full(self) -> bool:
        number = len(self._slots)
        most = ITEMS_MAX if number > LONGEST else PRESENT_ITEMS_MAX
        return number > SLOTS_MAX or (self.size > most and number > 1)

    def _key(self, operation: Operation, kind: str, detail: Any) -> Key:
        key = operation, kind, detail
        return self._keys.setdefault(key, key)

    def _forget(self, slot: int) -> None:
        for _, entries in self._entries(slot):
            self._sum(slot, entries, -1)
        del self._slots[slot]
        for operation, slots in list(self._aside_slots.items()):
            slots.discard(slot)
            if not slots:
                del self._aside_slots[operation]
        if len(self._keys) > 4 * ITEMS_MAX:
            self._keys.clear()

    def _entries(self, slot: int) -> Iterator[tuple[str, Entries]]:
        """The workers of a slot with the entries of each."""
        yield from self._slots.get(slot, {}).items()

    def _sum(self, slot: int, entries: Entries, sign: int) -> None:
        self.size += sign * len(entries)
        _add(self._total, entries, sign)
        for length, window in zip(WINDOWS_SLOTS, self._windows, strict=True):
            if self.last - length < slot <= self.last:
                _add(window, entries, sign)
        if slot <= self.last - LONGEST:
            _add(self._aside, self._aside_of(slot, entries), sign)

    def _aside_of(self, slot: int, entries: Entries) -> Entries:
        """The entries of a slot whose operations are set aside there."""
        if not self._aside_slots:
            return {}
        return {
            key: entry
            for key, entry in entries.items()
            if slot in self._aside_slots.get(key[0], ())
        }

    def advance(self, last: int) -> None:
        """Move the windows so that they end with slot `last`; they never move back."""
        last = max(last, self.last)
        for slot in self._slots:
            if self.last - LONGEST < slot <= last - LONGEST:
                for _, entries in self._entries(slot):
                    _add(self._aside, self._aside_of(slot, entries), 1)
        for length, window in zip(WINDOWS_SLOTS, self._windows, strict=True):
            old = range(self.last - length + 1, self.last + 1)
            new = range(last - length + 1, last + 1)
            for slot in self._slots:
                if (slot in old) != (slot in new):
                    for _, entries in self._entries(slot):
                        _add(window, entries, 1 if slot in new else -1)
        self.last = last

    def evidence(self, last: int) -> list[Evidence]:
        """All evidence of the windows that end with slot `last`, strongest first.

        When requests cease, the evidence of the last ones stays for as long as a window.
        """
        latest = max((slot for slot in self._slots if slot <= last), default=last)
        self.advance(latest if last - latest <= LONGEST else last)
        self._profiles = {
            operation: Profile(self._before(operation, kinds))
            for operation, kinds in self._total.items()
        }
        together: dict[Name, list[Evidence]] = defaultdict(list)
        for window in self._windows:
            for one in compared(window, self._profiles):
                together[one.service, one.sign.value, one.about].append(one)
        found = []
        for name, same in together.items():
            one = max(same, key=lambda each: each.strength)
            one.strength = self._news(
                name, sum(each.strength for each in same) / len(WINDOWS_SLOTS)
            )
            if one.strength >= STRENGTH_MIN:
                one.requests = self.sample(one.keys)
                found.append(one)
        self._set_aside(found)
        return sorted(
            found, key=lambda one: (-one.strength, one.service, one.sign.value, repr(one.about))
        )

    def _before(self, operation: Operation, total: Kinds) -> Kinds:
        """The counts of an operation before the longest window, without those set aside."""
        recent = self._windows[-1].get(operation, {})
        aside = self._aside.get(operation, {})
        if not recent and not aside:
            return total
        found: Kinds = {}
        for kind, counts in total.items():
            now, outside = recent.get(kind, {}), aside.get(kind, {})
            found[kind] = {
                detail: left
                for detail, count in counts.items()
                if (left := count - now.get(detail, 0) - outside.get(detail, 0)) > 0
            }
        return found

    def _news(self, name: Name, strength: float) -> float:
        """The strength that is left after earlier bursts that were about as strong."""
        if strength < STRENGTH_MIN:
            return 0.0
        bursts = self._bursts.pop(name, [])
        self._bursts[name] = bursts
        if bursts and self.last - bursts[-1][0] <= LONGEST:
            bursts[-1] = self.last, max(bursts[-1][1], strength)
        else:
            bursts.append((self.last, strength))
            del bursts[:-BURSTS_MAX]
        if len(self._bursts) > NAMES_MAX:
            del self._bursts[next(iter(self._bursts))]
        alike = sum(peak >= BURST_ALIKE * strength for _, peak in bursts[:-1])
        return strength / (1 + alike) if alike >= BURSTS_USUAL else strength

    def _set_aside(self, found: Iterable[Evidence]) -> None:
        """Keep outbreaks out of what is usual: the slots in which an operation showed evidence."""
        keys = {key for one in found if one.strength >= OUTBREAK_MIN for key in one.keys}
        for slot in range(self.last - LONGEST + 1, self.last + 1) if keys else ():
            for _, entries in self._entries(slot):
                for key in keys & entries.keys():
                    self._mark_aside(key[0], slot)

    def _mark_aside(self, operation: Operation, slot: int) -> None:
        for one in (operation, (operation[0], "")):
            slots = self._aside_slots.setdefault(one, set())
            if len(slots) < ASIDE_SLOTS_MAX:
                slots.add(slot)

    def sample(self, keys: Iterable[Key]) -> Sample:
        """The requests of the longest window that any of the keys counted."""
        found = Sample()
        keys = list(keys)
        for slot in range(self.last - LONGEST + 1, self.last + 1):
            for worker, entries in self._entries(slot):
                for key in keys:
                    entry = entries.get(key)
                    if entry is not None:
                        found.join((slot, worker), entry[2], entry[3])
        return found

    def alerts(self) -> list[Alert]:
        """Service and fingerprint of the alerts that requests of the longest window hold, in order."""
        return sorted(name for name, kinds in self._windows[-1].items() if ALERT in kinds)

    def count_of(self, alert: Alert) -> tuple[int, int, int, int]:
        """The requests that hold an alert and all requests: of the longest window, and before."""
        found = []
        for operation, kind in ((alert, ALERT), (ALL, REQUESTS)):
            total = self._total.get(operation, {})
            now = self._windows[-1].get(operation, {}).get(kind, {}).get(None, 0)
            found.append((now, self._before(operation, total).get(kind, {}).get(None, 0)))
        (now, before), (requests, requests_before) = found
        return now, requests, before, requests_before

    def requests_of(self, service: str) -> int:
        """The requests of a service in all that is remembered; 0 after a pause of the traffic."""
        recent = range(self.last - KNOWN_SLOTS + 1, self.last + 1)
        if sum(slot in self._slots for slot in recent) < KNOWN_SHARE * KNOWN_SLOTS:
            return 0
        return self._total.get((service, ""), {}).get(REQUESTS, {}).get(None, 0)

    def calls(self) -> Counter[tuple[Operation, Operation]]:
        """Callers and callees of all that is remembered, with the number of calls."""
        found: Counter[tuple[Operation, Operation]] = Counter()
        for operation, kinds in self._total.items():
            for detail, count in kinds.get(CALLS, {}).items():
                if detail != REST:
                    for child in detail[0]:
                        found[operation, child] += count
        return found


def _add(counts: Counts, entries: Entries, sign: int) -> None:
    for (operation, kind, detail), entry in entries.items():
        kinds = counts.get(operation)
        if kinds is None:
            kinds = counts[operation] = {}
        _change(kinds, kind, detail, sign * entry[0])
        if kind == GAPS:
            _change(kinds, WAIT, detail, sign * entry[1])
        if not kinds:
            del counts[operation]


def _change(kinds: Kinds, kind: str, detail: Any, change: int) -> None:
    counts = kinds.get(kind)
    if counts is None:
        counts = kinds[kind] = {}
    left = counts.get(detail, 0) + change
    if left:
        counts[detail] = left
    else:
        counts.pop(detail, None)
        if not counts:
            del kinds[kind]
