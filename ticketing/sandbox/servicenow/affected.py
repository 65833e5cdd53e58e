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
from ticketing.sandbox.tickets import PlatformTickets

COLUMNS = ("sys_id", "task", "ci_item")


class AffectedItems:
    """Adds and lists the rows; a reference that names nothing is emptied, as in ServiceNow."""

    def __init__(
        self, tickets: PlatformTickets, access: Access, behaviours: ServiceNowBehaviours
    ) -> None:
        self._tickets = tickets
        self._access = access
        self._behaviours = behaviours
        self.rows: list[dict[str, Any]] = []

    def create(self, call: Call) -> web.Response:
        """POST table/task_ci."""
        self._access.authorize(call)
        if self._behaviours.protects_affected:
            refuse(403, "Operation Failed", "ACL Exception Insert Failed due to security")
        given = call.body if isinstance(call.body, dict) else {}
        tasks = {ticket.id for ticket in self._tickets.all()}
        items = {row["sys_id"] for row in directory.TABLES["cmdb_ci"]}
        row = {
            "sys_id": sys_id_of("task_ci", str(len(self.rows))),
            "task": given.get("task") if given.get("task") in tasks else "",
            "ci_item": given.get("ci_item") if given.get("ci_item") in items else "",
        }
        self.rows.append(row)
        return result(shown(call, row), status=201)
