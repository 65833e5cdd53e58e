"""A verdict applied to the open incidents of its scope: which merge, which lose alerts, their names.

Pure: from the verdict, the alerts with their incidents and the memory of the scope follow steps,
which the incidents' writer takes in their order. Verdicts lost, late or doubled make worse groups
and nothing else. Times are event times in Unix seconds, unless a parameter says `now`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ticketing.domain.events import Cause, Hung, Verdict
from ticketing.domain.incidents.incident import Incident, Kind, Status
from ticketing.domain.incidents.nearness import (
    OPEN_MIN,
    because,
    began_with,
    cause_of,
    is_running,
    is_young,
)
from ticketing.domain.incidents.outbreaks import Moving, Outbreak, ScopeState, with_verdict
from ticketing.domain.incidents.policy import Policy
from ticketing.domain.records import replace

VERDICTS_TO_MOVE = 2
"""Verdicts in a row before an alert leaves its incident: at the edge of a window one is chance."""
SURE_RATIO = 2.0
"""The first service of a ranking is sure with twice the evidence of the second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An alert of a verdict, with the open incident that it is in.

    `together` and `apart` are the alerts that a person has put in one incident with this one, or in
    another.
    """

    fingerprint: str
    service: str
    incident_id: str
    hung: Hung
    together: frozenset[str] = frozenset()
    apart: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """Two incidents of one fault become one."""

    one: str
    other: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Alerts go from an incident to the one of their cause."""

    fingerprints: list[str]
    source: str
    target: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """A fault without an incident gets one, with alerts of others: fingerprints by incident."""

    alerts: Mapping[str, list[str]]
    cause: Cause
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """An incident has this cause.

    `sure`: it is a fault of its own, and its page waits no more. `again`: the cause was silent for a
    while, and this is its next outbreak. `guessed`: by the ranking of the scope alone.
    """

    incident_id: str
    cause: Cause
    sure: bool = False
    again: bool = False
    guessed: bool = False


Step = Merge | Move | Open | Name


@dataclass(slots=True)
class Decision:
    """The steps of a verdict, in order, and the memory of the scope after it, before these steps."""

    state: ScopeState
    steps: list[Step] = field(default_factory=list)


def takes_part(incident: Incident) -> bool:
    """True for an open incident that evidence may change: no stray lines, and no list of others."""
    open_ = incident.status is not Status.RESOLVED
    return open_ and incident.kind.nearest in (Kind.FAULT, Kind.OVERFLOW)


def decide(
    verdict: Verdict,
    members: Iterable[Member],
    incidents: Mapping[str, Incident],
    state: ScopeState,
    now: float,
    policy: Policy,
    *,
    homes: Mapping[str, str],
) -> Decision:
    """The steps that follow from a verdict.

    `incidents` holds every open incident of a member or an outbreak; `state` names incidents by
    the ids that they have now. `homes` are the incidents of the alerts that people's decisions name,
    by fingerprint.
    """
    return _Deciding(verdict, list(members), incidents, state, now, policy, homes).run()


