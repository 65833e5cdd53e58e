"""Batched consumption: a fetched run of one partition reaches an agent as one event.

Faust hands agents one record at a time and tracks offsets per record. Here the scheduler, a Faust
setting, yields one `Batch` per partition and fetch instead. Six rules then differ from Faust's,
each of which was seen to lose or stall records (docs/adr/0001):

- Offsets inside a batch are no gaps. Acks of a batched topic come in order, so the committed offset
  is the end of the last handled batch.
- Faust acks the records it skips during a rebalance. A batch counts as handled only when its agent
  calls `handled`.
- Records of aborted transactions are not read.
- An agent's queue is emptied only where the flow had stopped.
- Paused partitions are never read. When all were paused for a moment, at the end of a recovery,
  Faust's next fetch read all of them and threw the records away, and later records were handled
  first.
- The flow stands still between two assignments, even if a recovery ends just then.

Records thrown away all the same must be noticed, as the next batch would be committed over them. So
each run of records names the offset it was read behind, and the process leaves if its agent has not
seen that offset.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aiokafka.errors import UnknownTopicOrPartitionError
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatch
from faust.transport.drivers import aiokafka as driver
from faust.transport.utils import DefaultSchedulingStrategy
from faust.types import TP
from faust.types.tuples import Message
from mode.utils.futures import notify
from mode.utils.queues import FlowControlEvent

from ticketing.engine.batch import BATCH_RECORDS_MAX, Batch, Fetched, FetchedRecords
from ticketing.engine.boottime import boottime
from ticketing.engine.commit_notes import carry
from ticketing.engine.departure import leave, put_all_down, put_down, take_in_hand
from ticketing.engine.expired import Overtaken
from ticketing.engine.guarded import SIZE_ERRORS, TooLarge
from ticketing.engine.pacing import Pace
from ticketing.engine.topic_identity import KnownTopicsThread, leave_if_remade
from ticketing.errors import Unavailable
from ticketing.kafka.sequences import take_back_refused

TOPIC_SECONDS_MAX = 10.0
"""Covers the election of a leader. A topic that is missing must not hold the agent for longer."""
Pair = tuple[bytes | None, bytes | None]
"""Key and value."""
Header = tuple[str, bytes]
NO_CONTEXTS: Mapping[int, Sequence[Header]] = {}
RETRY_MS = 500
"""Between two tries of a request: an election takes about a second, and a page waits no longer."""
RECORD_OVERHEAD_BYTES = 32
"""Upper bound of what Kafka's format adds to a record within a batch."""


class BatchScheduler(DefaultSchedulingStrategy):
    """Faust's ConsumerScheduler, one object per fetched run for batched topics."""

    batched: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.taken: dict[TP, int] = {}
        """The last offset of each partition handed to its agent in this generation."""
        self.first: dict[TP, int] = {}
        """The first one."""

    def iterate(self, records: Mapping[TP, Any]) -> Iterator[tuple[TP, Any]]:
        """Changelogs and other topics record by record, batched ones run by run, as `Fetched`."""
        others = {tp: run for tp, run in records.items() if tp.topic not in self.batched}
        if others:
            yield from super().iterate(others)
        for tp, run in records.items():
            if tp.topic in self.batched:
                self.taken[tp] = run[-1].offset
                self.first.setdefault(tp, run[0].offset)
                for part in _parted(run):
                    yield tp, Batch(tp, part)


def _parted(run: Fetched) -> Iterator[Fetched]:
    behind = run.behind
    for start in range(0, len(run), BATCH_RECORDS_MAX):
        part = Fetched(run[start : start + BATCH_RECORDS_MAX], behind)
        behind = part[-1].offset
        yield part


def scheduler_for(topics: frozenset[str]) -> type[BatchScheduler]:
    """A class for Faust's setting `ConsumerScheduler`, which is called without arguments."""
    return type("TopicsBatchScheduler", (BatchScheduler,), {"batched": topics})


class FlowControl(FlowControlEvent):
    """Faust's flow control, except that it empties the agents' queues only after a stop.

    A recovery resumes the flow, looks up the committed offsets, and resumes the flow once more. The
    records read in between would be thrown away, and the records after them committed.
    """

    def resume(self) -> None:
        """Let records through to the agents."""
        if not self.is_active():
            super().resume()


