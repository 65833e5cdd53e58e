"""Durability: what a batch wrote and sent, awaited to the last acknowledgement."""

from __future__ import annotations

import asyncio
from typing import Any

from faust import Table
from faust.types import TP


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
    """A table whose changelog writes are collected, so that a batch can await them.

    Faust sends changelog records behind the writer's back; here `flush` sends and awaits them and
    only then remembers the offset up to which the local database reflects the changelog.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._unsent: list[tuple[int, bytes, bytes | None]] = []

    def on_key_set(self, key: bytes, value: bytes) -> None:
        """Remember the write for the changelog."""
        self._unsent.append((self._partition_now(key), key, value))

    def on_key_del(self, key: bytes) -> None:
        """Remember the deletion for the changelog."""
        self._unsent.append((self._partition_now(key), key, None))

    def _partition_now(self, key: bytes) -> int:
        partition: int = self.partition_for_key(key)
        return partition

    async def flush(self, outbox: Outbox) -> None:
        """Send the collected writes, in their order, and wait until the changelog has them."""
        unsent, self._unsent = self._unsent, []
        topic = self.changelog_topic_name
        last: dict[int, asyncio.Future[Any]] = {}
        for partition, key, value in unsent:
            last[partition] = await outbox.send(topic, key, value, partition)
        await outbox.settle()
        for partition, future in last.items():
            self.data.set_persisted_offset(TP(topic, partition), future.result().offset)

    @property
    def changelog_topic_name(self) -> str:
        """The name of the compacted topic behind the table."""
        return str(self._changelog_topic_name())
