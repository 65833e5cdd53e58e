"""The fields that a ticket shows, and the reasons to write them again."""

from __future__ import annotations

from sinks.platform import Traits
from tables.deliveries import Shown, Why
from ticketing.domain.incidents.incident import Incident, Status, Step
from ticketing.domain.summaries.by_rules import cause_of
from ticketing.domain.traces.findings import Relation


def links(incident: Incident, platform: str) -> dict[str, str]:
    """Other platforms' tickets for the incident, by platform: the address, else the key."""
    return {
        name: ticket.url or ticket.key
        for name, ticket in sorted(incident.tickets.items())
        if name != platform and (ticket.url or ticket.key)
    }


def linked(incident: Incident) -> dict[str, str]:
    """The linked incidents that are a reason to write the ticket again, with their relations.

    Causes, symptoms and incidents of the same cause are; incidents that only share requests are
    shown too, but change too often.
    """
    return {
        link.id: link.relation.value
        for link in incident.links
        if link.id and link.relation.nearest is not Relation.RELATED
    }


def shown(incident: Incident, platform: str, at: float) -> Shown:
    """The fields that a ticket written from this incident would show."""
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
    """The reason to write the ticket again, or None.

    `was` is shown now, `is_` would be shown after writing. A lower severity is no reason, and a
    count alone is one only every `traits.count_interval` seconds. The severity of a ticket that is
    being resolved is not raised: an alerting platform would page again.
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
    """The steps of the timeline after `through` that belong on the ticket, oldest first."""
    return [s for s in incident.timeline if s.seq > through and s.kind in traits.steps]
