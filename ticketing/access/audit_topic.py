"""The audit in Kafka: written beside the answers, read newest first."""

from __future__ import annotations

from dataclasses import dataclass, field

from confluent_kafka import KafkaError, KafkaException, Producer

from ticketing import log, metrics
from ticketing.domain.access.audit import Entry, Wanted
from ticketing.kafka.reader import TopicReader
from ticketing.kafka.runtime import Runtime
from ticketing.wire.audit import decode_entry, encode_entry
from ticketing.wire.packed import UNREADABLE
from ticketing.wire.topics import AUDIT

PARTITION = 0
"""One partition keeps the entries of all workers in one order."""
QUEUED_MAX = 1_000
"""Entries that wait for Kafka, about a megabyte; beyond, they are lost and counted."""
DELIVERY_SECONDS_MAX = 120.0
"""Covers a restart of the brokers."""
FLUSH_SECONDS_MAX = 5.0
"""At the end of a process, within the supervisor's limit."""
CHUNK_RECORDS = 500
"""Records read in one go, a page of the largest."""
SCANNED_MAX = 20_000
"""As for dead letters: entries read for one page, to bound the answer's time."""
# As for the list of incidents (view.query).
LIMIT_DEFAULT = 50
LIMIT_MAX = 500

_log = log.get(__name__)


class AuditLog:
    """Writes entries; connects for the first one. No answer waits for it."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._producer: Producer | None = None

    def write(self, entry: Entry) -> None:
        """Hand an entry over to Kafka's client. One that is lost is counted and logged."""
        if self._producer is None:
            self._producer = Producer(
                {
                    **self._runtime.client(),
                    "acks": "all",
                    "queue.buffering.max.messages": QUEUED_MAX,
                    "delivery.timeout.ms": int(DELIVERY_SECONDS_MAX * 1000),
                }
            )
        try:
            self._producer.produce(
                AUDIT, encode_entry(entry), partition=PARTITION, on_delivery=_ended
            )
        except BufferError:
            _lost("too many wait")
        except KafkaException as error:
            _lost(error.args[0].name())
        self._producer.poll(0)

    def close(self) -> None:
        """Send what waits, as far as Kafka takes it in time."""
        if self._producer is None:
            return
        for _ in range(self._producer.flush(FLUSH_SECONDS_MAX)):
            _lost("the process ends")


def _ended(error: KafkaError | None, _: object) -> None:
    if error is not None:
        _lost(error.name())


def _lost(why: str) -> None:
    metrics.audit_entries_lost_total.inc()
    _log.warning("audit_entry_lost", why=why)


@dataclass(slots=True)
class Page:
    """A page of entries, newest first, and the cursor of the next page; None after the last."""

    entries: list[Entry] = field(default_factory=list)
    following: str | None = None


def page(runtime: Runtime, wanted: Wanted, limit: int, cursor: str | None = None) -> Page:
    """Entries back in time, from the newest or from the cursor of an earlier page.

    Raises ValueError for a wrong cursor, Unavailable when Kafka does not answer.
    """
    if cursor is not None and not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 20):
        raise ValueError("is not a cursor of the audit; take it from the previous page")
    with TopicReader(runtime) as reader:
        found = Page()
        if PARTITION not in reader.partitions(AUDIT):
            return found
        low, high = reader.bounds(AUDIT, PARTITION)
        before = high if cursor is None else min(int(cursor), high)
        backwards = reader.backwards(AUDIT, PARTITION, low, before, CHUNK_RECORDS)
        for scanned, message in enumerate(backwards, 1):
            before, entry = message.offset(), _entry(message.value())
            if entry is not None and wanted(entry):
                found.entries.append(entry)
            if len(found.entries) >= limit or scanned >= SCANNED_MAX:
                break
        if before > low:
            found.following = str(before)
        return found


def _entry(value: bytes | None) -> Entry | None:
    """An entry; None for a foreign record, which must not hide the others."""
    try:
        return None if value is None else decode_entry(value)
    except UNREADABLE:
        return None