class BatchConsumerThread(KnownTopicsThread):
    """The consumer's thread: reads committed records only and notes each answered heartbeat."""

    heard_at: float | None = None
    """Seconds since the boot at the last heartbeat that was answered; None before the first."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._read: dict[TP, int] = {}
        """The last offset of each batched partition read in this assignment."""
        self._overtaken = Overtaken()
        self.pace = Pace(self.consumer.app.pace_seconds)

    async def on_start(self) -> None:
        """Start the consumer, with the properties that have no setting."""
        await super().on_start()
        self._consumer._fetcher._records = FetchedRecords(self.consumer.scheduler.batched)
        self._overtaken.watch(self._consumer._fetcher)
        self.pace.follow(self._consumer._fetcher)
        self._note_heartbeats()
        carry(self._consumer, self.consumer.app.notes, self._id_of)
        self.name_topics()

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Forget the read positions of the assignment before."""
        self._read.clear()
        self._overtaken.forget()
        await super().on_partitions_assigned(assigned, generation_id)

    async def _fetch_records(
        self, consumer: Any, active_partitions: set[TP], *args: Any, **kwargs: Any
    ) -> Mapping[TP, list[Any]]:
        # Faust goes on changing the set it passed, and aiokafka takes an empty set for all
        # partitions: paused ones would be read, and thrown away for being paused.
        active = set(active_partitions)
        if not active:
            return {}
        await self._overtaken.tell(consumer)
        fetched: dict[TP, list[Any]] = await super()._fetch_records(
            consumer, active, *args, **kwargs
        )
        if not await self.are_of_known_topics(fetched, self._read):
            return {}
        wanted = active_partitions | self.consumer._buffered_partitions
        for tp, run in list(fetched.items()):
            if tp not in wanted:
                # Paused meanwhile: Faust would throw the records away.
                consumer.seek(tp, run[0].offset)
                del fetched[tp]
            elif tp.topic in self.consumer.scheduler.batched:
                behind = self._read.get(tp)
                if self.consumer.app.embedded:
                    await self._require_no_gap(consumer, tp, run, behind)
                if behind is not None and behind >= run[0].offset:
                    behind = None  # The records are read again.
                fetched[tp] = Fetched(run, behind)
                self._read[tp] = run[-1].offset
        return fetched

    async def _require_no_gap(
        self, consumer: Any, tp: TP, run: list[Any], behind: int | None
    ) -> None:
        """Leave if the embedded broker let go of records before they were read.

        Its offsets have no gaps: it knows no transactions and compacts nothing. A position that is
        gone is silently set to the first record that is left.
        """
        if behind is None:
            behind = (await consumer.committed(tp) or 0) - 1
        if run[0].offset > behind + 1:
            leave(
                f"the embedded broker dropped unread records of {tp.topic}[{tp.partition}]:"
                f" {run[0].offset} follows {behind}",
                "missed",
            )

    def _note_heartbeats(self) -> None:
        """Wrap the sending of heartbeats, for which aiokafka has no callback."""
        coordinator = self._consumer._coordinator
        do_heartbeat = coordinator._do_heartbeat

        async def noting() -> bool:
            # The time of the request: the answer may have waited here while the process was
            # stopped.
            asked_at = boottime()
            answered: bool = await do_heartbeat()
            if answered:
                self.heard_at = asked_at
            return answered

        coordinator._do_heartbeat = noting

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # Faust chooses the isolation level by its own processing guarantee and offers no setting;
        # aiokafka reads the attribute when the consumer starts.
        consumer._isolation_level = "read_committed"
        # No setting either: aiokafka tries ten times a second, and says so each time.
        consumer._retry_backoff_ms = RETRY_MS
        consumer._client._retry_backoff = RETRY_MS / 1000
        return consumer


