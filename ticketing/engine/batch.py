"""A fetched run of one partition, as one event of Faust."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any

from aiokafka.consumer.fetcher import FetchResult, PartitionRecords
from faust.types import TP

BATCH_RECORDS_MAX = 1_200
"""About half a fetch of ordinary logs: a batch's effects are held in memory until durable."""


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
