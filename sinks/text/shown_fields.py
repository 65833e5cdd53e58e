"""The fields that a ticket shows, and the reasons to write them again."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import msgspec

from sinks.platform import STATUS_STEPS, Traits
from tables.deliveries import Shown, Why
from ticketing.domain.incidents.incident import Incident, Status, Step, StepKind
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
        page=incident.page,
    )


def wished(incident: Incident, platform: str) -> bytes:
    """A hash of all that decides about the ticket but the count: what differs is worth a wish."""
    now = replace(shown(incident, platform, at=0.0), revision=0, count=0, steps_through=0)
    posted = [step.seq for step in incident.timeline if step.kind in STATUS_STEPS]
    life = (
        incident.status.value,
        incident.acknowledged_at,
        incident.resolved_at,
        incident.escalated_to,
        incident.quietly,
        incident.merged_into,
        incident.alerts_firing > 0,
        posted[-1:],
    )
    return hashlib.blake2b(msgspec.json.encode((now, life)), digest_size=16).digest()


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


def target(is_: Shown) -> str:
    """A name of the fields but for the count: a ticket that refused them is not asked again."""
    fields = (is_.severity.value, is_.title, is_.links, is_.summary, is_.cause, is_.linked)
    return hashlib.blake2b(msgspec.json.encode(fields), digest_size=8).hexdigest()


def unposted(incident: Incident, was: Shown, traits: Traits) -> list[Step]:
    """The steps of the timeline that belong on the ticket and are not on it, oldest first.

    A new ticket's body shows the steps before it, but not the words of people.
    """
    return [
        step
        for step in incident.timeline
        if step.seq > was.steps_through
        and step.kind in traits.steps
        and (step.kind is not StepKind.RESOLVED or traits.tells_the_end(incident))
        and (step.seq > was.body_through or _is_said(step))
    ]


def _is_said(step: Step) -> bool:
    """True for a step with words of a person."""
    return step.kind is StepKind.COMMENT or bool(step.by and step.text)
