"""The affected configuration items of incidents: rows of `task_ci`, which anybody may repeat."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from ticketing.sandbox.platform import Call
from ticketing.sandbox.servicenow import directory
from ticketing.sandbox.servicenow.access import Access
from ticketing.sandbox.servicenow.answers import refuse, result
from ticketing.sandbox.servicenow.behaviours import ServiceNowBehaviours
from ticketing.sandbox.servicenow.cells import shown
from ticketing.sandbox.servicenow.directory import sys_id_of
from ticketing.sandbox.tickets import PlatformTickets, Ticket

COLUMNS = ("sys_id", "task", "ci_item")


class AffectedItems:
    """Adds and lists the rows; a reference that names nothing is emptied, as in ServiceNow."""

    def __init__(
        self, tickets: PlatformTickets, access: Access, behaviours: ServiceNowBehaviours
    ) -> None:
        self._tickets = tickets
        self._access = access
        self._behaviours = behaviours
        self._rows: dict[str, list[dict[str, Any]]] = {}
        self._made = 0

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows of the records that there are."""
        return [row for rows in self._rows.values() for row in rows]

    def reset(self) -> None:
        """Forget all rows."""
        self._rows.clear()

    def forget(self, ticket: Ticket) -> None:
        """Forget the rows of a record that is gone."""
        self._rows.pop(ticket.id, None)

    def create(self, call: Call) -> web.Response:
        """POST table/task_ci."""
        self._access.authorize(call)
        if self._behaviours.protects_affected:
            refuse(403, "Operation Failed", "ACL Exception Insert Failed due to security")
        given = call.body if isinstance(call.body, dict) else {}
        tasks = {ticket.id for ticket in self._tickets.all()}
        items = {row["sys_id"] for row in directory.TABLES["cmdb_ci"]}
        row = {
            "sys_id": sys_id_of("task_ci", str(self._made)),
            "task": given.get("task") if given.get("task") in tasks else "",
            "ci_item": given.get("ci_item") if given.get("ci_item") in items else "",
        }
        self._made += 1
        if row["task"]:
            self._rows.setdefault(row["task"], []).append(row)
        return result(shown(call, row), status=201)
