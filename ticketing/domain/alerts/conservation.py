"""The balance of the records: read = below the threshold + counted + dead-lettered.

Both sides count the records of a source partition from one offset on, and each count is a function
of what stands in Kafka: a replay comes to the same numbers. `since` is that offset behind the
topic's id, as `<topic id>:<offset>`; it changes where a partition begins anew, as when the topic
was made again or the group's offsets were lost. Then both sides begin anew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from ticketing.domain.alerts.counting import above
from ticketing.domain.records import replace
from ticketing.domain.signals import Anomalies, Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The records of a source partition from `since` to some offset, by what became of them."""

    since: str
    records: int = 0
    below: int = 0
    repaired: int = 0
    clock_corrections: int = 0
    unscored: int = 0
    """Records without a score, whatever became of them."""
    dead: Mapping[str, int] = field(default_factory=dict)
    """Dead letters by reason."""
    latest: float = 0.0
    """Kafka's time of the record read last, in Unix seconds; 0 before the first."""

    def plus(self, other: Tally) -> Tally:
        """The tally that goes on with the records of another; `since` stays."""
        dead = dict(self.dead)
        for reason, count in other.dead.items():
            dead[reason] = dead.get(reason, 0) + count
        return Tally(
            since=self.since,
            records=self.records + other.records,
            below=self.below + other.below,
            repaired=self.repaired + other.repaired,
            clock_corrections=self.clock_corrections + other.clock_corrections,
            unscored=self.unscored + other.unscored,
            dead=dead,
            latest=other.latest or self.latest,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedSource:
    """A source partition as one partition of the signals has counted it.

    `through` is the mark: everything up to this offset is counted, under whatever fingerprint, as
    runs come in order and with all their anomalies. `count` is the number of anomalies from
    `since` up to `balanced`, which lies below the mark while records are read once more from further
    back, as when the group's offsets were lost.
    """

    topic: str
    since: str
    through: int = -1
    balanced: int = -1
    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """The marks of one partition of the signals, by source (`Origin.source`), the latest topic last.

    Topics of one name have different ids, as when the topic was made anew.
    """

    sources: Mapping[str, CountedSource] = field(default_factory=dict)

    def total(self, topics: Collection[str]) -> int:
        """The sum over the sources of these topics, of each the latest one."""
        latest = {source.topic: topic_id(source.since) for source in self.sources.values()}
        return sum(
            source.count
            for source in self.sources.values()
            if source.topic in topics and topic_id(source.since) == latest[source.topic]
        )

    def mark(self, source: str) -> int:
        """The offset up to which all of a source is counted; -1 if nothing is."""
        known = self.sources.get(source)
        return -1 if known is None else known.through


def topic_id(since: str) -> str:
    """The id of the topic that a count belongs to."""
    return since.rpartition(":")[0]


def counting(
    counted: Counted, origin: Origin, anomalies: Iterable[Anomalies], *, refused: int = -1
) -> Counted:
    """The counts and the mark with a run's anomalies; the same object if nothing changes.

    `refused` is the highest offset of anomalies that were not counted but became dead letters.
    """
    known = counted.sources.get(origin.source)
    was_known = known is not None
    if known is None:
        counted = Counted(sources=_with_room(counted.sources, origin))
        known = CountedSource(topic=origin.topic, since=origin.since)
    elif not _goes_on(known, origin):
        known = replace(known, since=origin.since, balanced=-1, count=0)
    count, highest = 0, known.balanced
    for signal in anomalies:
        for offsets in signal.counted():
            count += above(offsets, known.balanced)
            highest = max(highest, offsets[-1] if offsets else -1)
    highest = max(highest, origin.through, refused)
    after = replace(
        known,
        through=max(known.through, highest),
        balanced=highest,
        count=known.count + count,
    )
    if was_known and after == counted.sources[origin.source]:
        return counted
    return Counted(sources={**counted.sources, origin.source: after})


def counting_redriven(counted: Counted, anomalies: Anomalies) -> Counted:
    """The counts with anomalies that were a dead letter; their offsets may have been passed."""
    known = counted.sources.get(anomalies.source)
    if known is None:
        return counted
    first = int(known.since.rpartition(":")[2] or 0)
    found = sum(above(offsets, first - 1) for offsets in anomalies.counted())
    changed = replace(known, count=known.count + found)
    return Counted(sources={**counted.sources, anomalies.source: changed})


def _goes_on(known: CountedSource, origin: Origin) -> bool:
    """True for a source that is counted from the same offset on, or of which nothing was read yet."""
    unread = f"{topic_id(known.since)}:"
    return origin.since in (known.since, unread)


TOPICS_KEPT = 2
"""Topics of one name whose marks are kept: a worker may still send records of the one before."""


def _with_room(sources: Mapping[str, CountedSource], origin: Origin) -> dict[str, CountedSource]:
    """The marks without those of topics of the same name that are long gone."""
    ids = [topic_id(source.since) for source in sources.values() if source.topic == origin.topic]
    kept = [id for id in dict.fromkeys(ids) if id != topic_id(origin.since)][1 - TOPICS_KEPT :]
    return {
        name: source
        for name, source in sources.items()
        if source.topic != origin.topic or topic_id(source.since) in (*kept, topic_id(origin.since))
    }
