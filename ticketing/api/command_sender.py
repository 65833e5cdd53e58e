"""Sends commands into ticketing-signals, to the partition that their incident's id names."""

from __future__ import annotations

from aiokafka import AIOKafkaProducer

from ticketing.domain.signals import Command
from ticketing.kafka.runtime import Runtime
from ticketing.wire.signals import encode_signals
from ticketing.wire.topics import SIGNALS, signals_partition_of


class CommandSender:
    """A producer of its own, so that the API also works in a process without Faust."""

    def __init__(self, runtime: Runtime) -> None:
        self._producer = AIOKafkaProducer(**runtime.connection.aiokafka(), acks="all")

    async def start(self) -> None:
        """Connect to the broker."""
        await self._producer.start()

    async def stop(self) -> None:
        """Send what is buffered and disconnect."""
        await self._producer.stop()

    async def send(self, command: Command) -> None:
        """Return once the broker holds the command; raises ValueError for what is no incident id."""
        await self._producer.send_and_wait(
            SIGNALS, encode_signals([command]), partition=signals_partition_of(command.incident_id)
        )
