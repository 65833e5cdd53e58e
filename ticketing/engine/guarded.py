"""One place for failures: the fault of one key, message or row costs that one and no other.

Rules, decoders and encoders run through `guarded`. What must still end the process is a failure of
Kafka, RocksDB or the disk (`is_outage`), since then nothing can be made durable.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from aiokafka.errors import (
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    RecordTooLargeError,
)
from faust.exceptions import FaustError

from ticketing.errors import BadRecord, Rejected, Retryable, TicketingError

T = TypeVar("T")

FAILED, UNDECODABLE, TOO_LARGE = "failed", "undecodable", "too_large"
"""Reasons of dead letters: a fault of our own, of the bytes, of their number."""
ROW_SET_ASIDE = "row_set_aside"
"""The reason of a dead letter whose row can't be read."""
SIZE_ERRORS = (MessageSizeTooLargeError, RecordListTooLargeError, RecordTooLargeError)
"""Refusals of a message for its size, by the client or by the broker."""


class StoreFailed(TicketingError):
    """The database of a table failed: the process leaves."""


class TooLarge(TicketingError):
    """Single messages are larger than their topic takes; all others were sent.

    `size` is the length of the smallest value refused, `refused` has the messages' places.
    """

    def __init__(self, topic: str, size: int, refused: tuple[int, ...] = ()) -> None:
        self.topic = topic
        self.size = size
        self.refused = refused
        super().__init__(f"a message of {size} bytes is too large for {topic}")


class Superseded(TicketingError):
    """Another process owns the partition and has written to its changelog: this one leaves."""


class SetAside(BadRecord):
    """The row of a key can't be read: it stays as stored, and messages for it are dead letters."""

    def __init__(self, key: str, why: str) -> None:
        super().__init__(ROW_SET_ASIDE, f"the row {key[:80]} can't be read: {why}")


@dataclass(frozen=True, slots=True)
class Failure:
    """The outcome of a rule that failed: a short reason, as in dead letters, and the error."""

    reason: str
    detail: str


def guarded(rule: Callable[[], T]) -> T | Failure:
    """The outcome of a rule for one key, or its failure. Failures of the store are raised."""
    try:
        return rule()
    except StoreFailed:
        raise
    except Exception as error:  # noqa: BLE001  (whatever it is, it is of this key alone)
        return failure_of(error)


def failure_of(error: Exception) -> Failure:
    """The failure that an error means."""
    if isinstance(error, Rejected):
        return Failure(error.reason, clean(error.detail))
    if isinstance(error, TooLarge):
        return Failure(TOO_LARGE, clean(str(error)))
    if isinstance(error, msgspec.MsgspecError):
        return Failure(UNDECODABLE, clean(str(error)))
    try:
        said = f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001  (an error whose text fails too)
        said = type(error).__name__
    return Failure(FAILED, clean(said))


def clean(text: str) -> str:
    """A text that can be encoded: halves of surrogate pairs become question marks."""
    return text.encode("utf-8", "replace").decode()


def is_outage(error: Exception) -> bool:
    """True for a failure of Kafka, the store, the disk or the network: no record's own fault."""
    if isinstance(error, SIZE_ERRORS):
        return False
    outages = (
        KafkaError,
        FaustError,
        StoreFailed,
        Superseded,
        Retryable,
        OSError,
        asyncio.TimeoutError,
    )
    return isinstance(error, outages)
