"""Reading of every table: a list by an encoded query, or one row."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from ticketing.sandbox.platform import Call
from ticketing.sandbox.servicenow import directory, fields, query
from ticketing.sandbox.servicenow.access import Access
from ticketing.sandbox.servicenow.affected import COLUMNS, AffectedItems
from ticketing.sandbox.servicenow.answers import broken_off, refuse, refuse_unknown_row, result
from ticketing.sandbox.servicenow.behaviours import ServiceNowBehaviours
from ticketing.sandbox.servicenow.cells import shown
from ticketing.sandbox.servicenow.directory import sys_id_of
from ticketing.sandbox.servicenow.store import Incidents
from ticketing.sandbox.tickets import PlatformTickets

LIMIT_DEFAULT = 10_000
"""ServiceNow's own default."""


class Search:
    """Reads the incidents, their journals, and the fixed tables."""

    def __init__(
        self,
        tickets: PlatformTickets,
        incidents: Incidents,
        access: Access,
        behaviours: ServiceNowBehaviours,
        affected: AffectedItems,
    ) -> None:
        self._affected = affected
        self._tickets = tickets
        self._behaviours = behaviours
        self._incidents = incidents
        self._access = access

    def get(self, call: Call) -> web.Response:
        """GET table/{table}."""
        table = self._access.table_of(call)
        if self._behaviours.breaks_off_queries:
            return broken_off()
        limit = _number(call, "sysparm_limit", LIMIT_DEFAULT, least=1)
        offset = _number(call, "sysparm_offset", 0, least=0)
        rows = self._rows(table)
        columns = set(fields.COLUMNS) if table == "incident" else {k for row in rows for k in row}
        columns |= set(COLUMNS) if table == "task_ci" else set()
        matches, order, descending = query.parse(call.query.get("sysparm_query", ""), columns)
        found = [row for row in rows if matches(row)]
        for name, value in call.query.items():
            if name in columns:
                found = [row for row in found if row.get(name) == value]
        if order:
            found.sort(key=lambda row: str(row.get(order, "")), reverse=descending)
        response = result([shown(call, row) for row in found[offset : offset + limit]])
        response.headers["X-Total-Count"] = str(len(found))
        return response

    def get_one(self, call: Call) -> web.Response:
        """GET table/{table}/{sys_id}."""
        table = self._access.table_of(call)
        if table == "incident":
            return result(shown(call, self._incidents.of(call).record))
        for row in self._rows(table):
            if row["sys_id"] == call.params["sys_id"]:
                return result(shown(call, row))
        refuse_unknown_row()

    def _rows(self, table: str) -> list[dict[str, Any]]:
        if table == "incident":
            return [ticket.record for ticket in self._tickets.all()]
        if table == "task_ci":
            return [dict(row) for row in self._affected.rows]
        if table != "sys_journal_field":
            return [dict(row) for row in directory.TABLES[table]]
        return [
            {
                "sys_id": sys_id_of("journal", ticket.id, str(index)),
                "element_id": ticket.id,
                "name": "incident",
                "element": entry["element"],
                "value": entry["value"],
                "sys_created_on": entry["at"],
            }
            for ticket in self._tickets.all()
            for index, entry in enumerate(ticket.record["journal"])
        ]


def _number(call: Call, name: str, default: int, least: int) -> int:
    text = call.query.get(name, str(default))
    if not text.isdecimal() or int(text) < least:
        refuse(400, "Invalid parameter", f"{name} must be at least {least}")
    return int(text)
