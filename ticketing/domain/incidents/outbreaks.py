"""The running incidents of a scope as grouping remembers them, with the last verdict; bounded.

Advisory: without this state, alerts are grouped worse, and every page comes all the same. Times of
outbreaks are event times, as those of verdicts; `heard_at`, `told` and `changed_at` are times of the
partition's clock. All in Unix seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from ticketing.domain.events import Cause, Hung, Verdict
from ticketing.domain.records import replace
from ticketing.domain.severity import Severity
from ticketing.domain.text import bounded, encoded_size

T = TypeVar("T")

OUTBREAK_SECONDS = 180.0
"""After a longer silence of the evidence, the same cause is a new outbreak; and an alert that began
longer ago was there before the fault."""
YOUNG_SECONDS = 120.0
"""The longest window of evidence: an incident that began before it began for another reason, so it
takes no name from this evidence, and what the evidence shows gets an incident and a page of its own."""
VERDICT_SECONDS = 900.0
"""A verdict that came longer ago says nothing any more, and holds no other one back: were its event
time far ahead, no further verdict would count otherwise."""
IDLE_SECONDS = 3_600.0
"""A scope in which nothing began for so long is forgotten."""
TOLD_SECONDS_MAX = 3_600.0
"""No wait for evidence is longer, so an older page wakes nobody any more."""

# Bounds: more incidents than begin in a scope within minutes, below the ceilings of pages; services
# as many as an incident shows alerts.
OUTBREAKS_MAX = 40
SERVICES_MAX = 20
ALERTS_MAX = 20
NEAR_KEPT = 3
REASONS_KEPT = 3
REASON_BYTES_MAX = 200
# Bytes, so that the row stays below 64 kB however long the names are.
HUNG_BYTES_MAX = 16_000
EDGES_BYTES_MAX = 8_000
CAUSES_BYTES_MAX = 6_000
OUTBREAKS_BYTES_MAX = 16_000
MOVING_BYTES_MAX = 6_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbreak:
    """An incident with the times that decide about its alerts.

    `began_at` is the time of its first record. `cause` is the service that evidence has named, and
    `seen_at` the time of the latest verdict that did. `onsets` holds, per service, the first and the
    last time at which an alert of that service began in it; `names` the services that their errors
    name; `fingerprints` some of these alerts, the latest last.
    """

    incident_id: str
    began_at: float
    cause: str = ""
    seen_at: float = 0.0
    onsets: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    fingerprints: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moving:
    """The verdicts in a row that hung an alert below another cause than its incident's."""

    cause: str
    verdicts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeState:
    """The memory of one scope. `at` is the event time of the last verdict, which came at `heard_at`.

    `hung` holds the alerts of that verdict by fingerprint. `told` holds the time of the latest page
    per severity.
    """

    at: float = 0.0
    heard_at: float = 0.0
    causes: list[Cause] = field(default_factory=list)
    hung: Mapping[str, Hung] = field(default_factory=dict)
    edges: list[tuple[str, str]] = field(default_factory=list)
    outbreaks: list[Outbreak] = field(default_factory=list)
    moving: Mapping[str, Moving] = field(default_factory=dict)
    told: Mapping[str, float] = field(default_factory=dict)
    changed_at: float = 0.0

    def outbreak(self, incident_id: str) -> Outbreak | None:
        """The outbreak of an incident; None if that is not remembered."""
        return next((one for one in self.outbreaks if one.incident_id == incident_id), None)


def is_news(verdict: Verdict, state: ScopeState, now: float) -> bool:
    """True for a verdict that is later than the last one, or that follows a long silence.

    One of the same time is news if it says something else: it rests on lines that came late.
    """
    if verdict.at != state.at or not is_fresh(state, now):
        return verdict.at > state.at or not is_fresh(state, now)
    after = with_verdict(state, verdict, now)
    return (after.causes, after.hung, after.edges) != (state.causes, state.hung, state.edges)


