"""The comparison of Kafka's topics with the configuration and with what state was made with.

Pure: the start of a role, each assignment and `ticketing topics check` say the same, as all of them
ask here. Offsets mean nothing without their topic: a topic that was made anew, or stands on another
cluster, has the same name and other messages at the same offsets.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from ticketing.kafka.admin import Seen
from ticketing.wire.known_topics import LAYOUT, Known
from ticketing.wire.topics import CHANGELOG_SUFFIX, Bond, TopicSpec

POLICY, CLOCK, SIZE, RETENTION = (
    "cleanup.policy",
    "message.timestamp.type",
    "max.message.bytes",
    "retention.ms",
)
COMPARED = frozenset({POLICY, CLOCK, SIZE, RETENTION})
"""The settings of a topic that the job depends on."""
ADOPT = "`ticketing topics adopt`"


@dataclass(slots=True)
class Verdict:
    """The outcome of a comparison, a sentence for each topic and field.

    `problems` refuse the start, `warnings` do not. An adoption ends those in `adoptable`, and none
    in `standing`. `remade` are the topics to adopt. `outdated` are those whose adoption this host
    has not yet followed: its copy of a table is another topic's. `missing` are to be made.
    """

    standing: list[str] = field(default_factory=list)
    adoptable: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    remade: list[str] = field(default_factory=list)
    outdated: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        """Everything that refuses the start."""
        return [*self.adoptable, *self.standing]


def compare(
    wanted: Iterable[TopicSpec],
    seen: Mapping[str, Seen],
    known: Mapping[str, Known],
    local: Mapping[str, Known],
    kept: Collection[str],
) -> Verdict:
    """Judge topics. `known` is the registry's, `local` that of this host's tables.

    `kept` names the topics whose offsets are kept by whoever asks: only these must be the same topic.
    """
    verdict = Verdict()
    older: list[str] = []
    for spec in wanted:
        found = seen.get(spec.name)
        stored = known.get(spec.name) or local.get(spec.name)
        bound = spec.bond is Bond.STATE and spec.name in kept
        if bound and stored is not None and stored.layout != LAYOUT:
            older.append(spec.name)
        if found is None:
            _note_missing(verdict, spec, stored if bound else None)
            continue
        remade = bound and _is_remade(spec.name, found, known, local)
        if remade:
            _note_remade(verdict, spec.name, found, known, local)
        elif bound and _is_outdated(spec.name, found, local):
            verdict.outdated.append(spec.name)
        _compare_partitions(verdict, spec, found, None if remade else stored)
        if found.config is not None:
            _compare_settings(verdict, spec, found.config)
    if older:
        verdict.standing.append(
            f"the state behind topic {older[0]} was stored by another release, which this one can't"
            " read: run that release until its incidents are over, then stop the workers and delete"
            " every topic of the agent and dataDir"
        )
    return verdict


def _note_missing(verdict: Verdict, spec: TopicSpec, stored: Known | None) -> None:
    if stored is None:
        verdict.missing.append(spec.name)
        return
    verdict.remade.append(spec.name)
    verdict.adoptable.append(
        f"topic {spec.name} is gone, and state is bound to it: set kafka.brokers to the cluster that"
        f" has it, or, if it was deleted for good, run {ADOPT}"
    )


def _is_remade(
    name: str, found: Seen, known: Mapping[str, Known], local: Mapping[str, Known]
) -> bool:
    if not found.id:
        return False  # The broker gives no ids.
    registered, here = known.get(name), local.get(name)
    if registered is not None and registered.id not in ("", found.id):
        return True
    if here is None or here.id in ("", found.id):
        return False
    return registered is None or here.id not in registered.before


def _is_outdated(name: str, found: Seen, local: Mapping[str, Known]) -> bool:
    here = local.get(name)
    return here is not None and bool(found.id) and here.id not in ("", found.id)


def _note_remade(
    verdict: Verdict,
    name: str,
    found: Seen,
    known: Mapping[str, Known],
    local: Mapping[str, Known],
) -> None:
    one = known.get(name)
    if one is None or one.id in ("", found.id):
        one = local[name]
    verdict.remade.append(name)
    verdict.adoptable.append(
        f"topic {name} has the id {found.id}, and the state here was made with {one.id}: it was"
        " deleted and made anew, or kafka.brokers names another cluster. Set kafka.brokers back, or,"
        f" if the change is meant, stop the workers and run {ADOPT}"
    )


def _compare_partitions(
    verdict: Verdict, spec: TopicSpec, found: Seen, stored: Known | None
) -> None:
    name, count, want = spec.name, found.partitions, spec.partitions
    if spec.bond in (Bond.INPUT, Bond.LOOSE):
        return
    was = None if stored is None else stored.partitions
    if was is not None and was != count:
        verdict.standing.append(
            f"topic {name} has {count} partitions, and the state here was made with {was}: no"
            f" partition can be taken away again. Stop the workers, set kafka.partitions to {was},"
            f" delete the topic, and run `ticketing topics create` and {ADOPT}; or begin afresh:"
            " delete every topic of the agent and dataDir"
        )
    elif count != want:
        verdict.standing.append(
            f"topic {name} has {count} partitions, kafka.partitions says {want}: set"
            f" kafka.partitions to {count}, as state is bound to it"
        )


def _compare_settings(verdict: Verdict, spec: TopicSpec, actual: Mapping[str, str]) -> None:
    if spec.bond is Bond.INPUT:
        return
    wrong = verdict.warnings if spec.bond is Bond.LOOSE else verdict.standing
    policy = spec.config.get(POLICY, "delete")
    _compare_text(wrong, spec.name, POLICY, actual.get(POLICY), policy)
    if CLOCK in spec.config:
        _compare_text(wrong, spec.name, CLOCK, actual.get(CLOCK), spec.config[CLOCK])
    size, bytes_max = _number(actual.get(SIZE)), _number(spec.config.get(SIZE))
    if size is None or bytes_max is None or size >= bytes_max:
        pass
    elif spec.name.endswith(CHANGELOG_SUFFIX):
        verdict.warnings.append(
            f"topic {spec.name} has {SIZE}={size}, {bytes_max} is advised: large batches are"
            f" written in parts; {_raised(spec.name, SIZE, bytes_max)}"
        )
    else:
        wrong.append(
            f"topic {spec.name} has {SIZE}={size}, kafka.messageMaxBytes says {bytes_max}: set"
            f" kafka.messageMaxBytes to {size}, or {_raised(spec.name, SIZE, bytes_max)}"
        )
    kept, keep = _number(actual.get(RETENTION)), _number(spec.config.get(RETENTION))
    if kept is not None and keep is not None and 0 <= kept < keep:
        verdict.warnings.append(
            f"topic {spec.name} has {RETENTION}={kept}, {keep} is advised: what is not read within"
            f" that time is lost; {_raised(spec.name, RETENTION, keep)}"
        )


def _compare_text(wrong: list[str], name: str, key: str, value: str | None, want: str) -> None:
    if value is not None and value != want:
        wrong.append(f"topic {name} has {key}={value}, needs {want}: {_raised(name, key, want)}")


def _raised(topic: str, key: str, value: object) -> str:
    return f"`kafka-configs.sh --alter --topic {topic} --add-config {key}={value}`"


def _number(text: str | None) -> int | None:
    try:
        return None if text is None else int(text)
    except ValueError:
        return None
