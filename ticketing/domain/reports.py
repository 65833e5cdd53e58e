"""What others report about an incident: receipts of platforms, correlations, summaries."""

from __future__ import annotations

from dataclasses import replace

from ticketing.domain.incident import Incident, Status, StepKind, Ticket
from ticketing.domain.lifecycle import published, raised
from ticketing.domain.policy import Policy
from ticketing.domain.signals import Correlation, Receipt, Summary
from ticketing.domain.timeline import with_step


def receipted(incident: Incident, receipt: Receipt, now: float, policy: Policy) -> Incident:
    """The incident with what a platform has reached.

    Only a change of state, id, key or URL is published: were every receipt, then each publication
    would bring an update and that another receipt. What is older than the known receipt is ignored.
    """
    known = incident.tickets.get(receipt.platform) or Ticket(platform=receipt.platform)
    if receipt.revision < known.revision:
        return incident
    ticket = Ticket(
        platform=receipt.platform,
        state=receipt.state,
        revision=receipt.revision,
        external_id=receipt.external_id or known.external_id,
        key=receipt.key or known.key,
        url=receipt.url or known.url,
        error=receipt.error,
        at=known.at,
    )
    if ticket == known and receipt.platform in incident.tickets:
        return incident
    visible = _shown(ticket) != _shown(known) or receipt.platform not in incident.tickets
    if visible:
        ticket = replace(ticket, at=now)
    incident = replace(incident, tickets={**incident.tickets, receipt.platform: ticket})
    if not visible:
        return incident
    text = " ".join(filter(None, [f"{receipt.platform}: {receipt.state.value}", ticket.key]))
    if receipt.error:
        text += f" ({receipt.error})"
    timeline = with_step(incident.timeline, policy, now, StepKind.RECEIPT, text, receipt.platform)
    return published(replace(incident, timeline=timeline), now)


def correlated(
    incident: Incident, correlation: Correlation, now: float, policy: Policy
) -> Incident:
    """The incident with what its traces say; a later correlation replaces an earlier one."""
    if incident.correlation == correlation.body:
        return incident
    timeline = incident.timeline
    if incident.correlation is None:
        timeline = with_step(timeline, policy, now, StepKind.CORRELATED)
    return published(replace(incident, correlation=correlation.body, timeline=timeline), now)


def summarized(incident: Incident, summary: Summary, now: float, policy: Policy) -> Incident:
    """The incident in words; a summary of an older revision than the known one is ignored.

    So is one that comes after the resolution: a closed ticket is not written again for it. The
    writer's opinion of the severity raises the incident's if `summary_may_raise`; nothing else that
    a summary says changes what the incident is, where it goes or how it ends.
    """
    known = incident.summary
    if known is not None and (known == summary or summary.revision < known.revision):
        return incident
    if incident.status is Status.RESOLVED:
        return incident
    timeline = incident.timeline
    by = summary.generated_by
    if known is None or known.generated_by != by:
        timeline = with_step(timeline, policy, now, StepKind.SUMMARIZED, "", by)
    incident = replace(incident, summary=summary, timeline=timeline)
    if policy.summary_may_raise and summary.severity is not None:
        higher = raised(incident, summary.severity, now, policy)
        if higher is not incident:
            return higher
    return published(incident, now)


def _shown(ticket: Ticket) -> tuple[str, str, str, str]:
    return ticket.state.value, ticket.external_id, ticket.key, ticket.url
