"""Whether what changed in an incident is worth writing its ticket again, and why."""

from __future__ import annotations

from sinks.platform import Traits
from tables.deliveries import Shown, Why
from ticketing.domain.incidents.incident import Incident, Status, Step
from ticketing.domain.summaries.by_rules import cause_of
from ticketing.domain.traces.findings import Relation


def links(incident: Incident, platform: str) -> dict[str, str]:
    """The tickets that other platforms hold for the incident: address, else key."""
    return {
        name: ticket.url or ticket.key
        for name, ticket in sorted(incident.tickets.items())
        if name != platform and (ticket.url or ticket.key)
    }


def linked(incident: Incident) -> dict[str, str]:
    """The incidents that its ticket names: causes, symptoms, and what has the same cause.

    What merely shares requests is shown too, but is no reason to write the ticket again.
    """
    return {
        link.id: link.relation.value
        for link in incident.links
        if link.id and link.relation is not Relation.RELATED
    }


def shown(incident: Incident, platform: str, at: float) -> Shown:
    """What a ticket shows once it is written from this incident."""
    return Shown(
        revision=incident.revision,
        severity=incident.severity,
        title=incident.title,
        count=incident.count,
        at=at,
        links=links(incident, platform),
        summary=incident.summary.revision if incident.summary else 0,
        cause=cause_of(incident),
        linked=linked(incident),
        steps_through=max((step.seq for step in incident.timeline), default=0),
    )


def needs_update(was: Shown, is_: Shown, status: Status, traits: Traits) -> Why | None:
    """The reason to write the ticket again, or None. A fall of the severity is none.

    `is_` is what it would show if written now; counts alone are a reason only every
    `traits.count_interval` seconds. A severity is not raised on a ticket that is being resolved:
    on an alerting platform that would fire again.
    """
    raised = is_.severity.rank > was.severity.rank and status is not Status.RESOLVED
    reasons = {
        Why.SEVERITY: raised,
        Why.TITLE: is_.title != was.title,
        Why.LINKS: is_.links != was.links or is_.linked != was.linked,
        Why.SUMMARY: is_.summary != was.summary or is_.cause != was.cause,
        Why.COUNT: is_.count != was.count and is_.at >= was.at + traits.count_interval,
    }
    return next((why for why, holds in reasons.items() if holds and why in traits.updates), None)


def unposted(incident: Incident, through: int, traits: Traits) -> list[Step]:
    """The steps of the timeline, oldest first, that the ticket has not been told yet."""
    return [s for s in incident.timeline if s.seq > through and s.kind in traits.steps]
