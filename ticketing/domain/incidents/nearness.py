"""The incidents near a new alert: by the last verdict, by names in errors, by calls, by time.

Pure. In doubt there is none, and the alert opens an incident of its own: a wrong split costs a ticket,
a wrong merge hides a fault. Times are event times in Unix seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ticketing.domain.alerts.alert import Alert
from ticketing.domain.events import Cause, Hung
from ticketing.domain.incidents.outbreaks import (
    OUTBREAK_SECONDS,
    YOUNG_SECONDS,
    Outbreak,
    ScopeState,
    is_fresh,
)
from ticketing.domain.text import moment
from ticketing.domain.traces.facts import mentioned

NEAR_SECONDS = 90.0
"""Alerts of one fault begin within it: most requests that a fault breaks are over in a minute."""
ALONE_SECONDS = 30.0
"""The same without evidence, as no verdict takes apart what does not belong together."""
LASTING_SECONDS = 600.0
"""An incident that began longer ago takes alerts by evidence alone: else noise that never ends would
take every fault of its service along."""
FIT_MIN = 0.5
"""The share of an alert that a cause must explain at least: more than any other can."""
ATTACH_MIN = 3.0
"""Nats from which on a cause takes an alert that comes anyway: odds of 20 to 1."""
OPEN_MIN = 5.0
"""Nats from which on a cause is a fault of its own: odds of 150 to 1, as many services are judged."""
EARLY_SECONDS = 20.0
"""Time before the onset of a cause, as evidence shows it, in which its first alerts may begin: two
slots, as a request counts in that of its end."""

# The better reasons come first; of equal ones the incident that began last.
BY_REQUESTS, BY_NAME, BY_SERVICE, BY_CALL = 4, 3, 2, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """An incident that may take an alert, and the reason as a sentence."""

    incident_id: str
    reason: str
    sure: bool = False
    """True if evidence, and not time alone, brings both together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ties:
    """All that may tie a new alert to an incident: `calls` are those of its service, by the other.

    `alone`: no evidence comes.
    """

    service: str
    at: float
    neighbours: frozenset[str]
    named: list[str]
    calls: Mapping[str, tuple[str, str]]
    as_of: float
    alone: bool

    @property
    def span(self) -> float:
        """The seconds within which two alerts began together."""
        return ALONE_SECONDS if self.alone else NEAR_SECONDS


def explanation(fingerprint: str, state: ScopeState, now: float) -> Cause | None:
    """The cause that explains an alert which is news, according to the last verdict."""
    hung = _hung(fingerprint, state, now)
    return cause_of(hung, state.causes) if hung is not None and hung.risen else None


def cause_of(hung: Hung, causes: list[Cause]) -> Cause | None:
    """The cause that an alert hangs below, if that one explains enough of it and is strong enough."""
    if not 0 <= hung.cause < len(causes) or hung.fit < FIT_MIN:
        return None
    cause = causes[hung.cause]
    return cause if cause.strength >= ATTACH_MIN else None


def is_running(outbreak: Outbreak, cause: str, at: float) -> bool:
    """True if an incident is the present outbreak of a cause."""
    last = max(outbreak.seen_at, outbreak.began_at)
    return outbreak.cause == cause and abs(at - last) <= OUTBREAK_SECONDS


def is_young(outbreak: Outbreak, at: float) -> bool:
    """True while an incident may still take the name of a cause."""
    return abs(at - outbreak.began_at) <= YOUNG_SECONDS


def began_with(outbreak: Outbreak, cause: Cause) -> bool:
    """False for an incident that began before its cause did: it began for another reason."""
    return outbreak.began_at >= cause.began - EARLY_SECONDS


def near(alert: Alert, state: ScopeState, now: float) -> list[Near]:
    """The incidents that may take an alert which begins, the best first; `now` is the clock's time."""
    hung = _hung(alert.fingerprint, state, now)
    if hung is not None and not hung.risen:
        return []
    cause = cause_of(hung, state.causes) if hung is not None else None
    outbreaks = state.outbreaks
    if cause is not None:
        at = max(alert.first_seen, state.at)
        running = [one for one in outbreaks if is_running(one, cause.service, at)]
        if running:
            why = because(cause, state.at)
            return [
                Near(incident_id=one.incident_id, reason=why, sure=True)
                for one in reversed(running)
            ]
        # Another fault explains less of the alert than this one, which has no incident yet.
        others = {one.service for one in state.causes} - {cause.service}
        outbreaks = [one for one in outbreaks if one.cause not in others and began_with(one, cause)]
    ties = _Ties(
        service=alert.service,
        at=alert.first_seen,
        neighbours=frozenset(hung.near) if hung is not None else frozenset(),
        named=named_by(alert, state),
        calls=_calls(alert.service, state),
        as_of=state.at,
        alone=not is_fresh(state, now),
    )
    found: list[tuple[int, float, Near]] = []
    for outbreak in outbreaks:
        if abs(ties.at - outbreak.began_at) > LASTING_SECONDS:
            continue
        rank, reason = _rank(ties, outbreak)
        if rank:
            place = Near(incident_id=outbreak.incident_id, reason=reason, sure=rank == BY_REQUESTS)
            found.append((rank, outbreak.began_at, place))
    found.sort(key=lambda one: one[:2], reverse=True)
    return [place for _, _, place in found]


def named_by(alert: Alert, state: ScopeState) -> list[str]:
    """The services of the scope that an alert's error names."""
    if not state.edges and not state.outbreaks:
        return []
    known = frozenset().union(*state.edges, *(one.onsets for one in state.outbreaks))
    return mentioned(alert.title or alert.pattern, known, alert.service)


def _rank(ties: _Ties, outbreak: Outbreak) -> tuple[int, str]:
    """The rank of an incident for an alert, 0 for none, and the reason."""
    onsets = outbreak.onsets
    within = f"within {ties.span:g} s"
    shared = ties.neighbours and not ties.neighbours.isdisjoint(outbreak.fingerprints)
    if shared and any(_close(ties, *times) for times in onsets.values()):
        return BY_REQUESTS, f"it is in the same requests, as of {moment(ties.as_of)}"
    for name in ties.named:
        if name in onsets and _close(ties, *onsets[name]):
            return BY_NAME, f"its error names {name}, where an alert began {within}"
    service = ties.service
    if service in outbreak.names and any(_close(ties, *times) for times in onsets.values()):
        return BY_NAME, f"an error names {service}, and began {within}"
    if service in onsets and _close(ties, *onsets[service]):
        return BY_SERVICE, f"an alert of the same service began {within}"
    if ties.calls:
        for name, times in onsets.items():
            if name in ties.calls and _close(ties, *times):
                caller, called = ties.calls[name]
                return BY_CALL, f"{caller} calls {called}; both began {within}"
    return 0, ""


def _calls(service: str, state: ScopeState) -> dict[str, tuple[str, str]]:
    found = {}
    for pair in state.edges:
        caller, called = pair
        if caller == service:
            found[called] = pair
        elif called == service:
            found[caller] = pair
    return found


def because(cause: Cause, at: float) -> str:
    """The reason of a place below a cause, as a sentence."""
    said = f": {cause.reasons[0]}" if cause.reasons else ""
    return f"evidence of {cause.strength:.1f} nats for {cause.service} as of {moment(at)}{said}"


def _hung(fingerprint: str, state: ScopeState, now: float) -> Hung | None:
    return state.hung.get(fingerprint) if is_fresh(state, now) else None


def _close(ties: _Ties, first: float, last: float) -> bool:
    return first - ties.span <= ties.at <= last + ties.span
