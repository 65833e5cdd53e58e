"""The messages that wait in the topics of the embedded broker, which lets go of unread ones.

The broker keeps five megabytes of a partition, read or not, and has no setting for that. A feed
therefore holds as long as any reader of any topic is behind.
"""

from __future__ import annotations

from collections.abc import Mapping

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from ticketing.errors import Unavailable
from ticketing.kafka.admin import silent
from ticketing.kafka.runtime import Runtime
from ticketing.wire.topics import (
    ALERTS,
    EVENTS,
    EVIDENCE,
    INCIDENTS,
    OWN_PREFIX,
    PIPELINE_APP,
    SIGNALS,
    TRACES,
    platform_topic,
)

ASK_SECONDS_MAX = 10.0
"""The broker is a thread on this machine; a busy machine is slow."""


def readers(runtime: Runtime) -> dict[str, list[str]]:
    """The topics that each consumer group reads, all but the inputs."""
    found = {PIPELINE_APP: [SIGNALS, EVENTS, INCIDENTS], f"{OWN_PREFIX}view": [INCIDENTS, ALERTS]}
    if runtime.config.traces.enabled:
        found[f"{OWN_PREFIX}traces"] = [TRACES, EVIDENCE]
    if runtime.config.llm.chain:
        found[f"{OWN_PREFIX}summaries"] = [INCIDENTS]
    for platform in runtime.config.enabled_platforms():
        found[platform_topic(platform)] = [platform_topic(platform)]
    return found


class Backlog:
    """Asks the broker how far the readers are behind."""

    def __init__(self, runtime: Runtime) -> None:
        self._admin = AdminClient(runtime.client())
        self._places: dict[str, list[tuple[str, int]]] = {}
        self._consumers: dict[str, Consumer] = {}
        for group, topics in readers(runtime).items():
            self._places[group] = [
                (topic, number) for topic in topics for number in range(runtime.partitions)
            ]
            self._consumers[group] = Consumer({**runtime.client(), "group.id": group})

    def largest(self) -> int:
        """The most messages that one reader has not yet handled in one partition.

        A group that has committed nothing yet does not run. Raises Unavailable.
        """
        ends = self._ends()
        behind = [0]
        for group, consumer in self._consumers.items():
            wanted = [TopicPartition(*place) for place in self._places[group]]
            try:
                committed = consumer.committed(wanted, timeout=ASK_SECONDS_MAX)
            except KafkaException as error:
                raise silent(error) from None
            if any(found.offset >= 0 for found in committed):
                behind += [
                    ends[found.topic, found.partition] - max(found.offset, 0) for found in committed
                ]
        return max(behind)

    def _ends(self) -> Mapping[tuple[str, int], int]:
        places = {place for places in self._places.values() for place in places}
        asked = self._admin.list_offsets(
            {TopicPartition(*place): OffsetSpec.latest() for place in places},
            request_timeout=ASK_SECONDS_MAX,
        )
        try:
            return {
                (place.topic, place.partition): answer.result(ASK_SECONDS_MAX).offset
                for place, answer in asked.items()
            }
        except KafkaException as error:
            raise silent(error) from None
        except TimeoutError:
            raise Unavailable("Kafka does not answer") from None
