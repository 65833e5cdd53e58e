"""The sends of one batch, awaited until all are acknowledged."""

from __future__ import annotations

import asyncio
from typing import Any

from faust.types import TP

from ticketing.engine.transport import Pair


class Outbox:
    """The sends of one batch; done when `settle` has returned.

    Messages are packed per partition, since the client's cost is per call and not per byte. A
    failed send raises from `settle`: the process leaves without handling the batch, and the
    partition's next owner repeats the batch.
    """

    def __init__(self, app: Any) -> None:
        self._producer = app.producer
        self._queued: dict[TP, list[Pair]] = {}

    async def send(
        self, topic: str, key: bytes | None, value: bytes | None, partition: int | None = None
    ) -> None:
        """Queue one message; without a partition the key decides, without a key any will do."""
        if partition is None:
            partition = await self._producer.partition_of(topic, key)
        self._queued.setdefault(TP(topic, partition), []).append((key, value))

    async def settle(self) -> dict[TP, int]:
        """Wait until the broker holds every message; raises the first failure.

        Returns the offset of the last message of each partition.
        """
        queued, self._queued = self._queued, {}
        done = await asyncio.gather(
            *(self._producer.send_all(place, messages) for place, messages in queued.items())
        )
        return dict(zip(queued, done, strict=True))
