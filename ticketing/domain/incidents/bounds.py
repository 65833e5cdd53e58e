"""The bound of an incident's record in bytes, and the order in which evidence goes to keep it.

Evidence goes first, the oldest of it first; then the middle of the timeline, remarks before steps
of the life; then what else is shown and not needed. Status, times, counts, ids, routes, outcomes of
commands and tickets always stay. The record says what went: `left_out` names it, and gaps in the
timeline's numbers count the steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ticketing.domain.incidents.incident import Incident, IncidentAlert, Step, StepKind, Ticket
from ticketing.domain.records import replace
from ticketing.domain.text import bounded as bounded_text
from ticketing.domain.traces.findings import Findings

RECORD_BYTES_MAX = 44_000
"""Well below 64 kB, as a delivery holds the record with a ticket's fields: a topic takes a megabyte,
and a batch of some hundred changed incidents is still small."""
STEPS_FIRST_KEPT, STEPS_LATEST_KEPT = 3, 8
"""The beginning, and what a person who is called now must read."""
STEPS_NEWEST = 3
"""The last words, which stay whole for as long as anything else can go."""
TEXT_BYTES_KEPT = 1_000
"""A paragraph of a long remark."""
LINE_BYTES_KEPT = 200
"""A line of a text that is only there for people."""
SOME = 5
"""Entries of a list that still show what kind of thing it holds."""
WINDOWS_KEPT = 24
"""The bars of the sparkline in a list (`view.document.SPARKLINE_WINDOWS`)."""

REMARKS = frozenset(
    {
        StepKind.COMMENT,
        StepKind.RECEIPT,
        StepKind.CORRELATED,
        StepKind.SUMMARIZED,
        StepKind.GROUPED,
        StepKind.NOTE,
        StepKind.UNLINKED,
        StepKind.ROUTED,
        StepKind.HELD,
    }
)
"""Steps that go before those of the life, which rules count (escalations, reopenings)."""

Size = Callable[[Incident], int]
"""The bytes of an incident's record as it is encoded."""


def bounded(incident: Incident, size_of: Size, bytes_max: int = RECORD_BYTES_MAX) -> Incident:
    """The incident with as much of its evidence as fits; the very same if all of it does."""
    size = size_of(incident)
    if size <= bytes_max:
        return incident
    for name, shorter in _CUTS:
        for after in shorter(incident):
            if replace(after, left_out=incident.left_out) == incident:
                continue
            if name and name not in after.left_out:
                after = replace(after, left_out=sorted([*after.left_out, name]))
            incident = after
            if size_of(incident) <= bytes_max:
                return incident
    return incident


Cut = Callable[[Incident], Iterator[Incident]]
"""An incident with less and less of one thing."""


