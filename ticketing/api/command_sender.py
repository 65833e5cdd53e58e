"""Sends commands into ticketing-events, to the partition named by the incident's id."""

from __future__ import annotations

from aiokafka import AIOKafkaProducer

from ticketing.domain.events import Command
from ticketing.domain.scope import partition_of_incident
from ticketing.kafka.runtime import Runtime
from ticketing.kafka.sequences import take_back_refused
from ticketing.wire.events import encode_events
from ticketing.wire.topics import EVENTS


class CommandSender:
    """A producer without Faust, for the API in a process of its own."""

    def __init__(self, runtime: Runtime) -> None:
        self._partitions = runtime.partitions
        # The embedded broker knows no idempotence.
        self._producer = AIOKafkaProducer(
            **runtime.connection.aiokafka(), acks="all", enable_idempotence=not runtime.embedded
        )
        take_back_refused(self._producer)

    async def start(self) -> None:
        """Connect to the broker."""
        await self._producer.start()

    async def stop(self) -> None:
        """Send what is buffered and disconnect."""
        await self._producer.stop()

    async def send(self, command: Command) -> None:
        """Send a command; returns once durable. Raises ValueError for an invalid incident id."""
        partition = partition_of_incident(command.incident_id, self._partitions)
        await self._producer.send_and_wait(EVENTS, encode_events([command]), partition=partition)
