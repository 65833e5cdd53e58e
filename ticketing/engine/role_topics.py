"""The topics of a role, verified before the first record: at every start and every assignment."""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from ticketing.engine import verify
from ticketing.errors import TopicsRefused, Unavailable
from ticketing.kafka import registry
from ticketing.kafka.admin import Seen
from ticketing.kafka.runtime import Runtime
from ticketing.wire.known_topics import Known, decode_all, encode_all
from ticketing.wire.topics import (
    CHANGELOG_SUFFIX,
    OWN_PREFIX,
    Bond,
    TopicSpec,
    changelog_topic,
    platform_topic,
)

log = logging.getLogger(__name__)

FILE = "topics.json"
"""Stands beside the tables of an app, and says which topics they were made from."""


LISTED_SECONDS_MAX = 30.0
"""Brokers learn of a new topic within a second; one that is just starting takes longer."""
LOOK_AGAIN_SECONDS = 0.2
"""Unnoticed beside the start of a process."""


@dataclass(frozen=True, slots=True)
class RoleTopics:
    """The topics of a role as they were verified when its process started.

    `ids` are Kafka's, empty where the broker gives none; `floors` are added to the offsets of a topic
    wherever they are kept.
    """

    ids: Mapping[str, str] = field(default_factory=dict)
    partitions: Mapping[str, int] = field(default_factory=dict)
    floors: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Looked:
    """One look at the topics, what is known of them, and the verdict."""

    seen: dict[str, Seen]
    known: dict[str, Known]
    verdict: verify.Verdict
    unchecked: dict[str, str]


def look(
    runtime: Runtime,
    wanted: Iterable[TopicSpec],
    kept: Collection[str],
    local: Mapping[str, Known],
) -> Looked:
    """Compare topics with the configuration and with what is known of them; raises Unavailable."""
    wanted = list(wanted)
    topics = runtime.topics()
    seen = topics.look([spec.name for spec in wanted], verify.COMPARED)
    unchecked = topics.unchecked
    known: dict[str, Known] = {}
    if kept and not runtime.embedded:
        try:
            known = registry.read(runtime)
        except Unavailable as error:
            if "AUTHORIZATION" not in str(error):
                raise
            unchecked["what is known of topics"] = str(error)
    return Looked(seen, known, verify.compare(wanted, seen, known, local, kept), unchecked)


def look_at_all(runtime: Runtime) -> Looked:
    """Look at every topic of the installation, as all roles of this host do when they start."""
    wanted = runtime.topic_specs()
    return look(runtime, wanted, state_topics(wanted), read_files(Path(runtime.config.data_dir)))


def verify_all(runtime: Runtime) -> None:
    """Verify the topics of all roles before any starts; raises TopicsRefused, Unavailable.

    Missing topics are left to the roles, and a platform's topics to its adapter: what is wrong with
    them keeps nobody else from work.
    """
    own = {
        name
        for platform in runtime.config.enabled_platforms()
        for topic in [platform_topic(platform)]
        for name in (topic, changelog_topic(topic, "deliveries"))
    }
    wanted = [spec for spec in runtime.topic_specs() if spec.name not in own]
    local = read_files(Path(runtime.config.data_dir))
    looked = look(runtime, wanted, state_topics(wanted), local)
    if looked.verdict.problems:
        raise TopicsRefused(looked.verdict.problems)


def verified(
    runtime: Runtime, wanted: Iterable[TopicSpec], kept: Collection[str], directory: Path | None
) -> RoleTopics:
    """Verify a role's topics, make the missing ones, and note what is seen for the first time.

    `directory` is that of the role's app, where its tables are; None for a role without tables.
    Raises TopicsRefused, Unavailable.
    """
    wanted = list(wanted)
    local = read_file(directory)
    looked = look(runtime, wanted, kept, local)
    _refuse_or_warn(looked)
    if looked.verdict.missing:
        runtime.ensure_topics()
        looked = _look_at_made(runtime, wanted, kept, local)
        _refuse_or_warn(looked)
    if directory is not None:
        _follow_adoptions(looked, directory)
    now = {
        name: _current(looked.seen[name], looked.known.get(name) or local.get(name))
        for name in kept
        if name in looked.seen
    }
    if not runtime.embedded:
        _note(runtime, looked, now, directory)
    return RoleTopics(
        {name: seen.id for name, seen in looked.seen.items()},
        {name: seen.partitions for name, seen in looked.seen.items()},
        {name: known.floor for name, known in now.items()},
    )


