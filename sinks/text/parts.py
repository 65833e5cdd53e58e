"""An incident in plain text, in parts: title, summary, facts, evidence, links."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sinks.text import headline
from ticketing.config.catalog import CONSOLE, Service
from ticketing.domain.events import Summary
from ticketing.domain.incidents.incident import Incident, Step, StepKind
from ticketing.domain.summaries.by_rules import RULES, in_words
from ticketing.domain.summaries.facts import (
    NEEDED,
    blast_radius,
    facts_of,
    marked,
    other_services,
)
from ticketing.domain.text import cut, line, moment

EVIDENCE_LINES_MAX = 5
"""Enough to recognise the fault; the console shows the other samples."""
EVIDENCE_CHARS_MAX = 500
"""Keeps a log line with its time and the beginning of an exception, not a whole stack trace."""
OWNED = "Owned by"
"""The label of the fact with the owners of a service."""
LASTING = ("Where", "Since", "Stands for", OWNED, "Tenant", "Error pattern", "Incident")
"""Labels of facts that stay true while the incident is open, for places that are not written again:
the details of an alert on OpsGenie and PagerDuty."""
NAMES_MAX = 10
"""More next steps than a summary has; bounds what a template can list."""

UNKNOWN = Service()
"""A service that is not in the catalog."""

STEP_WORDS = {
    StepKind.OPENED: "Opened",
    StepKind.SEVERITY_RAISED: "Severity raised",
    StepKind.ACKNOWLEDGED: "Acknowledged",
    StepKind.ESCALATED: "Escalated",
    StepKind.RESOLVED: "Resolved",
    StepKind.REOPENED: "Reopened",
    StepKind.FLAPPING: "Flapping",
    StepKind.FALLBACK: "fallback",
    StepKind.COMMENT: "Comment",
    StepKind.REPAGED: "Paged again",
    StepKind.MERGED: "Merged",
    StepKind.MOVED: "Moved",
    StepKind.NOTE: "Note",
}
"""The words for the kinds of steps that are posted, `sinks.platform.STATUS_STEPS`, and for remarks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """An incident in plain text, in parts. No part is markup, and every part may be hostile.

    The order of the parts is the order of need, on every platform: title, notes (of failed
    deliveries to other platforms), a model's summary, `needed`, next steps, links, evidence, a
    summary by rules (the facts once more, as sentences), `facts`. Both
    kinds of facts are pairs of a label and a value. `links` maps a name to an address, the
    configured ones (`own`) first; `times` a fact's label to its time in Unix seconds. `picture` is
    the address of an image.
    """

    title: str
    summary: str = ""
    summary_by: str = ""
    needed: list[tuple[str, str]] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    next_steps: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    times: dict[str, float] = field(default_factory=dict)
    own: tuple[str, ...] = ()
    picture: str = ""

    @property
    def leads(self) -> bool:
        """True if the summary stands above the facts."""
        return self.summary_by != RULES

    @property
    def all_facts(self) -> list[tuple[str, str]]:
        """The facts above and below the evidence."""
        return [*self.needed, *self.facts]


def describe(
    incident: Incident, platform: str, console: str = "", service: Service = UNKNOWN
) -> Text:
    """The incident for a platform's ticket, with links to the other platforms' tickets.

    `service` is the catalog's entry of the incident's service.
    """
    summary = in_words(incident)
    facts = facts_of(incident)
    times = {"since": incident.first_seen, "last_seen": incident.last_seen}
    return Text(
        title=headline.headline(incident),
        summary=_words(summary),
        summary_by=_writer(summary),
        needed=[
            *((fact.label, fact.text) for fact in facts if fact.name in NEEDED),
            *_owned(service),
        ],
        facts=[(fact.label, fact.text) for fact in facts if fact.name not in NEEDED],
        times={fact.label: times[fact.name] for fact in facts if fact.name in times},
        evidence=_evidence(incident),
        links=_links(incident, platform, console),
        notes=[line(one.text) for one in incident.failures if one.platform != platform],
        next_steps=[marked(step, summary) for step in summary.steps[:NAMES_MAX]],
    )


