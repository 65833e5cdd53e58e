"""Events for PagerDuty's Events API v2 and bodies for its REST API, within their limits.

https://developer.pagerduty.com/docs/send-alert-event
https://developer.pagerduty.com/api-reference/8a0e1aa2ec666-update-an-incident
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from sinks.text.parts import LASTING, steps
from sinks.text.writer import Writer
from ticketing.config.catalog import CONSOLE, PICTURE
from ticketing.domain.incidents.incident import Incident, Step, StepKind
from ticketing.domain.severity import Severity
from ticketing.domain.text import ELLIPSIS, cut, line, moment

# Limits of the Events API; that of the summary serves for the other texts too.
SUMMARY_CHARS_MAX = 1024
SOURCE_CHARS_MAX = 1024
DEDUP_KEY_CHARS_MAX = 255
BODY_BYTES_MAX = 512_000
"""The documented 512 KB, read as thousands to be on the safe side."""
NOTE_CHARS_MAX = 20_000
"""No limit is documented; nobody reads a longer note."""
CLIENT = "ticketing-agent"
INCIDENT = "incident_reference"


def dedup_key(key: str) -> str:
    """The alert's deduplication key: the incident's key."""
    return key[:DEDUP_KEY_CHARS_MAX]


def trigger(
    incident: Incident,
    key: str,
    routing_key: str,
    severities: Mapping[Severity, str],
    writer: Writer,
) -> dict[str, Any]:
    """The event that opens an alert or raises the severity of an open one. Safe to repeat."""
    text = writer.text(incident)
    payload = {
        "summary": cut(text.title, SUMMARY_CHARS_MAX),
        "source": cut(line(incident.service) or "unknown", SOURCE_CHARS_MAX),
        "severity": severities[incident.severity.nearest],
        "timestamp": _iso(incident.first_seen),
        "component": cut(line(incident.service), SOURCE_CHARS_MAX),
        "group": cut(line(incident.tenant), SOURCE_CHARS_MAX),
        "class": incident.kind.value,
        "custom_details": _details(incident, writer),
    }
    event: dict[str, Any] = {
        **_event("trigger", key, routing_key),
        "client": CLIENT,
        "payload": {key: value for key, value in payload.items() if value},
    }
    pictured = text.picture.startswith("https://")
    if pictured:
        # PagerDuty refuses an event with an image that it would load without TLS.
        event["images"] = [{"src": text.picture, "alt": PICTURE}]
    if text.links:
        event["links"] = [
            {"href": url, "text": name}
            for name, url in text.links.items()
            if name != PICTURE or not pictured
        ]
        event |= {"client_url": text.links[CONSOLE]} if CONSOLE in text.links else {}
    return fitted(event)


def _details(incident: Incident, writer: Writer) -> dict[str, Any]:
    """The details on the alert's page: the incident's parts, or the configured template.

    PagerDuty keeps the details of an alert's first event, so that only lasting facts are in them.
    """
    if writer.own_body:
        return {"Details": writer.body(incident)}
    text = writer.text(incident)
    needed = {label: value for label, value in text.needed if label in LASTING}
    details = {label: value for label, value in text.facts if label in LASTING}
    parts: dict[str, Any] = {"Notes": text.notes}
    if text.summary:
        by = f" (written by {text.summary_by})" if text.summary_by else ""
        parts["Summary at first"] = f"{text.summary}{by}"
    parts |= {**needed, "Next steps": text.next_steps, "Evidence": text.evidence, **details}
    return {label: value for label, value in parts.items() if value}


def plain(event: dict[str, Any]) -> dict[str, Any]:
    """The event with what PagerDuty requires and nothing else."""
    payload = {name: event["payload"][name] for name in ("summary", "source", "severity")}
    kept = ("routing_key", "event_action", "dedup_key")
    return {**{name: event[name] for name in kept}, "payload": payload}


def _iso(at: float) -> str:
    """A time in ISO 8601; empty for a time beyond the calendar."""
    shown = moment(at)
    if shown == "unknown":
        return ""
    return shown.replace(" UTC", "+00:00").replace(" ", "T")


def acknowledge(key: str, routing_key: str) -> dict[str, Any]:
    """The event that acknowledges the open alert. PagerDuty drops it without an open alert."""
    return _event("acknowledge", key, routing_key)


def resolve(key: str, routing_key: str) -> dict[str, Any]:
    """The event that resolves the open alert. PagerDuty drops it without an open alert."""
    return _event("resolve", key, routing_key)


def note(told: list[Step]) -> dict[str, Any]:
    """A note with steps of the timeline, a line each, oldest first."""
    lines = steps(told)
    text = "\n".join(lines)
    if len(text) > NOTE_CHARS_MAX:
        kept = cut(text, NOTE_CHARS_MAX).splitlines()
        text = "\n".join([*kept[:-1], f"{ELLIPSIS} and {len(lines) - len(kept) + 1} more steps"])
    return {"note": {"content": text}}


def missing_from(notes: list[str], told: list[Step]) -> list[Step]:
    """The steps that stand in none of an incident's notes."""
    known = {one for content in notes for one in content.splitlines()}
    lines = steps(told)
    return [step for step, one in zip(told, lines, strict=True) if one not in known]


def escalate(incident: Incident, policy: str) -> dict[str, Any]:
    """The body that moves an incident to a policy or, without one, to a higher level.

    The level is absolute, one up for each escalation, so that a repeat raises nothing twice.
    """
    if policy:
        reference = {"id": policy, "type": "escalation_policy_reference"}
        return {"incident": {"type": INCIDENT, "escalation_policy": reference}}
    times = sum(step.kind is StepKind.ESCALATED for step in incident.timeline)
    return {"incident": {"type": INCIDENT, "escalation_level": 1 + max(times, 1)}}


def prioritise(priority: str) -> dict[str, Any]:
    """The body that sets an incident's priority."""
    reference = {"id": priority, "type": "priority_reference"}
    return {"incident": {"type": INCIDENT, "priority": reference}}


def fitted(event: dict[str, Any]) -> dict[str, Any]:
    """The event, without its details if it would be too large: a page matters more."""
    if len(msgspec.json.encode(event)) <= BODY_BYTES_MAX:
        return event
    payload = {**event["payload"], "custom_details": {"truncated": "the details were too large"}}
    return {**event, "payload": payload}


def _event(action: str, key: str, routing_key: str) -> dict[str, Any]:
    return {
        "routing_key": routing_key,
        "event_action": action,
        "dedup_key": dedup_key(key),
    }
