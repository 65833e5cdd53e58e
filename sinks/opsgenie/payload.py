"""Alerts for OpsGenie, within its limits.

https://docs.opsgenie.com/docs/alert-api
"""

from __future__ import annotations

from typing import Any

from sinks.opsgenie.settings import Settings
from sinks.text.writer import Writer
from ticketing.domain.incidents.incident import Incident, Status
from ticketing.domain.severity import Severity
from ticketing.domain.text import cut, line

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
LASTING = ("Where", "Tenant", "Since", "Stands for", "Error pattern", "Incident")
"""The facts that stay true for as long as the alert is open; the description has the others."""


def alias(incident_id: str) -> str:
    """The key under which OpsGenie knows the incident: its id."""
    return incident_id[:ALIAS_CHARS_MAX]


def alert(incident: Incident, writer: Writer, settings: Settings, on_call: str) -> dict[str, Any]:
    """Opens an alert; while one is open under the alias, it is only counted."""
    team = settings.team_for(incident)
    return {
        "alias": alias(incident.id),
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
    """The alert's one line."""
    return cut(writer.title(incident), MESSAGE_CHARS_MAX)


def description(incident: Incident, writer: Writer, settings: Settings, on_call: str) -> str:
    """Everything to read, with who is on call at the top."""
    body = writer.body(incident)
    if on_call:
        body = f"On call ({line(settings.schedule)}): {on_call}\n\n{body}"
    return cut(body, DESCRIPTION_CHARS_MAX)


def priority(incident: Incident, settings: Settings) -> str:
    """By severity; where there is no escalation to go to, escalated counts as critical."""
    alone = incident.status is Status.ESCALATED and not settings.escalation
    return settings.priorities[Severity.CRITICAL if alone else incident.severity]


def _tags(incident: Incident, settings: Settings) -> list[str]:
    ours = (incident.service, incident.environment, incident.tenant)
    written = [cut(line(tag), TAG_CHARS_MAX) for tag in (*settings.tags, *ours)]
    return [tag for tag in dict.fromkeys(written) if tag][:TAGS_MAX]


def _details(incident: Incident, writer: Writer, on_call: str) -> dict[str, str]:
    facts = dict(writer.text(incident).facts)
    lasting = {name: facts[name] for name in LASTING if name in facts}
    if on_call:
        lasting["On call"] = on_call
    details = {name: cut(value, DETAIL_CHARS_MAX) for name, value in lasting.items()}
    assert sum(len(n) + len(v) for n, v in details.items()) <= DETAILS_CHARS_MAX
    return details
