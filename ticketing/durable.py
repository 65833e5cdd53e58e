"""Durability: what a batch wrote and sent, awaited to the last acknowledgement."""

from __future__ import annotations

import asyncio
from typing import Any

from faust import Table
from rocksdict import WriteBatch


class Outbox:
    """The sends of one batch. Nothing counts as done before `settle` has returned.

    A send that fails raises from `settle`: the batch is then not handled, the process leaves, and
    whoever gets the partition next does the batch again.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self._futures: list[asyncio.Future[Any]] = []

    async def send(
        self, topic: str, key: bytes | None, value: bytes | None, partition: int | None = None
    ) -> asyncio.Future[Any]:
        """Hand one message to the producer; the future ends with its coordinates."""
        future: asyncio.Future[Any] = await self._app.producer.send(
            topic, key, value, partition, None, None
        )
        self._futures.append(future)
        return future

    async def settle(self) -> None:
        """Wait until the broker holds everything; raises the first failure."""
        futures, self._futures = self._futures, []
        # Each result is looked at: asyncio.wait alone would swallow failures.
        for future in futures:
            await future


class DurableTable(Table):
    """A table that is written a batch at a time: first its changelog, then, in one go, the disk.

    Faust writes RocksDB at once and sends the changelog behind the writer's back. A crash between
    the two would leave states that exist on one disk only, and deletions that nobody repeats.
    """

    async def write(
        self, partition: int, writes: list[tuple[bytes, bytes | None]], outbox: Outbox
    ) -> None:
        """Write keys of one partition, in their order; None deletes. Durable when it returns.

        What a crash leaves out on the disk is read from the changelog at the next start.
        """
        if not writes:
            return
        topic = self.changelog_topic_name
        batch = WriteBatch(raw_mode=True)
        for key, value in writes:
            last = await outbox.send(topic, key, value, partition)
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        await outbox.settle()
        # Faust reads the changelog from this offset on.
        batch.put(self.data.offset_key, str(last.result().offset).encode())
        self.data._db_for_partition(partition).write(batch)

    @property
    def changelog_topic_name(self) -> str:
        """The name of the compacted topic behind the table."""
        return str(self._changelog_topic_name())
