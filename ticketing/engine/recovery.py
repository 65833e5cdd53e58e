"""Recovery of tables from their changelogs."""

from __future__ import annotations

import logging
from typing import Any

from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.types import TP
from mode import Service

log = logging.getLogger(__name__)


LOOK_EVERY_SECONDS = 5.0
"""A stuck recovery is rare; agents wait for its end no longer than this."""


class DurableRecovery(Recovery):
    """Faust's recovery, except that it starts over where Faust refuses to start, and always ends.

    A database that is ahead of its changelog belongs to a changelog that was deleted and recreated.
    """

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

    @Service.task
    async def _pass_what_is_gone(self) -> None:
        """End a recovery whose last records can't be read any more.

        The end of a changelog may hold only transaction markers, or deletions that were compacted
        away. Faust would wait for such records for ever.
        """
        before: dict[TP, tuple[int, int]] = {}
        while not self.should_stop:
            await self.sleep(LOOK_EVERY_SECONDS)
            now = await self._read_to_the_end() if self.in_recovery else {}
            for tp in [tp for tp, seen in now.items() if before.get(tp) == seen]:
                log.info("%s ends without records to read; recovery goes on", tp)
                self.active_offsets[tp] = self.active_highwaters[tp]
            before = now

    async def _read_to_the_end(self) -> dict[TP, tuple[int, int]]:
        """Partitions read past their last record, with no record left to apply."""
        found: dict[TP, tuple[int, int]] = {}
        for tp, missing in self.active_remaining().items():
            if missing > 0 and self.tables.changelog_queue.empty():
                position = await self.app.consumer.position(tp)
                if position is not None and position > self.active_highwaters[tp]:
                    found[tp] = (position, self.active_offsets[tp])
        return found


class DurableTables(TableManager):
    """Faust's tables, with the recovery above."""

    _recovery: DurableRecovery | None

    @property
    def recovery(self) -> DurableRecovery:
        """The service that reads changelogs."""
        if self._recovery is None:
            self._recovery = DurableRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery
