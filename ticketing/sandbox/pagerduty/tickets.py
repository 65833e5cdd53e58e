"""Incidents over REST: create, read. Changes are in `actions`."""

from __future__ import annotations

from aiohttp import web

from ticketing.sandbox.pagerduty import rules
from ticketing.sandbox.pagerduty.access import authorize, body_of
from ticketing.sandbox.pagerduty.answers import page, refuse_input
from ticketing.sandbox.pagerduty.directory import SERVICES, check_references
from ticketing.sandbox.pagerduty.store import Incidents
from ticketing.sandbox.platform import Call
from ticketing.sandbox.tickets import PlatformTickets


class IncidentCalls:
    """The calls that create and read incidents."""

    def __init__(self, tickets: PlatformTickets, incidents: Incidents) -> None:
        self._tickets = tickets
        self._incidents = incidents

    def create(self, call: Call) -> web.Response:
        """POST incidents; refuses a second open incident of a key on the same service."""
        wanted = body_of(call, rules.CREATE)["incident"]
        service, key = wanted["service"]["id"], wanted.get("incident_key", "")
        if service not in SERVICES:
            refuse_input("Service not found")
        if "escalation_policy" in wanted and "assignments" in wanted:
            refuse_input("Only one of escalation_policy and assignments is allowed")
        if key and any(
            one.key == key and one.record["service"] == service and one.state != "resolved"
            for one in self._tickets.all()
        ):
            refuse_input("Open incident with matching dedup key already exists on this service")
        check_references(wanted)
        urgency = wanted.get("urgency", "high")
        ticket = self._incidents.new(key, wanted["title"], service, urgency)
        ticket.record["body"] = wanted.get("body")
        self._tickets.add(ticket, "created over REST")
        self._incidents.change(ticket, wanted)
        return web.json_response({"incident": self._incidents.view(ticket)}, status=201)

    def get(self, call: Call) -> web.Response:
        """GET incidents/{id}."""
        authorize(call)
        ticket = self._incidents.find(call.params["id"])
        return web.json_response({"incident": self._incidents.view(ticket)})

    def alerts(self, call: Call) -> web.Response:
        """GET incidents/{id}/alerts: all of an incident, or those of a key."""
        authorize(call)
        ticket = self._incidents.find(call.params["id"])
        key = call.query.get("alert_key")
        rows = [
            {
                "id": f"{ticket.id}A{number}",
                "type": "alert",
                "alert_key": alert["key"],
                "status": alert["status"],
                "severity": alert["body"]["payload"]["severity"],
                "summary": alert["body"]["payload"]["summary"],
                "incident": {"id": ticket.id, "type": "incident_reference"},
                "body": {"type": "alert_body", "details": alert["body"]["payload"]},
            }
            for number, alert in enumerate(ticket.record.get("_alerts", []), 1)
            if key in (None, alert["key"])
        ]
        return page(call, "alerts", rows)
