"""Durability: what a batch wrote and sent, awaited to the last acknowledgement."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from aiokafka.partitioner import DefaultPartitioner
from faust import Table
from faust.types import TP
from rocksdict import WriteBatch

BATCH_BYTES_MAX = 512 * 1024

Message = tuple[bytes | None, bytes | None]
"""Key and value."""


def batch_bytes_max(message_bytes_max: int) -> int:
    """How much is packed into one produce request for a partition; a larger message goes alone."""
    return min(BATCH_BYTES_MAX, message_bytes_max // 2)


class Outbox:
    """The sends of one batch. Nothing counts as done before `settle` has returned.

    Messages are packed per partition, since the client's cost is per call and not per byte. A send
    that fails raises from `settle`: the batch is then not handled, the process leaves, and whoever
    gets the partition next does the batch again.
    """

    def __init__(self, app: Any) -> None:
        self._producer = app.producer._ensure_producer()
        self._queued: dict[TP, list[Message]] = {}
        self._anywhere: dict[str, int] = {}

    async def send(
        self, topic: str, key: bytes | None, value: bytes | None, partition: int | None = None
    ) -> None:
        """Queue one message; without a partition its key decides, without a key any will do."""
        if partition is None:
            partition = await self._partition(topic, key)
        self._queued.setdefault(TP(topic, partition), []).append((key, value))

    async def _partition(self, topic: str, key: bytes | None) -> int:
        if key is None and topic in self._anywhere:
            return self._anywhere[topic]
        partitions = sorted(await self._producer.partitions_for(topic))
        if key is not None:
            return int(_partitioner(key, partitions, partitions))
        return self._anywhere.setdefault(topic, random.choice(partitions))

    async def settle(self) -> dict[TP, int]:
        """Wait until the broker holds everything; raises the first failure.

        Returns the offset of the last message of each partition.
        """
        queued, self._queued = self._queued, {}
        places = list(queued)
        done = await asyncio.gather(*(self._produce(place, queued[place]) for place in places))
        return dict(zip(places, done, strict=True))

    async def _produce(self, place: TP, messages: list[Message]) -> int:
        futures = []
        remaining = iter(messages)
        message = next(remaining, None)
        while message is not None:
            batch = self._producer.create_batch()
            # A batch that is full refuses; an empty one takes a message of any size.
            while message is not None and batch.append(
                key=message[0], value=message[1], timestamp=None
            ):
                message = next(remaining, None)
            count = batch.record_count()
            future = await self._producer.send_batch(batch, place.topic, partition=place.partition)
            futures.append((future, count))
        last = -1
        # Each result is looked at: asyncio.wait alone would swallow failures.
        for future, count in futures:
            last = (await future).offset + count - 1
        return last


_partitioner = DefaultPartitioner()


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
        place = TP(self.changelog_topic_name, partition)
        batch = WriteBatch(raw_mode=True)
        for key, value in writes:
            await outbox.send(place.topic, key, value, partition)
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        offset = (await outbox.settle())[place]
        # Faust reads the changelog from this offset on.
        batch.put(self.data.offset_key, str(offset).encode())
        self.data._db_for_partition(partition).write(batch)

    @property
    def changelog_topic_name(self) -> str:
        """The name of the compacted topic behind the table."""
        return str(self._changelog_topic_name())
