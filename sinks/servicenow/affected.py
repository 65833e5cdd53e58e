"""The affected configuration items of a record, rows of the table `task_ci`.

https://www.servicenow.com/docs/r/it-service-management/incident-management/c_AffectedCIs.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import structlog

from sinks.calls.outcome import Failed, Refused
from sinks.servicenow.api import Api, equals
from sinks.servicenow.directory import Directory
from sinks.servicenow.settings import Settings
from ticketing.domain.incidents.incident import Incident
from ticketing.domain.summaries.facts import other_services

log = structlog.get_logger(__name__)

TABLE = "task_ci"
UNAUTHENTICATED = 401
"""The status of refused credentials, which may be mended any time."""
COLUMNS = ["sys_id", "task", "ci_item"]
AFFECTED_MAX = 10
"""The services that a ticket names too; each costs a look-up and a row."""
SECONDS_MAX = 3.0
"""As much of a request's time as an addition may take that no page waits for."""
KEPT_MAX = 10_000
"""More open records than one adapter has; forgetting costs one look-up a record."""
ROWS_MAX = 200
"""People add items as well; of more rows than this the rest is not read."""


class AffectedItems:
    """Adds the items of the affected services, each once in the life of this object: an item that
    people removed stays away until then."""

    def __init__(self, api: Api, settings: Settings) -> None:
        # A new record goes before the items of another.
        self._api = api.yielding()
        self._directory = Directory(self._api, settings)
        self._settings = settings
        self._told: dict[str, frozenset[str]] = {}

    async def add(self, sys_id: str, incident: Incident) -> list[str]:
        """Add what is missing; returns a sentence if the table can't be read or written.

        A passing failure is logged: the next change of the record adds what is missing. Safe to
        repeat, as the rows that are there are read first.
        """
        others = other_services(incident)[:AFFECTED_MAX] if self._settings.affected_cis else []
        if not others:
            return []
        try:
            await asyncio.wait_for(self._add(sys_id, others), SECONDS_MAX)
        except asyncio.TimeoutError:
            log.warning("servicenow_affected_not_added", detail="the time was over")
        except Failed as failed:
            if isinstance(failed.outcome, Refused) and failed.status != UNAUTHENTICATED:
                self._remember(sys_id, frozenset(others))
                return [f"affected CIs: {TABLE} can't be written ({failed.outcome.detail})"]
            log.warning("servicenow_affected_not_added", detail=failed.outcome.detail)
        return []

    async def _add(self, sys_id: str, others: list[str]) -> None:
        """Add the items of the services that were not handled before; raises Failed."""
        known = self._told.get(sys_id, frozenset())
        new = [name for name in others if name not in known]
        if not new:
            return
        wanted = await self._items(new)
        missing = wanted - await self._there(sys_id) if wanted else wanted
        for item in sorted(missing):
            await self._api.insert(TABLE, {"task": sys_id, "ci_item": item}, COLUMNS)
        self._remember(sys_id, known | frozenset(new))

    async def _items(self, services: Iterable[str]) -> frozenset[str]:
        found = [await self._directory.service(one) for one in services]
        return frozenset(one.sys_id for one in found if one.sys_id)

    async def _there(self, sys_id: str) -> frozenset[str]:
        rows = await self._api.rows(TABLE, equals("task", sys_id), COLUMNS, ROWS_MAX)
        # A query that was ignored returns the rows of other records.
        return frozenset(row.get("ci_item", "") for row in rows if row.get("task") == sys_id)

    def _remember(self, sys_id: str, services: frozenset[str]) -> None:
        """Remember the services whose items a record has, as far as they have any."""
        if len(self._told) >= KEPT_MAX:
            self._told.clear()
        self._told[sys_id] = services
