"""Notes of incidents."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from ticketing.sandbox.pagerduty import rules
from ticketing.sandbox.pagerduty.access import authorize, body_of
from ticketing.sandbox.pagerduty.answers import refuse_input
from ticketing.sandbox.pagerduty.store import Incidents
from ticketing.sandbox.platform import Call, iso_time
from ticketing.sandbox.tickets import PlatformTickets

NOTES_MAX = 2000
"""PagerDuty's limit of an incident."""


class Notes:
    """Adds notes to incidents and lists them, oldest first."""

    def __init__(self, tickets: PlatformTickets, incidents: Incidents) -> None:
        self._tickets = tickets
        self._incidents = incidents

    def get(self, call: Call) -> web.Response:
        """GET incidents/{id}/notes."""
        authorize(call)
        ticket = self._incidents.find(call.params["id"])
        return web.json_response({"notes": ticket.record["notes"]})

    def post(self, call: Call) -> web.Response:
        """POST incidents/{id}/notes."""
        content = body_of(call, rules.NOTE)["note"]["content"]
        ticket = self._incidents.find(call.params["id"])
        notes: list[dict[str, Any]] = ticket.record["notes"]
        if len(notes) >= NOTES_MAX:
            refuse_input("Too many notes")
        note = {
            "id": f"{ticket.id}N{len(notes) + 1}",
            "content": content,
            "created_at": iso_time(self._tickets.now()),
            "user": {"id": "PUSER01", "type": "user_reference"},
        }
        notes.append(note)
        self._tickets.note(ticket, f"note: {content[:200]}")
        return web.json_response({"note": note})
