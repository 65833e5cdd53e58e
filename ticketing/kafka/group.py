"""A consumer group's committed offsets with their notes, for a look from outside of the group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from ticketing.kafka.admin import silent
from ticketing.wire.notes import topic_and_note

REQUEST_SECONDS_MAX = 3.0
"""Time for an answer: the console waits for it, and shows what it has without."""


class Group:
    """The offsets of a group. Calls block."""

    def __init__(self, client: Mapping[str, Any], name: str) -> None:
        """`client` holds librdkafka settings, at least `bootstrap.servers`."""
        self._admin = AdminClient(dict(client))
        self._name = name

    def notes(self, topics: Iterable[str]) -> dict[tuple[str, int], str]:
        """The note of each committed offset by topic and partition; raises Unavailable.

        Topics that are missing, and partitions without an offset, are left out.
        """
        try:
            known = self._admin.list_topics(timeout=REQUEST_SECONDS_MAX).topics
            places = [
                TopicPartition(topic, number)
                for topic in topics
                if topic in known
                for number in known[topic].partitions
            ]
            if not places:
                return {}
            # The partitions are named, as the embedded broker answers for no others.
            wanted = [ConsumerGroupTopicPartitions(self._name, places)]
            answers = self._admin.list_consumer_group_offsets(
                wanted, request_timeout=REQUEST_SECONDS_MAX
            )
            found = answers[self._name].result().topic_partitions
        except KafkaException as error:
            raise silent(error) from None
        return {
            (place.topic, place.partition): topic_and_note(place.metadata or "")[1]
            for place in found
            if place.offset >= 0
        }
