"""Creates and checks topics through Kafka's admin protocol."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType

from ticketing.errors import Misconfigured, Unavailable
from ticketing.wire.topics import TopicSpec

ADMIN_SECONDS_MAX = 30.0
"""Time for a broker that is just starting, as beside a worker in a fresh installation."""
_STATE = re.compile(r" \(after .*\)$")
"""librdkafka's connection state, of no use to an operator."""


def silent(error: KafkaException) -> Unavailable:
    """The error for a request that the broker did not answer."""
    return Unavailable(f"Kafka does not answer ({error.args[0].name()})")


class Topics:
    """The broker's topics."""

    def __init__(self, client: Mapping[str, Any], *, embedded: bool = False) -> None:
        """`client` holds librdkafka settings, at least `bootstrap.servers`."""
        self._trouble = ""
        self._admin = AdminClient({**client, "error_cb": self._note})
        self._embedded = embedded

    def partitions(self) -> dict[str, int]:
        """Every existing topic with its number of partitions; raises Unavailable."""
        try:
            found = self._admin.list_topics(timeout=ADMIN_SECONDS_MAX).topics
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
                self._admin.list_topics(spec.name, timeout=ADMIN_SECONDS_MAX)
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
            operation_timeout=ADMIN_SECONDS_MAX,
        )
        for name, future in made.items():
            try:
                future.result(ADMIN_SECONDS_MAX)
            except KafkaException as error:
                # Another worker has just created the topic.
                if error.args[0].name() != "TOPIC_ALREADY_EXISTS":
                    raise Misconfigured(f"topic {name} could not be created: {error}") from error
        return [spec.name for spec in missing]

    def check(self, wanted: Iterable[TopicSpec], inputs: Iterable[str]) -> list[str]:
        """The problems of the topics, a sentence each; empty when all is well.

        Input topics may have any number of partitions; a change in the job's own would orphan
        state.
        """
        existing = self.partitions()
        inputs = set(inputs)
        problems = []
        for spec in wanted:
            count = existing.get(spec.name)
            if count is None:
                problems.append(f"topic {spec.name} is missing: run `ticketing topics create`")
            elif spec.name not in inputs and count != spec.partitions:
                problems.append(
                    f"topic {spec.name} has {count} partitions, kafka.partitions says"
                    f" {spec.partitions}: set kafka.partitions to {count}, as state is bound to it"
                )
        if not self._embedded:
            problems += self._config_problems([spec for spec in wanted if spec.name in existing])
        return problems

    def _config_problems(self, wanted: list[TopicSpec]) -> list[str]:
        resources = {
            ConfigResource(ResourceType.TOPIC, spec.name): spec
            for spec in wanted
            if "cleanup.policy" in spec.config or "message.timestamp.type" in spec.config
        }
        if not resources:
            return []
        answers = self._admin.describe_configs(list(resources))
        problems = []
        for resource, future in answers.items():
            spec = resources[resource]
            actual = future.result(ADMIN_SECONDS_MAX)
            for key in ("cleanup.policy", "message.timestamp.type"):
                want = spec.config.get(key)
                if want is not None and actual[key].value != want:
                    problems.append(
                        f"topic {spec.name} has {key}={actual[key].value}, needs {want}"
                    )
        return problems

    def ids(self, names: Iterable[str]) -> dict[str, str]:
        """The id of each topic, from Kafka; a recreated topic has a new id."""
        names = list(names)
        if self._embedded:
            return dict.fromkeys(names, "embedded")
        futures = self._admin.describe_topics(
            TopicCollection(names), request_timeout=ADMIN_SECONDS_MAX
        )
        return {
            name: str(future.result(ADMIN_SECONDS_MAX).topic_id) for name, future in futures.items()
        }
