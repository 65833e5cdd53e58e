"""Dead letters in Kafka: read back in time, redriven once."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner
from confluent_kafka import Message, Producer
from support.alerts import anomalies
from support.kafka import Kafka

from sinks.delivery.wishes import Retry, decode, retry_key
from ticketing.cli.dead_letters import dead_letters as command
from ticketing.config import validate
from ticketing.dead_letters import reading, redrive
from ticketing.dead_letters.reading import Entry, Wanted, every, get, page
from ticketing.dead_letters.redrive import HEADER, Redriver
from ticketing.domain.signals import Progress, Redriven
from ticketing.errors import Conflict, Misconfigured, NotFound, NotWhole, Unavailable
from ticketing.kafka.admin import Seen, Topics
from ticketing.kafka.reader import TopicReader
from ticketing.kafka.runtime import Runtime
from ticketing.wire.dead_letters import (
    FAILED_ROW,
    UNREADABLE_ROW,
    VALUE_BYTES_MAX,
    DeadLetter,
    encode_dead_letter,
    row_letter_of,
)
from ticketing.wire.signals import decode_signals, encode_signals
from ticketing.wire.topics import DEAD_LETTERS, SIGNALS, platform_topic

INPUT = "enriched-logs"
ID = "0123456789abcdef-0000000000000029"
CONFIG: dict[str, Any] = {"pagerduty": {"enabled": True, "routingKey": "k" * 32}}


def record_letter(value: bytes = b'{"a":1}', **fields: Any) -> DeadLetter:
    known: dict[str, Any] = {
        "reason": "no_score",
        "stage": "detection",
        "topic": INPUT,
        "partition": 2,
        "offset": 7,
        "key": "k",
        "value": value[:VALUE_BYTES_MAX],
        "size": len(value),
    }
    return DeadLetter(**{**known, **fields})


DELIVERY = DeadLetter(
    reason="invalid",
    stage="delivery",
    platform="pagerduty",
    incident_id=ID,
    key=ID,
    value=b"POST https://x\n{}",
    size=17,
)


class Desk:
    """A broker with dead letters on it."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        runtime.ensure_topics()
        self._producer = Producer(runtime.client())

    def put(
        self, *letters: DeadLetter, partition: int = 0, timestamp_ms: int | None = None
    ) -> list[str]:
        """The ids under which they stand there."""
        when = {} if timestamp_ms is None else {"timestamp": timestamp_ms}
        with TopicReader(self.runtime) as reader:
            first = reader.bounds(DEAD_LETTERS, partition)[1]
        for letter in letters:
            self._producer.produce(
                DEAD_LETTERS, encode_dead_letter(letter), partition=partition, **when
            )
        assert self._producer.flush(30) == 0
        return [f"{partition}-{first + number}" for number in range(len(letters))]

    def read(self, topic: str) -> list[Message]:
        with TopicReader(self.runtime) as reader:
            return [
                message
                for number in reader.partitions(topic)
                for message in reader.between(topic, number, *reader.bounds(topic, number))
            ]


@pytest.fixture
def desk() -> Iterator[Desk]:
    runtime = Runtime.of(validate(CONFIG))
    yield Desk(runtime)
    assert runtime.held is not None


def test_pages_go_back_in_time_over_all_partitions(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "CHUNK_RECORDS", 3)
    ids = []
    now = int(time.time() * 1000)
    for number in range(20):
        letter = record_letter(detail=str(number))
        ids += desk.put(letter, partition=number % 3, timestamp_ms=now + number)
    seen: list[Entry] = []
    cursor = None
    for _ in range(10):
        found = page(desk.runtime, Wanted(), 6, cursor)
        assert len(found.entries) <= 6
        seen += found.entries
        cursor = found.following
        if cursor is None:
            break
    assert [entry.id for entry in seen] == list(reversed(ids))
    assert [entry.id for entry in every(desk.runtime, Wanted())] == list(reversed(ids))


def test_a_filter_scans_a_bounded_number_and_continues(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "SCANNED_MAX", 10)
    (wanted,) = desk.put(DELIVERY)
    desk.put(*[record_letter()] * 15)
    first = page(desk.runtime, Wanted(stage="delivery"), 5)
    assert first.entries == []
    assert first.following is not None
    second = page(desk.runtime, Wanted(stage="delivery"), 5, first.following)
    assert [entry.id for entry in second.entries] == [wanted]
    assert second.following is None


def test_what_is_no_dead_letter_hides_no_other(desk: Desk) -> None:
    producer = Producer(desk.runtime.client())
    producer.produce(DEAD_LETTERS, b"not ours", partition=0)
    producer.flush(30)
    desk.put(DELIVERY)
    reasons = [entry.letter.reason for entry in every(desk.runtime, Wanted())]
    assert sorted(reasons) == ["invalid", "undecodable"]


