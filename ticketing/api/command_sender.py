"""Sends commands into ticketing-signals, to the partition named by the incident's id."""

from __future__ import annotations

from aiokafka import AIOKafkaProducer

from ticketing.domain.events import Command
from ticketing.kafka.runtime import Runtime
from ticketing.kafka.sequences import take_back_refused
from ticketing.wire.signals import encode_signals
from ticketing.wire.topics import SIGNALS, signals_partition_of


class CommandSender:
    """A producer without Faust, for the API in a process of its own."""

    def __init__(self, runtime: Runtime) -> None:
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
        await self._producer.send_and_wait(
            SIGNALS, encode_signals([command]), partition=signals_partition_of(command.incident_id)
        )
