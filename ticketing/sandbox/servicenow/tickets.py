"""Incidents over HTTP: create, update, delete. Reading is in `search`."""

from __future__ import annotations

from aiohttp import web

from ticketing.sandbox.platform import Call
from ticketing.sandbox.servicenow import fields, rules
from ticketing.sandbox.servicenow.access import Access
from ticketing.sandbox.servicenow.answers import refuse, result
from ticketing.sandbox.servicenow.cells import shown
from ticketing.sandbox.servicenow.store import Incidents
from ticketing.sandbox.tickets import PlatformTickets


class IncidentCalls:
    """The calls that write incidents."""

    def __init__(self, tickets: PlatformTickets, incidents: Incidents, access: Access) -> None:
        self._tickets = tickets
        self._incidents = incidents
        self._access = access

    def create(self, call: Call) -> web.Response:
        """POST table/incident."""
        self._access.table_of(call, writes=True)
        given = rules.columns_of(call)
        rules.check_policy({**fields.COLUMNS, **given})
        ticket = self._incidents.add(call.base_url, given)
        response = result(shown(call, ticket.record), status=201)
        response.headers["Location"] = f"{call.base_url}{call.path}/{ticket.id}"
        return response

    def update(self, call: Call) -> web.Response:
        """PATCH or PUT table/incident/{sys_id}; a closed incident takes journals only."""
        self._access.table_of(call, writes=True)
        ticket = self._incidents.of(call)
        given = rules.columns_of(call)
        if ticket.record["state"] in fields.CLOSED and given.keys() - set(fields.JOURNALS):
            refuse(403, "Operation Failed", "ACL Exception Update Failed due to security")
        rules.check_policy({**ticket.record, **given})
        self._incidents.change(ticket, given, "updated")
        return result(shown(call, ticket.record))

    def delete(self, call: Call) -> web.Response:
        """DELETE table/incident/{sys_id}."""
        self._access.table_of(call, writes=True)
        self._tickets.note(self._incidents.of(call), "deleted over REST", "deleted")
        return web.Response(status=204)
