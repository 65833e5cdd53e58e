"""Feeding records into an input topic: recordings, generated traffic, replays."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)

from ticketing.errors import Misconfigured, TicketingError
from ticketing.kafka.admin import silent
from ticketing.kafka.backlog import Backlog
from ticketing.kafka.runtime import Runtime
from ticketing.wire.topics import PIPELINE_APP

UNREAD_BYTES_MAX = 400_000
"""In the whole input, on the embedded broker, which drops records of a partition beyond 5 MB, read
or not: one record may become a whole incident of ten times its size, and all of them may fall into
one partition of the next topic."""
BACKLOG_MESSAGES_MAX = 20
"""For each reader of our own topics there: packed messages of a hundred kilobytes are a megabyte or
two."""
# Asking for the committed offsets costs a round trip, and a hundred records are far below the bytes
# above.
CHECK_EVERY_RECORDS = 100
PAUSE_SECONDS = 0.02
"""Short beside the second in which a reader commits."""
STALL_SECONDS_MAX = 120.0
"""Longer than a worker takes to start, be restarted by its watchdog and recover."""


class FeedStalled(TicketingError):
    """The fed records are not read, or not taken by the broker."""


def read_lines(path: Path) -> Iterator[bytes]:
    """The lines of a JSONL file, plain or gzipped, without line ends and blank lines."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as file:
        for line in file:
            text = line.rstrip(b"\r\n")
            if text:
                yield text


class Feed:
    """Produces records round robin over the partitions, at most at a given rate."""

    def __init__(self, runtime: Runtime, topic: str, *, rate: float | None = None) -> None:
        """`rate` is records a second; None sets no limit.

        Raises Misconfigured for a topic that does not exist, Unavailable without a broker.
        """
        self._topic = topic
        self._rate = rate
        self._producer = Producer(
            {**runtime.client(), "linger.ms": 20, "enable.idempotence": not runtime.embedded}
        )
        self._partitions = self._partitions_of(topic)
        self._watched = None if not runtime.embedded else self._watcher(runtime)
        self._backlog = None if not runtime.embedded else Backlog(runtime)
        self._produced = dict.fromkeys(self._partitions, 0)
        self._bytes = 0
        self._failed: KafkaError | None = None
        self.sent = 0
        """The number of records handed over so far."""

    def _partitions_of(self, topic: str) -> list[int]:
        try:
            found = self._producer.list_topics(topic, timeout=30).topics[topic]
        except KafkaException as error:
            raise silent(error) from None
        if not found.partitions:
            raise Misconfigured(f"topic {topic} does not exist: run `ticketing topics create`")
        return sorted(found.partitions)

    def run(
        self,
        records: Iterable[bytes],
        progress: Callable[[int], None] = lambda _: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> int:
        """Produce all records and wait until the broker holds them; returns their number.

        Raises FeedStalled when the embedded broker's reader stands still.
        """
        started = time.monotonic()
        for record in records:
            if stopped():
                break
            self._send(record)
            if self._rate is not None:
                self._wait_until(started + self.sent / self._rate, stopped)
            if self.sent % CHECK_EVERY_RECORDS == 0:
                progress(self.sent)
                self._wait_for_reader(stopped)
        self._producer.flush(60)
        if self._failed is not None:
            raise FeedStalled(f"a record could not be produced: {self._failed.str()}")
        progress(self.sent)
        return self.sent

    def _send(self, record: bytes) -> None:
        partition = self._partitions[self.sent % len(self._partitions)]
        while True:
            try:
                self._producer.produce(
                    self._topic, record, partition=partition, on_delivery=self._delivered
                )
                break
            except BufferError:
                self._producer.poll(0.1)
        self._producer.poll(0)
        self._produced[partition] += 1
        self._bytes += len(record)
        self.sent += 1

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._failed = error

    def _wait_until(self, when: float, stopped: Callable[[], bool]) -> None:
        while not stopped() and (left := when - time.monotonic()) > 0:
            self._producer.poll(min(left, 0.05))

    def _watcher(self, runtime: Runtime) -> Consumer:
        return Consumer({**runtime.client(), "group.id": PIPELINE_APP})

    def _wait_for_reader(self, stopped: Callable[[], bool]) -> None:
        if self._watched is None or self._backlog is None:
            return
        deadline = time.monotonic() + STALL_SECONDS_MAX
        fewest: float | None = None
        while not stopped():
            waiting = self._unread_bytes()
            if waiting <= UNREAD_BYTES_MAX:
                waiting = self._backlog.largest()
                if waiting <= BACKLOG_MESSAGES_MAX:
                    return
            if fewest is None or waiting < fewest:
                # Readers that get on, however slowly, do not stall.
                fewest, deadline = waiting, time.monotonic() + STALL_SECONDS_MAX
            if time.monotonic() > deadline:
                raise FeedStalled(
                    f"nothing was read from {self._topic}, or from a topic behind it, for"
                    f" {STALL_SECONDS_MAX:.0f} s"
                )
            self._producer.poll(PAUSE_SECONDS)

    def _unread_bytes(self) -> float:
        assert self._watched is not None
        wanted = [TopicPartition(self._topic, number) for number in self._partitions]
        if self._bytes < UNREAD_BYTES_MAX:
            return 0
        committed = self._watched.committed(wanted, timeout=10)
        unread = sum(self._produced[found.partition] - max(found.offset, 0) for found in committed)
        return float(unread * self._bytes / self.sent)
