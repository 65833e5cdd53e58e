"""Looks up names on an instance: configuration items, groups, callers.

https://www.servicenow.com/docs/r/servicenow-platform/configuration-management-database-cmdb/c_ITILConfigurationManagement.html
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from sinks.calls.outcome import Failed, Refused
from sinks.servicenow.api import BROKEN_OFF, Api, Row, equals
from sinks.servicenow.settings import Settings
from ticketing.domain.text import cut, line

KEPT_SECONDS = 600.0
"""A change in ServiceNow shows within ten minutes; a burst of incidents costs one request a name."""
KEPT_MAX = 10_000
"""More names than there are services; bounds memory should names come from hostile logs."""
NAME_CHARS_MAX = 255
"""The length of the column `name` in the CMDB."""
LIMIT = 3
"""Two rows show that a name is ambiguous; a third gives one more id to choose from."""
BASE_CMDB = "cmdb_ci"
_SYS_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The row behind a name, or the reason for none. `group` is the support group of a CI."""

    sys_id: str = ""
    group: str = ""
    why_not: str = ""


NOTHING = Found()


class Directory:
    """Looks names up and keeps the results for a while. Raises Failed for a passing failure."""

    def __init__(
        self, api: Api, settings: Settings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._api = api
        self._settings = settings
        self._clock = clock
        self._kept: dict[tuple[str, str], tuple[float, Found]] = {}

    async def service(self, service: str) -> Found:
        """The configuration item of a service, in the configured table, else among all.

        The catalog may give its sys_id; the name of a service, which logs choose, is a name alone.
        """
        given = self._settings.ci_for(service)
        return await (self.item(given) if given else self._item(service))

    async def item(self, name: str) -> Found:
        """A configuration item by its name or sys_id."""
        return Found(sys_id=name) if _SYS_ID.fullmatch(name) else await self._item(name)

    async def _item(self, name: str) -> Found:
        table = self._settings.cmdb_table
        if not table or not line(name):
            return NOTHING
        found = await self._named(table, "name", line(name))
        if found.sys_id or "more than one" in found.why_not or table == BASE_CMDB:
            return found
        return await self._named(BASE_CMDB, "name", line(name))

    async def group(self, name: str) -> Found:
        """An assignment group by its name or sys_id."""
        return await self._reference("sys_user_group", "name", name)

    async def caller(self, name: str) -> Found:
        """A user by user name or sys_id."""
        return await self._reference("sys_user", "user_name", name)

    async def _reference(self, table: str, column: str, name: str) -> Found:
        if not name:
            return NOTHING
        if _SYS_ID.fullmatch(name):
            return Found(sys_id=name)
        return await self._named(table, column, name)

    async def _named(self, table: str, column: str, name: str) -> Found:
        until, found = self._kept.get((table, name), (0.0, NOTHING))
        if self._clock() < until:
            return found
        found = await self._look(table, column, name)
        if len(self._kept) >= KEPT_MAX:
            self._kept.clear()
        self._kept[table, name] = (self._clock() + KEPT_SECONDS, found)
        return found

    async def _look(self, table: str, column: str, name: str) -> Found:
        shown = cut(name, 80)
        if len(name) > NAME_CHARS_MAX or "^" in name:
            return Found(why_not=f'"{shown}" is not allowed as a name in {table}')
        groups = [] if table.startswith("sys_") else ["support_group", "assignment_group"]
        try:
            rows = await self._api.rows(
                table, equals(column, name), ["sys_id", column, *groups], LIMIT
            )
        except Failed as failed:
            broken_off = failed.outcome.detail == BROKEN_OFF
            if failed.status == 401 or not (broken_off or isinstance(failed.outcome, Refused)):
                raise
            # A ticket without the reference is better than none.
            return Found(why_not=f"{table} can't be read: {failed.outcome.detail}")
        return _only(table, column, name, shown, rows)


def _only(table: str, column: str, name: str, shown: str, rows: list[Row]) -> Found:
    """The only row of the name. Rows of other names, which an ignored query returns, don't count."""
    matching = [row for row in rows if row.get(column, "").casefold() == name.casefold()]
    if not matching:
        return Found(why_not=f'nothing in {table} is named "{shown}"')
    if len(matching) > 1:
        ids = ", ".join(row.get("sys_id", "") for row in matching)
        return Found(why_not=f'more than one in {table} is named "{shown}": {ids}')
    (row,) = matching
    return Found(
        sys_id=row.get("sys_id", ""),
        group=row.get("support_group") or row.get("assignment_group", ""),
    )
