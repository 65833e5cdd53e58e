"""A fetched run of one partition, as one event of Faust; and the runs that wait for their agent."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from typing import Any

from aiokafka.consumer.fetcher import FetchResult, PartitionRecords
from faust.types import TP, EventT

BATCH_RECORDS_MAX = 1_200
"""About half a fetch of ordinary logs: a batch's effects are held in memory until durable."""
TOGETHER_BYTES_MAX = 512 * 1024
"""Of records that are handled together: more would cost little less, and their rows must fit into one
batch of the changelog. A fetch is bounded as Kafka packs it, and can be twenty times as much."""


class Fetched(list[Any]):
    """A run of records of one partition, in the order read.

    `behind` is the offset of the record read before the first; None after an assignment or a seek.
    """

    __slots__ = ("behind",)

    def __init__(self, records: Iterable[Any], behind: int | None) -> None:
        super().__init__(records)
        self.behind = behind


class Batch:
    """A run of fetched records of one partition, shaped like the record that Faust expects.

    `value` is the list of aiokafka's records, ascending and without repeats. `offset`, `timestamp`
    (milliseconds) and `timestamp_type` are the last record's, so that Faust's view of the read
    position stays true.
    """

    __slots__ = ("offset", "partition", "timestamp", "timestamp_type", "topic", "value")

    checksum = None
    headers = ()
    key = None
    serialized_key_size = -1
    serialized_value_size = -1

    def __init__(self, tp: TP, records: Fetched) -> None:
        self.topic, self.partition = tp
        self.value = records
        last = records[-1]
        self.offset: int = last.offset
        self.timestamp: int = last.timestamp
        self.timestamp_type: int = last.timestamp_type


class DecodedRecords(PartitionRecords):
    """Gives out the records of a fetch as decoded.

    aiokafka copies each record into an object of eleven fields, which costs as much as reading.
    """

    def __iter__(self) -> Iterator[Any]:
        return self._records_iterator  # type: ignore[no-any-return]

    def _consumer_record(self, tp: Any, record: Any) -> Any:
        return record


class FetchedRecords(OrderedDict[Any, Any]):
    """aiokafka's records that are not yet given out; those of batched topics stay as decoded."""

    def __init__(self, batched: frozenset[str]) -> None:
        super().__init__()
        self._batched = batched

    def __setitem__(self, tp: Any, result: Any) -> None:
        if tp.topic in self._batched and isinstance(result, FetchResult):
            result._partition_records.__class__ = DecodedRecords
        super().__setitem__(tp, result)


class Waiting:
    """Events that wait for their agent; those of one partition that came meanwhile go together.

    The cost of a batch is mostly that of writing and sending it, whatever its size. Where each small
    fetch is a batch of its own, what arrives faster than that waits ever longer.
    """

    def __init__(self) -> None:
        self._events: dict[TP, deque[EventT]] = {}
        """Of each partition in the order read; the partition that has waited longest is the first."""
        self._bytes = 0

    @property
    def is_full(self) -> bool:
        """True where as much waits as is handled together."""
        return self._bytes >= TOGETHER_BYTES_MAX

    def add(self, event: EventT) -> None:
        """Let an event wait."""
        self._events.setdefault(event.message.tp, deque()).append(event)
        self._bytes += _bytes(event)

    def take(self) -> list[EventT]:
        """The events of one partition that go together; none if nothing waits."""
        if not self._events:
            return []
        tp = next(iter(self._events))
        events = self._events.pop(tp)
        taken = [events.popleft()]
        records, size = len(taken[0].value), _bytes(taken[0])
        while events and _follows(events[0], taken[-1]):
            records, size = records + len(events[0].value), size + _bytes(events[0])
            if records > BATCH_RECORDS_MAX or size > TOGETHER_BYTES_MAX:
                break
            taken.append(events.popleft())
        if events:
            self._events[tp] = events
        self._bytes -= sum(map(_bytes, taken))
        return taken


def parted(records: list[Any]) -> Iterator[list[Any]]:
    """Records in parts that are handled together; one that is larger than such a part is one alone."""
    part: list[Any] = []
    size = 0
    for record in records:
        added = _size(record)
        if part and size + added > TOGETHER_BYTES_MAX:
            yield part
            part, size = [], 0
        part.append(record)
        size += added
    if part:
        yield part


def _bytes(event: EventT) -> int:
    return sum(map(_size, event.value))


def _size(record: Any) -> int:
    return len(record.value or b"")


def _follows(event: EventT, before: EventT) -> bool:
    """False for records that are read again, after a rebalance or a recovery."""
    same: bool = event.message.generation_id == before.message.generation_id
    return same and int(event.value[0].offset) > int(before.message.offset)
