"""The runtime of a process: its configuration and the broker in use."""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from ticketing.config import Config, load
from ticketing.config.changes import given_secrets
from ticketing.config.handover import received
from ticketing.config.loading import Needed, apply_changes
from ticketing.errors import Misconfigured
from ticketing.kafka import contact
from ticketing.kafka.admin import ADMIN_SECONDS_MAX, Topics
from ticketing.kafka.connection import Connection
from ticketing.kafka.embedded import EmbeddedBroker
from ticketing.wire.settings import ChangedSettings
from ticketing.wire.topics import PREFIX, PREFIX_VARIABLE, TopicSpec, specs

CONFIG_VARIABLE = "TICKETING_CONFIG"
EMBEDDED_VARIABLE = "TICKETING_EMBEDDED_BROKERS"
"""The variable by which a supervisor passes the embedded broker's address to its children."""


def require_prefix(config: Config) -> None:
    """Raise Misconfigured where the process has made its names of another prefix."""
    if config.kafka.prefix != PREFIX:
        raise Misconfigured(
            f"kafka.prefix: this process has made its names of {PREFIX!r}, as {PREFIX_VARIABLE}"
            f" was at its start; set that variable to {config.kafka.prefix!r}"
        )


@dataclass(frozen=True)
class Runtime:
    """The installation as one process sees it."""

    config: Config
    brokers: str
    embedded: bool
    held: EmbeddedBroker | None = None
    """The embedded broker, in the process that holds it."""
    unchanged: Config | None = None
    """The configuration as it was given, where `config` has changes since."""
    changed: ChangedSettings | None = None
    """The changes in `config`; None in a process that has not asked for any."""

    @property
    def given(self) -> Config:
        """The configuration of file, secrets and environment."""
        return self.unchanged or self.config

    def with_changes(self, changed: ChangedSettings, needed: Needed | None = None) -> Runtime:
        """The runtime with changed settings, in the place of earlier ones; raises Misconfigured.

        `needed` are the keys whose secrets must be there, else all. The API keeps no secret in
        changes: one that stands there is forged, and would send incidents elsewhere.
        """
        given = self.given
        config = apply_changes(given, changed.changes, needed) if changed.changes else given
        if secrets := given_secrets(config, changed.changes):
            raise Misconfigured(secrets)
        return replace(self, config=config, unchanged=given, changed=changed)

    @classmethod
    def from_environ(
        cls, environ: MutableMapping[str, str] | None = None, needed: Needed | None = None
    ) -> Runtime:
        """Load the configuration that TICKETING_CONFIG names, or that a supervisor has handed over.

        `needed` are the keys whose secrets must be there, else all. Raises Misconfigured. With
        `kafka.brokers: embedded` the supervisor's broker is used, or a new one without a
        supervisor.
        """
        environ = os.environ if environ is None else environ
        handed = received(environ)
        if handed is not None:
            config, changed = handed
            # The supervisor has found them valid together.
            return cls.of(config, environ.get(EMBEDDED_VARIABLE)).with_changes(
                msgspec.convert(changed, ChangedSettings), needed=lambda _: ()
            )
        path = environ.get(CONFIG_VARIABLE)
        config = load(Path(path) if path else None, environ, needed=needed)
        return cls.of(config, environ.get(EMBEDDED_VARIABLE))

    @classmethod
    def for_command(cls, environ: Mapping[str, str] | None = None) -> Runtime:
        """The runtime of a command that ends, and would take an embedded broker with it.

        Raises Misconfigured for such a broker, unless a supervisor holds it.
        """
        environ = os.environ if environ is None else environ
        path = environ.get(CONFIG_VARIABLE)
        config = load(Path(path) if path else None, environ)
        if config.kafka.embedded and not environ.get(EMBEDDED_VARIABLE):
            raise Misconfigured(
                "kafka.brokers: an `embedded` broker starts empty and ends with this command; name a"
                f" broker there, or set {EMBEDDED_VARIABLE} to the address that `ticketing demo`"
                " prints"
            )
        return cls.of(config, environ.get(EMBEDDED_VARIABLE))

    @classmethod
    def of(cls, config: Config, embedded_brokers: str | None = None) -> Runtime:
        """A runtime for a configuration; starts an embedded broker if needed.

        Raises Misconfigured where the process has made its names of another prefix.
        """
        require_prefix(config)
        if not config.kafka.embedded:
            return cls(config, config.kafka.brokers, embedded=False)
        if embedded_brokers:
            return cls(config, embedded_brokers, embedded=True)
        broker = EmbeddedBroker()
        return cls(config, broker.address, embedded=True, held=broker)

    def reach(self, **limits: Any) -> None:
        """Return once Kafka answers; raises Unavailable. `limits` are those of `contact.reach`."""
        if not self.embedded:
            contact.reach(self.client(), **limits)

    @property
    def connection(self) -> Connection:
        """The connection for clients of Kafka."""
        return Connection.of(self.config.kafka, self.brokers)

    @property
    def partitions(self) -> int:
        """The number of partitions of each of the job's own topics."""
        return self.config.kafka.partitions

    @property
    def inputs(self) -> list[str]:
        """The topics that anomalies come from."""
        return list(self.config.input.topics)

    def client(self) -> dict[str, Any]:
        """Settings for librdkafka clients."""
        # The caller gets an error for each failure; librdkafka would also print on stderr.
        return {**self.connection.librdkafka(), "log_level": 2}

    def topics(self, seconds: float = ADMIN_SECONDS_MAX) -> Topics:
        """The broker's topics; `seconds` is how long to wait for an answer."""
        return Topics(self.client(), embedded=self.embedded, seconds=seconds)

    def topic_specs(self) -> list[TopicSpec]:
        """Every topic this installation reads or writes."""
        return specs(
            self.config.enabled_platforms(),
            self.inputs,
            self.partitions,
            message_bytes_max=self.config.kafka.message_max_bytes,
        )

    def ensure_topics(self) -> None:
        """Create the missing topics. Safe to repeat, and to call from several workers at once."""
        self.topics().create(self.topic_specs(), self.config.kafka.replication_factor)
