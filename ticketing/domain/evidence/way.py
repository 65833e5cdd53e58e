"""The way to a service: a slow call's excess time lies around one callee, or anywhere.

The time between two calls is the caller's own, or the way of an answer, or the way to the next
callee. A callee on both sides of which time was lost explains both gaps, and its neighbours none. A
callee that others reach as usual explains nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

from ticketing.domain.evidence.tally import CALLS, COARSE, GAPS, MICROS, REST
from ticketing.domain.evidence.usual import SEEN_MIN, WAIT, Kinds, Pair, Profile
from ticketing.domain.traces.facts import Operation

MOST_SHARE = 0.6
"""Share of the excess from which on one of several callees is distinct: the caller's own slowness
would be spread over all gaps."""
ELSEWHERE_SHARE = 0.2
"""Share of a call's usual time that must lie elsewhere for the way to a callee to be distinct: the
caller's own slowness would show there."""
LOPSIDED_SHARE = 0.85
"""Share of the excess on one side of a sole callee from which on the caller's own slowness, which
would be on both sides, is less likely."""
# Shares of the excess around a callee that it is blamed for: as a distinct one; as any other of
# several; as the only one, with excess on both sides or on one; and as one that other callers have
# to wait for as well. Between two callees, the next one gets a little more: a call may have to
# connect or to queue before it begins.
TO_DISTINCT, TO_ANY, TO_SOLE, TO_LOPSIDED, TO_KNOWN = 0.8, 0.3, 0.35, 0.6, 0.9
TO_NEXT, TO_PREVIOUS = 0.4, 0.3
ALIKE_SHARE = 0.9
"""Two callees with this share of each other's excess lie on both sides of the same gap."""
LEAST_SHARE = 0.1
"""Excess of a gap below this share of all is jitter."""
INNOCENT_SHARE, GUILTY_SHARE = 0.2, 0.5
"""Excess around a callee in calls by others, per call and as a share of the excess here: below the
first the callee is innocent, from the second on it is guilty."""

Window = Mapping[Operation, Kinds]


class Ways:
    """The excess around callees in one window, of all operations."""

    def __init__(self, now: Window, usual: Mapping[Operation, Profile]) -> None:
        self._now, self._usual = now, usual
        self._around: dict[Operation, dict[Operation, tuple[float, int]]] | None = None

    def blame(self, caller: Operation) -> dict[str, float]:
        """The shares of a caller's slow calls that its callees are blamed for, 1 together at most."""
        profile = self._usual[caller]
        excess = _excess(self._now[caller], profile, slow=True)
        whole = sum(excess.values())
        callees = {one for pair in excess for one in pair if one[0] not in ("", caller[0])}
        innocent, guilty = set(), set()
        for callee in callees:
            elsewhere = self._elsewhere(caller, callee)
            if elsewhere is not None:
                if elsewhere < INNOCENT_SHARE:
                    innocent.add(callee)
                elif elsewhere >= GUILTY_SHARE:
                    guilty.add(callee[0])
        suspects = callees - innocent
        found: dict[str, float] = {}
        while excess:
            around: Counter[str] = Counter()
            for pair, over in excess.items():
                for service in _services(pair, suspects):
                    around[service] += over  # type: ignore[assignment]
            most = max(around.values(), default=0.0)
            if most < LEAST_SHARE * whole or most <= 0:
                break
            alike = {one for one, over in around.items() if over >= ALIKE_SHARE * most}
            alike = alike & guilty or alike
            taken = {
                pair: over
                for pair, over in excess.items()
                if not alike.isdisjoint(_services(pair, suspects))
            }
            for service, share in _shares(alike, taken, whole, profile, guilty).items():
                found[service] = found.get(service, 0.0) + share
            excess = {pair: over for pair, over in excess.items() if pair not in taken}
        return found

    def _elsewhere(self, caller: Operation, callee: Operation) -> float | None:
        """The excess around a callee in calls by others, beside that in calls by the caller.

        None where others call too seldom to tell.
        """
        if self._around is None:
            self._around = self._all_around()
        callers = self._around.get(callee, {})
        here, calls = callers.get(caller, (0.0, 0))
        others = [one for by, one in callers.items() if by != caller]
        number = sum(count for _, count in others)
        if number < SEEN_MIN or here <= 0:
            return None
        return (sum(over for over, _ in others) / number) / (here / calls)

    def _all_around(self) -> dict[Operation, dict[Operation, tuple[float, int]]]:
        found: dict[Operation, dict[Operation, tuple[float, int]]] = defaultdict(dict)
        for caller, kinds in self._now.items():
            profile = self._usual.get(caller)
            if profile is None or not profile.known or GAPS not in kinds:
                continue
            calls: Counter[Operation] = Counter()
            for detail, count in kinds.get(CALLS, {}).items():
                if detail != REST:
                    for callee in detail[0]:
                        calls[callee] += count
            around: Counter[Operation] = Counter()
            for pair, over in _excess(kinds, profile).items():
                for callee in {*pair}:
                    around[callee] += over  # type: ignore[assignment]
            for callee, count in calls.items():
                found[callee][caller] = float(around[callee]), count
        return found


def _services(pair: Pair, suspects: set[Operation]) -> set[str]:
    return {one[0] for one in pair if one in suspects}


def _shares(
    alike: set[str], taken: Mapping[Pair, float], whole: float, profile: Profile, guilty: set[str]
) -> dict[str, float]:
    """The shares of all excess that services are blamed for, which have `taken` around them."""
    explained = sum(taken.values()) / whole
    if alike <= guilty:
        return {service: TO_KNOWN * explained / len(alike) for service in alike}
    between = {
        pair: over
        for pair, over in taken.items()
        if pair[0][0] in alike and pair[1][0] in alike and pair[0][0] != pair[1][0]
    }
    if len(alike) > 1 and sum(between.values()) >= MOST_SHARE * whole:
        found: dict[str, float] = defaultdict(float)
        for (previous, following), over in between.items():
            found[previous[0]] += TO_PREVIOUS * over / whole
            found[following[0]] += TO_NEXT * over / whole
        return found
    usual = sum(profile.gaps.values())
    around = sum(gap for pair, gap in profile.gaps.items() if not alike.isdisjoint(_names(pair)))
    if around > (1 - ELSEWHERE_SHARE) * usual:
        one_side = max(taken.values()) >= LOPSIDED_SHARE * sum(taken.values())
        weight = TO_LOPSIDED if one_side else TO_SOLE
    else:
        weight = TO_DISTINCT if len(alike) == 1 and explained >= MOST_SHARE else TO_ANY
    return {service: weight * explained / len(alike) for service in alike}


def _names(pair: Pair) -> set[str]:
    return {pair[0][0], pair[1][0]}


def _excess(kinds: Kinds, profile: Profile, slow: bool = False) -> dict[Pair, float]:
    """The seconds by which gaps exceed their usual length, of slow calls only or of all."""
    excess: Counter[Pair] = Counter()
    waits = kinds.get(WAIT, {})
    least = (profile.limit + 1) // COARSE if slow else 0
    for detail, count in kinds.get(GAPS, {}).items():
        if detail != REST and detail[0] >= least:
            over = waits.get(detail, 0) / MICROS - count * profile.gaps.get(detail[1:], 0.0)
            excess[detail[1:]] += over  # type: ignore[assignment]
    return {pair: over for pair, over in excess.items() if over > 0}
