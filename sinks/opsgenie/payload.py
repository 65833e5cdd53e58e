"""Alerts for OpsGenie, within its limits.

https://docs.opsgenie.com/docs/alert-api
"""

from __future__ import annotations

from typing import Any

from sinks.opsgenie.settings import Settings
from sinks.text.parts import LASTING
from sinks.text.writer import Writer
from ticketing.domain.incidents.incident import Incident, Status
from ticketing.domain.severity import Severity
from ticketing.domain.text import cut, line

# Limits of the alert API; DETAIL_CHARS_MAX keeps the eight details that there can be below
# DETAILS_CHARS_MAX together.
MESSAGE_CHARS_MAX = 130
ALIAS_CHARS_MAX = 512
DESCRIPTION_CHARS_MAX = 15_000
ENTITY_CHARS_MAX = 512
TAG_CHARS_MAX = 50
TAGS_MAX = 20
DETAIL_CHARS_MAX = 1_000
DETAILS_CHARS_MAX = 8_000
NOTE_CHARS_MAX = 25_000
SOURCE = "ticketing-agent"


def alias(key: str) -> str:
    """The alert's alias: the incident's key."""
    return key[:ALIAS_CHARS_MAX]


def alert(
    incident: Incident, key: str, writer: Writer, settings: Settings, on_call: str
) -> dict[str, Any]:
    """The body that opens an alert. While an alert of the alias `key` is open, it is only counted."""
    team = settings.team_for(incident)
    return {
        "alias": key,
        "message": message(incident, writer),
        "description": description(incident, writer, settings, on_call),
        "priority": priority(incident, settings),
        "tags": _tags(incident, settings),
        "details": _details(incident, writer, on_call),
        "entity": cut(line(incident.service), ENTITY_CHARS_MAX),
        "source": SOURCE,
        **({"responders": [{"type": "team", "name": team}]} if team else {}),
    }


def message(incident: Incident, writer: Writer) -> str:
    """The alert's message, one line."""
    return cut(writer.title(incident), MESSAGE_CHARS_MAX)


def description(incident: Incident, writer: Writer, settings: Settings, on_call: str) -> str:
    """The whole incident as text, with the people on call at the top."""
    body = writer.body(incident)
    if on_call:
        body = f"On call ({line(settings.schedule)}): {on_call}\n\n{body}"
    return cut(body, DESCRIPTION_CHARS_MAX)


def priority(incident: Incident, settings: Settings) -> str:
    """The priority of the severity; without a configured escalation, escalated counts as critical."""
    alone = incident.status is Status.ESCALATED and not settings.escalation
    return settings.priorities[Severity.CRITICAL if alone else incident.severity.nearest]


def _tags(incident: Incident, settings: Settings) -> list[str]:
    ours = (incident.service, incident.environment, incident.tenant)
    written = [cut(line(tag), TAG_CHARS_MAX) for tag in (*settings.tags, *ours)]
    return [tag for tag in dict.fromkeys(written) if tag][:TAGS_MAX]


def _details(incident: Incident, writer: Writer, on_call: str) -> dict[str, str]:
    facts = dict(writer.text(incident).all_facts)
    lasting = {name: facts[name] for name in LASTING if name in facts}
    if on_call:
        lasting["On call"] = on_call
    details = {name: cut(value, DETAIL_CHARS_MAX) for name, value in lasting.items()}
    assert sum(len(n) + len(v) for n, v in details.items()) <= DETAILS_CHARS_MAX
    return details