@pytest.mark.parametrize("id", ["0-99", "99-0", "nonsense", "-1-0", "0-0-0", ""])
def test_an_unknown_id_is_said_to_be_unknown(desk: Desk, id: str) -> None:
    desk.put(DELIVERY)
    with pytest.raises(NotFound):
        get(desk.runtime, id)


@pytest.mark.parametrize("cursor", ["x", "0-1,", "0:1"])
def test_a_cursor_that_is_none_is_refused(desk: Desk, cursor: str) -> None:
    with pytest.raises(ValueError, match="not a cursor of the dead letters"):
        page(desk.runtime, Wanted(), 5, cursor)


def test_an_id_that_comes_again_in_a_topic_made_anew_is_another_dead_letter(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made(id: str) -> None:
        monkeypatch.setattr(Topics, "identities", lambda *_: {DEAD_LETTERS: Seen(4, id)})

    (id,) = desk.put(record_letter())
    made("the first")
    with Redriver(desk.runtime) as redriver:
        redriver.redrive(id, "anna")
    made("the second")
    with Redriver(desk.runtime) as redriver:
        assert redriver.done(id) is None
        redriver.redrive(id, "bert")
        with pytest.raises(Conflict, match="redriven before, by bert"):
            redriver.redrive(id, "anna")


def test_a_delivery_is_tried_again_by_its_adapter(desk: Desk) -> None:
    (id,) = desk.put(DELIVERY)
    with Redriver(desk.runtime) as redriver:
        done = redriver.redrive(id, "anna")
    assert done.to.startswith("ticketing-pagerduty[")
    (message,) = desk.read(platform_topic("pagerduty"))
    assert message.key() == retry_key(ID).encode()
    assert decode(message.value()).retry == Retry(incident_id=ID, by="anna")


@pytest.mark.parametrize(
    ("key", "raw_key", "expected"),
    [("k", None, b"k"), (None, None, None), ("\ufffd", b"\xff", b"\xff")],
)
def test_a_record_is_produced_again_as_it_was(
    desk: Desk, key: str | None, raw_key: bytes | None, expected: bytes | None
) -> None:
    (id,) = desk.put(record_letter(b"\x00\xff", key=key, raw_key=raw_key))
    with Redriver(desk.runtime) as redriver:
        done = redriver.redrive(id, "anna")
    (message,) = desk.read(INPUT)
    assert (message.key(), message.value(), message.partition()) == (expected, b"\x00\xff", 2)
    assert message.headers() == [(HEADER, id.encode())]
    assert done.to == f"{INPUT}[2]@{message.offset()}"


@pytest.mark.parametrize("letter", [record_letter(), DELIVERY])
def test_a_second_redrive_is_refused_and_says_what_became_of_the_first(
    desk: Desk, letter: DeadLetter
) -> None:
    (id,) = desk.put(letter)
    with Redriver(desk.runtime) as redriver:
        first = redriver.redrive(id, "anna")
        with pytest.raises(Conflict, match="redriven before, by anna"):
            redriver.redrive(id, "bert")
    with Redriver(desk.runtime) as another:
        with pytest.raises(Conflict, match="redriven before, by anna"):
            another.redrive(id, "bert")
        assert another.done(id) == first
    assert len(desk.read(first.to.split("[")[0])) == 1


def test_a_delivery_to_a_platform_that_is_gone_is_refused(desk: Desk) -> None:
    (id,) = desk.put(DeadLetter(reason="invalid", stage="delivery", platform="jira"))
    with Redriver(desk.runtime) as redriver, pytest.raises(Conflict, match="not enabled"):
        redriver.redrive(id, "anna")


def test_a_broker_that_begins_with_the_command_has_no_dead_letters() -> None:
    result = CliRunner().invoke(command, ["list"], env={"TICKETING_KAFKA__BROKERS": "embedded"})
    assert isinstance(result.exception, Misconfigured)


def test_a_record_that_was_cut_is_not_produced(desk: Desk) -> None:
    (id,) = desk.put(record_letter(b"x" * (VALUE_BYTES_MAX + 1)))
    with (
        Redriver(desk.runtime) as redriver,
        pytest.raises(NotWhole, match=r"64000 of its record.s 64001 bytes"),
    ):
        redriver.redrive(id, "anna")
    assert desk.read(INPUT) == []


def test_a_record_that_no_letter_holds_is_read_where_it_came_from(desk: Desk) -> None:
    noise = random.Random(1).randbytes(100_000).hex()
    one, other = (encode_signals([progress(f"{name}{noise}")]) for name in "ab")
    packed = b"[%b,%b]" % (one[1:-1], other[1:-1])
    producer = Producer(desk.runtime.client())
    producer.produce(SIGNALS, packed, partition=2)
    producer.flush(30)
    place = {"topic": SIGNALS, "partition": 2, "offset": 0}
    cut = [record_letter(value, **place) for value in (packed, other)]
    changed = record_letter(other.replace(b'"b', b'"c'), **place)
    *ids, wrong = desk.put(*cut, changed)
    with Redriver(desk.runtime) as redriver:
        for id in ids:
            redriver.redrive(id, "anna")
        with pytest.raises(NotWhole):
            redriver.redrive(wrong, "anna")
    assert [message.value() for message in desk.read(SIGNALS)] == [packed, packed, other]


def test_anomalies_are_produced_again_with_the_mark_that_lets_them_count(desk: Desk) -> None:
    value = encode_signals([anomalies("aa", 1, 2), progress("t")])
    letter = record_letter(value, topic=SIGNALS, partition=1, offset=0, key=None)
    (id,) = desk.put(letter)
    with Redriver(desk.runtime) as redriver:
        redriver.redrive(id, "anna")
        with pytest.raises(Conflict, match="redriven before"):
            redriver.redrive(id, "anna")
    (message,) = desk.read(SIGNALS)
    assert message.partition() == 1
    assert decode_signals(message.value()) == [
        Redriven(anomalies=anomalies("aa", 1, 2)),
        progress("t"),
    ]


@pytest.mark.parametrize("reason", [UNREADABLE_ROW, FAILED_ROW])
def test_a_row_is_not_redriven(desk: Desk, reason: str) -> None:
    letter = row_letter_of(
        "ticketing-incidents-changelog", 0, "aa", b"{}", stage="incidents", reason=reason, detail=""
    )
    (id,) = desk.put(letter)
    with Redriver(desk.runtime) as redriver, pytest.raises(Conflict, match="still in its table"):
        redriver.redrive(id, "anna")


def progress(topic: str) -> Progress:
    return Progress(topic=topic, partition=0, partitions=1, through=1.0)


def test_who_dies_before_the_note_has_produced_once_all_the_same(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    (id,) = desk.put(record_letter())
    with Redriver(desk.runtime) as dying, monkeypatch.context() as patch:
        patch.setattr(dying, "_note", _dies)
        with pytest.raises(SystemExit):
            dying.redrive(id, "anna")
    assert len(desk.read(INPUT)) == 1
    with Redriver(desk.runtime) as soon, pytest.raises(Conflict, match="being redriven by anna"):
        soon.redrive(id, "bert")
    later = time.time() + 120.0
    monkeypatch.setattr(redrive.time, "time", lambda: later)
    with Redriver(desk.runtime) as redriver:
        redriver.redrive(id, "bert")
    assert len(desk.read(INPUT)) == 1


def test_who_dies_before_producing_is_taken_over_from(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    (id,) = desk.put(record_letter())
    with Redriver(desk.runtime) as dying, monkeypatch.context() as patch:
        patch.setattr(dying, "_find", _dies)
        with pytest.raises(SystemExit):
            dying.redrive(id, "anna")
    assert desk.read(INPUT) == []
    monkeypatch.setattr(redrive, "CLAIM_SECONDS", 1e-9)
    with Redriver(desk.runtime) as hasty, pytest.raises(Unavailable, match="too long"):
        hasty.redrive(id, "bert")
    monkeypatch.setattr(redrive, "CLAIM_SECONDS", 60.0)
    later = time.time() + 120.0
    monkeypatch.setattr(redrive.time, "time", lambda: later)
    with Redriver(desk.runtime) as redriver:
        redriver.redrive(id, "bert")
    assert len(desk.read(INPUT)) == 1


def _dies(*args: Any) -> Any:
    raise SystemExit


@pytest.mark.kafka
def test_all_of_it_on_a_real_broker_and_from_the_command_line(
    broker: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TICKETING_KAFKA__BROKERS", broker.address)
    monkeypatch.setenv("TICKETING_KAFKA__PARTITIONS", "3")
    monkeypatch.setenv("TICKETING_KAFKA__REPLICATION_FACTOR", "1")
    monkeypatch.setenv("TICKETING_PAGERDUTY__ENABLED", "true")
    monkeypatch.setenv("TICKETING_PAGERDUTY__ROUTING_KEY", "k" * 32)
    desk = Desk(Runtime.from_environ())
    one, other = desk.put(record_letter(), record_letter(reason="undecodable"))
    (delivery,) = desk.put(DELIVERY, partition=1)
    run = CliRunner().invoke
    listed = run(command, ["list", "--reason", "undecodable"])
    assert other in listed.output
    assert listed.output.splitlines()[-1] == "1 dead letters"
    assert '{"a":1}' in run(command, ["show", one]).output
    assert run(command, ["redrive", one, "--by", "anna"]).output.startswith(f"{one} to {INPUT}[2]@")
    again = run(command, ["redrive", one, "0-99"])
    assert again.exit_code == 1
    assert "redriven before, by anna" in again.output
    assert "There is no dead letter 0-99" in again.output
    assert "redriven by anna" in run(command, ["show", one]).output
    rest = run(command, ["redrive", "--all"])
    assert rest.exit_code == 0
    assert "2 redriven, 1 not" in rest.output
    assert len(desk.read(INPUT)) == 2
    assert [m.key() for m in desk.read(platform_topic("pagerduty"))] == [retry_key(ID).encode()]
    assert delivery in rest.output
