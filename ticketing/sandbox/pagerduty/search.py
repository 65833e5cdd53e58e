"""The search for incidents: by key, service and status."""

from __future__ import annotations

from aiohttp import web

from ticketing.sandbox.pagerduty.access import authorize
from ticketing.sandbox.pagerduty.answers import page, refuse_input
from ticketing.sandbox.pagerduty.behaviours import PagerDutyBehaviours
from ticketing.sandbox.pagerduty.store import STATES, Incidents
from ticketing.sandbox.platform import Call
from ticketing.sandbox.tickets import PlatformTickets, Ticket


class Search:
    """Lists incidents, oldest first."""

    def __init__(
        self, tickets: PlatformTickets, incidents: Incidents, behaviours: PagerDutyBehaviours
    ) -> None:
        self._tickets = tickets
        self._behaviours = behaviours
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
        seen_before = self._tickets.now() - self._behaviours.incident_lag
        found = [
            ticket
            for ticket in self._tickets.all()
            if (key is None or key in _keys(ticket))
            and ticket.opened_at <= seen_before
            and (not services or ticket.record["service"] in services)
            and (not statuses or STATES[ticket.state] in statuses)
        ]
        return page(call, "incidents", [self._incidents.view(ticket) for ticket in found])


def _keys(ticket: Ticket) -> set[str]:
    """The keys that find an incident: its own, and those of its alerts."""
    return {ticket.key, *(alert["key"] for alert in ticket.record.get("_alerts", []))}