class _Deciding:
    """One verdict on its way; causes take their incidents one after the other, the strongest first."""

    def __init__(
        self,
        verdict: Verdict,
        members: list[Member],
        incidents: Mapping[str, Incident],
        state: ScopeState,
        now: float,
        policy: Policy,
        homes: Mapping[str, str],
    ) -> None:
        self._homes = homes
        self._verdict = verdict
        self._at = verdict.at
        self._incidents = incidents
        self._state = state
        self._now = now
        self._policy = policy
        self._merged: dict[str, str] = {}
        self._gone: dict[str, str] = {}
        """The alerts that moved so far, with their incident."""
        self._claimed: set[str] = set()
        self._moving: dict[str, Moving] = {}
        self._steps: list[Step] = []
        self._below: dict[str, list[Member]] = defaultdict(list)
        self._causes: dict[str, Cause] = {}
        for one in members:
            cause = cause_of(one.hung, verdict.causes)
            if cause is not None:
                self._causes.setdefault(cause.service, cause)
                self._below[cause.service].append(one)

    def run(self) -> Decision:
        """The steps of all causes."""
        for cause in sorted(self._causes.values(), key=lambda one: -one.strength):
            self._settle(cause, self._speakers(cause))
        self._guess()
        state = replace(with_verdict(self._state, self._verdict, self._now), moving=self._moving)
        return Decision(state, self._steps)

    def _speakers(self, cause: Cause) -> list[Member]:
        """The alerts that are news, or all if a strong cause shows in none that is."""
        below = self._below[cause.service]
        risen = [one for one in below if one.hung.risen]
        return risen or (below if cause.strength >= OPEN_MIN else [])

    def _settle(self, cause: Cause, members: list[Member]) -> None:
        if not members:
            return
        target = self._target(cause, members)
        if not target:
            self._open(cause, members)
            return
        self._claimed.add(target)
        by_source: dict[str, list[Member]] = defaultdict(list)
        for one in members:
            by_source[self._home_of(one)].append(one)
        for source, found in by_source.items():
            if source != target:
                target = self._join(cause, found, source, target)
        outbreak = self._state.outbreak(target)
        name = Name(
            incident_id=target,
            cause=cause,
            sure=cause.strength >= OPEN_MIN,
            again=outbreak is not None
            and outbreak.cause == cause.service
            and not is_running(outbreak, cause.service, self._at),
        )
        self._steps.append(name)

    def _target(self, cause: Cause, members: list[Member]) -> str:
        """The incident of a cause: its running one, or a young one without a cause of its own."""
        votes = {self._home_of(one) for one in members} - self._claimed
        known = {one.incident_id: one for one in self._state.outbreaks}
        others = self._causes.keys() - {cause.service}
        running = [id for id in votes if self._runs(known.get(id), cause)]
        free = [
            id
            for id in votes
            if (one := known.get(id)) is not None
            and one.cause not in others
            and is_young(one, self._at)
            and began_with(one, cause)
        ]
        elsewhere = [
            one.incident_id
            for one in self._state.outbreaks
            if self._runs(one, cause) and self._is_free(one.incident_id)
        ]
        for found in (running, free, elsewhere):
            if found:
                return min(found, key=self._age)
        return self._flapping(cause, votes)

    def _flapping(self, cause: Cause, votes: set[str]) -> str:
        """The latest incident of a cause that comes back again and again: no further one opens."""
        since = self._at - self._policy.flapping_window
        same = [
            one
            for one in self._state.outbreaks
            if one.cause == cause.service and one.began_at > since
        ]
        mine = [one.incident_id for one in same if one.incident_id in votes]
        return mine[-1] if len(same) >= self._policy.flapping_count and mine else ""

    def _runs(self, outbreak: Outbreak | None, cause: Cause) -> bool:
        return outbreak is not None and is_running(outbreak, cause.service, self._at)

    def _is_free(self, id: str) -> bool:
        return id in self._incidents and id not in self._claimed and id not in self._merged

    def _open(self, cause: Cause, members: list[Member]) -> None:
        """Let a strong cause have an incident of its own, once it has spoken twice in a row."""
        if cause.strength < OPEN_MIN:
            return
        ready: dict[str, list[str]] = defaultdict(list)
        chosen: set[str] = set()
        for one in members:
            # Of two that a person wants to be apart, the first one goes.
            if self._is_due(one, cause) and not self._held(one) and chosen.isdisjoint(one.apart):
                chosen.add(one.fingerprint)
                ready[self._home_of(one)].append(one.fingerprint)
        if ready:
            reason = because(cause, self._at)
            self._steps.append(Open(alerts=dict(ready), cause=cause, reason=reason))

    def _join(self, cause: Cause, members: list[Member], source: str, target: str) -> str:
        """Bring alerts of a cause to its incident; returns the id that this one has then."""
        reason = because(cause, self._at)
        apart = any(self._bars(one, target) for one in members)
        if not apart and self._is_whole(source, members, cause):
            self._steps.append(Merge(one=target, other=source, reason=reason))
            kept, gone = sorted((target, source), key=self._age)
            self._merged[gone] = kept
            self._claimed.add(kept)
            return kept
        # What no longer hangs together goes one by one.
        names: list[str] = []
        for one in members:
            if self._is_due(one, cause) and not self._held(one) and not self._bars(one, target):
                names.append(one.fingerprint)
                self._gone[one.fingerprint] = target
        if names:
            self._steps.append(
                Move(fingerprints=names, source=source, target=target, reason=reason)
            )
        return target

    def _is_whole(self, source: str, members: list[Member], cause: Cause) -> bool:
        """True for a young incident whose alerts all hang below this cause, and that has no other."""
        outbreak = self._state.outbreak(source)
        if source in self._claimed or outbreak is None or not is_young(outbreak, self._at):
            return False
        if not began_with(outbreak, cause):
            return False
        if outbreak.cause in self._causes.keys() - {cause.service}:
            return False
        return self._incidents[source].alerts_total <= len(members)

    def _is_due(self, member: Member, cause: Cause) -> bool:
        """True for an alert that this is not the first verdict in a row about."""
        known = self._state.moving.get(member.fingerprint)
        verdicts = 1
        if known is not None and known.cause == cause.service:
            # One of the same time takes the place of the last one.
            verdicts = known.verdicts + (self._at != self._state.at)
        self._moving[member.fingerprint] = Moving(cause=cause.service, verdicts=verdicts)
        return verdicts >= VERDICTS_TO_MOVE

    # Decisions of people

    def _held(self, member: Member) -> bool:
        """True if a person wants the alert to be with another one of its incident."""
        home = self._home_of(member)
        return any(self._is_in(name, home) for name in member.together)

    def _bars(self, member: Member, target: str) -> bool:
        """True if a person wants the alert to be apart from one of the target's."""
        return any(self._is_in(name, target) for name in member.apart)

    def _is_in(self, fingerprint: str, id: str) -> bool:
        home = self._gone.get(fingerprint) or self._homes.get(fingerprint, "")
        return self._kept(home) == id

    # Names

    def _guess(self) -> None:
        """Name the only running incident by a sure ranking, if no cause explains its alerts."""
        ranking = self._verdict.ranking
        if self._claimed or self._causes or not ranking or ranking[0].strength < OPEN_MIN:
            return
        if len(ranking) > 1 and ranking[0].strength < SURE_RATIO * ranking[1].strength:
            return
        young = [
            one.incident_id
            for one in self._state.outbreaks
            if is_young(one, self._at) and not one.cause and one.incident_id in self._incidents
        ]
        if len(young) == 1:
            self._steps.append(Name(incident_id=young[0], cause=ranking[0], guessed=True))

    def _home_of(self, member: Member) -> str:
        return self._kept(member.incident_id)

    def _kept(self, id: str) -> str:
        """The incident that an incident's alerts are in after the merges so far."""
        for _ in range(len(self._merged)):
            id = self._merged.get(id, id)
        return id

    def _age(self, id: str) -> tuple[float, str]:
        return self._incidents[id].first_seen, id
