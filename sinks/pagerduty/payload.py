"""Events for PagerDuty's Events API v2, within its limits.

https://developer.pagerduty.com/docs/send-alert-event
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from sinks.text import cut, describe, line, moment
from ticketing.domain.incident import Incident
from ticketing.domain.severity import Severity

SUMMARY_CHARACTERS_MAX = 1024
SOURCE_CHARACTERS_MAX = 1024
DEDUP_KEY_CHARACTERS_MAX = 255
BODY_BYTES_MAX = 512_000
CLIENT = "ticketing-agent"


def dedup_key(incident_id: str) -> str:
    """The key under which PagerDuty knows the incident: its id."""
    return incident_id[:DEDUP_KEY_CHARACTERS_MAX]


def trigger(
    incident: Incident, routing_key: str, severities: Mapping[Severity, str]
) -> dict[str, Any]:
    """Opens an alert, or tells an open one that its severity rose. Harmless to repeat."""
    text = describe(incident, "pagerduty")
    details: dict[str, Any] = dict(text.facts)
    if text.summary:
        details["Summary"] = f"{text.summary} (written by {text.summary_by})"
    if text.evidence:
        details["Evidence"] = text.evidence
    event = {
        **_event("trigger", incident.id, routing_key),
        "client": CLIENT,
        "payload": {
            "summary": cut(text.title, SUMMARY_CHARACTERS_MAX),
            "source": cut(line(incident.service) or "unknown", SOURCE_CHARACTERS_MAX),
            "severity": severities[incident.severity],
            "timestamp": moment(incident.first_seen).replace(" UTC", "+00:00").replace(" ", "T"),
            "component": cut(line(incident.service), SOURCE_CHARACTERS_MAX),
            "group": cut(line(incident.tenant), SOURCE_CHARACTERS_MAX),
            "class": incident.kind.value,
            "custom_details": details,
        },
    }
    if moment(incident.first_seen) == "unknown":
        del event["payload"]["timestamp"]
    if text.links:
        event["links"] = [{"href": url, "text": name} for name, url in text.links.items()]
    return fitted(event)


def acknowledge(incident_id: str, routing_key: str) -> dict[str, Any]:
    """Acknowledges the open alert of that key; without one PagerDuty drops it silently."""
    return _event("acknowledge", incident_id, routing_key)


def resolve(incident_id: str, routing_key: str) -> dict[str, Any]:
    """Resolves the open alert of that key; without one PagerDuty drops it silently."""
    return _event("resolve", incident_id, routing_key)


def fitted(event: dict[str, Any]) -> dict[str, Any]:
    """The event without its details if it would be too large: a page matters more."""
    if len(msgspec.json.encode(event)) <= BODY_BYTES_MAX:
        return event
    payload = {**event["payload"], "custom_details": {"truncated": "the details were too large"}}
    return {**event, "payload": payload}


def _event(action: str, incident_id: str, routing_key: str) -> dict[str, Any]:
    return {
        "routing_key": routing_key,
        "event_action": action,
        "dedup_key": dedup_key(incident_id),
    }
