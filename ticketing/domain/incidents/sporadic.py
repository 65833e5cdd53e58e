"""The wait of a page while evidence finds nothing else than usual.

An error in one request among many of its service is no fault yet: many never come again, and some
always were. Its incident is open for everybody to see. It pages once evidence says that the error
comes more often than before, or explains it by a cause; with any record that names no request; and
once it has recurred for an hour. A critical one waits for evidence no longer than seconds: without
any it pages. Where no verdict comes, nothing waits longer than `evidenceWait`.
"""

from __future__ import annotations

from enum import Enum

from ticketing.domain.incidents.evidence_wait import HEARD_SECONDS
from ticketing.domain.incidents.incident import Incident, IncidentAlert, Kind, StepKind
from ticketing.domain.incidents.nearness import OPEN_MIN
from ticketing.domain.incidents.outbreaks import ScopeState
from ticketing.domain.incidents.policy import GROUP_BY_CAUSE, Policy
from ticketing.domain.incidents.timeline import with_step
from ticketing.domain.records import replace
from ticketing.domain.severity import Severity

LASTS_SECONDS = 3_600.0
"""An error that recurs for an hour is told, however seldom it comes."""
URGENT_SECONDS = 5.0
"""Longest wait of a critical incident for a verdict, after its group wait."""
WINDOW_SECONDS = 120.0
"""The longest window of evidence: a verdict says nothing of an alert that was silent for so long."""
OF_MIN = 30
"""Requests of the service from which on it is known what is usual there."""
COVERED_SECONDS = 10.0
"""A slot of evidence: a verdict as of so much later than a record has seen its request."""
LOOK_SECONDS = 2.0
"""Pause between two looks for a verdict: a fifth of a slot."""


class Finding(Enum):
    """The weight of an incident's alerts according to the last verdict; the first of any counts."""

    FAULT = "pages"
    UNSEEN = "waits for a verdict"
    CHANCE = "waits until it comes more often"


def weighed(incident: Incident, state: ScopeState, now: float, policy: Policy) -> Finding:
    """The finding about an incident without a ticket."""
    if policy.group_by != GROUP_BY_CAUSE or not policy.evidence_wait or incident.collective_id:
        return Finding.FAULT
    if now - state.heard_at > HEARD_SECONDS or incident.kind.nearest is not Kind.FAULT:
        return Finding.FAULT
    shown = incident.alerts_total == len(incident.alerts)
    traced = incident.samples and all(sample.trace_id for sample in incident.samples)
    if not shown or not traced or incident.cause is not None:
        return Finding.FAULT
    if lasts(incident):
        return Finding.FAULT
    found = {_weight(alert, state) for alert in incident.alerts}
    return next((one for one in Finding if one in found), Finding.FAULT)


def lasts(incident: Incident) -> bool:
    """True if an alert of the incident has recurred for long."""
    return any(one.last_seen - one.first_seen >= LASTS_SECONDS for one in incident.alerts)


def _weight(alert: IncidentAlert, state: ScopeState) -> Finding:
    hung = state.hung.get(alert.fingerprint)
    if hung is not None:
        news = hung.strength >= OPEN_MIN or hung.of < OF_MIN
        return Finding.FAULT if news else Finding.CHANCE
    if state.at < alert.first_seen + COVERED_SECONDS:
        return Finding.UNSEEN
    if state.at - WINDOW_SECONDS < alert.last_seen <= state.at - COVERED_SECONDS:
        # Its requests are not among those that are followed.
        return Finding.FAULT
    return Finding.CHANCE


def held(incident: Incident, state: ScopeState, now: float, policy: Policy) -> Incident:
    """The incident, whose ticket is due, with the ticket held; the very same if it goes out."""
    found = weighed(incident, state, now, policy)
    if found is Finding.CHANCE:
        text = "no ticket before it comes more often: all is as usual, by evidence"
        timeline = with_step(incident.timeline, policy, now, StepKind.HELD, text)
        return replace(incident, sporadic=True, timeline=timeline)
    if found is Finding.FAULT:
        return incident
    until = incident.evidence_until or incident.ticket_at + policy.evidence_wait
    if incident.severity.nearest is Severity.CRITICAL:
        urgent = incident.opened_at + policy.wait(Severity.CRITICAL) + URGENT_SECONDS
        until = min(until, urgent)
    if now >= until:
        return incident
    return replace(incident, evidence_until=until, ticket_at=min(until, now + LOOK_SECONDS))


def looked_at(incident: Incident, state: ScopeState, now: float, policy: Policy) -> Incident:
    """A held incident after a change of it or a verdict; its ticket is due if that says so."""
    if weighed(incident, state, now, policy) is Finding.FAULT:
        return replace(incident, sporadic=False, ticket_at=min(incident.ticket_at, now))
    return incident
