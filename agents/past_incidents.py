"""Follows the compacted topic of incidents in full, to remember resolved ones.

The incidents of a service lie in any partition. So each summaries worker reads all partitions, by
itself and from the beginning: a restart loses no memory. Nothing waits for the reading.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import structlog
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition

from ticketing.domain.summaries.similar import Memory
from ticketing.kafka.runtime import Runtime
from ticketing.wire.incidents import read_incident
from ticketing.wire.topics import INCIDENTS, READER

log = structlog.get_logger(__name__)

RESOLVED = b'"status":"resolved"'
"""Stands in every resolved incident, and in some others, which the rules leave out."""
BATCH_RECORDS_MAX = 500
"""Records decoded on the event loop at a time: many for one poll, few enough not to block it."""
POLL_SECONDS = 1.0
"""A poll can't be interrupted: a stop waits this long at most."""


class PastIncidents:
    """Fills a memory from ticketing-incidents."""

    def __init__(self, runtime: Runtime, memory: Memory) -> None:
        self._runtime = runtime
        self._memory = memory

    async def run(self) -> None:
        """Read from the beginning, then follow, until cancelled."""
        consumer = await asyncio.to_thread(self._open)
        try:
            while True:
                records = await asyncio.to_thread(self._read, consumer)
                for id, value in records:
                    self._note(id, value)
        finally:
            await asyncio.to_thread(consumer.close)

    def _open(self) -> Consumer:
        settings: dict[str, Any] = {
            **self._runtime.client(),
            "group.id": READER,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "queued.max.messages.kbytes": 4096,
        }
        consumer = Consumer(settings)
        numbers = range(self._runtime.partitions)
        consumer.assign([TopicPartition(INCIDENTS, n, OFFSET_BEGINNING) for n in numbers])
        return consumer

    def _read(self, consumer: Consumer) -> list[tuple[str, bytes | None]]:
        try:
            found = consumer.consume(BATCH_RECORDS_MAX, POLL_SECONDS)
        except KafkaException as error:
            log.warning("past_unread", why=str(error.args[0]))
            return []
        return [
            (message.key().decode("utf-8", "replace"), message.value())
            for message in found
            if message.error() is None and message.key()
        ]

    def _note(self, id: str, value: bytes | None) -> None:
        if value is None or RESOLVED not in value:
            self._memory.forget(id)
            return
        try:
            self._memory.note(read_incident(value))
        except msgspec.MsgspecError:
            # Written by another release: better no memory of the incident than an old one.
            self._memory.forget(id)
