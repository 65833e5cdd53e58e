"""Consumer groups as Kafka sees them: their members, partitions and lag."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
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
REQUEST_SECONDS_MAX = 5.0
"""For one request: a group whose coordinator is away must leave time for the answers about others."""
UNKNOWN = "unknown"
"""The state of a group that the broker does not describe."""
AWAY = "away"
"""The state of a group whose coordinator, a broker, does not answer."""
RESTING = frozenset({"empty", "dead"})
"""States of a group that nobody is in."""
_UNTOLD = frozenset(
    {
        "GROUP_AUTHORIZATION_FAILED",
        "TOPIC_AUTHORIZATION_FAILED",
        "UNSUPPORTED_VERSION",
        "_UNSUPPORTED_FEATURE",
    }
)
"""Answers of a broker that may or can not tell."""
_AWAY = frozenset(
    {
        "LEADER_NOT_AVAILABLE",
        "NOT_LEADER_FOR_PARTITION",
        "COORDINATOR_NOT_AVAILABLE",
        "COORDINATOR_LOAD_IN_PROGRESS",
        "NOT_COORDINATOR",
        "_TIMED_OUT",
    }
)
"""Answers for a partition or a group whose own broker is away, while others answer."""
Place = tuple[str, int]
"""Topic and partition."""
Led = Mapping[str, Mapping[int, bool]]
"""By topic: the partitions, and whether a broker leads each."""


@dataclass(frozen=True, slots=True)
class TopicRead:
    """A topic as one group reads it.

    `lag` is None while the group has committed nothing. It leaves out the partitions without a
    leader, `leaderless`, whose ends nobody can tell.
    """

    name: str
    partitions: int
    owned: int
    lag: int | None
    leaderless: tuple[int, ...] = ()


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
        return self.state not in (UNKNOWN, AWAY)


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
        led = self._led({name for names in wanted.values() for name in names})
        places = {name: [(name, number) for number in found] for name, found in led.items()}
        described = self._admin.describe_consumer_groups(
            list(wanted), request_timeout=REQUEST_SECONDS_MAX
        )
        present = {
            group: [name for name in names if name in led] for group, names in wanted.items()
        }
        committed = {
            group: self._ask_committed(group, [place for name in names for place in places[name]])
            for group, names in present.items()
        }
        bounds = self._bounds([one for name in led for one in _with_leader(name, led)], deadline)
        return {
            group: _seen(
                *_description(described[group], deadline),
                present[group],
                led,
                bounds,
                _offsets_of(committed[group], deadline),
            )
            for group in wanted
        }

    def kept(self, topic: str) -> int:
        """The number of records that a topic keeps, about; raises Unavailable.

        Those of partitions without a leader are not counted.
        """
        deadline = time.monotonic() + SECONDS_MAX
        led = self._led({topic})
        bounds = self._bounds(_with_leader(topic, led), deadline)
        return sum(end - first for first, end in bounds.values())

    def _bounds(self, places: list[Place], deadline: float) -> dict[Place, tuple[int, int]]:
        """The first offset of each partition, and the offset of its next new record."""
        first, ends = (
            self._admin.list_offsets(
                {TopicPartition(*place): spec for place in places},
                request_timeout=REQUEST_SECONDS_MAX,
            )
            if places
            else {}
            for spec in (OffsetSpec.earliest(), OffsetSpec.latest())
        )
        low, high = _offsets(first, deadline), _offsets(ends, deadline)
        known = low.keys() & high.keys()
        return {place: (low[place], high[place]) for place in places if place in known}

    def _led(self, topics: set[str]) -> Led:
        """For each partition of the topics that exist, whether a broker leads it."""
        # Asked for all topics: a question about one would make it, where brokers make topics.
        try:
            known = self._admin.list_topics(timeout=SECONDS_MAX).topics
        except KafkaException as error:
            raise silent(error) from None
        return {
            name: {number: one.leader >= 0 for number, one in known[name].partitions.items()}
            for name in topics
            if name in known
        }

    def _ask_committed(self, group: str, places: list[Place]) -> Any | None:
        """The future of a group's committed offsets; None without places."""
        if not places:
            return None
        asked = ConsumerGroupTopicPartitions(group, [TopicPartition(*place) for place in places])
        answers = self._admin.list_consumer_group_offsets(
            [asked], request_timeout=REQUEST_SECONDS_MAX
        )
        return answers[group]


def group_problems(role: str, seen: GroupSeen) -> Iterator[str]:
    """The problems of a role's group, a sentence each."""
    if seen.state == AWAY:
        yield f"{role}: the broker that coordinates its group does not answer"
    if not seen.known:
        return
    if seen.state in RESTING or not seen.members:
        yield f"{role}: no worker runs it"
    elif seen.state != "stable":
        yield f"{role}: its partitions are being dealt out"
    else:
        for topic in seen.topics:
            if topic.owned < topic.partitions:
                free = topic.partitions - topic.owned
                yield f"{role}: {free} of {topic.partitions} partitions of {topic.name} have no reader"


def leaderless(groups: Iterable[GroupSeen]) -> Iterator[str]:
    """A sentence for each topic with partitions that no broker leads, whichever groups read it."""
    read = {topic.name: topic for seen in groups for topic in seen.topics}
    for name, topic in read.items():
        if topic.leaderless:
            numbers = ", ".join(map(str, topic.leaderless))
            yield (
                f"Kafka has no leader for {name}, partitions {numbers}: neither read nor written,"
                " until a broker with their records is back"
            )


def _with_leader(topic: str, led: Led) -> list[Place]:
    return [(topic, number) for number, leads in led.get(topic, {}).items() if leads]


def _offsets_of(future: Any | None, deadline: float) -> dict[Place, int]:
    """The committed offsets; of partitions without one, none."""
    answer = None if future is None else _answer(future, deadline)
    listed = [] if answer is None else answer.topic_partitions
    return {(one.topic, one.partition): one.offset for one in listed if one.offset >= 0}


def _offsets(answers: Mapping[TopicPartition, Any], deadline: float) -> dict[Place, int]:
    found = {}
    for place, future in answers.items():
        answer = _answer(future, deadline)
        if answer is not None:
            found[place.topic, place.partition] = int(answer.offset)
    return found


def _description(future: Any, deadline: float) -> tuple[str, Any | None]:
    """The state of a group with its description; None where there is none. Raises Unavailable."""
    description = _answer(future, deadline)
    if description is not None:
        return description.state.name.lower(), description
    why = future.exception(0).args[0].name()
    return (AWAY if why in _AWAY else UNKNOWN), None


def _answer(future: Any, deadline: float) -> Any | None:
    """The answer of a future; None where the broker may not tell or is away. Raises Unavailable."""
    try:
        return future.result(max(0.1, deadline - time.monotonic()))
    except KafkaException as error:
        if error.args[0].name() in _UNTOLD | _AWAY:
            return None
        raise silent(error) from None
    except NoAnswer:
        raise Unavailable("Kafka does not answer") from None


def _seen(
    state: str,
    description: Any | None,
    topics: list[str],
    led: Led,
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
        state=state,
        members=len(members),
        hosts=tuple(sorted({member.host for member in members})),
        topics=tuple(
            TopicRead(
                name,
                len(led[name]),
                owned[name],
                _lag(name, bounds, committed),
                tuple(number for number, leads in sorted(led[name].items()) if not leads),
            )
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
