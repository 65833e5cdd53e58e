"""Redriving dead letters, each at most once.

A delivery is retried by its adapter. A record is produced again unchanged, into the partition that
it came from; only anomalies are marked, as the mark of their source has passed them. To produce a
record once only, even for two people or for one who asks twice, a redrive is first claimed and then
noted in a topic of its own; a claim without a note is followed up before the record is produced
again.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

import msgspec
from confluent_kafka import KafkaError, Message, Producer

from sinks.delivery.wishes import Retry, encode_retry, retry_key
from ticketing.config import PLATFORMS
from ticketing.dead_letters import reading
from ticketing.dead_letters.reading import DELIVERY, Entry
from ticketing.domain.intake import BY_BYTES_MAX, text
from ticketing.domain.scope import partition_of_incident
from ticketing.errors import Conflict, NotWhole, Unavailable
from ticketing.kafka.reader import TopicReader
from ticketing.kafka.runtime import Runtime
from ticketing.wire.packed import UNREADABLE, elements
from ticketing.wire.signals import as_redriven
from ticketing.wire.topics import DEAD_LETTERS, REDRIVES, SIGNALS, platform_topic

HEADER = "ticketing-redrive"
"""The header of a record produced again: the id of its dead letter."""
PRODUCE_SECONDS_MAX = 20.0
"""Covers the election of a leader, and leaves time within a claim, whose half may pass before."""
CLAIM_SECONDS = 60.0
"""The life of a claim: half to search for an earlier attempt, the rest to produce the record."""


class Note(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message of the topic of redrives. `to` is empty in a claim and set in a note of success.

    `token` tells claims apart; `topic` is Kafka's id of the dead letter's topic, as an `id` comes
    again in a topic made anew; `searched_from` is the earliest offset that the record can have in
    the target partition.
    """

    id: str
    at: float
    by: str = ""
    token: str = ""
    topic: str = ""
    searched_from: int = 0
    to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redriven:
    """The redrive of a dead letter. `at` is Unix seconds, `to` the place of the new record."""

    id: str
    at: float
    by: str
    to: str


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Note)


