"""The names of an incident in templates, with samples to test templates at the start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ticketing.config.template import BadTemplate, Template

NAMES = {
    "severity": "critical, high, medium or low",
    "status": "open, acknowledged, escalated or resolved",
    "headline": "the title as this ticket has it",
    "title": "the fault in one line, without addresses and ids",
    "failing": "the share of failing requests, such as `41% of requests`, or nothing",
    "began_in": "the other service in which it began, or nothing",
    "pattern": "the error pattern that the incident counts",
    "service": "the service of the fault",
    "team": "the service's team by the catalog, or nothing",
    "owner": "the service's owner by the catalog, or nothing",
    "environment": "its environment, or nothing",
    "tenant": "its tenant, or nothing",
    "since": "the time of the first anomaly",
    "since_unix": "the same in Unix seconds, a number",
    "last_seen": "the time of the latest anomaly",
    "last_seen_unix": "the same in Unix seconds, a number",
    "opened": "when the incident was opened",
    "count": "number of anomalies",
    "score": "the highest anomaly score, a number",
    "affected": "a list: other services that are affected",
    "endpoints": "a list: endpoints it was seen at",
    "blast_radius": "affected services and endpoints in a line, or nothing",
    "summary": "the incident in words, or nothing",
    "summary_by": "the author of the summary: a model, or the rules",
    "likely_cause": "the likely cause, or nothing",
    "impact": "the impact on users, or nothing",
    "next_steps": "a list: the next steps",
    "evidence": "a list: log lines with their time and level",
    "trace_ids": "a list: traces it was seen in",
    "links": "a dictionary: configured links, the console and other tickets, name to address",
    "facts": "a dictionary: the default body's facts, label to text",
    "needed": "a dictionary: those facts that stand above the evidence",
    "details": "a dictionary: those facts that stand below the evidence",
    "notes": "a list: failed deliveries to other platforms",
    "reopened": "number of reopenings",
    "flapping": "true while it is flapping",
    "escalated_to": "a list: platforms or teams it was escalated to",
    "id": "the incident's id",
    "url": "the incident's address in the console, or nothing",
    "platform": "the platform that this text is for",
}

FULL: dict[str, Any] = {
    "severity": "critical",
    "status": "open",
    "headline": "[CRITICAL] checkout: payment gateway timed out",
    "title": "payment gateway timed out",
    "failing": "41% of requests",
    "began_in": "payment",
    "pattern": "payment <*> timed out after <*> ms",
    "service": "checkout",
    "team": "payments",
    "owner": "ada",
    "environment": "production",
    "tenant": "acme",
    "since": "2026-01-31 03:00:00 UTC",
    "since_unix": 1769828400,
    "last_seen": "2026-01-31 03:04:10 UTC",
    "last_seen_unix": 1769828650,
    "opened": "2026-01-31 03:00:02 UTC",
    "count": 1234,
    "score": 0.99,
    "affected": ["cart", "orders"],
    "endpoints": ["POST /pay"],
    "blast_radius": "cart, orders; at POST /pay",
    "summary": "Payments time out since the gateway stopped answering.",
    "summary_by": "rules",
    "likely_cause": "the payment gateway does not answer",
    "impact": "customers can't pay",
    "next_steps": ["look at the gateway"],
    "evidence": ["2026-01-31 03:00:00 UTC ERROR payment 17 timed out after 3000 ms"],
    "trace_ids": ["4bf92f3577b34da6a3ce929d0e0e4736"],
    "links": {"jira": "https://jira.example/browse/OPS-1"},
    "facts": {"Likely cause": "the payment gateway does not answer", "Status": "open"},
    "needed": {"Likely cause": "the payment gateway does not answer"},
    "details": {"Status": "open"},
    "notes": ["pagerduty did not take it within 60 s"],
    "reopened": 2,
    "flapping": True,
    "escalated_to": ["sre"],
    "id": "0123456789abcdef-2-41",
    "url": "https://ticketing.example/#/incidents/0123456789abcdef-2-41",
    "platform": "jira",
}
BARE: dict[str, Any] = {
    name: type(value)() if name not in ("severity", "status", "headline", "platform") else value
    for name, value in FULL.items()
}
"""An incident without details: all lists and strings are empty."""


CLOSING = {"resolution": "how it was resolved and by whom"}
"""Further names for the notes of a resolution."""


def fault(source: str, more: Mapping[str, str] | None = None) -> str | None:
    """The fault of a template of a ticket's text; None without one.

    `more` maps further allowed names to sample values.
    """
    more = more or {}
    try:
        template = Template(source, [*NAMES, *more])
        template.render({**FULL, **more})
    except BadTemplate as error:
        return str(error)
    try:
        template.render({**BARE, **dict.fromkeys(more, "")})
    except BadTemplate as error:
        return f"fails for an incident whose optional fields are empty: {error}"
    return None


def faults(value: Any, more: Mapping[str, str] | None = None) -> Iterator[str]:
    """The problems of the templates in a value, which may be a list or an object."""
    if isinstance(value, str):
        problem = fault(value, more)
        if problem is not None:
            yield problem
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from faults(item, more)
