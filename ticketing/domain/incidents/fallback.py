"""The fallback: platforms that are notified when the page itself fails.

A platform has `deliver_within` of the severity to take a ticket, newly or again after a reopening.
A ticket not taken by then, or rejected at any time while the incident lasts, goes to the fallback
platforms, once per platform and opening. Times are Unix seconds of arrival.
"""

from __future__ import annotations

from ticketing.domain.events import TicketState
from ticketing.domain.incidents.incident import Failure, Incident, Status, StepKind, Ticket
from ticketing.domain.incidents.lifecycle import POLICY, published
from ticketing.domain.incidents.policy import Policy
from ticketing.domain.incidents.routing import extended
from ticketing.domain.incidents.timeline import with_step
from ticketing.domain.records import replace

REJECTED, NOT_IN_TIME = "rejected", "not_in_time"
ERROR_CHARS_MAX = 300
"""Part of a platform's error in the timeline: its first sentences, as some answer with whole pages."""

HOLDING = frozenset({TicketState.OPEN, TicketState.ACKNOWLEDGED, TicketState.ESCALATED})
"""The states of a ticket that people see as unresolved."""


def watched(incident: Incident, now: float, policy: Policy) -> Incident:
    """The incident with a deadline for every platform that is to hold a ticket and does not yet."""
    within = policy.deliver_within.get(incident.severity.nearest)
    if not _waits_for_tickets(incident, policy) or within is None:
        return replace(incident, take_by={}) if incident.take_by else incident
    without = _failed(incident)
    take_by = {
        name: min(incident.take_by.get(name, now + within), now + within)
        for name in _watched_routes(incident, policy)
        if not _is_settled(incident.tickets.get(name)) and name not in without
    }
    return incident if take_by == incident.take_by else replace(incident, take_by=take_by)


def overdue(incident: Incident, now: float, policy: Policy) -> Incident:
    """The incident, with tickets not taken in time sent to the fallback; not yet published."""
    for name, deadline in sorted(incident.take_by.items()):
        if deadline <= now and name not in _watched_routes(incident, policy):
            kept = {other: at for other, at in incident.take_by.items() if other != name}
            incident = replace(incident, take_by=kept)
        elif deadline <= now:
            within = policy.deliver_within.get(incident.severity.nearest) or 0.0
            text = f"{name} did not take it within {within:g} s"
            ticket = incident.tickets.get(name)
            if ticket is not None and ticket.error:
                text += f": {ticket.error[:ERROR_CHARS_MAX]}"
            incident = _fallen_back(incident, name, NOT_IN_TIME, text, now, policy)
    return incident


def refused(incident: Incident, name: str, now: float, policy: Policy) -> Incident:
    """The incident after a receipt of a platform, sent to the fallback after a rejection."""
    ticket = incident.tickets.get(name)
    if ticket is None or ticket.state is not TicketState.REJECTED:
        return incident
    if name in _failed(incident) or not _waits_for_tickets(incident, policy):
        return incident
    text = f"{name} rejected it: {ticket.error[:ERROR_CHARS_MAX]}"
    return published(_fallen_back(incident, name, REJECTED, text, now, policy), now)


def next_deadline(incident: Incident) -> float | None:
    """The earliest time at which a ticket not taken before is overdue; None without any."""
    return min(incident.take_by.values(), default=None)


def _fallen_back(
    incident: Incident, name: str, reason: str, text: str, now: float, policy: Policy
) -> Incident:
    to = [other for other in policy.fallback if other != name]
    routes = extended(incident.routes, to, policy)
    added = routes[len(incident.routes) :]
    also = f"; notified {', '.join(added)}" if added else ""
    failure = Failure(platform=name, reason=reason, text=text, at=now)
    return replace(
        incident,
        routes=routes,
        failures=[*incident.failures, failure][-policy.failures_kept :],
        take_by={other: at for other, at in incident.take_by.items() if other != name},
        timeline=with_step(incident.timeline, policy, now, StepKind.FALLBACK, text + also, POLICY),
    )


def _waits_for_tickets(incident: Incident, policy: Policy) -> bool:
    return bool(policy.fallback) and incident.ticketed and incident.status is not Status.RESOLVED


def _watched_routes(incident: Incident, policy: Policy) -> list[str]:
    """The routes that are enabled: others take nothing. If none is, all, as nobody was told yet."""
    enabled = [name for name in incident.routes if name in policy.platforms]
    return enabled or incident.routes


def failed(incident: Incident) -> list[Failure]:
    """The failures since the incident was last opened or reopened."""
    began = max([incident.opened_at, *(s.at for s in incident.timeline if _reopens(s.kind))])
    return [failure for failure in incident.failures if failure.at >= began]


def _failed(incident: Incident) -> set[str]:
    return {failure.platform for failure in failed(incident)}


def _reopens(kind: StepKind) -> bool:
    return kind is StepKind.REOPENED


def _is_settled(ticket: Ticket | None) -> bool:
    """True once the platform holds the ticket open, or has refused to."""
    return ticket is not None and (ticket.state in HOLDING or ticket.state is TicketState.REJECTED)