def _owned(service: Service) -> list[tuple[str, str]]:
    """The fact with the owners of a service, if they are known."""
    owners = [line(name) for name in dict.fromkeys((service.team, service.owner)) if name]
    return [(OWNED, ", ".join(owners))] if owners else []


def steps(timeline: list[Step]) -> list[str]:
    """Steps of the timeline, a line each."""
    return [_step(step) for step in timeline]


def _words(summary: Summary) -> str:
    """The summary's text, after the model's title if there is one.

    A model's title never replaces the title of the ticket.
    """
    text = summary.text.strip()
    if summary.generated_by == RULES or not summary.title:
        return text
    return f"{summary.title.strip().rstrip('.')}. {text}"


def _writer(summary: Summary) -> str:
    by = line(summary.generated_by)
    return by if by == RULES else f"AI, {by}"


def _links(incident: Incident, platform: str, console: str) -> dict[str, str]:
    links = {CONSOLE: f"{console}/#/incidents/{incident.id}"} if console else {}
    return links | {
        name: ticket.url
        for name, ticket in sorted(incident.tickets.items())
        if name != platform and ticket.url.startswith(("http://", "https://"))
    }


def _evidence(incident: Incident) -> list[str]:
    return [
        cut(f"{moment(s.at)} {line(s.level)} {line(s.message)}", EVIDENCE_CHARS_MAX)
        for s in incident.samples[:EVIDENCE_LINES_MAX]
    ]


def _step(step: Step) -> str:
    name = STEP_WORDS.get(step.kind, step.kind.value)
    by = f" by {line(step.by)}" if step.by else ""
    note = f": {line(step.text)}" if step.text else ""
    return cut(f"{name}{by} at {moment(step.at)}{note}", EVIDENCE_CHARS_MAX)


def values(
    incident: Incident, text: Text, platform: str, service: Service = UNKNOWN
) -> dict[str, Any]:
    """The values of the names in ticketing.config.template_names for this incident."""
    summary = in_words(incident)
    return {
        "severity": incident.severity.value,
        "status": incident.status.value,
        "headline": text.title,
        "title": headline.fault(incident),
        "failing": headline.failing_share(incident),
        "began_in": headline.began_in(incident),
        "pattern": line(incident.pattern),
        "service": line(incident.service),
        "team": line(service.team or ""),
        "owner": line(service.owner or ""),
        "environment": line(incident.environment),
        "tenant": line(incident.tenant),
        "since": moment(incident.first_seen),
        "since_unix": _unix(incident.first_seen),
        "last_seen": moment(incident.last_seen),
        "last_seen_unix": _unix(incident.last_seen),
        "opened": moment(incident.opened_at),
        "count": incident.count,
        "score": round(incident.max_score, 4),
        "affected": [line(name) for name in other_services(incident)],
        "endpoints": [line(name) for name in incident.endpoints],
        "blast_radius": blast_radius(incident),
        "summary": marked(text.summary, summary),
        "summary_by": text.summary_by,
        "likely_cause": marked(summary.root_cause, summary),
        "impact": marked(summary.impact, summary),
        "next_steps": text.next_steps,
        "evidence": text.evidence,
        "trace_ids": [line(name) for name in incident.trace_ids],
        "links": text.links,
        "facts": dict(text.all_facts),
        "needed": dict(text.needed),
        "details": dict(text.facts),
        "notes": text.notes,
        "reopened": len(incident.reopenings),
        "flapping": incident.flapping,
        "escalated_to": [line(name) for name in incident.escalated_to],
        "id": incident.id,
        "url": text.links.get(CONSOLE, ""),
        "platform": platform,
    }


def _unix(at: float) -> int:
    """A time in whole Unix seconds; 0 for a time outside the calendar."""
    return 0 if moment(at) == "unknown" else int(at)
