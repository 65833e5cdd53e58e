"""The embedded broker: librdkafka's mock cluster, real Kafka protocol, in memory, for one run.

The cluster keeps a few megabytes a partition whether read or not, can't create topics by request,
and loses all records with its process. Production and integration tests use Apache Kafka.
"""

from __future__ import annotations

from confluent_kafka import Producer


class EmbeddedBroker:
    """A mock cluster with the lifetime of this object."""

    def __init__(self) -> None:
        self._owner = Producer(
            {"bootstrap.servers": "", "test.mock.num.brokers": 1, "log_level": 3}
        )
        brokers = self._owner.list_topics(timeout=10).brokers.values()
        self.address = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)
        """host:port, for any Kafka client on this machine."""
