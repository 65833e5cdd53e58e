"""Reading the dead letters, newest first, each with its reason and origin.

An id is `partition-offset` in the topic of the dead letters. A page reads a bounded number of
letters, so that a topic with millions of letters can be read too.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from confluent_kafka import Message

from ticketing.errors import NotFound
from ticketing.kafka.reader import TopicReader
from ticketing.kafka.runtime import Runtime
from ticketing.wire.dead_letters import DeadLetter, decode_dead_letter
from ticketing.wire.packed import UNREADABLE
from ticketing.wire.topics import DEAD_LETTERS

CHUNK_RECORDS = 100
"""Records read in one go: a page or two. Most are small; of a megabyte each they are 100 MB."""
SCANNED_MAX = 20_000
"""Letters read for one page, to bound the answer's time; a rare match gives short pages."""
# As for the list of incidents (view.query).
LIMIT_DEFAULT = 50
LIMIT_MAX = 500
ID = re.compile(r"([0-9]{1,6})-([0-9]{1,19})")
DELIVERY = "delivery"
"""The stage of a request that a platform refused; every other letter is a record of a topic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A dead letter with its id. `at` is the time of writing (Unix seconds)."""

    id: str
    at: float
    letter: DeadLetter


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A filter of dead letters; an empty string is no condition."""

    reason: str = ""
    stage: str = ""
    platform: str = ""

    def __call__(self, letter: DeadLetter) -> bool:
        """True for a letter that meets every condition."""
        return all(
            not text or text == found
            for text, found in (
                (self.reason, letter.reason),
                (self.stage, letter.stage),
                (self.platform, letter.platform),
            )
        )


@dataclass(slots=True)
class Page:
    """A page of letters, newest first, and the cursor of the next page; None after the last."""

    entries: list[Entry] = field(default_factory=list)
    following: str | None = None


def page(runtime: Runtime, wanted: Wanted, limit: int, cursor: str | None = None) -> Page:
    """Letters back in time, from the newest or from the cursor of an earlier page.

    Raises ValueError for a wrong cursor, Unavailable when Kafka does not answer.
    """
    ends = _from_cursor(cursor) if cursor else {}
    with TopicReader(runtime) as reader:
        bounds = {n: reader.bounds(DEAD_LETTERS, n) for n in reader.partitions(DEAD_LETTERS)}
        before = {n: max(low, min(ends.get(n, high), high)) for n, (low, high) in bounds.items()}
        backwards = heapq.merge(
            *(_backwards(reader, n, bounds[n][0], before[n]) for n in sorted(before)),
            key=lambda found: -found[2].at,
        )
        found = Page()
        for scanned, (number, offset, entry) in enumerate(backwards, 1):
            before[number] = offset
            if wanted(entry.letter):
                found.entries.append(entry)
            if len(found.entries) >= limit or scanned >= SCANNED_MAX:
                break
        if any(before[n] > low for n, (low, _) in bounds.items()):
            found.following = ",".join(f"{n}-{offset}" for n, offset in sorted(before.items()))
        return found


def every(runtime: Runtime, wanted: Wanted) -> Iterator[Entry]:
    """All letters that pass the filter, newest first."""
    cursor: str | None = None
    while True:
        found = page(runtime, wanted, LIMIT_MAX, cursor)
        yield from found.entries
        cursor = found.following
        if cursor is None:
            return


def get(runtime: Runtime, id: str) -> Entry:
    """A letter by its id; raises NotFound, or Unavailable when Kafka does not answer."""
    match = ID.fullmatch(id)
    if match is None:
        raise unknown(id)
    number, offset = int(match[1]), int(match[2])
    with TopicReader(runtime) as reader:
        if number in reader.partitions(DEAD_LETTERS):
            low, high = reader.bounds(DEAD_LETTERS, number)
            if low <= offset < high:
                for found in reader.between(DEAD_LETTERS, number, offset, offset + 1):
                    return _entry(found)
    raise unknown(id)


def unknown(id: str) -> NotFound:
    """The error for an id without a dead letter."""
    return NotFound(f"There is no dead letter {id[:40]}; it may be past its retention.")


def _from_cursor(cursor: str) -> Mapping[int, int]:
    places = [ID.fullmatch(part) for part in cursor[:10_000].split(",")]
    if not all(places):
        raise ValueError("is not a cursor of the dead letters; take it from the previous page")
    return {int(place[1]): int(place[2]) for place in places if place}


def _backwards(
    reader: TopicReader, number: int, low: int, before: int
) -> Iterator[tuple[int, int, Entry]]:
    """(partition, offset, letter) of one partition from `before` back to `low`."""
    for message in reader.backwards(DEAD_LETTERS, number, low, before, CHUNK_RECORDS):
        yield number, message.offset(), _entry(message)


def _entry(message: Message) -> Entry:
    value = message.value()
    try:
        letter = decode_dead_letter(value)
    except UNREADABLE as error:
        # A foreign record in the topic must not hide the letters beside it.
        letter = DeadLetter(reason="undecodable", stage="dead-letters", detail=str(error))
    return Entry(
        id=f"{message.partition()}-{message.offset()}",
        at=message.timestamp()[1] / 1000.0,
        letter=letter,
    )
