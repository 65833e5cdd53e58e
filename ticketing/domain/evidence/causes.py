"""From evidence to causes: rank services, and explain symptoms away by the strongest of them."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ticketing.domain.evidence import likelihood
from ticketing.domain.evidence.sample import Sample, united
from ticketing.domain.evidence.signs import Evidence, Sign
from ticketing.domain.traces.facts import Operation

CAUSE_MIN = 5.0
"""Nats from which on a service is a cause: an odd minute has about one in 150 by chance."""
STRENGTH_MIN = 1.0
"""Nats below which what is left of evidence is nothing."""
CAUSES_MAX = 10  # as many as a verdict holds

Callees = Mapping[Operation, set[Operation]]


@dataclass(slots=True)
class Fault:
    """A service in which a fault began: its strength (nats), evidence, and the requests it spoils."""

    service: str
    strength: float
    evidence: list[Evidence]
    requests: Sample

    def onset(self, first: int, last: int) -> int:
        """The slot of `first` to `last` from which on its requests come most clearly more often."""
        counts = self.requests.counts()
        whole = sum(counts.values())
        slots = last - first + 1
        best, onset, before = 0.0, first, 0.0
        for slot in range(first + 1, last + 1):
            before += counts.get(slot - 1, 0.0)
            share = (slot - first) / slots
            gain = _surprise(before, whole * share) + _surprise(whole - before, whole * (1 - share))
            if before < whole * share and gain > best:
                best, onset = gain, slot
        return onset


def _surprise(found: float, expected: float) -> float:
    return found * math.log(found / expected) if found > 0 and expected > 0 else 0.0


def ranked(evidence: Iterable[Evidence]) -> list[tuple[str, float]]:
    """Services by what speaks against them (nats), strongest first."""
    return list(likelihood.ranked(evidence).items())


def faults(
    evidence: Iterable[Evidence],
    callees: Callees,
    least: float = CAUSE_MIN,
) -> list[Fault]:
    """Faults, strongest first: evidence that rests on a fault's requests is its symptom.

    The log-likelihood ratio grows with the counts, so other evidence keeps the share of its strength
    that lies outside of the fault's requests; all of it where no calls lead from one to the other.
    """
    found: list[Fault] = []
    left = list(evidence)
    while left and len(found) < CAUSES_MAX:
        service, score = ranked(left)[0]
        if score < least:
            break
        mine = [one for one in left if one.service == service]
        fault = Fault(service, score, mine, united(one.requests for one in mine))
        found.append(fault)
        observed = {(one.sign, one.about) for one in mine}
        reach = _Reach(mine, callees)
        left = [
            replace(one, strength=strength)
            for one in left
            if one.service != service and (one.sign, one.about) not in observed
            if (strength := _unexplained(one, fault, reach)) >= STRENGTH_MIN
        ]
    return found


def _unexplained(one: Evidence, fault: Fault, reach: _Reach) -> float:
    if one.sign in (Sign.LATENCY, Sign.ERRORS) and not reach.touches(one):
        return one.strength
    return one.strength * (1 - one.requests.share_in(fault.requests))


class _Reach:
    """The operations of a fault, and those below them in the calls."""

    def __init__(self, evidence: Iterable[Evidence], callees: Callees) -> None:
        self._callees = callees
        self._places = self._places_of(evidence)
        self._below = self._under(self._places)

    def touches(self, one: Evidence) -> bool:
        """True if calls lead from the fault to the evidence, or back."""
        places = self._places_of([one])
        return not (
            places.isdisjoint(self._places | self._below)
            and self._under(places).isdisjoint(self._places)
        )

    def _places_of(self, evidence: Iterable[Evidence]) -> set[Operation]:
        found: set[Operation] = set()
        for one in evidence:
            places = {key[0] for key in one.keys if key[0][1]}
            if places:
                found |= places
            else:
                found |= {operation for operation in self._callees if operation[0] == one.service}
        return found

    def _under(self, operations: set[Operation]) -> set[Operation]:
        found: set[Operation] = set()
        queue = list(operations)
        while queue:
            fresh = self._callees.get(queue.pop(), set()) - found
            found |= fresh
            queue += fresh
        return found


def callees_of(calls: Counter[tuple[Operation, Operation]]) -> dict[Operation, set[Operation]]:
    """The callees of each operation, of callers and callees with their numbers of calls."""
    found: dict[Operation, set[Operation]] = defaultdict(set)
    for caller, callee in calls:
        found[caller].add(callee)
        found.setdefault(callee, set())
    return dict(found)
