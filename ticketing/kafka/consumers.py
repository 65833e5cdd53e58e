"""Consumer groups as Kafka sees them: their members, partitions and lag."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import TimeoutError as NoAnswer
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from ticketing.errors import Unavailable
from ticketing.kafka.admin import silent
from ticketing.kafka.runtime import Runtime

SECONDS_MAX = 10.0
"""For all answers together: a person waits, and a broker answers within milliseconds."""
UNKNOWN = "unknown"
"""The state of a group that the broker does not describe."""
_UNTOLD = frozenset(
    {
        "GROUP_AUTHORIZATION_FAILED",
        "TOPIC_AUTHORIZATION_FAILED",
        "UNSUPPORTED_VERSION",
        "_UNSUPPORTED_FEATURE",
    }
)
"""Answers of a broker that may or can not tell."""
Place = tuple[str, int]
"""Topic and partition."""


@dataclass(frozen=True, slots=True)
class TopicRead:
    """A topic as one group reads it. `lag` is None while the group has committed nothing."""

    name: str
    partitions: int
    owned: int
    lag: int | None


@dataclass(frozen=True, slots=True)
class GroupSeen:
    """A consumer group: `state` in Kafka's words, such as stable or empty, `members` by host."""

    state: str
    members: int = 0
    hosts: tuple[str, ...] = ()
    topics: tuple[TopicRead, ...] = field(default=())

    @property
    def known(self) -> bool:
        """True if the broker has described the group."""
        return self.state != UNKNOWN


class Consumers:
    """Asks a broker about consumer groups. Keeps its connection until `close`."""

    def __init__(self, runtime: Runtime) -> None:
        self._admin = AdminClient(runtime.client())

    def look(self, groups: Mapping[str, Iterable[str]]) -> dict[str, GroupSeen]:
        """Each group with the topics that it reads; raises Unavailable.

        Topics that do not exist are left out.
        """
        deadline = time.monotonic() + SECONDS_MAX
        wanted = {group: list(topics) for group, topics in groups.items()}
        partitions = self._partitions({name for names in wanted.values() for name in names})
        places = {name: [(name, n) for n in range(count)] for name, count in partitions.items()}
        described = self._admin.describe_consumer_groups(list(wanted), request_timeout=SECONDS_MAX)
        every = [place for found in places.values() for place in found]
        bounds = self._bounds(every, deadline)
        found = {}
        for group, names in wanted.items():
            present = [name for name in names if name in places]
            asked = [place for name in present for place in places[name]]
            committed = self._committed(group, asked, deadline)
            description = _answer(described[group], deadline)
            found[group] = _seen(description, present, partitions, bounds, committed)
        return found

    def kept(self, topic: str) -> int:
        """The number of records that a topic keeps, about; raises Unavailable."""
        deadline = time.monotonic() + SECONDS_MAX
        count = self._partitions({topic}).get(topic, 0)
        bounds = self._bounds([(topic, number) for number in range(count)], deadline)
        return sum(end - first for first, end in bounds.values())

    def _bounds(self, places: list[Place], deadline: float) -> dict[Place, tuple[int, int]]:
        """The first offset of each partition, and the offset of its next new record."""
        first, ends = (
            self._admin.list_offsets(
                {TopicPartition(*place): spec for place in places}, request_timeout=SECONDS_MAX
            )
            if places
            else {}
            for spec in (OffsetSpec.earliest(), OffsetSpec.latest())
        )
        low, high = _offsets(first, deadline), _offsets(ends, deadline)
        known = low.keys() & high.keys()
        return {place: (low[place], high[place]) for place in places if place in known}

    def _partitions(self, topics: set[str]) -> dict[str, int]:
        # Asked for all topics: a question about one would make it, where brokers make topics.
        try:
            known = self._admin.list_topics(timeout=SECONDS_MAX).topics
        except KafkaException as error:
            raise silent(error) from None
        return {name: len(known[name].partitions) for name in topics if name in known}

    def _committed(self, group: str, places: list[Place], deadline: float) -> dict[Place, int]:
        """The committed offsets; of partitions without one, none."""
        if not places:
            return {}
        asked = ConsumerGroupTopicPartitions(group, [TopicPartition(*place) for place in places])
        answers = self._admin.list_consumer_group_offsets([asked], request_timeout=SECONDS_MAX)
        answer = _answer(answers[group], deadline)
        listed = [] if answer is None else answer.topic_partitions
        return {(one.topic, one.partition): one.offset for one in listed if one.offset >= 0}


def _offsets(answers: Mapping[TopicPartition, Any], deadline: float) -> dict[Place, int]:
    found = {}
    for place, future in answers.items():
        answer = _answer(future, deadline)
        if answer is not None:
            found[place.topic, place.partition] = int(answer.offset)
    return found


def _answer(future: Any, deadline: float) -> Any | None:
    """The answer of a future; None where the broker may or can not tell. Raises Unavailable."""
    try:
        return future.result(max(0.1, deadline - time.monotonic()))
    except KafkaException as error:
        if error.args[0].name() in _UNTOLD:
            return None
        raise silent(error) from None
    except NoAnswer:
        raise Unavailable("Kafka does not answer") from None


def _seen(
    description: Any | None,
    topics: list[str],
    partitions: Mapping[str, int],
    bounds: Mapping[Place, tuple[int, int]],
    committed: Mapping[Place, int],
) -> GroupSeen:
    members = [] if description is None else description.members
    owned = Counter(
        place.topic
        for member in members
        if member.assignment is not None
        for place in member.assignment.topic_partitions
    )
    return GroupSeen(
        state=UNKNOWN if description is None else description.state.name.lower(),
        members=len(members),
        hosts=tuple(sorted({member.host for member in members})),
        topics=tuple(
            TopicRead(name, partitions[name], owned[name], _lag(name, bounds, committed))
            for name in topics
        ),
    )


def _lag(
    topic: str, bounds: Mapping[Place, tuple[int, int]], committed: Mapping[Place, int]
) -> int | None:
    """The records behind the committed offsets; of a partition without one, all that it keeps."""
    mine = {place: both for place, both in bounds.items() if place[0] == topic}
    if not mine.keys() & committed.keys():
        return None
    return sum(max(0, end - committed.get(place, first)) for place, (first, end) in mine.items())
