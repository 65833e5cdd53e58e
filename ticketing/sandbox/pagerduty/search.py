"""The search for incidents: by key, service and status."""

from __future__ import annotations

from aiohttp import web

from ticketing.sandbox.pagerduty.access import authorize
from ticketing.sandbox.pagerduty.answers import page, refuse_input
from ticketing.sandbox.pagerduty.store import STATES, Incidents
from ticketing.sandbox.platform import Call
from ticketing.sandbox.tickets import PlatformTickets


class Search:
    """Lists incidents, oldest first."""

    def __init__(self, tickets: PlatformTickets, incidents: Incidents) -> None:
        self._tickets = tickets
        self._incidents = incidents

    def get(self, call: Call) -> web.Response:
        """GET incidents."""
        authorize(call)
        statuses = call.query.getall("statuses[]", [])
        if set(statuses) - set(STATES.values()):
            refuse_input("statuses[] is invalid")
        if call.query.get("date_range", "all") != "all":
            refuse_input("date_range is invalid")
        services = call.query.getall("service_ids[]", [])
        key = call.query.get("incident_key")
        found = [
            ticket
            for ticket in self._tickets.all()
            if (key is None or ticket.key == key)
            and (not services or ticket.record["service"] in services)
            and (not statuses or STATES[ticket.state] in statuses)
        ]
        return page(call, "incidents", [self._incidents.view(ticket) for ticket in found])
