"""The sends of one batch, awaited to the last acknowledgement."""

from __future__ import annotations

import asyncio
from typing import Any

from faust.types import TP

from ticketing.engine.transport import Pair


class Outbox:
    """The sends of one batch. Nothing counts as done before `settle` has returned.

    Messages are packed per partition, since the client's cost is per call and not per byte. A send
    that fails raises from `settle`: the batch is then not handled, the process leaves, and whoever
    gets the partition next does the batch again.
    """

    def __init__(self, app: Any) -> None:
        self._producer = app.producer
        self._queued: dict[TP, list[Pair]] = {}

    async def send(
        self, topic: str, key: bytes | None, value: bytes | None, partition: int | None = None
    ) -> None:
        """Queue one message; without a partition its key decides, without a key any will do."""
        if partition is None:
            partition = await self._producer.partition_of(topic, key)
        self._queued.setdefault(TP(topic, partition), []).append((key, value))

    async def settle(self) -> dict[TP, int]:
        """Wait until the broker holds everything; raises the first failure.

        Returns the offset of the last message of each partition.
        """
        queued, self._queued = self._queued, {}
        done = await asyncio.gather(
            *(self._producer.send_all(place, messages) for place, messages in queued.items())
        )
        return dict(zip(queued, done, strict=True))