class Redriver:
    """Redrives dead letters. Use it in a `with`, from one thread at a time."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._reader = TopicReader(runtime)
        self._producer = Producer(
            {
                **runtime.client(),
                "enable.idempotence": not runtime.embedded,
                "acks": "all",
                "linger.ms": 0,
                "delivery.timeout.ms": int(PRODUCE_SECONDS_MAX * 1000),
                "message.max.bytes": runtime.config.kafka.message_max_bytes,
            }
        )
        seen = runtime.topics().identities([DEAD_LETTERS]).get(DEAD_LETTERS)
        self._topic = "" if seen is None else seen.id
        self._notes: dict[str, list[Note]] = {}
        self._read_to: dict[int, int] = {}

    def __enter__(self) -> Redriver:
        return self

    def __exit__(self, *exc: object) -> None:
        self._reader.close()

    def done(self, id: str) -> Redriven | None:
        """The redrive of a dead letter: time, person and place; None before the first."""
        for note in reversed(self._noted(id)):
            if note.to:
                return Redriven(id=id, at=note.at, by=note.by, to=note.to)
        return None

    def redrive(self, id: str, by: str) -> Redriven:
        """Redrive a dead letter; returns its new place.

        Raises NotFound; Conflict if the letter was redriven before or is just being; NotWhole;
        Unavailable.
        """
        return self.redrive_entry(reading.get(self._runtime, id), by)

    def redrive_entry(self, entry: Entry, by: str) -> Redriven:
        """As `redrive`, for a letter already read."""
        by = text(by, BY_BYTES_MAX)
        known = self.done(entry.id)
        if known is not None:
            raise _done_before(known)
        if entry.letter.stage == DELIVERY:
            return self._deliver(entry, by)
        if entry.letter.of_row:
            raise Conflict(
                "row",
                f"{entry.id} tells of a row, which is still in its table: redrive the messages for it"
                " once a release that reads it runs",
            )
        value = self._content(entry)
        if value is None:
            kept = len(entry.letter.value or b"")
            raise NotWhole(
                f"{entry.id} holds {kept} of its record's {entry.letter.size} bytes, too few to produce"
                f" it again; the whole record was at {_place(entry)}"
            )
        return self._again(entry, value, by)

    def _deliver(self, entry: Entry, by: str) -> Redriven:
        # Safe to repeat without a claim: the adapter holds one delivery per incident.
        to = self.retry(entry.letter.incident_id, entry.letter.platform, by)
        return self._note(entry.id, by, to)

    def retry(self, incident_id: str, platform: str, by: str) -> str:
        """Let a platform's adapter try the ticket of an incident again; returns the wish's place.

        Raises Conflict for a platform that is not enabled, and for an id of another release;
        Unavailable. Safe to repeat.
        """
        self._require_enabled(incident_id, platform)
        try:
            partition = partition_of_incident(incident_id, self._runtime.partitions)
        except ValueError:
            raise Conflict("incident", f"{incident_id} names no incident of this release") from None
        wish = encode_retry(Retry(incident_id=incident_id, by=text(by, BY_BYTES_MAX)))
        key = retry_key(incident_id).encode()
        return _spot(self._produce(platform_topic(platform), key, wish, partition))

    def _content(self, entry: Entry) -> bytes | None:
        """The whole record; one that the letter could not hold is read where it came from."""
        letter = entry.letter
        if letter.whole:
            return letter.value
        if letter.value is None or letter.partition not in self._reader.partitions(letter.topic):
            return None
        low, high = self._reader.bounds(letter.topic, letter.partition)
        if not low <= letter.offset < high:
            return None
        end = letter.offset + 1
        for found in self._reader.between(letter.topic, letter.partition, letter.offset, end):
            whole: bytes = found.value() or b""
            # Of packed signals the letter has one; the topic may have been made anew since.
            for value in (whole, *(b"[%b]" % element for element in elements(whole))):
                if len(value) == letter.size and value.startswith(letter.value):
                    return value
        return None

    def _require_enabled(self, id: str, platform: str) -> None:
        if platform not in self._runtime.config.enabled_platforms():
            raise Conflict("disabled", f"{id}: {platform} is not enabled: set {platform}.enabled")

    def _again(self, entry: Entry, value: bytes, by: str) -> Redriven:
        letter = entry.letter
        for platform in PLATFORMS:
            # Only platforms that are enabled are written to; another's topic may be gone.
            if letter.topic == platform_topic(platform):
                self._require_enabled(entry.id, platform)
        claimed, deadline = self._claim(entry, by), time.time() + CLAIM_SECONDS / 2
        found = self._find(entry, claimed.searched_from)
        if found is None:
            if time.time() > deadline:
                raise Unavailable(f"{entry.id}: the search for an earlier redrive took too long")
            key = letter.raw_key or (None if letter.key is None else letter.key.encode())
            if letter.topic == SIGNALS:
                value = as_redriven(value)
            found = self._produce(letter.topic, key, value, letter.partition, entry.id)
        return self._note(entry.id, by, _spot(found))

    # Claims and notes

    def _claim(self, entry: Entry, by: str) -> Note:
        id, letter, now = entry.id, entry.letter, time.time()
        end = self._reader.bounds(letter.topic, letter.partition)[1]
        # The record of an earlier claim may have been produced.
        start = min([end, *(note.searched_from for note in self._noted(id))])
        mine = Note(
            id=id, at=now, by=by, token=secrets.token_hex(8), searched_from=start, topic=self._topic
        )
        self._produce(REDRIVES, id.encode(), _encoder.encode(mine))
        for note in self._noted(id):
            if note.to:
                raise _done_before(Redriven(id=id, at=note.at, by=note.by, to=note.to))
            if note.token == mine.token:
                return mine
            if note.at > now - CLAIM_SECONDS:
                raise Conflict("redriving", f"{id} is being redriven by {note.by}; ask again later")
        raise Unavailable(f"{id}: the claim can't be read back from Kafka")

    def _note(self, id: str, by: str, to: str) -> Redriven:
        note = Note(id=id, at=time.time(), by=by, to=to, topic=self._topic)
        self._produce(REDRIVES, id.encode(), _encoder.encode(note))
        return Redriven(id=id, at=note.at, by=by, to=to)

    def _noted(self, id: str) -> list[Note]:
        """All notes on a dead letter, in order, as an id has one partition."""
        for number in self._reader.partitions(REDRIVES):
            low, high = self._reader.bounds(REDRIVES, number)
            start = max(low, self._read_to.get(number, low))
            for message in self._reader.between(REDRIVES, number, start, high):
                note = _read(message.value())
                if note is not None and (
                    not note.topic or note.topic == (self._topic or note.topic)
                ):
                    self._notes.setdefault(note.id, []).append(note)
            self._read_to[number] = high
        return self._notes.get(id, [])

    def _find(self, entry: Entry, start: int) -> Message | None:
        """The record that an earlier attempt produced; None without one."""
        letter = entry.letter
        end = self._reader.bounds(letter.topic, letter.partition)[1]
        for message in self._reader.between(letter.topic, letter.partition, start, end):
            if (HEADER, entry.id.encode()) in (message.headers() or []):
                return message
        return None

    def _produce(
        self,
        topic: str,
        key: bytes | None,
        value: bytes,
        partition: int | None = None,
        redrives: str = "",
    ) -> Message:
        """Produce a record; returns once the broker holds the record. Raises Unavailable."""
        ended: list[tuple[KafkaError | None, Message]] = []
        self._producer.produce(
            topic,
            value,
            key,
            headers=[(HEADER, redrives.encode())] if redrives else [],
            on_delivery=lambda error, message: ended.append((error, message)),
            **({} if partition is None else {"partition": partition}),
        )
        self._producer.flush(PRODUCE_SECONDS_MAX + 5)
        if not ended or ended[0][0] is not None:
            why = ended[0][0].name() if ended and ended[0][0] else "no answer"
            raise Unavailable(f"Kafka did not take the record for {topic} ({why})")
        return ended[0][1]


def _read(value: bytes | None) -> Note | None:
    """A note; None for what is none, which must not hide the notes beside it."""
    try:
        return None if value is None else _decoder.decode(value)
    except UNREADABLE:
        return None


def _done_before(known: Redriven) -> Conflict:
    return Conflict("redriven", f"{known.id} was redriven before, by {known.by}, to {known.to}")


def _spot(sent: Message) -> str:
    return f"{sent.topic()}[{sent.partition()}]@{sent.offset()}"


def _place(entry: Entry) -> str:
    letter = entry.letter
    return f"{letter.topic}[{letter.partition}]@{letter.offset}"