def _traces(incident: Incident) -> Iterator[Incident]:
    """Less of the sample requests, whose lines are the largest part: the least telling first."""
    found = incident.correlation
    if found is None or not found.samples:
        return
    for count in range(len(found.samples) - 1, 0, -1):
        yield _with(incident, found, samples=found.samples[:count])
    first = found.samples[0]
    for kept in (len(first.timeline) // 2, len(first.timeline) // 4, 0):
        omitted = first.omitted + len(first.timeline) - kept
        shorter = replace(first, timeline=first.timeline[:kept], omitted=omitted)
        yield _with(incident, found, samples=[shorter])
    yield _with(incident, found, samples=[])


def _with(incident: Incident, found: Findings, **changes: Any) -> Incident:
    return replace(incident, correlation=replace(found, **changes))


def _samples(incident: Incident) -> Iterator[Incident]:
    for oldest in range(1, len(incident.samples)):
        yield replace(incident, samples=incident.samples[oldest:])


def _remarks(incident: Incident) -> Iterator[Incident]:
    """Fewer remarks between the first and the latest steps, the oldest first."""
    yield from _steps(incident, STEPS_FIRST_KEPT, STEPS_LATEST_KEPT, REMARKS)


def _more_remarks(incident: Incident) -> Iterator[Incident]:
    """Fewer remarks, but for the very first and the newest steps."""
    yield from _steps(incident, 1, STEPS_NEWEST, REMARKS)


def _middle(incident: Incident) -> Iterator[Incident]:
    """Fewer steps of any kind, but for the very first and the newest ones."""
    yield from _steps(incident, 1, STEPS_NEWEST, None)


def _steps(
    incident: Incident, first: int, latest: int, kinds: frozenset[StepKind] | None
) -> Iterator[Incident]:
    """Fewer steps of these kinds, or of any, between the first few and the latest few."""
    timeline = incident.timeline
    for step in timeline[first : max(first, len(timeline) - latest)]:
        if kinds is None or step.kind in kinds:
            timeline = [other for other in timeline if other is not step]
            yield replace(incident, timeline=timeline)


def _notes(incident: Incident) -> Iterator[Incident]:
    """Shorter texts of steps, the oldest first; those of the newest when no others are left."""
    newest = max(0, len(incident.timeline) - STEPS_NEWEST)
    for places in (range(newest), range(newest, len(incident.timeline))):
        for bytes_kept in (TEXT_BYTES_KEPT, LINE_BYTES_KEPT):
            for place in places:
                step = incident.timeline[place]
                short: Step = replace(step, text=bounded_text(step.text, bytes_kept))
                if short != step:
                    timeline = [*incident.timeline[:place], short, *incident.timeline[place + 1 :]]
                    incident = replace(incident, timeline=timeline)
                    yield incident


def _attributions(incident: Incident) -> Iterator[Incident]:
    for oldest in range(1, len(incident.attributions)):
        yield replace(incident, attributions=incident.attributions[oldest:])


def _affected(incident: Incident) -> Iterator[Incident]:
    yield replace(
        incident,
        trace_ids=incident.trace_ids[:SOME],
        endpoints=incident.endpoints[:SOME],
        affected_services=incident.affected_services[:SOME],
    )
    found = incident.correlation
    if found is not None:
        yield _with(
            incident,
            found,
            path=found.path[:SOME],
            affected_services=found.affected_services[:SOME],
            affected_endpoints=found.affected_endpoints[:SOME],
            causal_chain=found.causal_chain[:SOME],
            edges=found.edges[:SOME],
            candidates=found.candidates[:SOME],
            peers=found.peers[:SOME],
        )


def _alerts(incident: Incident) -> Iterator[Incident]:
    """Alerts without their samples and minutes, the latest ones first; then fewer of them."""
    alerts = list(incident.alerts)
    for place in range(len(alerts) - 1, -1, -1):
        alerts = [*alerts[:place], replace(alerts[place], sample=None), *alerts[place + 1 :]]
        yield replace(incident, alerts=alerts)
    alerts = [replace(alert, minutes=[], reason="") for alert in alerts]
    yield replace(incident, alerts=alerts)
    yield replace(incident, alerts=[_bare_alert(alert) for alert in alerts[:SOME]])


def _bare_alert(alert: IncidentAlert) -> IncidentAlert:
    return replace(alert, title=bounded_text(alert.title, LINE_BYTES_KEPT))


def _linked(incident: Incident) -> Iterator[Incident]:
    """Fewer links, the weakest first; fewer undone ones and listed incidents, the oldest first."""
    incident = replace(incident, links=incident.links[:SOME])
    yield incident
    incident = replace(incident, unlinked=incident.unlinked[-SOME:])
    yield incident
    yield replace(incident, lists=incident.lists[-SOME:], merged=incident.merged[-SOME:])


def _failures(incident: Incident) -> Iterator[Incident]:
    short = [
        replace(failure, text=bounded_text(failure.text, LINE_BYTES_KEPT))
        for failure in incident.failures
    ]
    yield replace(incident, failures=short)


def _summary(incident: Incident) -> Iterator[Incident]:
    if incident.summary is not None:
        yield replace(incident, summary=None)


def _correlation(incident: Incident) -> Iterator[Incident]:
    if incident.cause is not None and incident.cause.reasons:
        incident = replace(incident, cause=replace(incident.cause, reasons=[]))
        yield incident
    found = incident.correlation
    if found is not None:
        candidates = [replace(one, reasons=[]) for one in found.candidates[:1]]
        yield _with(
            incident,
            Findings(since=found.since, until=found.until, traces=found.traces),
            candidates=candidates,
        )
        yield replace(incident, attributions=[])


def _reasons(incident: Incident) -> Iterator[Incident]:
    """Shorter errors and reasons; the outcomes themselves stay."""
    commands = [
        replace(outcome, reason=bounded_text(outcome.reason, LINE_BYTES_KEPT))
        for outcome in incident.commands
    ]
    tickets = {
        name: replace(ticket, error=bounded_text(ticket.error, LINE_BYTES_KEPT))
        for name, ticket in incident.tickets.items()
    }
    incident = replace(incident, commands=commands, tickets=tickets)
    yield incident
    yield replace(incident, windows=incident.windows[-WINDOWS_KEPT:], samples=[])


def _descriptions(incident: Incident) -> Iterator[Incident]:
    yield replace(
        incident,
        pattern=bounded_text(incident.pattern, LINE_BYTES_KEPT),
        title=bounded_text(incident.title, LINE_BYTES_KEPT),
        environment=bounded_text(incident.environment, LINE_BYTES_KEPT),
    )


def _bare(incident: Incident) -> Iterator[Incident]:
    """Only a line of each text, and no list but of what must stay."""
    steps = incident.timeline[:1] + incident.timeline[1:][-SOME:]
    incident = replace(
        incident,
        timeline=[replace(step, by=bounded_text(step.by, LINE_BYTES_KEPT)) for step in steps],
        links=[],
        lists=incident.lists[-1:],
        merged=incident.merged[-1:],
        alerts=incident.alerts[:1],
        unlinked=incident.unlinked[-1:],
        trace_ids=[],
        endpoints=[],
        affected_services=[],
        failures=incident.failures[-SOME:],
        escalated_to=[bounded_text(name, LINE_BYTES_KEPT) for name in incident.escalated_to],
        assignees=[bounded_text(name, LINE_BYTES_KEPT) for name in incident.assignees],
        commands=[replace(outcome, reason="") for outcome in incident.commands],
    )
    yield incident
    yield replace(
        incident,
        tickets={name: _bare_ticket(ticket) for name, ticket in incident.tickets.items()},
    )


def _bare_ticket(ticket: Ticket) -> Ticket:
    return replace(
        ticket,
        external_id=bounded_text(ticket.external_id, LINE_BYTES_KEPT),
        key=bounded_text(ticket.key, LINE_BYTES_KEPT),
        url=ticket.url if bounded_text(ticket.url, TEXT_BYTES_KEPT) == ticket.url else "",
        on_call=bounded_text(ticket.on_call, LINE_BYTES_KEPT),
    )


_CUTS: tuple[tuple[str, Cut], ...] = (
    ("traces", _traces),
    ("samples", _samples),
    ("", _remarks),
    ("attributions", _attributions),
    ("", _more_remarks),
    ("notes", _notes),
    ("", _middle),
    ("affected", _affected),
    ("alerts", _alerts),
    ("links", _linked),
    ("failures", _failures),
    ("summary", _summary),
    ("correlation", _correlation),
    ("reasons", _reasons),
    ("descriptions", _descriptions),
    ("details", _bare),
)
"""The cuts in their order, each with its name; dropped steps are counted by their numbers."""
