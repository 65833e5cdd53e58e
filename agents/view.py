"""The view agent's work: what the incidents have become goes to Redis, a batch at a time."""

from __future__ import annotations

from typing import Any

from ticketing import metrics
from ticketing.domain.incident import Incident
from ticketing.view_store import RETENTION_SECONDS, ViewStore, Written


class ViewWriter:
    """Writes published incidents into the view; decides nothing."""

    def __init__(
        self, redis: Any, prefix: str = "ticketing", *, retention: float = RETENTION_SECONDS
    ) -> None:
        """`redis` is a client of `redis.asyncio`; `retention` in seconds."""
        self.store = ViewStore(redis, prefix, retention=retention)

    @classmethod
    def into(cls, store: ViewStore) -> ViewWriter:
        """A writer into a view that others read in this process."""
        writer = cls.__new__(cls)
        writer.store = store
        return writer

    async def write(self, batch: list[tuple[str, Incident | None]]) -> Written:
        """Write a batch; None is a tombstone. Safe to repeat, in whatever order.

        Raises Unavailable when Redis does not answer: part of the batch may be written by then, so
        the whole of it is to be written again.
        """
        written = await self.store.write(batch)
        metrics.view_writes_total.labels("written").inc(written.written)
        metrics.view_writes_total.labels("stale").inc(written.stale)
        metrics.view_writes_total.labels("deleted").inc(written.deleted)
        return written