class BatchConsumer(driver.Consumer):
    """Faust's consumer, with commits that follow handled batches."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._begun: dict[TP, tuple[int, int]] = {}
        """Generation and last offset of the batch that each partition's agent began last."""
        self._handled: dict[TP, int] = {}
        self._assigning = self._flow_wanted = False

    def _new_consumer_thread(self) -> BatchConsumerThread:
        return BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Commit handled batches, since Faust forgets them before its own commit."""
        self._assigning = True
        await self.commit()
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Begin a generation, with the coordinator's answer as its first heartbeat."""
        self.scheduler.taken.clear()
        self.scheduler.first.clear()
        self._handled.clear()
        put_all_down()
        self._thread.heard_at = boottime()
        await leave_if_remade(self.app.topic_watch)
        await super().on_partitions_assigned(assigned, generation_id)
        self._assigning = False
        if self._flow_wanted:
            self.resume_flow()

    def resume_flow(self) -> None:
        """Let records through, except between two assignments.

        A recovery that ends as the next rebalance begins would resume the flow, and agents would
        get records of partitions whose tables are not recovered.
        """
        self._flow_wanted = self._assigning
        if not self._assigning:
            super().resume_flow()

    @property
    def heard_at(self) -> float | None:
        """Seconds since the boot at the last heartbeat that was answered; None before the first."""
        return self._thread.heard_at  # type: ignore[no-any-return]

    def hurry(self) -> None:
        """Read at once what was just sent to a topic that this consumer reads."""
        self._thread.pace.hurry()

    def _is_batched(self, topic: str) -> bool:
        return topic in self.scheduler.batched

    def ack(self, message: Message) -> bool:
        """Faust's own ack. For a batched topic it commits nothing."""
        if self._is_batched(message.topic):
            self._unacked_messages.discard(message)
            notify(self._waiting_for_ack)
            return False
        return super().ack(message)  # type: ignore[no-any-return]

    def begun(self, *messages: Message) -> None:
        """Note that an agent begins a batch, which comes from one event or several of a partition.

        Leave if the batch before never reached the agent.
        """
        for message in messages:
            behind = message.value.behind
            before = self._begun.get(message.tp)
            if behind is not None and before != (message.generation_id, behind):
                place = f"{message.topic}[{message.partition}]"
                leave(
                    f"{place}: records up to offset {behind} were fetched but never reached the agent",
                    "missed",
                )
            self._begun[message.tp] = (message.generation_id, message.offset)
        first = messages[0]
        take_in_hand(first.topic, first.partition, first.value[0].offset)

    def handled(self, message: Message) -> bool:
        """Note that the effects of a batch are durable: its end may be committed.

        False when the partition was revoked since the fetch; its next owner reads the batch again.
        """
        put_down(message.topic, message.partition)
        if message.generation_id != self.app.consumer_generation_id:
            self._unacked_messages.discard(message)
            return False
        self._handled[message.tp] = message.offset
        return super().ack(message)  # type: ignore[no-any-return]

    def read_to_the_end(self, tp: TP) -> bool:
        """True when every known record of a partition is fetched.

        Judged by the position of the fetch: transaction markers lie between records and behind the
        last one, and after a restart there may be no record left to read.
        """
        state = self._fetched(tp)
        return state is not None and bool(state.position >= state.highwater)

    def caught_up(self, tp: TP) -> bool:
        """True when every known record of a batched partition is handled."""
        handled = self._handled.get(tp, -1) >= self.scheduler.taken.get(tp, -1)
        return handled and self.read_to_the_end(tp)

    def lag(self, tp: TP) -> int | None:
        """The records of a batched partition that are not yet handled; None before the first fetch."""
        state = self._fetched(tp)
        if state is None:
            return None
        if self.caught_up(tp):
            # What lies behind the last record may be markers of transactions.
            return 0
        handled = self._handled.get(tp)
        start = self.scheduler.first.get(tp, state.position) if handled is None else handled + 1
        return max(0, int(state.highwater - start))

    def _fetched(self, tp: TP) -> Any | None:
        """Aiokafka's state of a partition: position and end; None before the first fetch."""
        subscription = self._thread._ensure_consumer()._subscription.subscription
        assignment = None if subscription is None else subscription.assignment
        state = None if assignment is None else assignment.state_value(tp)
        known = state is not None and state.has_valid_position and state.highwater is not None
        return state if known else None

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        committed: bool = await super()._commit(offsets)
        if committed:
            self.app.notes.saved(offsets)
        return committed

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        if not self._is_batched(tp.topic):
            await super()._add_gap(tp, offset_from, offset_to)

    def _new_offset(self, tp: TP) -> int | None:
        if not self._is_batched(tp.topic):
            return super()._new_offset(tp)  # type: ignore[no-any-return]
        acked = self._acked[tp]
        if not acked:
            return None
        highest = max(acked)
        acked.clear()
        self._acked_index[tp].clear()
        return int(highest) + 1