def is_fresh(state: ScopeState, now: float) -> bool:
    """True while the last verdict still says something."""
    return bool(state.heard_at) and abs(now - state.heard_at) <= VERDICT_SECONDS


def with_verdict(state: ScopeState, verdict: Verdict, now: float) -> ScopeState:
    """The state after a verdict."""
    causes = [
        replace(
            cause,
            reasons=[bounded(text, REASON_BYTES_MAX) for text in cause.reasons[:REASONS_KEPT]],
        )
        for cause in verdict.causes
    ]
    hung = [replace(one, near=one.near[:NEAR_KEPT]) for one in verdict.alerts]
    return replace(
        state,
        at=verdict.at,
        heard_at=now,
        causes=causes,
        hung={one.fingerprint: one for one in hung},
        edges=verdict.edges,
        changed_at=now,
    )


def begun(
    state: ScopeState,
    incident_id: str,
    service: str,
    at: float,
    now: float,
    *,
    fingerprint: str = "",
    names: Iterable[str] = (),
) -> ScopeState:
    """The state with an alert of a service that began in an incident; `names` as in `Outbreak`."""
    known = state.outbreak(incident_id) or Outbreak(incident_id=incident_id, began_at=at)
    first, last = known.onsets.get(service, (at, at))
    onsets = {**known.onsets, service: (min(first, at), max(last, at))}
    if len(onsets) > SERVICES_MAX and service not in known.onsets:
        onsets = dict(known.onsets)
    found = list(dict.fromkeys([*known.names, *names]))[:SERVICES_MAX]
    alerts = [one for one in known.fingerprints if one != fingerprint]
    if fingerprint:
        alerts = [*alerts, fingerprint][-ALERTS_MAX:]
    after = replace(known, onsets=onsets, names=found, fingerprints=alerts)
    return _put(state, after, now)


def again(state: ScopeState, incident_id: str, at: float, now: float) -> ScopeState:
    """The state with a resolved incident that has been reopened: its next outbreak."""
    return _put(state, Outbreak(incident_id=incident_id, began_at=at), now)


def caused(state: ScopeState, incident_id: str, cause: str, at: float, now: float) -> ScopeState:
    """The state with an incident whose cause a verdict as of `at` has named."""
    known = state.outbreak(incident_id) or Outbreak(incident_id=incident_id, began_at=at)
    return _put(state, replace(known, cause=cause, seen_at=max(known.seen_at, at)), now)


def united(state: ScopeState, gone: str, kept: str, now: float) -> ScopeState:
    """The state after one incident has taken all alerts of another one."""
    lost = state.outbreak(gone)
    if lost is None or gone == kept:
        return state
    known = state.outbreak(kept) or replace(lost, incident_id=kept)
    onsets = dict(known.onsets)
    for service, (first, last) in lost.onsets.items():
        before = onsets.get(service, (first, last))
        onsets[service] = min(first, before[0]), max(last, before[1])
    after = replace(
        known,
        began_at=min(known.began_at, lost.began_at),
        onsets=dict(list(onsets.items())[:SERVICES_MAX]),
        names=list(dict.fromkeys([*known.names, *lost.names]))[:SERVICES_MAX],
        fingerprints=[*known.fingerprints, *lost.fingerprints][-ALERTS_MAX:],
    )
    outbreaks = [one for one in state.outbreaks if one.incident_id != gone]
    return _put(replace(state, outbreaks=outbreaks), after, now)


def parted(
    state: ScopeState, source: str, target: str, services: Iterable[str], now: float
) -> ScopeState:
    """The state after alerts of these services went from an incident, which has no more of them."""
    lost = state.outbreak(source)
    if lost is None:
        return state
    gone = set(services)
    for service in gone & lost.onsets.keys():
        for at in lost.onsets[service]:
            state = begun(state, target, service, at, now)
    onsets = {name: times for name, times in lost.onsets.items() if name not in gone}
    return _put(state, replace(lost, onsets=onsets), now)


