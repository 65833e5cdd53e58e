"""What a process runs with: the configuration, and the broker it really talks to."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ticketing.config import Config, load
from ticketing.kafka.admin import Topics
from ticketing.kafka.connection import Connection
from ticketing.kafka.embedded import EmbeddedBroker
from ticketing.wire.topics import TopicSpec, specs

CONFIG_VARIABLE = "TICKETING_CONFIG"
EMBEDDED_VARIABLE = "TICKETING_EMBEDDED_BROKERS"
"""Where a supervisor tells its children the address of the embedded broker it holds."""


@dataclass(frozen=True)
class Runtime:
    """One process's view of the installation."""

    config: Config
    brokers: str
    embedded: bool
    held: EmbeddedBroker | None = None
    """The embedded broker, in the one process that keeps it alive."""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> Runtime:
        """Load the configuration that TICKETING_CONFIG names; raises Misconfigured.

        With `kafka.brokers: embedded` the broker of the supervisor is used, or one of our own.
        """
        environ = os.environ if environ is None else environ
        path = environ.get(CONFIG_VARIABLE)
        return cls.of(load(Path(path) if path else None, environ), environ.get(EMBEDDED_VARIABLE))

    @classmethod
    def of(cls, config: Config, embedded_brokers: str | None = None) -> Runtime:
        """A runtime for a configuration; starts an embedded broker where one is needed."""
        if not config.kafka.embedded:
            return cls(config, config.kafka.brokers, embedded=False)
        if embedded_brokers:
            return cls(config, embedded_brokers, embedded=True)
        broker = EmbeddedBroker()
        return cls(config, broker.address, embedded=True, held=broker)

    @property
    def connection(self) -> Connection:
        """How clients of Kafka connect."""
        return Connection.of(self.config.kafka, self.brokers)

    @property
    def partitions(self) -> int:
        """Partitions of each of our own topics."""
        return self.config.kafka.partitions

    @property
    def inputs(self) -> list[str]:
        """The topics that anomalies come from."""
        return list(self.config.input.topics)

    def client(self) -> dict[str, Any]:
        """Settings for librdkafka clients."""
        # What breaks is told by the error that the caller gets, not by the library on stderr.
        return {**self.connection.librdkafka(), "log_level": 2}

    def topics(self) -> Topics:
        """The broker's topics."""
        return Topics(self.client(), embedded=self.embedded)

    def topic_specs(self) -> list[TopicSpec]:
        """Every topic this installation reads or writes."""
        return specs(
            self.config.enabled_platforms(),
            self.inputs,
            self.partitions,
            message_bytes_max=self.config.kafka.message_max_bytes,
        )

    def ensure_topics(self) -> None:
        """Create what is missing. Safe to repeat, and by several workers at once."""
        self.topics().create(self.topic_specs(), self.config.kafka.replication_factor)
