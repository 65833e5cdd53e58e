"""An incident in words, as every platform tells it: what, where, since when, how many, why."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone

from ticketing.domain.incident import Incident, Kind, Status, Step, StepKind

ELLIPSIS = "…"
TITLE_CHARACTERS_MAX = 200
EVIDENCE_LINES_MAX = 5
EVIDENCE_CHARACTERS_MAX = 500
NAMES_MAX = 10

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """An incident in plain text, in parts; none of it is markup, all of it may be hostile.

    `facts` are pairs of a label and a value; `links` maps a platform to its ticket's address.
    """

    title: str
    summary: str = ""
    summary_by: str = ""
    facts: list[tuple[str, str]] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)


def cut(text: str, limit: int) -> str:
    """The text in at most so many characters; an ellipsis shows that something is missing."""
    return text if len(text) <= limit else text[: max(0, limit - 1)].rstrip() + ELLIPSIS


def line(text: str) -> str:
    """The text in one line, without control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def moment(at: float) -> str:
    """A time (Unix seconds) as people read it, in UTC."""
    try:
        return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, OSError, ValueError):
        return "unknown"


class Writer:
    """Writes incidents for one platform, by its templates or the default ones."""

    def __init__(
        self, platform: str, title_template: str | None = None, body_template: str | None = None
    ) -> None:
        self._platform = platform

    def title(self, incident: Incident) -> str:
        """One line, at most 200 characters."""
        return title(incident)

    def text(self, incident: Incident) -> Text:
        """The incident in parts, for platforms that have places for them."""
        return describe(incident, self._platform)

    def body(self, incident: Incident) -> str:
        """All of it as plain text, for platforms with one field for it."""
        return plain(self.text(incident))


def title(incident: Incident) -> str:
    """How bad, where, what: `[CRITICAL] checkout: payment gateway timed out`."""
    words = line(incident.title) or line(incident.pattern) or "unnamed fault"
    where = line(incident.service) or "unknown service"
    return cut(f"[{incident.severity.value.upper()}] {where}: {words}", TITLE_CHARACTERS_MAX)


def describe(incident: Incident, platform: str) -> Text:
    """The incident for a platform's ticket; its own ticket is not among the links."""
    summary = incident.summary
    return Text(
        title=title(incident),
        summary=summary.text.strip() if summary else "",
        summary_by=line(summary.generated_by) if summary else "",
        facts=[(label, value) for label, value in _facts(incident) if value],
        evidence=_evidence(incident),
        links={
            name: ticket.url
            for name, ticket in sorted(incident.tickets.items())
            if name != platform and ticket.url.startswith(("http://", "https://"))
        },
    )


def steps(told: list[Step]) -> list[str]:
    """Steps of the timeline, a line each."""
    return [_step(one) for one in told]


def plain(text: Text) -> str:
    """All of it as plain text, for platforms without markup."""
    parts = [text.title]
    if text.summary:
        parts.append(text.summary)
    if text.summary_by:
        parts.append(f"(written by {text.summary_by})")
    parts.append("\n".join(f"{label}: {value}" for label, value in text.facts))
    if text.evidence:
        parts.append("Evidence:\n" + "\n".join(text.evidence))
    if text.links:
        parts.append("\n".join(f"{name}: {url}" for name, url in text.links.items()))
    return "\n\n".join(parts)


def _facts(incident: Incident) -> list[tuple[str, str]]:
    others = [name for name in incident.affected_services if name != incident.service]
    count = f"{incident.count} anomalies, highest score {incident.max_score:.2f}"
    return [
        ("Status", _status(incident)),
        ("Service", line(incident.service)),
        ("Environment", line(incident.environment)),
        ("Tenant", line(incident.tenant)),
        ("Since", moment(incident.first_seen)),
        ("Last seen", moment(incident.last_seen)),
        ("How many", count),
        ("Stands for", "" if incident.kind is Kind.PATTERN else incident.kind.value),
        ("Also affected", _names(others)),
        ("Endpoints", _names(incident.endpoints)),
        ("Likely cause", line(incident.summary.root_cause) if incident.summary else ""),
        ("Error pattern", line(incident.pattern)),
        ("Traces", _names(incident.trace_ids)),
        ("Incident", incident.id),
    ]


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
