"""librdkafka's mock cluster with its controls, which the Python client does not offer.

The brokers speak real Kafka protocol in memory; a partition of theirs can be left without a leader.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

import confluent_kafka

PRODUCER = 0
NO_BROKER = -1
ERROR_BYTES = 512


def _library() -> ctypes.CDLL:
    found = Path(confluent_kafka.__file__).parents[1] / "confluent_kafka.libs"
    (file,) = found.glob("librdkafka-*.so.1")
    made = ctypes.CDLL(str(file))
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    made.rd_kafka_conf_new.restype = pointer
    made.rd_kafka_new.restype = pointer
    made.rd_kafka_new.argtypes = [number, pointer, text, ctypes.c_size_t]
    made.rd_kafka_destroy.argtypes = [pointer]
    made.rd_kafka_mock_cluster_new.restype = pointer
    made.rd_kafka_mock_cluster_new.argtypes = [pointer, number]
    made.rd_kafka_mock_cluster_destroy.argtypes = [pointer]
    made.rd_kafka_mock_cluster_bootstraps.restype = text
    made.rd_kafka_mock_cluster_bootstraps.argtypes = [pointer]
    made.rd_kafka_mock_topic_create.argtypes = [pointer, text, number, number]
    made.rd_kafka_mock_partition_set_leader.argtypes = [
        pointer,
        text,
        ctypes.c_int32,
        ctypes.c_int32,
    ]
    return made


class MockCluster:
    """A cluster of one broker for the length of a `with`."""

    def __enter__(self) -> MockCluster:
        self._lib = _library()
        error = ctypes.create_string_buffer(ERROR_BYTES)
        self._owner = self._lib.rd_kafka_new(
            PRODUCER, self._lib.rd_kafka_conf_new(), error, ERROR_BYTES
        )
        assert self._owner, error.value
        self._cluster = self._lib.rd_kafka_mock_cluster_new(self._owner, 1)
        self.address: str = self._lib.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()
        return self

    def __exit__(self, *exc: object) -> None:
        self._lib.rd_kafka_mock_cluster_destroy(self._cluster)
        self._lib.rd_kafka_destroy(self._owner)

    def create(self, topic: str, partitions: int) -> None:
        """Make a topic."""
        code = self._lib.rd_kafka_mock_topic_create(self._cluster, topic.encode(), partitions, 1)
        assert code == 0, code

    def set_leader(self, topic: str, partition: int, broker: int | None) -> None:
        """Let a broker lead a partition, or none."""
        code = self._lib.rd_kafka_mock_partition_set_leader(
            self._cluster, topic.encode(), partition, NO_BROKER if broker is None else broker
        )
        assert code == 0, code