class BatchProducer(driver.Producer):
    """Faust's producer, idempotent, with a way to send many messages in one call."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._bounds: dict[str, int] = {}
        """The size of several messages together, for topics that have refused larger ones."""
        self._there: set[str] = set()
        """The topics that Kafka has named."""

    def _new_producer(self, transactional_id: str | None = None) -> Any:
        producer = super()._new_producer(transactional_id)
        take_back_refused(producer)
        return producer

    def _settings_extra(self) -> Mapping[str, Any]:
        # An answer that is lost on its way makes aiokafka send again: the broker drops the repeat.
        # The embedded broker knows no idempotence.
        return {
            **super()._settings_extra(),
            "acks": "all",
            "enable_idempotence": not self.app.embedded,
            "retry_backoff_ms": RETRY_MS,
        }

    async def partition_of(self, topic: str, key: bytes | None) -> int:
        """The partition of a message: by its key as in every Kafka client, any without a key."""
        found = self._ensure_producer().partitions_for(topic)
        try:
            partitions = sorted(await asyncio.wait_for(found, TOPIC_SECONDS_MAX))
        except (asyncio.TimeoutError, UnknownTopicOrPartitionError):
            raise Unavailable(
                f"Kafka names no topic {topic}, which the next start, or `ticketing topics"
                " create`, makes"
            ) from None
        return int(_partitioner(key, partitions, partitions))

    async def send_all(
        self,
        place: TP,
        messages: list[Pair],
        contexts: Mapping[int, Sequence[Header]] = NO_CONTEXTS,
    ) -> int:
        """Send messages to a partition, in order; returns the last offset once all are durable.

        Raises the first failure; Unavailable for a missing topic, to which aiokafka would wait for
        good. A message larger than a batch goes alone. A batch that the broker finds too large is sent
        in halves at once; TooLarge is raised when single messages are left. `contexts` are the headers
        of messages, by their places in the list.
        """
        if place.topic not in self._there:
            await self.partition_of(place.topic, None)
            self._there.add(place.topic)
        last = -1
        refused: list[_Placed] = []
        runs = [list(enumerate(messages))]
        while runs:
            ended = await self._send_runs(place, runs, contexts)
            runs = []
            late: set[bytes] = set()
            for batch, offset in ended:
                if offset is None:
                    late.update(key for _, (key, _) in batch if key is not None)
                    half = len(batch) // 2
                    if half:
                        runs += [batch[:half], batch[half:]]
                    else:
                        refused += batch
                else:
                    last = max(last, offset)
                    # The last message of a key must stay the last.
                    again = [one for one in batch if one[1][0] in late]
                    if again:
                        runs.append(again)
        if refused:
            size = min(len(value or b"") for _, (_, value) in refused)
            raise TooLarge(place.topic, size, tuple(index for index, _ in refused))
        return last

    async def append(self, place: TP, messages: list[Pair], headers: list[Header]) -> int:
        """Append messages in one record batch, whole or not at all; returns the first's offset.

        Raises TooLarge with the size of all of them, before they are compressed.
        """
        batch = BatchBuilder(2**31 - 1, DefaultRecordBatch.CODEC_LZ4)
        for key, value in messages:
            batch.append(key=key, value=value, timestamp=None, headers=headers)
        # Nothing else may join it on its way.
        batch.close()
        size = batch.size()
        sent = await self._ensure_producer().send_batch(
            batch, place.topic, partition=place.partition
        )
        try:
            return int((await sent).offset)
        except SIZE_ERRORS:
            raise TooLarge(place.topic, size) from None

    async def _send_runs(
        self,
        place: TP,
        runs: list[list[_Placed]],
        contexts: Mapping[int, Sequence[Header]],
    ) -> list[tuple[list[_Placed], int | None]]:
        """The batches in which runs were sent, each with its last offset; None for a refused one."""
        producer = self._ensure_producer()
        bound = self._bounds.get(place.topic)
        sent = []
        for run in runs:
            start = 0
            while start < len(run):
                batch = producer.create_batch()
                end = start
                # A full batch refuses the message; an empty one takes a message of any size.
                while end < len(run) and (
                    end == start or bound is None or batch.size() + _size(run[end]) < bound
                ):
                    index, (key, value) = run[end]
                    carried = list(contexts.get(index, ()))
                    if not batch.append(key=key, value=value, timestamp=None, headers=carried):
                        break
                    end += 1
                size = batch.size()
                future = await producer.send_batch(batch, place.topic, partition=place.partition)
                sent.append((future, run[start:end], size))
                start = end
        ended: list[tuple[list[_Placed], int | None]] = []
        # Ask each future for its result: asyncio.wait alone would swallow failures.
        for future, batch_messages, size in sent:
            try:
                offset = (await future).offset + len(batch_messages) - 1
            except SIZE_ERRORS:
                # Half of it is what is tried next.
                half = size // 2
                self._bounds[place.topic] = min(self._bounds.get(place.topic, half), half)
                ended.append((batch_messages, None))
            else:
                ended.append((batch_messages, offset))
        return ended


_Placed = tuple[int, Pair]
"""A message with its place among those to send."""


def _size(placed: _Placed) -> int:
    _, (key, value) = placed
    return len(key or b"") + len(value or b"") + RECORD_OVERHEAD_BYTES


_partitioner = DefaultPartitioner()


class BatchTransport(driver.Transport):
    """Faust's Kafka transport with the consumer and the producer above."""

    Consumer = BatchConsumer
    Producer = BatchProducer
