"""The cause of an incident by evidence: its service and title follow, and a page that waited is due."""

from __future__ import annotations

from ticketing.domain.events import Cause
from ticketing.domain.incidents.incident import Incident, NamedCause, Status, StepKind
from ticketing.domain.incidents.lifecycle import (
    POLICY,
    is_snoozed,
    page_again,
    published,
    routed,
)
from ticketing.domain.incidents.outbreaks import REASON_BYTES_MAX, REASONS_KEPT
from ticketing.domain.incidents.policy import Policy
from ticketing.domain.incidents.routing import routes_for
from ticketing.domain.incidents.timeline import with_step
from ticketing.domain.records import replace
from ticketing.domain.text import bounded, moment

TELLING_RATIO = 2.0
"""Evidence for a known cause is told again at twice the strength, not at every verdict."""


def named(incident: Incident, cause: Cause, at: float, now: float, policy: Policy) -> Incident:
    """The incident with a cause as of the event time `at`; the very same if nothing of it is news.

    Of several causes that it had people read the strongest: names that change with every verdict help
    nobody. The service is the cause's; the title is that of the first alert of this service, if there
    is one. Platforms for the severity are added to the routes and told once; where tickets were told
    before, they stay.
    """
    known = incident.cause
    if known is not None and known.service == cause.service:
        if cause.strength < TELLING_RATIO * known.strength:
            return incident
        return published(replace(incident, cause=_kept(cause, at)), now)
    if known is not None and cause.strength <= known.strength:
        return incident
    said = f": {cause.reasons[0]}" if cause.reasons else ""
    before = f", before: {known.service}" if known is not None else ""
    text = f"likely cause: {cause.service} ({cause.strength:.1f} nats as of {moment(at)}{before}){said}"
    title = next((a.title for a in incident.alerts if a.service == cause.service), incident.title)
    incident = replace(
        incident,
        cause=_kept(cause, at),
        service=cause.service,
        title=title,
        timeline=with_step(
            incident.timeline,
            policy,
            now,
            StepKind.CORRELATED,
            bounded(text, 2 * REASON_BYTES_MAX),
            POLICY,
        ),
    )
    incident = routed(incident, routes_for(incident.severity, policy), now, policy)
    return published(incident, now)


def released(incident: Incident, now: float) -> Incident:
    """The incident whose page waits for evidence no more, as a verdict has called it a fault.

    Nor does it begin to wait where its ticket is not yet due.
    """
    if incident.ticketed or (0 < incident.evidence_until <= now and not incident.sporadic):
        return incident
    at = min(incident.ticket_at, now) if incident.evidence_until else incident.ticket_at
    return replace(incident, evidence_until=now, ticket_at=at, sporadic=False)


def broke_out_again(incident: Incident, cause: str, now: float, policy: Policy) -> Incident:
    """The incident with a note about the next outbreak of its fault; paged once per `repageAfter`."""
    if incident.status is Status.RESOLVED:
        return incident
    text = f"the next outbreak of {cause}"
    timeline = with_step(incident.timeline, policy, now, StepKind.NOTE, text, POLICY)
    incident = replace(incident, timeline=timeline)
    after = policy.repage_after.get(incident.severity.nearest)
    muted = incident.flapping or is_snoozed(incident, now)
    if after is not None and not muted and now - incident.paged_at >= after:
        incident = page_again(incident, now, policy, text)
    return published(incident, now)


def _kept(cause: Cause, at: float) -> NamedCause:
    return NamedCause(
        service=cause.service,
        strength=cause.strength,
        at=at,
        reasons=[bounded(text, REASON_BYTES_MAX) for text in cause.reasons[:REASONS_KEPT]],
    )
