"""The tally of a traces worker: counts of one scope and slot of event time, with request samples.

A worker holds no past and judges nothing. A tally is absolute: a later one of the same worker and
slot replaces an earlier one, so that late lines and replays do no harm. All counts are integers, so
that sums are the same in whatever order they are made.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ticketing.domain.evidence.sample import (
    HASHES,
    SKETCH_MAX,
    hash_of_name,
    hash_of_request,
)
from ticketing.domain.traces.facts import Facts, Observed, Operation

SLOT_SECONDS = 10
"""Event time of a slot: evidence is as old as that at least, and a window has six slots."""
UNIT = 1000
"""Errors are counted in thousandths, as a request's blame is shared; all else in ones."""
MICROS = 1_000_000  # microseconds of a second: gaps are summed in integers

# Bounds of a tally, about 10 MB: a thousand operations fit with all that they do. Of more, those stay
# that have the lowest hashes; so do the details of an operation whose calls differ endlessly.
ITEMS_MAX = 20_000
DETAILS_MAX = 200
CHILDREN_MAX = 40
"""Callees of a call that are told apart: a loop over more is one kind of call."""
WAITS_MAX = 40
"""Pairs of neighbours of a call between which time is summed."""
LINES_MAX = 20
"""Lines of a call that are told apart: breaking off early shows among the first."""

_STEP = math.log(1.3)  # a bucket of times is 30 % wide: fine enough for "three times as long"
BUCKET_MAX = 60
"""The last bucket of times, from about two hours on."""
COARSE = 3
"""Buckets of a call's own time by which its gaps are summed, to keep them few."""

ALL: Operation = ("", "")
"""Stands for all requests of the scope."""

# Kinds of items. Those of a service stand under the operation (service, ""), those of an alert
# under (service, fingerprint).
REQUESTS, ALERT, CALLS, OWN, GAPS, ERRORS, NAMED, SPOILED = (
    *("requests", "alert", "calls", "own", "gaps"),
    *("errors", "named", "spoiled"),
)
KINDS = (REQUESTS, ALERT, CALLS, OWN, GAPS, ERRORS, NAMED, SPOILED)
ENDLESS = frozenset((CALLS, GAPS, ERRORS, NAMED))
"""Kinds whose details may be without end: only these have a rest."""
REST = "rest"
"""The detail of items that were folded into one at a bound: they count, and say nothing else."""

Item = tuple[str, Any]
"""Kind and detail."""


class Count:
    """A count, a sum of microseconds where it has one, and the lowest hashes of its requests."""

    __slots__ = ("count", "ids", "limit", "micros")

    def __init__(self) -> None:
        self.count, self.micros, self.limit = 0, 0, HASHES
        self.ids: set[int] = set()
        """All of the item's requests with a hash below `limit`."""

    def mark(self, id: int) -> None:
        """Keep a request, if it is among the lowest."""
        if id < self.limit:
            self.ids.add(id)
            if len(self.ids) > SKETCH_MAX:
                self.limit = max(self.ids)
                self.ids.remove(self.limit)

    def join(self, other: Count) -> None:
        """Add the other one's count and requests."""
        self.count += other.count
        self.micros += other.micros
        self.limit = min(self.limit, other.limit)
        self.ids = {id for id in self.ids if id < self.limit}
        for id in other.ids:
            self.mark(id)


class _Lowest:
    """Names by hash: those with the highest go first, the same ones in whatever order they come."""

    __slots__ = ("_heap", "_limit")

    def __init__(self, names: Iterable[Any]) -> None:
        self._limit = HASHES
        self._heap = [_entry(name) for name in names]
        heapq.heapify(self._heap)

    def admits(self, name: Any) -> bool:
        """True for a name that is not above those that went."""
        return hash_of_name(name) < self._limit

    def add(self, name: Any) -> None:
        """Take in a name that is admitted."""
        heapq.heappush(self._heap, _entry(name))

    def highest(self) -> Any:
        """The name that goes now."""
        least, _, gone = heapq.heappop(self._heap)
        self._limit = -least
        return gone


def _entry(name: Any) -> tuple[int, str, Any]:
    # The text decides between equal hashes: names themselves may not be ordered.
    return -hash_of_name(name), repr(name), name


class Items(dict[Item, Count]):
    """The items of one operation, at most DETAILS_MAX of the kinds that may be without end."""

    __slots__ = ("_endless", "_lowest")

    def __init__(self) -> None:
        self._endless = 0
        self._lowest: _Lowest | None = None

    def of(self, kind: str, detail: Any) -> Count:
        """The item, new if need be; the rest of its kind where there is no room."""
        found = self.get((kind, detail))
        if found is not None:
            return found
        if kind in ENDLESS and detail != REST:
            return self._of_endless(kind, detail)
        found = self[kind, detail] = Count()
        return found

    def _of_endless(self, kind: str, detail: Any) -> Count:
        item = kind, detail
        if self._lowest is not None:
            if not self._lowest.admits(item):
                return self.of(kind, REST)
            self._lowest.add(item)
        self[item] = Count()
        self._endless += 1
        if self._endless > DETAILS_MAX:
            if self._lowest is None:
                self._lowest = _Lowest(one for one in self if one[0] in ENDLESS and one[1] != REST)
            gone = self._lowest.highest()
            self._endless -= 1
            self.of(gone[0], REST).join(self.pop(gone))
        return self.get(item) or self.of(kind, REST)


