"""The balance of the records over all workers, from what the pipeline's commits keep in Kafka."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping

from ticketing.kafka.group import Group
from ticketing.kafka.runtime import Runtime
from ticketing.wire.notes import decode_counted, decode_tally
from ticketing.wire.topics import PIPELINE_APP, SIGNALS

log = logging.getLogger(__name__)

ASK_EVERY_SECONDS = 1.0
"""As often as the pipeline commits, however many people look."""
ASK_AGAIN_SECONDS = 10.0
"""After no answer: a console that waits at every look would seem to hang."""


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
        self._known: dict[str, int] | None = None
        self._again_at = -1.0

    async def read(self) -> dict[str, int] | None:
        """`{records, belowThreshold, counted, deadLetters}`; None while Kafka does not answer."""
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


def totals(notes: Mapping[tuple[str, int], str]) -> dict[str, int]:
    """The sums over the notes of all partitions, by the names of the API."""
    found = dict.fromkeys(("records", "belowThreshold", "counted", "deadLetters"), 0)
    for (topic, _), note in notes.items():
        if topic == SIGNALS:
            found["counted"] += decode_counted(note) or 0
            continue
        tally = decode_tally(note)
        if tally is not None:
            found["records"] += tally.records
            found["belowThreshold"] += tally.below
            found["deadLetters"] += sum(tally.dead.values())
    return found
