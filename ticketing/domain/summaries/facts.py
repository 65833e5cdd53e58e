"""The facts of an incident, one a line: shown by tickets, the console and a model's prompt alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ticketing.domain.events import Summary
from ticketing.domain.incidents.incident import Incident, Kind, Status
from ticketing.domain.incidents.timeline import steps_left_out
from ticketing.domain.summaries.by_rules import RULES, in_words, times
from ticketing.domain.summaries.counts import bars
from ticketing.domain.text import cut, line, listed, moment
from ticketing.domain.traces.findings import Relation

# A fact is a line of a ticket; the console shows the rest.
NAMES_MAX = 10
LINKED_MAX = 5
CHAIN_CHARS_MAX = 500
GENERATED = "(generated)"
"""Marks words of a model wherever they stand by themselves."""

NEEDED = frozenset(
    {
        *("lists", "likely_cause", "blast_radius", "impact", "stands_for"),
        *("where", "since", "count", "counts"),
    }
)
"""The names of the facts that a woken person needs first; they stand above the evidence."""

_RELATIONS = {
    Relation.CAUSE: "its cause in",
    Relation.SYMPTOM: "its symptom in",
    Relation.SAME: "of the same cause in",
    Relation.RELATED: "in",
}
_STANDS_FOR = {
    Kind.OVERFLOW: "several new error patterns of the service",
    Kind.COLLECTIVE: "incidents that opened at once, beyond what may page",
    Kind.STRAY: "lines of stack traces that came as records of their own",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact: a stable name, a label and a text for people. The text may be hostile."""

    name: str
    label: str
    text: str


def facts_of(incident: Incident) -> list[Fact]:
    """The facts of an incident that have a text, in the order in which they are shown."""
    return [fact for fact in _facts(incident) if fact.text]


def _facts(incident: Incident) -> Iterator[Fact]:
    summary = in_words(incident)
    yield Fact("lists", "Lists", _lists(incident))
    yield Fact("likely_cause", "Likely cause", marked(summary.root_cause, summary))
    yield Fact("blast_radius", "Blast radius", blast_radius(incident))
    # The rules know no more of the impact than the blast radius says.
    said = summary.generated_by == RULES and _failing(incident)
    yield Fact("impact", "Impact", "" if said else marked(summary.impact, summary))
    yield Fact("stands_for", "Stands for", _STANDS_FOR.get(incident.kind, ""))
    yield Fact("where", "Where", _where(incident))
    yield Fact("since", "Since", moment(incident.first_seen))
    yield Fact("count", "How many", _count(incident))
    yield Fact("counts", "Counts", bars(incident))
    yield Fact("status", "Status", _status(incident))
    yield Fact("last_seen", "Last seen", moment(incident.last_seen))
    yield Fact("tenant", "Tenant", line(incident.tenant))
    yield Fact("alerts", "Alerts", _alerts(incident))
    yield Fact("causal_chain", "Causal chain", _chain(incident))
    yield Fact("linked", "Linked incidents", _linked(incident))
    yield Fact("pattern", "Error pattern", line(incident.pattern))
    yield Fact("traces", "Traces", listed(incident.trace_ids, NAMES_MAX))
    yield Fact("left_out", "Left out", _left_out(incident))
    yield Fact("id", "Incident", incident.id)


def marked(text: str, summary: Summary) -> str:
    """A part of a summary in one line; a model's words are marked as generated."""
    words = line(text)
    return words if not words or summary.generated_by == RULES else f"{words} {GENERATED}"


def other_services(incident: Incident) -> list[str]:
    """The affected services beside the incident's own."""
    return [name for name in incident.reach if name != incident.service]


def blast_radius(incident: Incident) -> str:
    """The other affected services, the endpoints, and the share of failing requests, in a line."""
    others, at = other_services(incident), listed(incident.endpoints, NAMES_MAX)
    also = f"{len(others)} more service{'s' * (len(others) > 1)}: {listed(others, NAMES_MAX)}"
    parts = [also if others else "", f"at {at}" if at else "", _failing(incident)]
    return "; ".join(filter(None, parts))


def _count(incident: Incident) -> str:
    noun = "anomaly" if incident.count == 1 else "anomalies"
    return f"{incident.count:,} {noun}, highest score {incident.max_score:.2f}"


def _alerts(incident: Incident) -> str:
    """The number of alerts and their titles, if there are several."""
    if incident.alerts_total <= 1:
        return ""
    titles = [f"{line(one.title)} in {line(one.service)}" for one in incident.alerts]
    more = incident.alerts_total - min(len(titles), LINKED_MAX)
    shown = "; ".join(titles[:LINKED_MAX]) + (f"; and {more} more" if more > 0 else "")
    return f"{incident.alerts_total}, {incident.alerts_firing} firing: {shown}"


def _lists(incident: Incident) -> str:
    """The incidents that a collective one lists, the worst first, then the latest."""
    if not incident.lists:
        return ""
    found = sorted(incident.lists, key=lambda one: (-one.severity.rank, -one.at))[:NAMES_MAX]
    titles = [
        f"{one.severity.value}: {line(one.title)} in {line(one.service)} ({one.id})"
        for one in found
    ]
    more = incident.listed - len(found)
    return "; ".join(titles) + (f"; and {more} more" if more > 0 else "")


def _failing(incident: Incident) -> str:
    radius = incident.correlation.blast_radius if incident.correlation else None
    if radius is None or not radius.requests:
        return ""
    return f"{radius.failing_share:.0%} of requests fail, {radius.failing_share_before:.0%} before"


def _where(incident: Incident) -> str:
    return ", in ".join(filter(None, [line(incident.service), line(incident.environment)]))


def _status(incident: Incident) -> str:
    word = incident.status.value
    if incident.status is Status.ESCALATED and incident.escalated_to:
        word += f" to {listed(incident.escalated_to, NAMES_MAX)}"
    if incident.reopenings:
        word += f", reopened {times(len(incident.reopenings))}"
    return word + (", flapping" if incident.flapping else "")


def _linked(incident: Incident) -> str:
    """The incidents before and after this one, and the linked ones with their relations."""
    known = [link for link in incident.links if link.id]
    shown = [
        f"{_RELATIONS[link.relation.nearest]} {line(link.service)} ({link.id})"
        for link in known[:LINKED_MAX]
    ]
    more = len(known) - LINKED_MAX
    ends = [
        f"goes on in {incident.merged_into}" if incident.merged_into else "",
        f"took over {', '.join(incident.merged[-LINKED_MAX:])}" if incident.merged else "",
        f"seen before in {incident.previous}" if incident.previous else "",
    ]
    return "; ".join(filter(None, [*ends, *shown, f"and {more} more" if more > 0 else ""]))


def _left_out(incident: Incident) -> str:
    """The steps and the evidence that went, for people who look for them."""
    steps = steps_left_out(incident.timeline)
    dropped = f"{steps} earlier step{'s' * (steps > 1)} of the timeline" if steps > 0 else ""
    names = f"parts of the evidence: {', '.join(incident.left_out)}" if incident.left_out else ""
    parts = "; ".join(filter(None, [dropped, names]))
    return f"{parts}, to keep the record small" if parts else ""


def _chain(incident: Incident) -> str:
    chain = incident.correlation.causal_chain if incident.correlation else []
    text = " → ".join(line(link) for link in chain[:NAMES_MAX])
    return cut(text, CHAIN_CHARS_MAX) if len(chain) > 1 else ""
