"""The view agent: writes changed incidents to Redis, a batch at a time; decides nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import structlog
from faust.types import EventT

from ticketing import metrics
from ticketing.domain.incidents.incident import Incident
from ticketing.engine.agent import Abandoned, BatchAgent
from ticketing.engine.fence import Fence
from ticketing.engine.watchdog import Watchdog
from ticketing.errors import Unavailable
from ticketing.view.store import ViewStore
from ticketing.wire.incidents import read_incident

log = structlog.get_logger(__name__)

RETRY_SECONDS = 0.5
"""Short, so that the view is soon up to date when Redis is back; long enough not to be a load."""


class ViewAgent(BatchAgent):
    """Reads ticketing-incidents; waits while Redis is down, so that only the view is old."""

    name = "view"

    def __init__(self, app: Any, watchdog: Watchdog, fence: Fence, store: ViewStore) -> None:
        super().__init__(app, watchdog, fence)
        self._store = store

    async def handle(self, records: list[Any], event: EventT) -> None:
        """Write the batch, retrying until Redis takes it; raises Abandoned on a rebalance or a stop."""
        batch = latest(records)
        waited = False
        while True:
            try:
                written = await self._store.write(batch)
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


def latest(records: list[Any]) -> list[tuple[str, Incident | None]]:
    """The last record of each incident in a batch, by id; None is a tombstone."""
    found = {
        record.key.decode("utf-8", "replace"): record.value for record in records if record.key
    }
    batch: list[tuple[str, Incident | None]] = []
    for id, value in found.items():
        try:
            batch.append((id, None if value is None else read_incident(value)))
        except msgspec.MsgspecError as error:
            # Not even id, revision, status, severity and title: nothing could be shown.
            log.error("undecodable_incident", incident=id, why=str(error))
    return batch
