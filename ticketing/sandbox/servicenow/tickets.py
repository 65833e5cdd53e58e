"""Incidents over HTTP: create, update, delete. Reading is in `search`."""

from __future__ import annotations

from aiohttp import web

from ticketing.sandbox.platform import Call
from ticketing.sandbox.servicenow import fields, rules
from ticketing.sandbox.servicenow.access import Access
from ticketing.sandbox.servicenow.answers import refuse, result
from ticketing.sandbox.servicenow.behaviours import ServiceNowBehaviours
from ticketing.sandbox.servicenow.cells import shown
from ticketing.sandbox.servicenow.store import Incidents
from ticketing.sandbox.tickets import PlatformTickets


class IncidentCalls:
    """The calls that write incidents."""

    def __init__(
        self,
        tickets: PlatformTickets,
        incidents: Incidents,
        access: Access,
        behaviours: ServiceNowBehaviours,
    ) -> None:
        self._tickets = tickets
        self._behaviours = behaviours
        self._incidents = incidents
        self._access = access

    def create(self, call: Call) -> web.Response:
        """POST table/incident."""
        self._access.table_of(call, writes=True)
        given = self._kept(rules.columns_of(call))
        rules.check_mandatory(given, self._behaviours.mandatory)
        self._check({**fields.COLUMNS, **given})
        ticket = self._incidents.add(call.base_url, given)
        response = result(shown(call, ticket.record), status=201)
        response.headers["Location"] = f"{call.base_url}{call.path}/{ticket.id}"
        return response

    def update(self, call: Call) -> web.Response:
        """PATCH or PUT table/incident/{sys_id}; a closed incident takes journals only."""
        self._access.table_of(call, writes=True)
        ticket = self._incidents.of(call)
        given = self._kept(rules.columns_of(call))
        if ticket.record["state"] in fields.CLOSED and given.keys() - set(fields.JOURNALS):
            refuse(403, "Operation Failed", "ACL Exception Update Failed due to security")
        self._check({**ticket.record, **given})
        self._incidents.change(ticket, given, "updated")
        return result(shown(call, ticket.record))

    def _kept(self, given: dict[str, str]) -> dict[str, str]:
        """The columns that no rule of the instance keeps as they were."""
        ignored = self._behaviours.ignores.split(",")
        return {name: value for name, value in given.items() if name not in ignored}

    def _check(self, row: dict[str, str]) -> None:
        rules.check_policy(row)
        if row["state"] in fields.RESOLVED:
            rules.check_mandatory(row, self._behaviours.mandatory_to_resolve)

    def delete(self, call: Call) -> web.Response:
        """DELETE table/incident/{sys_id}."""
        self._access.table_of(call, writes=True)
        self._tickets.note(self._incidents.of(call), "deleted over REST", "deleted")
        return web.Response(status=204)
