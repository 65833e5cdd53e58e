"""The roles by name, and the topics of each."""

from __future__ import annotations

from pathlib import Path

from ticketing.engine.role_topics import RoleTopics, verified
from ticketing.kafka.runtime import Runtime
from ticketing.wire.topics import (
    ALERTS,
    CHANGELOG_SUFFIX,
    EVENTS,
    INCIDENTS,
    OWN_PREFIX,
    PIPELINE_APP,
    SIGNALS,
    TRACES,
    changelog_topic,
    platform_topic,
)

PIPELINE, TRACES_ROLE, VIEW, API = "pipeline", "traces", "view", "api"
SUMMARIES = "summaries"


def app_of(role: str) -> str:
    """The name of a role's Faust app, which is that of its consumer group."""
    return PIPELINE_APP if role == PIPELINE else f"{OWN_PREFIX}{role}"


def bound_to(role: str) -> list[str]:
    """The topics whose offsets a role keeps."""
    if role == PIPELINE:
        tables = [changelog_topic(PIPELINE_APP, name) for name in ("alerts", "incidents")]
        return [SIGNALS, EVENTS, *tables]
    if role in (TRACES_ROLE, SUMMARIES, VIEW, API):
        return []
    topic = platform_topic(role)
    return [topic, changelog_topic(topic, "deliveries")]


def read_by(role: str, runtime: Runtime) -> list[str]:
    """The topics that a role reads, changelogs among them."""
    read = {
        PIPELINE: [*runtime.inputs, INCIDENTS],
        TRACES_ROLE: [TRACES],
        SUMMARIES: [INCIDENTS],
        VIEW: [INCIDENTS, ALERTS],
    }
    return [*read.get(role, []), *bound_to(role)]


def committed_by(role: str, runtime: Runtime) -> list[str]:
    """The topics whose offsets a role's consumer group commits, each once."""
    read = dict.fromkeys(read_by(role, runtime))
    return [topic for topic in read if not topic.endswith(CHANGELOG_SUFFIX)]


def verified_topics(role: str, runtime: Runtime) -> RoleTopics:
    """Verify the topics of a role, and make the missing ones; raises TopicsRefused, Unavailable.

    What is wrong with a platform's topics keeps nobody but its adapter from work. Where they are
    missing, the pipeline makes them, too: it writes to them, whether or not an adapter runs yet.
    """
    kept = bound_to(role)
    others = {
        name
        for platform in runtime.config.enabled_platforms()
        if platform != role
        for name in bound_to(platform)
    }
    wanted = [spec for spec in runtime.topic_specs() if spec.name not in others]
    directory = (
        Path(runtime.config.data_dir) / app_of(role) if kept and not runtime.embedded else None
    )
    topics = verified(runtime, wanted, kept, directory)
    if role == PIPELINE:
        runtime.ensure_topics()
    return topics
