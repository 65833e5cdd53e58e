"""An incident in plain text, in parts: title, summary, facts, evidence, links."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from ticketing.domain.incidents.incident import Incident, Kind, Status, Step, StepKind
from ticketing.domain.signals import Summary
from ticketing.domain.summaries.by_rules import RULES, in_words
from ticketing.domain.traces.findings import Relation

ELLIPSIS = "…"


TITLE_CHARACTERS_MAX = 200


EVIDENCE_LINES_MAX = 5


EVIDENCE_CHARACTERS_MAX = 500


NAMES_MAX = 10


GENERATED = "(generated)"


CONSOLE = "console"
"""What the link to our own page is called."""


_STEPS = {
    StepKind.OPENED: "Opened",
    StepKind.SEVERITY_RAISED: "Severity raised",
    StepKind.ACKNOWLEDGED: "Acknowledged",
    StepKind.ESCALATED: "Escalated",
    StepKind.RESOLVED: "Resolved",
    StepKind.REOPENED: "Reopened",
    StepKind.FLAPPING: "Flapping",
    StepKind.COMMENT: "Comment",
}


_RELATIONS = {
    Relation.CAUSE: "its cause in",
    Relation.SYMPTOM: "its symptom in",
    Relation.SAME: "of the same cause in",
    Relation.RELATED: "in",
}


LINKED_MAX = 5


_STANDS_FOR = {
    Kind.OVERFLOW: "several new error patterns of the service",
    Kind.UMBRELLA: "incidents whose tickets are held back",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """An incident in plain text, in parts; none of it is markup, all of it may be hostile.

    `facts` are pairs of a label and a value; `links` maps a platform to its ticket's address;
    `notes` say what went wrong with the delivery elsewhere and belong at the top.
    """

    title: str
    summary: str = ""
    summary_by: str = ""
    facts: list[tuple[str, str]] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    next_steps: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def cut(text: str, limit: int) -> str:
    """The text in at most so many characters; an ellipsis shows that something is missing."""
    return text if len(text) <= limit else text[: max(0, limit - 1)].rstrip() + ELLIPSIS


def line(text: str) -> str:
    """The text in one line, without control characters."""
    words = " ".join(text.split())
    if not words.isprintable():
        words = " ".join("".join(c if c.isprintable() else " " for c in words).split())
    return words


def moment(at: float) -> str:
    """A time (Unix seconds) as people read it, in UTC."""
    try:
        return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, OSError, ValueError):
        return "unknown"


def title(incident: Incident) -> str:
    """How bad, where, what: `[CRITICAL] checkout: payment gateway timed out`."""
    where = line(incident.service) or "unknown service"
    text = f"[{incident.severity.value.upper()}] {where}: {_what(incident)}"
    return cut(text, TITLE_CHARACTERS_MAX)


def describe(incident: Incident, platform: str, console: str = "") -> Text:
    """The incident for a platform's ticket; its own ticket is not among the links."""
    summary = in_words(incident)
    return Text(
        title=title(incident),
        summary=_words(summary),
        summary_by=_writer(summary),
        facts=[(label, value) for label, value in _facts(incident) if value],
        evidence=_evidence(incident),
        links=_links(incident, platform, console),
        notes=[line(one.text) for one in incident.failures if one.platform != platform],
        next_steps=[_said(step, summary) for step in summary.steps[:NAMES_MAX]],
    )


def steps(told: list[Step]) -> list[str]:
    """Steps of the timeline, a line each."""
    return [_step(one) for one in told]


def _what(incident: Incident) -> str:
    return line(incident.title) or line(incident.pattern) or "unnamed fault"


def _words(summary: Summary) -> str:
    """The summary's text; a model's title stands before it, never in place of the ticket's own."""
    text = summary.text.strip()
    if summary.generated_by == RULES or not summary.title:
        return text
    return f"{summary.title.strip().rstrip('.')}. {text}"


def _writer(summary: Summary) -> str:
    by = line(summary.generated_by)
    return by if by == RULES else f"AI, {by}"


def _said(text: str, summary: Summary) -> str:
    """A part of the summary that stands by itself: a model's is marked as such wherever it is."""
    said = line(text)
    return said if not said or summary.generated_by == RULES else f"{said} {GENERATED}"


def _facts(incident: Incident) -> list[tuple[str, str]]:
    summary = in_words(incident)
    where = ", in ".join(filter(None, [line(incident.service), line(incident.environment)]))
    return [
        ("Status", _status(incident)),
        ("Where", where),
        ("Tenant", line(incident.tenant)),
        ("Since", moment(incident.first_seen)),
        ("Last seen", moment(incident.last_seen)),
        ("How many", f"{incident.count:,} anomalies, highest score {incident.max_score:.2f}"),
        ("Stands for", _STANDS_FOR.get(incident.kind, "")),
        ("Blast radius", _blast_radius(incident)),
        ("Impact", _said(summary.impact, summary)),
        ("Likely cause", _said(summary.root_cause, summary)),
        ("Causal chain", _chain(incident)),
        ("Linked incidents", _linked(incident)),
        ("Error pattern", line(incident.pattern)),
        ("Traces", _names(incident.trace_ids)),
        ("Incident", incident.id),
    ]


