"""Reading changelogs: back into the tables of newly assigned partitions, and a part record by record.

Faust reads them a record at a time, with fetches that are small and wait long. This reader's fetches
are large, and their records go into the disk's database together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.types import TP

EPOCH = "epoch"
"""The header with the epoch of the owner that has written a record."""
FETCH_BYTES = 16 * 1024**2
"""Of all partitions together: some 30,000 rows, held in memory once."""
PARTITION_BYTES = 4 * 1024**2
"""Of one partition: the others are read beside it."""
FETCH_WAIT_MS = 100
"""For which the broker may gather records; at the end of a changelog there are none to wait for."""
APPLIED_TOGETHER = 2_000
"""Records written to the disk before other tasks run: some 20 ms."""


@dataclass(frozen=True, slots=True)
class Change:
    """A record of a changelog; without a value the key is deleted. `epoch`: -1 for a stranger's."""

    offset: int
    key: bytes
    value: bytes | None
    epoch: int


def epoch_of(headers: Any) -> int:
    """The epoch in a record's headers; -1 without one."""
    try:
        return int(dict(headers or ()).get(EPOCH, b"-1"))
    except (TypeError, ValueError):
        return -1


def epoch_header(epoch: int) -> list[tuple[str, bytes]]:
    """The headers of an owner's records."""
    return [(EPOCH, b"%d" % epoch)]


Apply = Callable[[TP, list[Change], int], None]
"""Takes changes of a partition, and the offset up to which it has been read."""


class ChangelogReader:
    """Reads with a consumer of its own, outside of any group."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        """`arguments` are those of aiokafka's clients."""
        self._arguments = arguments

    async def read(self, place: TP, first: int, end: int) -> list[Change]:
        """The records from offset `first` to before `end`; compaction may have left gaps."""
        found: list[Change] = []
        await self.read_all({place: (first, end)}, lambda _, changes, __: found.extend(changes))
        return found

    async def read_all(self, parts: Mapping[TP, tuple[int, int]], apply: Apply) -> None:
        """Hand on the records of each partition from its first offset to before its end, in order."""
        consumer = AIOKafkaConsumer(
            **self._arguments,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            fetch_max_bytes=FETCH_BYTES,
            max_partition_fetch_bytes=PARTITION_BYTES,
            fetch_max_wait_ms=FETCH_WAIT_MS,
        )
        await consumer.start()
        try:
            # Of the client's own type, which it insists on.
            places = {TopicPartition(*place): part for place, part in parts.items()}
            ends = {place: end for place, (first, end) in places.items() if first < end}
            consumer.assign(list(ends))
            for place in ends:
                consumer.seek(place, places[place][0])
            while ends:
                fetched = await consumer.getmany(*ends, timeout_ms=FETCH_WAIT_MS)
                for place, records in fetched.items():
                    await _hand_on(TP(*place), records, ends[place], apply)
                for place in list(ends):
                    # Behind the last record there may be gaps, of compaction and of transactions.
                    position = await consumer.position(place)
                    if position >= ends[place]:
                        apply(TP(*place), [], ends.pop(place) - 1)
                        consumer.pause(place)
        finally:
            await consumer.stop()


async def _hand_on(place: TP, records: list[Any], end: int, apply: Apply) -> None:
    changes = [
        Change(record.offset, record.key, record.value, epoch_of(record.headers))
        for record in records
        if record.offset < end and record.key is not None
    ]
    for start in range(0, len(changes), APPLIED_TOGETHER):
        part = changes[start : start + APPLIED_TOGETHER]
        apply(place, part, part[-1].offset)
        await asyncio.sleep(0)
