"""The explanation of an incident from its published record: for operators, a line a fact."""

from __future__ import annotations

from collections.abc import Iterator

from ticketing.domain.incidents.incident import Incident, IncidentAlert, Status, Step, StepKind
from ticketing.domain.incidents.timeline import steps_left_out
from ticketing.view.published import Published
from ticketing.view.standing import why_no_ticket
from ticketing.view.times import iso
from ticketing.wire.topics import INCIDENTS

PAGES = frozenset(
    {
        StepKind.OPENED,
        StepKind.SEVERITY_RAISED,
        StepKind.REOPENED,
        StepKind.FLAPPING,
        StepKind.HELD,
        StepKind.REPAGED,
        StepKind.SNOOZED,
        StepKind.ESCALATED,
        StepKind.FALLBACK,
    }
)
"""The steps that page people, or that keep a page away."""
TICKETS = frozenset({StepKind.TICKETED, StepKind.ROUTED, StepKind.RECEIPT})


def explained(found: Published) -> list[str]:
    """The reasons for an incident, its alerts, its pages, its tickets and its end, with sources."""
    incident = found.incident
    return [
        *_identity(found),
        "",
        "Why it exists",
        *_indented(_existence(incident)),
        "",
        f"Alerts: {incident.alerts_total}, {incident.alerts_firing} firing",
        *_indented(line for alert in incident.alerts for line in _alert(alert, incident)),
        *_indented(_missing(incident)),
        "",
        "Pages",
        *_indented(_pages(incident)),
        "",
        "Tickets",
        *_indented(_tickets(incident)),
        "",
        "End",
        *_indented(_end(incident)),
    ]


def _identity(found: Published) -> Iterator[str]:
    incident = found.incident
    yield f"{incident.id}: {incident.title}"
    where = [incident.service, f"tenant {incident.tenant}", incident.environment]
    yield ", ".join(
        [incident.status.value, incident.severity.value, incident.kind.value, *filter(None, where)]
    )
    yield (
        f"revision {incident.revision} of {iso(incident.updated_at)}:"
        f" {INCIDENTS}[{found.partition}] offset {found.offset}"
    )
    yield f"{_configuration(incident.config)}; scope {incident.scope}"
    missing = steps_left_out(incident.timeline)
    if missing or incident.left_out:
        left_out = ", ".join([*incident.left_out, f"{missing} steps of the timeline"])
        yield f"left out of the record: {left_out}"


def _existence(incident: Incident) -> Iterator[str]:
    yield (
        f"opened at {iso(incident.opened_at)} for {incident.service or 'several services'}:"
        f" first record of {iso(incident.first_seen)}"
    )
    if incident.cause is not None:
        cause = incident.cause
        yield (
            f"likely cause: {cause.service}, by {cause.strength:.1f} nats of evidence as of"
            f" {iso(cause.at)}"
        )
        yield from (f"  {reason}" for reason in cause.reasons)
    yield from _steps(incident, frozenset({StepKind.CORRELATED}))
    if incident.previous:
        yield f"the same fault before: {incident.previous}"
    if incident.split_from:
        yield f"split from {incident.split_from}"
    if incident.merged:
        yield f"took the alerts of {', '.join(incident.merged)}"
    if incident.listed:
        yield f"collective: lists {incident.listed} incidents that opened above the ceiling of pages"
        yield from (f"  {entry.id}  {entry.service}: {entry.title}" for entry in incident.lists)


def _alert(alert: IncidentAlert, incident: Incident) -> Iterator[str]:
    yield (
        f"{alert.fingerprint}  {alert.service}  {alert.severity.value}  {alert.state.value}"
        f"  {alert.count} anomalies: {alert.title}"
    )
    began = alert.fingerprint == incident.fingerprint
    reason = alert.reason or ("the incident began with it" if began else "not recorded")
    yield f"  why here: {reason}"
    if alert.needed:
        yield f"  waits for {alert.needed} occurrences within one window"
    source = "not recorded"
    if alert.topic:
        source = f"{alert.topic}[{alert.partition}] offset {alert.offset}"
    yield f"  first record: {source}; {_configuration(alert.config)}"
    if alert.judged:
        yield f"  its latest anomalies were found with {_configuration(alert.judged)}"


def _missing(incident: Incident) -> Iterator[str]:
    missing = incident.alerts_total - len(incident.alerts)
    if missing > 0:
        yield f"{missing} more, left out of the record"


def _pages(incident: Incident) -> Iterator[str]:
    if incident.paged_at:
        yield f"page {incident.page}, latest at {iso(incident.paged_at)}"
    else:
        yield "nobody was paged"
    if incident.quietly:
        yield "its ticket pages nobody: the collective incident was acknowledged before"
    if incident.snoozed_until:
        yield f"snoozed until {iso(incident.snoozed_until)}: firing again pages nobody"
    yield from _steps(incident, PAGES)


def _tickets(incident: Incident) -> Iterator[str]:
    reason = why_no_ticket(incident)
    if reason:
        yield reason
    for ticket in incident.tickets.values():
        name = ticket.key or ticket.external_id or "no id yet"
        error = f"; {ticket.error}" if ticket.error else ""
        yield (
            f"{ticket.platform}: {ticket.state.value}, {name}, shows revision {ticket.revision}"
            f"{error}"
        )
    awaited = [name for name in incident.routes if name not in incident.tickets]
    if incident.ticketed and awaited:
        yield f"no answer yet from {', '.join(awaited)}"
    if incident.stays_on:
        until = f"until {incident.merged_into} has one or is resolved"
        yield f"stays open on {', '.join(incident.stays_on)}, {until}"
    yield from (f"{one.platform} did not take it: {one.text}" for one in incident.failures)
    yield from _steps(incident, TICKETS)


def _end(incident: Incident) -> Iterator[str]:
    if incident.status is Status.RESOLVED:
        how = f", {incident.resolution.value}" if incident.resolution else ""
        yield f"resolved at {iso(incident.resolved_at or 0.0)}{how}"
        if incident.merged_into:
            yield f"its alerts went to {incident.merged_into}"
        yield from _steps(incident, frozenset({StepKind.RESOLVED}))
    elif incident.quiet_since is None:
        yield "not over: an alert fires"
    else:
        yield f"all alerts are quiet since {iso(incident.quiet_since)}"


def _steps(incident: Incident, kinds: frozenset[StepKind]) -> Iterator[str]:
    yield from (_step(step) for step in incident.timeline if step.kind in kinds)


def _step(step: Step) -> str:
    by = f" by {step.by}" if step.by else ""
    text = f": {step.text}" if step.text else ""
    return f"{iso(step.at)}  {step.kind.value}{by}{text}"


def _configuration(version: str) -> str:
    return f"configuration {version}" if version else "configuration not recorded"


def _indented(lines: Iterator[str]) -> Iterator[str]:
    return (f"  {line}" for text in lines for line in text.splitlines())