class Tally:
    """The requests of one scope that one worker saw end in one slot."""

    __slots__ = ("_lowest", "_size", "dropped", "operations")

    def __init__(self) -> None:
        self.operations: dict[Operation, Items] = {ALL: Items()}
        self.dropped = 0
        """Calls that were not counted, as there are too many operations."""
        self._size = 0
        self._lowest: _Lowest | None = None

    def __len__(self) -> int:
        """The number of items, at most ITEMS_MAX."""
        return self._size

    def __bool__(self) -> bool:
        return True

    def items(self) -> Iterator[tuple[Operation, str, Any, Count]]:
        """All items: operation, kind, detail and count."""
        for operation, items in self.operations.items():
            for (kind, detail), item in items.items():
                yield operation, kind, detail, item

    def add(self, facts: Facts, alerts: Mapping[str, str]) -> None:
        """Count a request; `alerts` are the fingerprints of its anomalies with their services."""
        id = hash_of_request(facts.trace_id)
        self._count(ALL, REQUESTS, None, 1, id)
        services = {call.operation[0] for call in facts.observed}
        for service in services | facts.blamed.keys():
            self._count((service, ""), REQUESTS, None, 1, id)
        left = dict(facts.blamed)
        for named in facts.named:
            left[named.service] -= named.share
            units = round(named.share * UNIT)
            self._count((named.service, ""), NAMED, named.by, units, id)
        origins = Counter(call.operation[0] for call in facts.observed if call.origin)
        for call in facts.observed:
            blame = left.get(call.operation[0], 0.0) if call.origin else 0.0
            self._call(call, round(blame * UNIT / max(1, origins[call.operation[0]])), id)
        for fingerprint, service in alerts.items():
            self._count((service, fingerprint), ALERT, None, 1, id)

    def _call(self, call: Observed, blame: int, id: int) -> None:
        operation = call.operation
        children = tuple(dict.fromkeys(call.children[:CHILDREN_MAX]))
        bucket = bucket_of(call.own)
        lines = min(call.lines, LINES_MAX)
        if not self._count(operation, CALLS, (children, call.excused, lines), 1, id):
            self.dropped += 1
            return
        self._count(operation, OWN, bucket, 1, id)
        if call.spoiled:
            self._count(operation, SPOILED, call.failed, 1, id)
        if blame:
            self._count(operation, ERRORS, (children, call.excused), blame, id)
        coarse = bucket // COARSE
        for before, after, seconds in call.waits[:WAITS_MAX]:
            item = self.item(operation, GAPS, (coarse, before, after))
            if item is not None:
                item.count += 1
                item.micros += round(seconds * MICROS)

    def _count(self, operation: Operation, kind: str, detail: Any, count: int, id: int) -> bool:
        item = self.item(operation, kind, detail)
        if item is None:
            return False
        item.count += count
        item.mark(id)
        return True

    def item(self, operation: Operation, kind: str, detail: Any) -> Count | None:
        """The item to count in, new if need be; None where the operation is left out."""
        items = self.operations.get(operation)
        if items is not None:
            found = items.get((kind, detail))
            if found is not None:
                return found
        else:
            if self._lowest is not None:
                if not self._lowest.admits(operation):
                    return None
                self._lowest.add(operation)
            items = self.operations[operation] = Items()
        size = len(items)
        found = items.of(kind, detail)
        self._size += len(items) - size
        while self._size > ITEMS_MAX:
            self._make_room()
        return found if operation in self.operations else None

    def _make_room(self) -> None:
        if self._lowest is None:
            self._lowest = _Lowest(one for one in self.operations if one != ALL)
        items = self.operations.pop(self._lowest.highest())
        self._size -= len(items)
        self.dropped += sum(item.count for (kind, _), item in items.items() if kind == CALLS)


def bucket_of(seconds: float) -> int:
    """The bucket of a time (s), on a scale that grows by 30 % a step from a millisecond on."""
    if seconds <= 0.001:
        return 0
    return min(BUCKET_MAX, math.ceil(math.log(seconds * 1000.0) / _STEP))


def seconds_of(bucket: int) -> float:
    """The middle of a bucket, in seconds."""
    return 0.001 * math.exp(_STEP * (bucket - 0.5)) if bucket else 0.0005
