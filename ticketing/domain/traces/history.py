"""The recent past of a tenant's requests: an even sample of each slot of event time."""

from __future__ import annotations

import zlib
from collections import OrderedDict
from dataclasses import dataclass

from ticketing.domain.traces.facts import Facts, Operation

# An even sample of twenty minutes: slots well below the two minutes that a blast radius covers, each
# with enough requests to tell a share of a few percent.
SLOT_SECONDS = 10.0
PER_SLOT_MAX = 50
SLOTS_MAX = 120
"""Slots that hold anything: after a pause the traffic before it is still the usual one."""
NAMES_MAX = 2_000
"""Services of one tenant: bounds the memory where names never end, as with generated ones."""


@dataclass(frozen=True, slots=True)
class Passed:
    """A request that is over: its end (Unix s), the operation by which it came in, its outcome."""

    trace_id: str
    at: float
    entry: Operation
    failed: bool
    calls: int


class History:
    """A bounded sample of requests, the same in whatever order they come."""

    def __init__(self) -> None:
        self._slots: OrderedDict[int, dict[str, tuple[int, Passed]]] = OrderedDict()
        self._size = 0
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
        """Take in a request; True if that replaces another state of the same trace.

        `was_at` is the end of the request as it was taken earlier, which is forgotten; one of more
        calls stays, as lines of the request have been let go meanwhile.
        """
        passed = Passed(facts.trace_id, facts.at, facts.entry, facts.failed, len(facts.observed))
        known = self._forget(passed.trace_id, passed.at if was_at is None else was_at)
        if known is not None and known.calls > passed.calls:
            passed = known
        self._put(passed)
        return known is not None and known != passed

    def _forget(self, trace_id: str, at: float) -> Passed | None:
        slot = self._slots.get(int(at // SLOT_SECONDS), {})
        _, known = slot.pop(trace_id, (0, None))
        self._size -= known is not None
        return known

    def _put(self, passed: Passed) -> None:
        number = int(passed.at // SLOT_SECONDS)
        slot = self._slots.get(number)
        if slot is None:
            slot = self._slots[number] = {}
            if len(self._slots) > SLOTS_MAX:
                self.forget_oldest()
        self._size += passed.trace_id not in slot
        slot[passed.trace_id] = _lot(passed.trace_id), passed
        if len(slot) > PER_SLOT_MAX:
            # Drawn by lot, or the busiest moment would be all that is known.
            slot.pop(max(slot, key=lambda id: slot[id][0]))
            self._size -= 1

    def forget_oldest(self) -> None:
        """Let the earliest slot go."""
        if self._slots:
            self._size -= len(self._slots.pop(min(self._slots)))

    def know(self, service: str) -> None:
        """Remember the name of a service."""
        if len(self.services) < NAMES_MAX:
            self.services[service] = None

    def through(self, until: float) -> list[Passed]:
        """The requests that ended up to a time (Unix s), earliest first."""
        last = int(until // SLOT_SECONDS)
        found = [
            passed
            for number, slot in self._slots.items()
            if number <= last
            for _, passed in slot.values()
            if passed.at <= until
        ]
        return sorted(found, key=lambda passed: (passed.at, passed.trace_id))


def _lot(trace_id: str) -> int:
    return zlib.crc32(trace_id.encode("utf-8", "surrogatepass"))
