"""The view agents: write changed incidents and alerts to Redis, a batch at a time; decide nothing."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar

import structlog
from faust.types import EventT

from ticketing import metrics
from ticketing.domain.alerts.alert import Alert
from ticketing.domain.incidents.incident import Incident
from ticketing.engine.agent import Abandoned, BatchAgent, add_agent
from ticketing.engine.fence import Fence
from ticketing.engine.watchdog import Watchdog
from ticketing.errors import Unavailable
from ticketing.view.store import ViewStore, Written
from ticketing.wire.alerts import decode_alert
from ticketing.wire.incidents import read_incident
from ticketing.wire.packed import UNREADABLE
from ticketing.wire.topics import ALERTS, INCIDENTS

log = structlog.get_logger(__name__)
T = TypeVar("T")

RETRY_SECONDS = 0.5
"""Short, so that the view is soon up to date when Redis is back; long enough not to be a load."""


class _Writer(BatchAgent):
    """Writes one topic to the view; waits while Redis is down, so that only the view is old."""

    def __init__(self, app: Any, watchdog: Watchdog, fence: Fence, store: ViewStore) -> None:
        super().__init__(app, watchdog, fence)
        self._store = store

    @abstractmethod
    async def write(self, records: list[Any]) -> Written:
        """Write the last record of each key; raises Unavailable."""

    async def handle(self, records: list[Any], event: EventT) -> None:
        """Write the batch, retrying until Redis takes it; raises Abandoned on a rebalance or a stop."""
        waited = False
        while True:
            try:
                written = await self.write(records)
                break
            except Unavailable as error:
                if not waited:
                    log.warning("view_waits", why=str(error))
                waited = True
            if self.app.rebalancing or self.app.should_stop:
                raise Abandoned
            await asyncio.sleep(RETRY_SECONDS)
            self.watchdog.alive(self.name)
        metrics.view_writes_total.labels("written").inc(written.written)
        metrics.view_writes_total.labels("stale").inc(written.stale)
        metrics.view_writes_total.labels("deleted").inc(written.deleted)


class ViewAgent(_Writer):
    """Reads ticketing-incidents."""

    name = "view"

    async def write(self, records: list[Any]) -> Written:
        """Write the last record of each incident."""
        return await self._store.write(latest(records))


class AlertsViewAgent(_Writer):
    """Reads ticketing-alerts."""

    name = "view-alerts"

    async def write(self, records: list[Any]) -> Written:
        """Write the last record of each alert."""
        return await self._store.write_alerts(latest_alerts(records))


def add_view(app: Any, store: ViewStore) -> None:
    """Put the view agents on a Faust app."""
    add_agent(app, ViewAgent(app, app.watchdog, app.fence, store), INCIDENTS)
    add_agent(app, AlertsViewAgent(app, app.watchdog, app.fence, store), ALERTS)


def latest(records: list[Any]) -> list[tuple[str, Incident | None]]:
    """The last record of each incident in a batch, by id; None is a tombstone.

    An incident without a readable id, revision, status, severity or title can't be shown.
    """
    return _latest(records, read_incident, "undecodable_incident")


def latest_alerts(records: list[Any]) -> list[tuple[str, Alert | None]]:
    """The last record of each alert in a batch, by fingerprint; None is a tombstone."""
    return _latest(records, decode_alert, "undecodable_alert")


def _latest(
    records: list[Any], read: Callable[[bytes], T], event: str
) -> list[tuple[str, T | None]]:
    found = {
        record.key.decode("utf-8", "replace"): record.value for record in records if record.key
    }
    batch: list[tuple[str, T | None]] = []
    for id, value in found.items():
        try:
            batch.append((id, None if value is None else read(value)))
        except UNREADABLE as error:
            log.error(event, id=id, why=str(error))
    return batch