def _others(incident: Incident) -> list[str]:
    return [name for name in incident.reach if name != incident.service]


def _linked(incident: Incident) -> str:
    """Other incidents of the same requests: what they are to this one, where, and their ids."""
    known = [link for link in incident.links if link.id]
    said = [
        f"{_RELATIONS[link.relation]} {line(link.service)} ({link.id})"
        for link in known[:LINKED_MAX]
    ]
    more = len(known) - LINKED_MAX
    return "; ".join(said) + (f"; and {more} more" if more > 0 else "")


def _blast_radius(incident: Incident) -> str:
    others, at = _others(incident), _names(incident.endpoints)
    also = f"{len(others)} more service{'s' * (len(others) > 1)}: {_names(others)}"
    parts = [also if others else "", f"at {at}" if at else "", _failing(incident)]
    return "; ".join(filter(None, parts))


def _failing(incident: Incident) -> str:
    radius = incident.correlation.blast_radius if incident.correlation else None
    if radius is None or not radius.requests:
        return ""
    return f"{radius.failing_share:.0%} of requests fail, {radius.failing_share_before:.0%} before"


def _chain(incident: Incident) -> str:
    chain = incident.correlation.causal_chain if incident.correlation else []
    text = " → ".join(line(link) for link in chain[:NAMES_MAX])
    return cut(text, EVIDENCE_CHARACTERS_MAX) if len(chain) > 1 else ""


def _links(incident: Incident, platform: str, console: str) -> dict[str, str]:
    links = {CONSOLE: f"{console}/#/incidents/{incident.id}"} if console else {}
    return links | {
        name: ticket.url
        for name, ticket in sorted(incident.tickets.items())
        if name != platform and ticket.url.startswith(("http://", "https://"))
    }


def _status(incident: Incident) -> str:
    word = incident.status.value
    if incident.status is Status.ESCALATED and incident.escalated_to:
        word += f" to {_names(incident.escalated_to)}"
    if incident.reopenings:
        word += f", reopened {len(incident.reopenings)} times"
    return word + (", flapping" if incident.flapping else "")


def _names(names: list[str]) -> str:
    shown = ", ".join(line(name) for name in names[:NAMES_MAX])
    more = len(names) - NAMES_MAX
    return f"{shown} and {more} more" if more > 0 else shown


def _evidence(incident: Incident) -> list[str]:
    return [
        cut(f"{moment(s.at)} {line(s.level)} {line(s.message)}", EVIDENCE_CHARACTERS_MAX)
        for s in incident.samples[:EVIDENCE_LINES_MAX]
    ]


def _step(step: Step) -> str:
    said = _STEPS.get(step.kind, step.kind.value)
    by = f" by {line(step.by)}" if step.by else ""
    note = f": {line(step.text)}" if step.text else ""
    return cut(f"{said}{by} at {moment(step.at)}{note}", EVIDENCE_CHARACTERS_MAX)


def values(incident: Incident, text: Text, platform: str) -> dict[str, Any]:
    """What the names of ticketing.config.template_names mean for this incident."""
    summary = in_words(incident)
    return {
        "severity": incident.severity.value,
        "status": incident.status.value,
        "headline": text.title,
        "title": _what(incident),
        "pattern": line(incident.pattern),
        "service": line(incident.service),
        "environment": line(incident.environment),
        "tenant": line(incident.tenant),
        "since": moment(incident.first_seen),
        "last_seen": moment(incident.last_seen),
        "opened": moment(incident.opened_at),
        "count": incident.count,
        "score": round(incident.max_score, 4),
        "affected": [line(name) for name in _others(incident)],
        "endpoints": [line(name) for name in incident.endpoints],
        "blast_radius": _blast_radius(incident),
        "summary": _said(text.summary, summary),
        "summary_by": text.summary_by,
        "likely_cause": _said(summary.root_cause, summary),
        "impact": _said(summary.impact, summary),
        "next_steps": text.next_steps,
        "evidence": text.evidence,
        "trace_ids": [line(name) for name in incident.trace_ids],
        "links": text.links,
        "facts": dict(text.facts),
        "notes": text.notes,
        "reopened": len(incident.reopenings),
        "flapping": incident.flapping,
        "escalated_to": [line(name) for name in incident.escalated_to],
        "id": incident.id,
        "url": text.links.get(CONSOLE, ""),
        "platform": platform,
    }
