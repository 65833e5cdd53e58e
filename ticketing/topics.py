"""Our Kafka topics: names, partitions, and how they are made and checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType

from ticketing.errors import Misconfigured, Unavailable

SIGNALS = "ticketing-signals"
INCIDENTS = "ticketing-incidents"
TRACES = "ticketing-traces"
DEAD_LETTERS = "ticketing-dead-letters"
REDRIVES = "ticketing-redrives"

PIPELINE_APP = "ticketing"
EMBEDDED_PARTITIONS = 4
"""What librdkafka's mock cluster gives every topic."""

ADMIN_SECONDS_MAX = 30.0
RETENTION_MS_SIGNALS = 7 * 24 * 3600 * 1000
RETENTION_MS_DEAD_LETTERS = 30 * 24 * 3600 * 1000
RETENTION_MS_REDRIVES = 2 * RETENTION_MS_DEAD_LETTERS
"""Longer than the dead letters, so that none can be redriven twice."""


def silent(error: KafkaException) -> Unavailable:
    """The broker did not answer a question."""
    return Unavailable(f"Kafka does not answer ({error.args[0].name()})")


def platform_topic(platform: str) -> str:
    """The topic that a platform's adapter drains."""
    return f"ticketing-{platform}"


def changelog_topic(app: str, table: str) -> str:
    """The changelog of a table, named as Faust names it."""
    return f"{app}-{table}-changelog"


def signals_partition_of(incident_id: str) -> int:
    """The partition of ticketing-signals that holds an incident, from its id alone.

    Raises ValueError when the text is no incident id.
    """
    fingerprint, partition, offset = incident_id.split("-")
    int(fingerprint, 16), int(offset)
    return int(partition)


@dataclass(frozen=True)
class TopicSpec:
    """One topic as it should be."""

    name: str
    partitions: int
    config: Mapping[str, str]


def specs(
    platforms: Iterable[str], inputs: Iterable[str], partitions: int, *, message_bytes_max: int
) -> list[TopicSpec]:
    """Every topic the job reads or writes.

    State machines take their clock from the broker (LogAppendTime), so that workers whose clocks
    differ agree on what time it is.
    """
    size = {"max.message.bytes": str(message_bytes_max)}
    broker_clock = {"message.timestamp.type": "LogAppendTime"}
    log = {**size, **broker_clock, "retention.ms": str(RETENTION_MS_SIGNALS)}
    compacted = {**size, "cleanup.policy": "compact"}
    found = [TopicSpec(name, partitions, size) for name in inputs]
    found += [
        TopicSpec(SIGNALS, partitions, log),
        TopicSpec(changelog_topic(PIPELINE_APP, "incidents"), partitions, compacted),
        TopicSpec(INCIDENTS, partitions, compacted),
        TopicSpec(TRACES, partitions, {**size, "retention.ms": "3600000"}),
        TopicSpec(
            DEAD_LETTERS, partitions, {**size, "retention.ms": str(RETENTION_MS_DEAD_LETTERS)}
        ),
        TopicSpec(REDRIVES, partitions, {**size, "retention.ms": str(RETENTION_MS_REDRIVES)}),
    ]
    for platform in platforms:
        topic = platform_topic(platform)
        found.append(TopicSpec(topic, partitions, log))
        found.append(TopicSpec(changelog_topic(topic, "deliveries"), partitions, compacted))
    return found


class Topics:
    """The broker's topics, seen through Kafka's admin protocol."""

    def __init__(self, client: Mapping[str, Any], *, embedded: bool = False) -> None:
        """`client` holds librdkafka settings, at least `bootstrap.servers`."""
        self._admin = AdminClient(dict(client))
        self._embedded = embedded

    def partitions(self) -> dict[str, int]:
        """Every existing topic with its number of partitions."""
        try:
            found = self._admin.list_topics(timeout=ADMIN_SECONDS_MAX).topics
        except KafkaException as error:
            raise silent(error) from None
        return {name: len(topic.partitions) for name, topic in found.items()}

    def create(self, wanted: Iterable[TopicSpec], replication: int) -> list[str]:
        """Create what is missing; returns the names made. Safe to repeat."""
        wanted = list(wanted)
        if self._embedded:
            # The mock cluster knows no CreateTopics: a topic appears when it is asked about.
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
                # Another worker was faster: that is what was wanted.
                if error.args[0].name() != "TOPIC_ALREADY_EXISTS":
                    raise Misconfigured(f"topic {name} could not be made: {error}") from error
        return [spec.name for spec in missing]

    def check(self, wanted: Iterable[TopicSpec], inputs: Iterable[str]) -> list[str]:
        """What is wrong with the topics, a sentence each; empty when all is well.

        Input topics may have any number of partitions; a change in ours would orphan state.
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
        """The id Kafka gave each topic at its creation; a recreated topic has another one."""
        names = list(names)
        if self._embedded:
            return dict.fromkeys(names, "embedded")
        futures = self._admin.describe_topics(
            TopicCollection(names), request_timeout=ADMIN_SECONDS_MAX
        )
        return {
            name: str(future.result(ADMIN_SECONDS_MAX).topic_id) for name, future in futures.items()
        }