def _look_at_made(
    runtime: Runtime,
    wanted: Iterable[TopicSpec],
    kept: Collection[str],
    local: Mapping[str, Known],
) -> Looked:
    """Look again until the broker lists all topics: it may make one a moment before it does."""
    deadline = time.monotonic() + LISTED_SECONDS_MAX
    while True:
        looked = look(runtime, wanted, kept, local)
        if not looked.verdict.missing:
            return looked
        if time.monotonic() > deadline:
            raise Unavailable(f"Kafka made topic {looked.verdict.missing[0]} and does not list it")
        time.sleep(LOOK_AGAIN_SECONDS)


def _refuse_or_warn(looked: Looked) -> None:
    if looked.verdict.problems:
        raise TopicsRefused(looked.verdict.problems)
    if looked.verdict.missing:
        return  # Said once they are made.
    for warning in looked.verdict.warnings:
        log.warning("%s", warning)
    for what, why in looked.unchecked.items():
        log.warning("%s could not be checked, as Kafka does not allow it (%s)", what, why)


def _current(seen: Seen, known: Known | None) -> Known:
    if known is None:
        return Known(partitions=seen.partitions, id=seen.id)
    return known if known.id or not seen.id else replace(known, id=seen.id)


def _note(
    runtime: Runtime, looked: Looked, now: Mapping[str, Known], directory: Path | None
) -> None:
    news = {name: known for name, known in now.items() if looked.known.get(name) != known}
    if news and "what is known of topics" not in looked.unchecked:
        registry.write(runtime, news)
    if directory is not None and now:
        write_file(directory, dict(now))


def _follow_adoptions(looked: Looked, directory: Path) -> None:
    """Remove the tables that were made from a changelog which another one has replaced."""
    outdated = [name for name in looked.verdict.outdated if name.endswith(CHANGELOG_SUFFIX)]
    if not outdated:
        return
    log.warning("%s was adopted: the tables on disk are read anew", outdated[0])
    for found in directory.iterdir():
        if found.is_dir():
            shutil.rmtree(found)


def read_file(directory: Path | None) -> dict[str, Known]:
    """The topics that the tables in a directory were made from; none for a file that is damaged."""
    if directory is None:
        return {}
    try:
        return decode_all((directory / FILE).read_bytes())
    except (FileNotFoundError, msgspec.MsgspecError):
        return {}


def write_file(directory: Path, known: dict[str, Known]) -> None:
    """Note the topics that tables are made from, in one piece."""
    directory.mkdir(parents=True, exist_ok=True)
    temporary = directory / f"{FILE}.new"
    temporary.write_bytes(encode_all(known))
    os.replace(temporary, directory / FILE)


def state_topics(wanted: Iterable[TopicSpec]) -> list[str]:
    """The topics whose offsets are kept, by whichever role."""
    return [spec.name for spec in wanted if spec.bond is Bond.STATE]


def read_files(data_dir: Path) -> dict[str, Known]:
    """The topics that all tables of a host were made from."""
    found: dict[str, Known] = {}
    for path in sorted(data_dir.glob(f"*/{FILE}")):
        if (path.parent.name + "-").startswith(OWN_PREFIX):
            found |= read_file(path.parent)
    return found


def changed(topics: RoleTopics, seen: Mapping[str, Seen]) -> str | None:
    """A sentence on a topic that is no longer the one that was verified; None when all are."""
    for name, found in seen.items():
        id = topics.ids.get(name, "")
        if id and found.id and found.id != id:
            return f"topic {name} was deleted and created again"
        count = topics.partitions.get(name)
        if name.startswith(OWN_PREFIX) and count is not None and found.partitions != count:
            return f"topic {name} had {count} partitions and has {found.partitions}"
    return None
