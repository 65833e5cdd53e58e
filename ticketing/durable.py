"""Durability: what a batch wrote and sent, awaited to the last acknowledgement."""

from __future__ import annotations

import asyncio
import gc
import logging
import shutil
from typing import Any

from faust import Table
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.types import TP, StoreT
from mode import Service
from rocksdict import WriteBatch

from ticketing.batching import Pair
from ticketing.rocksdb import BoundedOptions

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 5.0


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


class DurableTable(Table):
    """A table that is written a batch at a time: first its changelog, then, in one go, the disk.

    Faust writes RocksDB at once and sends the changelog behind the writer's back. A crash between
    the two would leave states that exist on one disk only, and deletions that nobody repeats.
    """

    def _new_store(self) -> StoreT:
        store = super()._new_store()
        store.rocksdb_options = BoundedOptions()
        return store

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

    def start_over(self, partition: int) -> None:
        """Forget what the local database holds of a partition; the changelog has all that is true."""
        self.data._dbs.pop(partition, None)
        # RocksDB holds its lock until the last reference is gone.
        gc.collect()
        shutil.rmtree(self.data.partition_path(partition), ignore_errors=True)

    @property
    def changelog_topic_name(self) -> str:
        """The name of the compacted topic behind the table."""
        return str(self._changelog_topic_name())


class DurableRecovery(Recovery):
    """Faust's recovery, which starts over where Faust would refuse to start, and comes to an end.

    A database that is ahead of its changelog belongs to one that was deleted and made anew.
    """

    async def _build_highwaters(
        self, consumer: Any, tps: set[TP], destination: dict[TP, int], title: str
    ) -> None:
        await super()._build_highwaters(consumer, tps, destination, title)
        for tp in tps:
            offset = self.active_offsets.get(tp)
            if offset is not None and offset > destination[tp]:
                log.warning("%s: the database is ahead of its changelog, which is read anew", tp)
                self.tp_to_table[tp].start_over(tp.partition)
                self.active_offsets[tp] = None

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        """Let the agents have their partitions, from where they are committed.

        Faust lets records through first and looks for where to read from then: what comes in between
        may stand behind what is still to be read.
        """
        if self.app.consumer.assignment():
            await self._wait(
                self.app.consumer.perform_seek(), timeout=self.app.conf.broker_request_timeout
            )
        await super().on_recovery_completed(generation_id)

    @Service.task
    async def _pass_what_is_gone(self) -> None:
        """End a recovery whose last records can't be read any more.

        The end of a changelog may hold nothing but markers of transactions, or deletions that were
        compacted away. Faust would wait for them for ever.
        """
        before: dict[TP, tuple[int, int]] = {}
        while not self.should_stop:
            await self.sleep(LOOK_EVERY_SECONDS)
            now = await self._read_to_the_end() if self.in_recovery else {}
            for tp in [tp for tp, seen in now.items() if before.get(tp) == seen]:
                log.info("the end of %s holds nothing to read", tp)
                self.active_offsets[tp] = self.active_highwaters[tp]
            before = now

    async def _read_to_the_end(self) -> dict[TP, tuple[int, int]]:
        """Partitions whose end was passed without its record, while nothing waits to be applied."""
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
