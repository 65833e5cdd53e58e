"""The roles by name, and the topics of each."""

from __future__ import annotations

from pathlib import Path

from ticketing.config import PLATFORMS, Config
from ticketing.config.loading import KEYS
from ticketing.engine.role_topics import RoleTopics, verified
from ticketing.kafka.access import (
    CREATE,
    DESCRIBE,
    DESCRIBE_CONFIGS,
    READ,
    WRITE,
    Grant,
    merged,
)
from ticketing.kafka.runtime import Runtime
from ticketing.wire.topics import (
    ALERTS,
    AUDIT,
    CHANGELOG_SUFFIX,
    DEAD_LETTERS,
    EVENTS,
    EVIDENCE,
    INCIDENTS,
    OWN_PREFIX,
    PIPELINE_APP,
    PULSES,
    READER,
    REDRIVES,
    REGISTRY,
    SETTINGS,
    SIGNALS,
    TOKENS,
    TRACES,
    VIEW_REBUILD,
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
        TRACES_ROLE: [TRACES, EVIDENCE],
        SUMMARIES: [INCIDENTS],
        VIEW: [INCIDENTS, ALERTS],
    }
    return [*read.get(role, []), *bound_to(role)]


def committed_by(role: str, runtime: Runtime) -> list[str]:
    """The topics whose offsets a role's consumer group commits, each once."""
    read = dict.fromkeys(read_by(role, runtime))
    return [topic for topic in read if not topic.endswith(CHANGELOG_SUFFIX)]


def written_by(role: str, runtime: Runtime) -> list[str]:
    """The topics that a role writes to, changelogs among them."""
    if role == PIPELINE:
        platforms = [platform_topic(name) for name in runtime.config.enabled_platforms()]
        sent = [ALERTS, INCIDENTS, TRACES, DEAD_LETTERS, *platforms]
    elif role in (VIEW, API):
        # Commands, and what `redrive` sends again.
        sent = [EVENTS, SIGNALS, *runtime.inputs, REDRIVES]
        sent += [platform_topic(name) for name in runtime.config.enabled_platforms()]
    else:
        sent = [EVENTS, DEAD_LETTERS, *([EVIDENCE] if role == TRACES_ROLE else [])]
    return [*sent, *bound_to(role)]


def access_of(role: str, runtime: Runtime) -> list[Grant]:
    """The rights that a role's user needs in Kafka, once `topics create` has made the topics."""
    looks = (DESCRIBE, DESCRIBE_CONFIGS)
    grants = [Grant("topic", OWN_PREFIX, looks, prefixed=True)]
    grants += [Grant("topic", name, looks) for name in runtime.inputs]
    grants += [Grant("topic", name, (READ,)) for name in read_by(role, runtime)]
    grants += [Grant("topic", name, (WRITE,)) for name in written_by(role, runtime)]
    if role != API:
        grants.append(Grant("group", app_of(role), (READ,)))
        grants.append(Grant("topic", PULSES, (WRITE,)))
    # Each role has a listener, which asks for tokens and notes what it refused.
    grants += [Grant("topic", TOKENS, (READ,)), Grant("topic", AUDIT, (WRITE,))]
    grants.append(Grant("topic", SETTINGS, (READ,)))
    # Clients that only read ask for their group's coordinator all the same.
    grants.append(Grant("group", READER, (DESCRIBE,)))
    if bound_to(role):
        grants.append(Grant("topic", REGISTRY, (READ, WRITE)))
    if role == VIEW:
        grants.append(Grant("group", VIEW_REBUILD, (DESCRIBE,)))
    if role in (VIEW, API):
        # The fleet, the balance, dead letters and a redrive, which looks for the record that it sends.
        grants.append(Grant("group", PIPELINE_APP, (DESCRIBE,), prefixed=True))
        grants.append(Grant("topic", PULSES, (READ,)))
        grants += [Grant("topic", TOKENS, (WRITE,)), Grant("topic", AUDIT, (READ,))]
        grants.append(Grant("topic", SETTINGS, (WRITE,)))
        own = written_by(role, runtime)
        grants += [Grant("topic", name, (READ,)) for name in [DEAD_LETTERS, *own]]
    return merged(grants)


def access_of_setup(runtime: Runtime) -> list[Grant]:
    """The rights of the user that runs `topics create`, `check` and `adopt`."""
    looks = (DESCRIBE, DESCRIBE_CONFIGS)
    return merged(
        [
            Grant("topic", OWN_PREFIX, (CREATE, *looks), prefixed=True),
            *(Grant("topic", name, (CREATE, *looks)) for name in runtime.inputs),
            Grant("topic", REGISTRY, (READ, WRITE)),
            Grant("group", READER, (DESCRIBE,)),
        ]
    )


def secrets_for(role: str, config: Config) -> set[str]:
    """The keys of the configuration whose secrets a role needs: of a section, or one within it.

    The API verifies what Slack signs and asks the models; a platform's connection is tested by a
    process of its own (`connection_tests`).
    """
    if role in (VIEW, API):
        return set(KEYS) - {*PLATFORMS, "heartbeatUrl"} | {"slack.signingSecret"}
    own = {PIPELINE: {"heartbeatUrl"}, TRACES_ROLE: set(), SUMMARIES: {"llm", "redis"}}
    # An adapter counts its requests in Redis, together with those of other workers.
    # Every process exports its own spans.
    needed = {"kafka", "telemetry"} | own.get(role, {role, "redis"})
    return needed | ({"web"} if config.faust_web.enabled else set())


def secrets_alone(role: str, config: Config) -> set[str]:
    """The same for a role without a supervisor, which has a listener of its own."""
    return secrets_for(role, config) | {"web"}


def asks_models(role: str, config: Config) -> bool:
    """True for a role that has clients of language models."""
    return bool(config.llm.chain) and role in (SUMMARIES, VIEW, API)


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
