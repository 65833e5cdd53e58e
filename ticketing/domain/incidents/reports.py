"""Reports about an incident: receipts of platforms, correlations, summaries."""

from __future__ import annotations

from ticketing.domain.events import Receipt, Summary
from ticketing.domain.incidents.addresses import leads_there
from ticketing.domain.incidents.fallback import refused
from ticketing.domain.incidents.incident import Incident, Status, StepKind, Ticket
from ticketing.domain.incidents.lifecycle import POLICY, published, raised
from ticketing.domain.incidents.policy import Policy
from ticketing.domain.incidents.timeline import with_step
from ticketing.domain.records import replace
from ticketing.domain.traces.findings import Attribution, Findings

CANDIDATES_KEPT = 5
"""Candidates kept of each of many outbreaks: further ones are hardly ever the cause."""
TICKETS_MAX = 8
"""The platforms of the registry, and some that it had before."""


def receipted(incident: Incident, receipt: Receipt, now: float, policy: Policy) -> Incident:
    """The incident after a receipt of a platform.

    Only a change of state, id, key, URL or people on call is published: if every receipt were, each
    publication would bring an update, and so another receipt. A receipt older than the known one is
    ignored, as is one of a platform beyond `TICKETS_MAX`. An address that does not lead to the platform
    is left out.
    """
    known = incident.tickets.get(receipt.platform) or Ticket(platform=receipt.platform)
    full = len(incident.tickets) >= TICKETS_MAX and receipt.platform not in incident.tickets
    if receipt.revision < known.revision or full:
        return incident
    ticket = Ticket(
        platform=receipt.platform,
        state=receipt.state,
        revision=receipt.revision,
        external_id=receipt.external_id or known.external_id,
        key=receipt.key or known.key,
        url=_url(receipt.url, policy.ticket_places.get(receipt.platform, ())) or known.url,
        error=receipt.error,
        on_call=receipt.on_call or known.on_call,
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
    incident = published(replace(incident, timeline=timeline), now)
    return refused(incident, receipt.platform, now, policy)


def _url(url: str, places: tuple[str, ...]) -> str:
    """The address of a ticket; empty if it leads elsewhere than to its platform."""
    return url if leads_there(url, places) else ""


def correlated(incident: Incident, findings: Findings, now: float, policy: Policy) -> Incident:
    """The incident with the findings about an outbreak, and as severe as the blast radius asks.

    Of an earlier outbreak than the known one only the attribution is kept. Findings about the same
    outbreak that rest on fewer traces are another worker's part, and ignored.
    """
    attributions = _attributed(incident.attributions, findings, policy)
    known = incident.correlation
    if known is not None and _outranked(findings, known):
        if attributions == incident.attributions:
            return incident
        return replace(incident, attributions=attributions)
    if known == findings:
        return incident
    timeline = incident.timeline
    cause = findings.root_cause
    before = known.root_cause if known is not None else None
    if cause is not None and (before is None or before.service != cause.service):
        text = f"its requests lead to {cause.service}"
        timeline = with_step(timeline, policy, now, StepKind.CORRELATED, text, POLICY)
    incident = replace(incident, correlation=findings, attributions=attributions, timeline=timeline)
    if incident.status is not Status.RESOLVED:
        rules = [rule for rule in policy.raise_severity if rule.reached(findings.blast_radius)]
        for rule in rules:
            incident = raised(incident, rule.to, now, policy)
    return published(incident, now)


def _outranked(findings: Findings, known: Findings) -> bool:
    if findings.until < known.since:
        return True
    return findings.since <= known.until and findings.traces < known.traces


def _attributed(known: list[Attribution], findings: Findings, policy: Policy) -> list[Attribution]:
    since, until = findings.since, findings.until
    kept = [one for one in known if one.until < since or one.since > until]
    best = [replace(candidate, reasons=[]) for candidate in findings.candidates[:CANDIDATES_KEPT]]
    new = Attribution(since=since, until=until, candidates=best)
    return sorted([*kept, new], key=lambda one: one.since)[-policy.attributions_kept :]


def summarized(incident: Incident, summary: Summary, now: float, policy: Policy) -> Incident:
    """The incident with a summary; one of an older revision than the known summary's is ignored.

    A summary after the resolution is ignored too: no closed ticket is written again for it. The
    writer's opinion may raise the severity if `summary_may_raise`; nothing else in a summary
    changes the incident's state, routes or end.
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


def _shown(ticket: Ticket) -> tuple[str, ...]:
    return ticket.state.value, ticket.external_id, ticket.key, ticket.url, ticket.on_call
