"""The balance of the records: read = below the threshold + counted + dead-lettered.

Both sides count the records of a source partition from one offset on, and each count is a function
of what stands in Kafka: a replay comes to the same numbers. `since` is that offset behind the
topic's id, as `<topic id>:<offset>`; it changes where a partition begins anew, as when the topic
was made again or the group's offsets were lost. Then both sides begin anew.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from ticketing.domain.signals import Anomalies, Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The records of a source partition from `since` to some offset, by what became of them."""

    since: str
    records: int = 0
    below: int = 0
    repaired: int = 0
    clock_corrections: int = 0
    dead: Mapping[str, int] = field(default_factory=dict)
    """Dead letters by reason."""

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
            dead=dead,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedSource:
    """The anomalies of a source partition that one partition of the signals has counted.

    `through` is the highest offset among them: runs come in order, and with all their anomalies, so
    nothing at or below it is new.
    """

    since: str
    through: int = -1
    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """The anomalies that a partition of the signals has counted, by source as `topic:partition`."""

    sources: Mapping[str, CountedSource] = field(default_factory=dict)

    def total(self, topics: Collection[str]) -> int:
        """The sum over the sources of these topics."""
        return sum(
            source.count
            for name, source in self.sources.items()
            if name.rpartition(":")[0] in topics
        )


def topic_id(since: str) -> str:
    """The id of the topic that a count belongs to."""
    return since.rpartition(":")[0]


def counting(counted: Counted, origin: Origin, anomalies: Iterable[Anomalies]) -> Counted:
    """The counts with a message's anomalies; the same object if nothing in it is new."""
    name = f"{origin.topic}:{origin.partition}"
    known = counted.sources.get(name)
    if known is None or not _goes_on(known, origin):
        known = CountedSource(since=origin.since)
        counted = Counted(sources={**_without_former(counted, origin), name: known})
    count, highest = 0, known.through
    for signal in anomalies:
        for offsets in signal.windows.values():
            if offsets and offsets[-1] > known.through:
                count += len(offsets) - bisect_right(offsets, known.through)
                highest = max(highest, offsets[-1])
    if not count:
        return counted
    after = replace(known, through=highest, count=known.count + count)
    return Counted(sources={**counted.sources, name: after})


def counting_redriven(counted: Counted, anomalies: Anomalies) -> Counted:
    """The counts with anomalies that were a dead letter; their offsets may have been passed."""
    id, _, rest = anomalies.source.partition(":")
    partition = rest.partition(":")[0]
    for name, known in counted.sources.items():
        if topic_id(known.since) != id or name.rpartition(":")[2] != partition:
            continue
        first = int(known.since.rpartition(":")[2] or 0)
        found = sum(
            len(offsets) - bisect_left(offsets, first) for offsets in anomalies.windows.values()
        )
        changed = replace(known, count=known.count + found)
        return Counted(sources={**counted.sources, name: changed})
    return counted


def _goes_on(known: CountedSource, origin: Origin) -> bool:
    """True for a source that is counted from the same offset on, or of which nothing was read yet."""
    unread = f"{topic_id(known.since)}:"
    return origin.since in (known.since, unread)


def _without_former(counted: Counted, origin: Origin) -> dict[str, CountedSource]:
    """The counts without those of a topic of the same name that is gone."""
    id = topic_id(origin.since)
    return {
        name: source
        for name, source in counted.sources.items()
        if name.rpartition(":")[0] != origin.topic or topic_id(source.since) == id
    }
