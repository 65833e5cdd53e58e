"""The balance of the records over all workers, from what the pipeline's commits keep in Kafka."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ticketing.kafka.group import Group
from ticketing.kafka.runtime import Runtime
from ticketing.wire.notes import decode_counted, decode_tally
from ticketing.wire.topics import PIPELINE_APP, SIGNALS

log = logging.getLogger(__name__)

ASK_EVERY_SECONDS = 1.0
"""As often as the pipeline commits, however many people look."""
ASK_AGAIN_SECONDS = 10.0
"""After no answer: a console that waits at every look would seem to hang."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """The records by what became of them, over all workers."""

    records: int
    below_threshold: int
    counted: int
    dead_letters: int
    latest: float | None = None
    """Kafka's time of the newest one that was handled, in Unix seconds."""

    @property
    def difference(self) -> int:
        """Records that are read and not yet counted; 0 once nothing is under way."""
        return self.records - self.below_threshold - self.counted - self.dead_letters

    def shown(self) -> dict[str, int]:
        """The numbers by their names in the API."""
        return {
            "records": self.records,
            "belowThreshold": self.below_threshold,
            "counted": self.counted,
            "deadLetters": self.dead_letters,
        }


class KafkaBalance:
    """The balance as Kafka has it. Requests share an answer."""

    def __init__(
        self,
        runtime: Runtime,
        *,
        group: Callable[[], Group] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._topics = [*runtime.inputs, SIGNALS]
        self._make = group or (lambda: Group(runtime.connection.aiokafka(), PIPELINE_APP))
        self._group: Group | None = None
        self._clock = clock
        self._turn = asyncio.Lock()
        self._known: Records | None = None
        self._again_at = -1.0

    async def read(self) -> Records | None:
        """The records by what became of them; None while Kafka does not answer."""
        async with self._turn:
            if self._clock() >= self._again_at:
                await self._ask()
            return self._known

    async def _ask(self) -> None:
        try:
            if self._group is None:
                self._group = self._make()
            self._known = totals(await self._group.notes(self._topics))
            self._again_at = self._clock() + ASK_EVERY_SECONDS
        except Exception as error:  # noqa: BLE001  (the incidents are shown without)
            log.warning("the balance can't be read: %s: %s", type(error).__name__, error)
            self._known = None
            self._again_at = self._clock() + ASK_AGAIN_SECONDS

    async def close(self) -> None:
        """Disconnect."""
        if self._group is not None:
            await self._group.close()


def totals(notes: Mapping[tuple[str, int], str]) -> Records:
    """The sums over the notes of all partitions."""
    counted = sum(
        decode_counted(note) or 0 for (topic, _), note in notes.items() if topic == SIGNALS
    )
    decoded = (decode_tally(note) for (topic, _), note in notes.items() if topic != SIGNALS)
    tallies = [tally for tally in decoded if tally is not None]
    return Records(
        records=sum(tally.records for tally in tallies),
        below_threshold=sum(tally.below for tally in tallies),
        counted=counted,
        dead_letters=sum(sum(tally.dead.values()) for tally in tallies),
        latest=max((tally.latest for tally in tallies if tally.latest), default=None),
    )
