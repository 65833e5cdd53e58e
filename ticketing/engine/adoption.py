"""The adoption of topics that are not the known ones: what it means, and the act."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ticketing.engine import role_topics
from ticketing.errors import Misconfigured, TopicsRefused
from ticketing.kafka import registry
from ticketing.kafka.admin import Seen
from ticketing.kafka.runtime import Runtime
from ticketing.wire.known_topics import Known
from ticketing.wire.topics import SIGNALS

CHANGELOG = "-changelog"


@dataclass(frozen=True, slots=True)
class Plan:
    """The topics to adopt, each as it will be known, and what may be lost or doubled."""

    known: dict[str, Known]
    sentences: list[str]


def planned(runtime: Runtime, named: Collection[str] = ()) -> Plan:
    """The adoption of every topic that is not the known one, and of those named.

    Raises Misconfigured for a name that no state is bound to; TopicsRefused if another problem would
    stay; Unavailable.
    """
    if runtime.embedded:
        raise Misconfigured("kafka.brokers: nothing of the embedded broker outlives it")
    wanted = runtime.topic_specs()
    bound = role_topics.state_topics(wanted)
    unknown = [name for name in named if name not in bound]
    if unknown:
        raise Misconfigured(f"topic {unknown[0]}: no state is bound to it; {', '.join(bound)} have")
    looked = role_topics.look_at_all(runtime)
    if looked.verdict.standing:
        raise TopicsRefused(looked.verdict.standing)
    local = role_topics.read_files(Path(runtime.config.data_dir))
    names = sorted({*looked.verdict.remade, *named})
    known = {name: _next(name, looked.seen, looked.known, local) for name in names}
    return Plan(known, [_meaning(name, looked.seen) for name in names])


def adopt(runtime: Runtime, plan: Plan) -> None:
    """Make what is missing and note the adopted topics; roles follow when they start."""
    runtime.ensure_topics()
    seen = runtime.topics().look(plan.known)
    registry.write(
        runtime,
        {
            name: replace(known, id=seen[name].id, partitions=seen[name].partitions)
            for name, known in plan.known.items()
        },
    )


def _next(
    name: str, seen: Mapping[str, Seen], known: Mapping[str, Known], local: Mapping[str, Known]
) -> Known:
    """The topic's next generation, above all that the registry and this host know."""
    found = seen.get(name, Seen(0))
    kept = [one for one in (local.get(name), known.get(name)) if one is not None]
    latest = max(kept, key=lambda one: one.generation, default=Known(partitions=found.partitions))
    ids = [id for one in kept for id in (*one.before, one.id) if id and id != found.id]
    after = latest.followed_by(found.id, found.partitions)
    return replace(after, before=list(dict.fromkeys(ids)))


def _meaning(name: str, seen: Mapping[str, Seen]) -> str:
    place = f"{name} (id {seen[name].id or 'unknown'})" if name in seen else f"{name} (to be made)"
    if name == SIGNALS:
        return (
            f"{place}: incidents are kept. Lost: anomalies, commands and receipts that stood in the"
            " topic before and were not yet handled. Doubled: those that stand in the new one, too,"
            " such as copies of a mirror; anomalies count once all the same."
        )
    if not name.endswith(CHANGELOG):
        return (
            f"{place}: tickets are kept. Lost: changes of incidents that stood in the topic before"
            " and were not yet sent; an incident is sent again when it next changes."
        )
    what = "incidents" if name.startswith(f"{SIGNALS.rpartition('-')[0]}-incidents") else "tickets"
    return (
        f"{place}: {what} are kept as far as this topic has them, and the tables on disk are read"
        f" anew from it. Lost: {what} that stood in the changelog before alone."
        + (" A fault that goes on opens a new incident." if what == "incidents" else "")
        + (" An open incident may get a second ticket." if what == "tickets" else "")
    )
