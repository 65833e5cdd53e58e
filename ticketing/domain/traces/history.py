"""The recent past of a tenant's requests: facts in slots of event time, an even sample of each."""

from __future__ import annotations

import zlib
from collections import OrderedDict

from ticketing.domain.traces.facts import Facts

# An even sample of twenty minutes: slots well below the windows that are compared (60 s and more),
# each with enough requests to tell a rate.
SLOT_SECONDS = 10.0
PER_SLOT_MAX = 50
SLOTS_MAX = 120
"""Slots that hold anything: after a pause the traffic before it is still the usual one."""
NAMES_MAX = 2_000
"""Services of one tenant: bounds the memory where names never end, as with generated ones."""


class History:
    """A bounded sample of requests, the same in whatever order they come."""

    def __init__(self) -> None:
        self._slots: OrderedDict[int, dict[str, tuple[int, Facts]]] = OrderedDict()
        self._size = 0
        self.calls = 0
        """Calls of all requests kept, which are most of the memory: requests differ in size."""
        self.replaced = 0
        """The number of times that known facts were replaced by others."""
        self.services: dict[str, None] = {}
        """Every service seen: the names that errors may mention."""

    def __len__(self) -> int:
        return self._size

    def wants(self, trace_id: str, at: float) -> bool:
        """True if a request that ended at this time (Unix s) would be kept."""
        slot = self._slots.get(int(at // SLOT_SECONDS))
        if slot is None or len(slot) < PER_SLOT_MAX or trace_id in slot:
            return True
        return _lot(trace_id) < max(lot for lot, _ in slot.values())

    def add(self, facts: Facts, was_at: float | None = None) -> bool:
        """Take in a request; True if that replaces other facts of the same trace.

        `was_at` is the end of the request in the facts taken earlier, which are forgotten; those of
        more calls stay, as lines of the request have been let go meanwhile.
        """
        at = facts.at if was_at is None else was_at
        known = self._forget(facts.trace_id, at)
        if known is not None and len(known.observed) > len(facts.observed):
            facts = known
        self._put(facts)
        changed = known is not None and known != facts
        self.replaced += changed
        return changed

    def _forget(self, trace_id: str, at: float) -> Facts | None:
        slot = self._slots.get(int(at // SLOT_SECONDS), {})
        _, known = slot.pop(trace_id, (0, None))
        if known is not None:
            self._count(known, -1)
        return known

    def _put(self, facts: Facts) -> None:
        number = int(facts.at // SLOT_SECONDS)
        slot = self._slots.get(number)
        if slot is None:
            slot = self._slots[number] = {}
            if len(self._slots) > SLOTS_MAX:
                self.forget_oldest()
        _, known = slot.get(facts.trace_id, (0, None))
        if known is not None:
            self._count(known, -1)
        self._count(facts, 1)
        slot[facts.trace_id] = _lot(facts.trace_id), facts
        if len(slot) > PER_SLOT_MAX:
            # Drawn by lot, or the busiest moment would be all that is known.
            _, gone = slot.pop(max(slot, key=lambda id: slot[id][0]))
            self._count(gone, -1)

    def forget_oldest(self) -> None:
        """Let the earliest slot go."""
        if self._slots:
            for _, facts in self._slots.pop(min(self._slots)).values():
                self._count(facts, -1)

    def _count(self, facts: Facts, sign: int) -> None:
        self._size += sign
        self.calls += sign * len(facts.observed)

    def know(self, service: str) -> None:
        """Remember the name of a service."""
        if len(self.services) < NAMES_MAX:
            self.services[service] = None

    def through(self, until: float) -> list[Facts]:
        """The requests that ended up to a time (Unix s), earliest first."""
        last = int(until // SLOT_SECONDS)
        found = [
            facts
            for number, slot in self._slots.items()
            if number <= last
            for _, facts in slot.values()
            if facts.at <= until
        ]
        return sorted(found, key=lambda facts: (facts.at, facts.trace_id))


def _lot(trace_id: str) -> int:
    return zlib.crc32(trace_id.encode("utf-8", "surrogatepass"))
