"""The test of a ServiceNow connection: checks the needs of records, without side effects."""

from __future__ import annotations

from sinks.calls.outcome import Failed, Reason
from sinks.platform import Connection
from sinks.servicenow.api import Api, equals
from sinks.servicenow.directory import Directory, Found
from sinks.servicenow.settings import Settings

NEEDED = ("sys_id", "number", "state", "correlation_id")
CODES_MAX = 100
"""More choices than a list that people choose from has."""
SHOWN_MAX = 12
"""Keeps the message readable; the base system has fewer codes."""
CATALOG_MAX = 50
"""Names of the catalog that are looked up: each costs a request of the instance's quota."""
PARENT = "task"
NO_INCIDENT = "ticketing-agent-connection-test"
"""A correlation_id that no record has."""


class ConnectionCheck:
    """One test of the connection."""

    def __init__(self, api: Api, directory: Directory, settings: Settings) -> None:
        self._api = api
        self._directory = directory
        self._settings = settings
        self._problems: list[str] = []
        self._remarks: list[str] = []

    async def check(self) -> Connection:
        """The result, with every problem that was found and what to fix."""
        try:
            await self._table()
            if not self._problems:
                await self._search()
            await self._groups()
            await self._caller()
            await self._close_code()
            await self._cmdb()
            if not self._problems:
                await self._catalog()
        except Failed as failed:
            self._problems.append(self._unreachable(failed))
        if self._problems:
            return Connection(ok=False, message="; ".join(self._problems))
        said = [
            f"ServiceNow answers and table {self._settings.table} can be read",
            "only a record would show whether it can be written",
            *self._remarks,
        ]
        return Connection(ok=True, message="; ".join(said))

    def _unreachable(self, failed: Failed) -> str:
        if failed.outcome.reason is Reason.CREDENTIALS:
            keys = "clientId and clientSecret" if self._settings.oauth else "username and password"
            return f"servicenow.{keys}: the instance refuses them ({failed.outcome.detail})"
        return f"servicenow.instanceUrl: {failed}"

    async def _table(self) -> None:
        table = self._settings.table
        try:
            rows = await self._api.rows(table, "", list(NEEDED), 1)
        except Failed as failed:
            if failed.status not in (400, 403, 404):
                raise
            self._problems.append(
                f"servicenow.table {table}: it is not there, or our account may not read it: give "
                f"it the role itil or sn_incident_write ({failed.outcome.detail})"
            )
            return
        missing = [name for name in NEEDED if rows and name not in rows[0]]
        if missing:
            self._problems.append(
                f"servicenow.table {table}: our account may not read {', '.join(missing)}"
            )

    async def _search(self) -> None:
        """Search as after a lost answer, for a record that does not exist."""
        table = self._settings.table
        query = equals("correlation_id", NO_INCIDENT)
        try:
            rows = await self._api.rows(table, query, ["sys_id", "correlation_id"], 1)
        except Failed as failed:
            self._problems.append(
                f"servicenow.table {table}: can't be searched by correlation_id: {failed}"
            )
            return
        if rows:
            self._problems.append(
                f"servicenow.table {table}: is not searched by correlation_id, so that a record "
                "whose answer was lost would be made again"
            )

    async def _groups(self) -> None:
        configured = {
            "assignmentGroup": [self._settings.group],
            "assignmentGroups": sorted(self._settings.groups.names()),
            "escalationGroup": [self._settings.escalation_group],
        }
        for key, names in configured.items():
            for name in names:
                self._note(f"servicenow.{key}", await self._directory.group(name))

    async def _caller(self) -> None:
        self._note("servicenow.callerId", await self._directory.caller(self._settings.caller))

    async def _catalog(self) -> None:
        """Remark the catalog's groups and items that are not there: records are made without them."""
        services = self._settings.services
        looks = {"group": self._directory.group, "ci": self._directory.item}
        listed = {"group": services.named("group"), "ci": services.named("ci")}
        for key, names in listed.items():
            for name in names[:CATALOG_MAX]:
                found = await looks[key](name)
                if found.why_not:
                    self._remarks.append(f"catalog: {key}: {found.why_not}")
            if len(names) > CATALOG_MAX:
                more = f"{CATALOG_MAX} of {len(names)} are checked"
                self._remarks.append(f"catalog: {key}: {more}")

    def _note(self, key: str, found: Found) -> None:
        if found.why_not:
            self._problems.append(f"{key}: {found.why_not}")

    async def _close_code(self) -> None:
        """Check the close code among the choices of the table or of the table that it extends."""
        wanted = self._settings.close_code
        codes: list[str] = []
        for table in (self._settings.table, PARENT):
            query = f"{equals('name', table)}^element=close_code^inactive=false"
            columns = ["name", "element", "value", "inactive"]
            try:
                rows = await self._api.rows("sys_choice", query, columns, CODES_MAX)
            except Failed as failed:
                if failed.status not in (400, 403, 404):
                    raise
                self._remarks.append("servicenow.closeCode is not checked: sys_choice is hidden")
                return
            codes += [
                row.get("value", "")
                for row in rows
                if (row.get("name"), row.get("element")) == (table, "close_code")
            ]
        if codes and wanted not in codes:
            self._problems.append(
                f'servicenow.closeCode: "{wanted}" is not allowed; allowed: '
                f"{', '.join(codes[:SHOWN_MAX])}"
            )

    async def _cmdb(self) -> None:
        table = self._settings.cmdb_table
        if not table:
            return
        try:
            await self._api.rows(table, "", ["sys_id", "name"], 1)
        except Failed as failed:
            if failed.status not in (400, 403, 404):
                raise
            self._problems.append(
                f"servicenow.cmdbTable {table}: can't be read; give our account the right, or "
                f'set it to "off" ({failed.outcome.detail})'
            )