def settled(state: ScopeState, home: Callable[[str], str]) -> ScopeState:
    """The state with incidents by the ids that they have now; `home` is empty for one that is over."""
    for one in state.outbreaks:
        id = home(one.incident_id)
        if not id:
            rest = [other for other in state.outbreaks if other.incident_id != one.incident_id]
            state = replace(state, outbreaks=rest)
        elif id != one.incident_id:
            state = united(state, one.incident_id, id, state.changed_at)
    return state


def told(state: ScopeState, severity: Severity, now: float) -> ScopeState:
    """The state after a page of this severity."""
    kept = {name: at for name, at in state.told.items() if now - TOLD_SECONDS_MAX < at <= now}
    return replace(state, told={**kept, severity.nearest.value: now}, changed_at=now)


def told_since(state: ScopeState, severity: Severity, since: float, now: float) -> bool:
    """True if a page of this severity or a higher one came after a time."""
    return any(
        since < at <= now and Severity(name).rank >= severity.rank
        for name, at in state.told.items()
    )


def within_bounds(state: ScopeState) -> ScopeState:
    """The state as it is stored: below 64 kB, however long the names in it are."""
    # Alerts name causes by their place: only the last ones can go.
    hung = _within(list(state.hung.values()), _hung_size, HUNG_BYTES_MAX)
    newest_first = _within(state.outbreaks[::-1], _outbreak_size, OUTBREAKS_BYTES_MAX)
    moving = _within(list(state.moving.items()), _moving_size, MOVING_BYTES_MAX)
    return replace(
        state,
        causes=_within(state.causes, _cause_size, CAUSES_BYTES_MAX),
        hung={one.fingerprint: one for one in hung},
        edges=_within(state.edges, _edge_size, EDGES_BYTES_MAX),
        outbreaks=newest_first[::-1],
        moving=dict(moving),
    )


def idle_at(state: ScopeState) -> float:
    """The time from which on the state remembers nothing that counts."""
    return state.changed_at + IDLE_SECONDS


def shifted(state: ScopeState, by: float) -> ScopeState:
    """The state after a step of the partition's clock by so many seconds."""
    return replace(
        state,
        heard_at=state.heard_at + by if state.heard_at else 0.0,
        told={name: at + by for name, at in state.told.items()},
        changed_at=state.changed_at + by,
    )


def latest_at(outbreak: Outbreak) -> float:
    """The time of the latest thing that is known of an outbreak."""
    return max(
        [outbreak.began_at, outbreak.seen_at, *(last for _, last in outbreak.onsets.values())]
    )


def _put(state: ScopeState, outbreak: Outbreak, now: float) -> ScopeState:
    """The state with an outbreak as the latest one, and without those that have no room."""
    others = [one for one in state.outbreaks if one.incident_id != outbreak.incident_id]
    outbreaks = [*others, outbreak][-OUTBREAKS_MAX:]
    return replace(state, outbreaks=outbreaks, changed_at=now)


def _within(items: list[T], size: Callable[[T], int], bytes_max: int) -> list[T]:
    """The first items that fit."""
    total = 0
    for place, item in enumerate(items):
        total += size(item)
        if total > bytes_max:
            return items[:place]
    return items


def _cause_size(cause: Cause) -> int:
    return 60 + encoded_size(cause.service) + sum(map(encoded_size, cause.reasons))


def _edge_size(edge: tuple[str, str]) -> int:
    return 8 + sum(map(encoded_size, edge))


def _moving_size(item: tuple[str, Moving]) -> int:
    return 40 + encoded_size(item[0]) + encoded_size(item[1].cause)


def _hung_size(hung: Hung) -> int:
    return 80 + 2 * encoded_size(hung.fingerprint) + sum(map(encoded_size, hung.near))


def _outbreak_size(outbreak: Outbreak) -> int:
    names = (outbreak.incident_id, outbreak.cause, *outbreak.onsets, *outbreak.names)
    names += tuple(outbreak.fingerprints)
    return 120 + sum(40 + encoded_size(name) for name in names)
