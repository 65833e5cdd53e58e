"""The way to a service: a slow call's excess time lies around one callee, or anywhere.

The time between two calls is the caller's own, or the way of an answer, or the way to the next
callee. A callee on both sides of which time was lost explains both gaps, and its neighbours none.
"""

from __future__ import annotations

from collections import Counter

from ticketing.domain.evidence.tally import COARSE, GAPS, MICROS, REST
from ticketing.domain.evidence.usual import WAIT, Kinds, Pair, Profile

MOST_SHARE = 0.6
"""Share of the excess from which on one of several callees is distinct: the caller's own slowness
would be spread over all gaps."""
TO_DISTINCT, TO_ANY, TO_SOLE = 0.8, 0.3, 0.45
"""Shares of the excess around it that a callee is blamed for: as a distinct one of several, as any
other of several, and as the only one, where the way and the caller can't be told apart."""
ALIKE_SHARE = 0.9
"""Two callees with this share of each other's excess lie on both sides of the same gap."""
LEAST_SHARE = 0.1
"""Excess of a gap below this share of all is jitter."""


def blame_of_way(caller: str, kinds: Kinds, profile: Profile) -> dict[str, float]:
    """The shares of a caller's slow calls that its callees are blamed for; they sum to 1 at most."""
    excess, whole = _excess(kinds, profile)
    callees = {service for pair in excess | profile.gaps for service in pair} - {"", caller}
    found: dict[str, float] = {}
    while excess and whole > 0:
        around: Counter[str] = Counter()
        for pair, over in excess.items():
            for service in {*pair} - {"", caller}:
                around[service] += over  # type: ignore[assignment]
        if not around:
            break
        most = max(around.values())
        if most < LEAST_SHARE * whole:
            break
        alike = sorted(service for service, over in around.items() if over >= ALIKE_SHARE * most)
        share = most / whole
        weight = TO_SOLE if len(callees) < 2 else TO_ANY
        if len(callees) > 1 and len(alike) == 1 and share >= MOST_SHARE:
            weight = TO_DISTINCT
        taken = {pair for pair in excess if not {*pair}.isdisjoint(alike)}
        explained = sum(excess[pair] for pair in taken) / whole
        for service in alike:
            found[service] = weight * explained / len(alike)
        for pair in taken:
            del excess[pair]
    return found


def _excess(kinds: Kinds, profile: Profile) -> tuple[dict[Pair, float], float]:
    """The seconds by which each gap of slow calls exceeds its usual length, and their sum."""
    excess: Counter[Pair] = Counter()
    waits = kinds.get(WAIT, {})
    for detail, count in kinds.get(GAPS, {}).items():
        if detail != REST and detail[0] >= (profile.limit + 1) // COARSE:
            over = waits.get(detail, 0) / MICROS - count * profile.gaps.get(detail[1:], 0.0)
            excess[detail[1:]] += over  # type: ignore[assignment]
    return {pair: over for pair, over in excess.items() if over > 0}, sum(
        over for over in excess.values() if over > 0
    )
