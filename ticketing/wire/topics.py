"""The names, partitions and settings of the project's own topics."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

PREFIX_VARIABLE = "TICKETING_KAFKA__PREFIX"
PREFIX = os.environ.get(PREFIX_VARIABLE, "").strip()
"""Begins the names of an installation that shares its cluster with another one (docs/adr/0037).

A process belongs to one installation: its names are fixed when this module is imported.
"""
PIPELINE_APP = f"{PREFIX}ticketing"
"""The name of the pipeline's Faust app and group; all others begin with it."""
OWN_PREFIX = f"{PIPELINE_APP}-"
"""Begins the name of every topic but the inputs."""
READER = f"{OWN_PREFIX}reader"
VIEW_REBUILD = f"{OWN_PREFIX}view-rebuild"
"""The groups of clients that only read; nothing is committed for them."""
SIGNALS = f"{OWN_PREFIX}signals"
"""Anomalies, from detection to the counters of alerts."""
EVENTS = f"{OWN_PREFIX}events"
"""Alerts, commands, receipts, findings and summaries, to the writers of incidents."""
ALERTS = f"{OWN_PREFIX}alerts"
INCIDENTS = f"{OWN_PREFIX}incidents"
TRACES = f"{OWN_PREFIX}traces"
EVIDENCE = f"{OWN_PREFIX}evidence"
"""Tallies of requests by scope, to the books of scopes."""
DEAD_LETTERS = f"{OWN_PREFIX}dead-letters"
REDRIVES = f"{OWN_PREFIX}redrives"
REGISTRY = f"{OWN_PREFIX}topics"
"""Holds what is known of the topics that state is bound to (ticketing.wire.known_topics)."""
TOKENS = f"{OWN_PREFIX}tokens"
"""Named tokens of people and programs, only the hashes of their secrets."""
AUDIT = f"{OWN_PREFIX}audit"
"""Requests that changed something, and those that were refused."""
PULSES = f"{OWN_PREFIX}pulses"
"""The readiness of each process, every few seconds; the last of them count."""

RETENTION_MS_SIGNALS = 7 * 24 * 3600 * 1000
"""A worker may be down for a week before anything is lost."""
RETENTION_MS_DEAD_LETTERS = 30 * 24 * 3600 * 1000
"""A month to find the cause, mend it and redrive (docs/delivery.md)."""
RETENTION_MS_REDRIVES = 2 * RETENTION_MS_DEAD_LETTERS
"""Longer than the dead letters', so that none can be redriven twice."""
RETENTION_MS_AUDIT = 365 * 24 * 3600 * 1000
"""A year, as audits usually ask for."""
RETENTION_MS_ADVISORY = 3600 * 1000
"""Requests of an hour ago explain nothing that is open now."""

CHANGELOG_BYTES_MAX = 8 * 1024**2
"""A batch of rows is one record batch of a changelog: the largest that common managed brokers take."""
CHANGELOG_SUFFIX = "-changelog"
"""Ends the name of a changelog, as Faust names it."""


def platform_topic(platform: str) -> str:
    """The topic that a platform's adapter drains."""
    return f"{OWN_PREFIX}{platform}"


def changelog_topic(app: str, table: str) -> str:
    """The changelog of a table, named as Faust names it."""
    return f"{app}-{table}{CHANGELOG_SUFFIX}"


class Bond(Enum):
    """The tie between a topic and the job's state."""

    STATE = "state"
    """Stored offsets are this topic's: it must stay the same topic, with the same partitions."""
    PLACE = "place"
    """Keys must stay in their partitions: the number of partitions is `kafka.partitions`."""
    LOOSE = "loose"
    """Any number of partitions will do; what differs is a warning."""
    INPUT = "input"
    """The topic is somebody else's, who may change it."""


@dataclass(frozen=True)
class TopicSpec:
    """The wanted partitions and settings of a topic."""

    name: str
    partitions: int
    config: Mapping[str, str]
    bond: Bond = Bond.PLACE


def specs(
    platforms: Iterable[str], inputs: Iterable[str], partitions: int, *, message_bytes_max: int
) -> list[TopicSpec]:
    """Every topic the job reads or writes.

    State machines take their time from the broker (LogAppendTime), so that workers with different
    clocks agree.
    """
    size = {"max.message.bytes": str(message_bytes_max)}
    broker_clock = {"message.timestamp.type": "LogAppendTime"}
    log = {**size, **broker_clock, "retention.ms": str(RETENTION_MS_SIGNALS)}
    compacted = {**size, "cleanup.policy": "compact"}
    hour = str(RETENTION_MS_ADVISORY)
    advisory = {**size, "retention.ms": hour}
    changes = {**compacted, "max.message.bytes": str(max(message_bytes_max, CHANGELOG_BYTES_MAX))}
    found = [TopicSpec(name, partitions, size, Bond.INPUT) for name in inputs]
    letters = {**size, "retention.ms": str(RETENTION_MS_DEAD_LETTERS)}
    redrives = {**size, "retention.ms": str(RETENTION_MS_REDRIVES)}
    found += [
        TopicSpec(SIGNALS, partitions, log, Bond.STATE),
        TopicSpec(changelog_topic(PIPELINE_APP, "alerts"), partitions, changes, Bond.STATE),
        TopicSpec(EVENTS, partitions, log, Bond.STATE),
        TopicSpec(changelog_topic(PIPELINE_APP, "incidents"), partitions, changes, Bond.STATE),
        TopicSpec(ALERTS, partitions, compacted),
        TopicSpec(INCIDENTS, partitions, compacted),
        TopicSpec(TRACES, partitions, advisory),
        TopicSpec(EVIDENCE, partitions, advisory),
        TopicSpec(DEAD_LETTERS, partitions, letters, Bond.LOOSE),
        TopicSpec(REDRIVES, partitions, redrives, Bond.LOOSE),
        TopicSpec(REGISTRY, 1, {"cleanup.policy": "compact"}, Bond.LOOSE),
        # One partition each: the order of all records is that of time.
        TopicSpec(TOKENS, 1, {"cleanup.policy": "compact"}, Bond.LOOSE),
        TopicSpec(AUDIT, 1, {"retention.ms": str(RETENTION_MS_AUDIT)}, Bond.LOOSE),
        TopicSpec(PULSES, 1, {"retention.ms": hour, "segment.ms": hour}, Bond.LOOSE),
    ]
    for platform in platforms:
        topic = platform_topic(platform)
        deliveries = changelog_topic(topic, "deliveries")
        found.append(TopicSpec(topic, partitions, {**compacted, **broker_clock}, Bond.STATE))
        found.append(TopicSpec(deliveries, partitions, changes, Bond.STATE))
    return found
