"""Creates and checks topics through Kafka's admin protocol."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import TimeoutError as NoAnswer
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType

from ticketing.errors import Misconfigured, Unavailable
from ticketing.wire.topics import TopicSpec

ADMIN_SECONDS_MAX = 30.0
"""Time for a broker that is just starting, as beside a worker in a fresh installation."""
_STATE = re.compile(r" \(after .*\)$")
"""librdkafka's connection state, of no use to an operator."""

NO_ID = "AAAAAAAAAAAAAAAAAAAAAA"
"""The zero that stands for the id of a broker older than Kafka 2.8."""
_REFUSALS = frozenset(
    {
        "TOPIC_AUTHORIZATION_FAILED",
        "CLUSTER_AUTHORIZATION_FAILED",
        "UNSUPPORTED_VERSION",
        "_UNSUPPORTED_FEATURE",
    }
)
"""Answers of a broker that may or can not tell; the work goes on without what it would tell."""


def silent(error: KafkaException) -> Unavailable:
    """The error for a request that the broker did not answer."""
    return Unavailable(f"Kafka does not answer ({error.args[0].name()})")


@dataclass(frozen=True, slots=True)
class Seen:
    """A topic as the broker has it: its id, empty if the broker gives none, and its settings.

    The settings are None where they may not be read.
    """

    partitions: int
    id: str = ""
    config: Mapping[str, str] | None = None


class Topics:
    """The broker's topics."""

    def __init__(
        self,
        client: Mapping[str, Any],
        *,
        embedded: bool = False,
        seconds: float = ADMIN_SECONDS_MAX,
    ) -> None:
        """`client` holds librdkafka settings, at least `bootstrap.servers`; `seconds` limits waits."""
        self._seconds = seconds
        self._trouble = ""
        self._admin = AdminClient({**client, "error_cb": self._note})
        self._embedded = embedded
        self.unchecked: dict[str, str] = {}
        """The things that the broker did not let this client read, with Kafka's reason."""

    def partitions(self) -> dict[str, int]:
        """Every existing topic with its number of partitions; raises Unavailable."""
        try:
            found = self._admin.list_topics(timeout=self._seconds).topics
        except KafkaException as error:
            # The exception says only that no answer came in time; the cause, such as a refused
            # certificate, is reported during this call.
            self._admin.poll(0)
            reason = self._trouble or error.args[0].name()
            raise Unavailable(f"Kafka does not answer ({reason})") from None
        return {name: len(topic.partitions) for name, topic in found.items()}

    def _note(self, error: KafkaError) -> None:
        if error.name() != "_ALL_BROKERS_DOWN":
            self._trouble = _STATE.sub("", error.str())

    def create(self, wanted: Iterable[TopicSpec], replication: int) -> list[str]:
        """Create the missing topics; returns their names. Safe to repeat."""
        wanted = list(wanted)
        if self._embedded:
            # The mock cluster has no CreateTopics: it creates a topic when asked for its metadata.
            for spec in wanted:
                self._admin.list_topics(spec.name, timeout=self._seconds)
            return [spec.name for spec in wanted]
        existing = self.partitions()
        missing = [spec for spec in wanted if spec.name not in existing]
        if not missing:
            return []
        made = self._admin.create_topics(
            [
                NewTopic(spec.name, spec.partitions, replication, config=dict(spec.config))
                for spec in missing
            ],
            operation_timeout=self._seconds,
        )
        for name, future in made.items():
            try:
                future.result(self._seconds)
            except KafkaException as error:
                # Another worker has just created the topic.
                if error.args[0].name() != "TOPIC_ALREADY_EXISTS":
                    raise Misconfigured(f"topic {name} could not be created: {error}") from error
        return [spec.name for spec in missing]

    def look(self, names: Iterable[str], keys: Collection[str] = ()) -> dict[str, Seen]:
        """The existing ones of these topics, each with its settings of `keys`; raises Unavailable."""
        counts = self.partitions()
        names = [name for name in names if name in counts]
        ids, settings = self._ids_of(names), self._settings_of(names, keys)
        return {name: Seen(counts[name], ids.get(name, ""), settings.get(name)) for name in names}

    def identities(self, names: Iterable[str]) -> dict[str, Seen]:
        """The id and the partitions of those of these topics that exist, by one small request.

        Raises Unavailable. Topics that may not be asked about are left out, too.
        """
        found = {}
        for name, answer in self._describe(names):
            try:
                found[name] = Seen(*answer.result(self._seconds))
            except KafkaException as error:
                if error.args[0].name() not in (*_REFUSALS, "UNKNOWN_TOPIC_OR_PART"):
                    raise silent(error) from None
        return found

    def _ids_of(self, names: list[str]) -> dict[str, str]:
        found = {}
        for name, answer in self._describe(names):
            try:
                _, found[name] = answer.result(self._seconds)
            except KafkaException as error:
                self._note_unchecked("ids of topics", error)
        return found

    def _describe(self, names: Iterable[str]) -> list[tuple[str, _Description]]:
        names = list(names)
        if self._embedded or not names:
            # The mock cluster ends with its process, and no topic of it can be made anew.
            return []
        futures = self._admin.describe_topics(TopicCollection(names), request_timeout=self._seconds)
        return [(name, _Description(future)) for name, future in futures.items()]

    def _settings_of(self, names: list[str], keys: Collection[str]) -> dict[str, dict[str, str]]:
        if self._embedded or not names or not keys:
            return {}
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
        found = {}
        for resource, future in self._admin.describe_configs(resources).items():
            try:
                actual = _result(future, self._seconds)
            except KafkaException as error:
                self._note_unchecked("settings of topics", error)
                continue
            found[resource.name] = {
                key: entry.value for key in keys if (entry := actual.get(key)) is not None
            }
        return found

    def _note_unchecked(self, what: str, error: KafkaException) -> None:
        name = error.args[0].name()
        if name not in _REFUSALS:
            raise silent(error) from None
        self.unchecked[what] = name


def _result(future: Any, seconds: float) -> Any:
    """The answer of a future; raises KafkaException, and Unavailable without one in time."""
    try:
        return future.result(seconds)
    except NoAnswer:
        raise Unavailable("Kafka does not answer") from None


class _Description:
    """A topic's partitions and its id, to be answered."""

    def __init__(self, future: Any) -> None:
        self._future = future

    def result(self, seconds: float) -> tuple[int, str]:
        """Wait for the answer; raises KafkaException."""
        found = _result(self._future, seconds)
        id = str(found.topic_id)
        return len(found.partitions), "" if id == NO_ID else id
