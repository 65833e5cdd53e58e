"""Recovery of tables from their changelogs."""

from __future__ import annotations

import logging
import time
from typing import Any

from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.types import TP

from ticketing import metrics
from ticketing.engine.changelog import Change

log = logging.getLogger(__name__)

SAY_EVERY_SECONDS = 5.0
"""Long enough to be seldom in the log, short enough to see that it goes on."""


class DurableRecovery(Recovery):
    """Faust's recovery with a reader of our own, which starts over where Faust refuses to start.

    A database that is ahead of its changelog belongs to a changelog that was deleted and recreated.
    Faust itself finds nothing left to read.
    """

    _reads = False
    """True while a step may take as long as it needs."""

    async def _build_highwaters(
        self, consumer: Any, tps: set[TP], destination: dict[TP, int], title: str
    ) -> None:
        await super()._build_highwaters(consumer, tps, destination, title)
        for tp in tps:
            offset = self.active_offsets.get(tp)
            if offset is not None and offset > destination[tp]:
                log.warning("%s: the table on disk is ahead of its changelog; rebuilding it", tp)
                self.tp_to_table[tp].start_over(tp.partition)
                self.active_offsets[tp] = None

    async def _build_offsets(
        self, consumer: Any, tps: set[TP], destination: dict[TP, int], title: str
    ) -> None:
        await super()._build_offsets(consumer, tps, destination, title)
        self._reads = self._reads or title == "active"

    async def _seek_offsets(
        self, consumer: Any, tps: set[TP], offsets: dict[TP, int], title: str
    ) -> None:
        if title == "active":
            try:
                await self._read_back(tps, offsets)
            finally:
                self._reads = False
        await super()._seek_offsets(consumer, tps, offsets, title)

    async def _wait(self, coro: Any, timeout: Any = None) -> Any:
        return await super()._wait(coro, timeout=None if self._reads else timeout)

    async def _read_back(self, tps: set[TP], offsets: dict[TP, int]) -> None:
        """Read the changelogs of newly assigned partitions into their tables."""
        ends = {tp: self.active_highwaters[tp] + 1 for tp in tps}
        parts = {tp: (offsets[tp] + 1, end) for tp, end in ends.items() if offsets[tp] + 1 < end}
        progress = Progress(sum(end - first for first, end in parts.values()))

        def apply(tp: TP, changes: list[Change], offset: int) -> None:
            self.tp_to_table[tp].apply(tp.partition, changes, offset)
            progress.read(offset - offsets[tp])
            offsets[tp] = offset

        if parts:
            await self.app.changelogs.read_all(parts, apply)
            progress.ended()

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        """Start the agents' partitions at their committed offsets.

        Faust lets records through first and seeks afterwards: a record that arrives in between may
        lie behind records still to be read.
        """
        if self.app.consumer.assignment():
            await self._wait(
                self.app.consumer.perform_seek(), timeout=self.app.conf.broker_request_timeout
            )
        await super().on_recovery_completed(generation_id)


class Progress:
    """The progress of a recovery, in the log and as a metric."""

    def __init__(self, left: int) -> None:
        """`left` is the number of offsets to read."""
        self._left = self._all = left
        self._began = self._said_at = time.monotonic()
        metrics.recovery_records_left.set(left)

    def read(self, offsets: int) -> None:
        """Note so many offsets as read."""
        self._left -= offsets
        metrics.recovery_records_left.set(max(0, self._left))
        now = time.monotonic()
        if now - self._said_at >= SAY_EVERY_SECONDS:
            self._said_at = now
            log.info("tables are read back: %d of %d records left", self._left, self._all)

    def ended(self) -> None:
        """Say how much was read, and how long it took."""
        metrics.recovery_records_left.set(0)
        seconds = time.monotonic() - self._began
        metrics.recovery_seconds.observe(seconds)
        log.info("tables are read back: %d records in %.1f s", self._all, seconds)


class DurableTables(TableManager):
    """Faust's tables, with the recovery above."""

    _recovery: DurableRecovery | None

    @property
    def recovery(self) -> DurableRecovery:
        """The service that reads changelogs."""
        if self._recovery is None:
            self._recovery = DurableRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery
