"""Actions on incidents over REST: change, escalate, resolve, snooze, call responders."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from ticketing.sandbox.pagerduty import answers, rules
from ticketing.sandbox.pagerduty.access import body_of
from ticketing.sandbox.pagerduty.answers import refuse, refuse_input
from ticketing.sandbox.pagerduty.directory import check_references
from ticketing.sandbox.pagerduty.store import Incidents
from ticketing.sandbox.platform import Call
from ticketing.sandbox.tickets import PlatformTickets, Ticket

BULK_MAX = 250
"""PagerDuty's limit."""
ESCALATION_LEVELS = 3
"""The levels of each of the sandbox's policies."""


class Actions:
    """Changes incidents; refuses a state that the incident has already.

    The status of a resolved incident may be set to triggered or acknowledged, which reopens it.
    """

    def __init__(self, tickets: PlatformTickets, incidents: Incidents) -> None:
        self._tickets = tickets
        self._incidents = incidents

    def update(self, call: Call) -> web.Response:
        """PUT incidents/{id}."""
        wanted = body_of(call, rules.UPDATE)["incident"]
        ticket = self._incidents.find(call.params["id"])
        self._change(ticket, wanted)
        return web.json_response({"incident": self._incidents.view(ticket)})

    def update_many(self, call: Call) -> web.Response:
        """PUT incidents."""
        wanted = body_of(call, rules.BULK)["incidents"]
        if len(wanted) > BULK_MAX:
            refuse(413, "Too many incidents")
        tickets = [self._incidents.find(one["id"]) for one in wanted]
        for ticket, change in zip(tickets, wanted, strict=True):
            self._change(ticket, change)
        views = [self._incidents.view(ticket) for ticket in tickets]
        return web.json_response({"incidents": views})

    def _change(self, ticket: Ticket, wanted: dict[str, Any]) -> None:
        if ticket.state == "resolved" == wanted.get("status"):
            refuse_input("Incident Already Resolved", code=answers.ALREADY_RESOLVED)
        if wanted.get("status") == ticket.state == "acknowledged":
            refuse_input("Incident Already Acknowledged", code=answers.ALREADY_ACKNOWLEDGED)
        if wanted.get("escalation_level", 1) > ESCALATION_LEVELS:
            refuse_input("Incident Cannot Be Escalated", code=answers.CANNOT_ESCALATE)
        check_references(wanted)
        self._incidents.change(ticket, wanted)
        if "status" in wanted:
            state = {"triggered": "open"}.get(wanted["status"], wanted["status"])
            self._incidents.move(ticket, state, f"{wanted['status']} over REST")

    def snooze(self, call: Call) -> web.Response:
        """POST incidents/{id}/snooze."""
        seconds = body_of(call, rules.SNOOZE)["duration"]
        ticket = self._incidents.find(call.params["id"])
        if ticket.state == "resolved":
            refuse_input("Incident Already Resolved", code=answers.ALREADY_RESOLVED)
        self._tickets.note(ticket, f"snoozed for {seconds} s", "acknowledged")
        return web.json_response({"incident": self._incidents.view(ticket)}, status=201)

    def request_responders(self, call: Call) -> web.Response:
        """POST incidents/{id}/responder_requests."""
        wanted = body_of(call, rules.RESPONDERS)
        ticket = self._incidents.find(call.params["id"])
        self._tickets.note(ticket, f"responders requested: {wanted['message'][:200]}")
        return web.json_response({"responder_request": wanted})

    def status_update(self, call: Call) -> web.Response:
        """POST incidents/{id}/status_updates."""
        message = body_of(call, rules.STATUS_UPDATE)["message"]
        ticket = self._incidents.find(call.params["id"])
        self._tickets.note(ticket, f"status update: {message[:200]}")
        update = {"id": f"{ticket.id}U", "message": message}
        return web.json_response({"status_update": update})
