"""Reading a part of a changelog, record by record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer
from faust.types import TP

EPOCH = "epoch"
"""The header with the epoch of the owner that has written a record."""


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


class ChangelogReader:
    """Reads with a consumer of its own, outside of any group."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        """`arguments` are those of aiokafka's clients."""
        self._arguments = arguments

    async def read(self, place: TP, first: int, end: int) -> list[Change]:
        """The records from offset `first` to before `end`; compaction may have left gaps."""
        consumer = AIOKafkaConsumer(
            **self._arguments,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        )
        await consumer.start()
        try:
            consumer.assign([place])
            consumer.seek(place, first)
            found: list[Change] = []
            while await consumer.position(place) < end:
                for record in (await consumer.getmany(place, timeout_ms=100)).get(place, ()):
                    if record.offset < end and record.key is not None:
                        epoch = epoch_of(record.headers)
                        found.append(Change(record.offset, record.key, record.value, epoch))
            return found
        finally:
            await consumer.stop()
