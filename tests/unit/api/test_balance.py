"""The balance over all workers: from Kafka, shared by all who look, and never waited for twice."""

from __future__ import annotations

from typing import Any

from ticketing.api.balance import (
    ASK_AGAIN_SECONDS,
    ASK_EVERY_SECONDS,
    KafkaBalance,
    Records,
    totals,
)
from ticketing.config import Config
from ticketing.domain.alerts.conservation import Tally
from ticketing.errors import Unavailable
from ticketing.kafka.runtime import Runtime
from ticketing.wire.notes import encode_counted, encode_tally
from ticketing.wire.topics import SIGNALS

NOTES = {
    ("enriched-logs", 0): encode_tally(
        Tally(since="id:0", records=7, below=3, dead={"empty": 1, "failed": 1}, latest=1_030.0)
    ),
    ("enriched-logs", 1): encode_tally(Tally(since="id:0", records=2, below=1, latest=1_000.0)),
    ("enriched-logs", 2): "of another program",
    (SIGNALS, 0): encode_counted(2),
    (SIGNALS, 1): encode_counted(1),
    (SIGNALS, 2): "",
}
SUMS = Records(records=9, below_threshold=4, counted=3, dead_letters=2, latest=1_030.0)


class Group:
    """A group whose broker answers, or does not."""

    def __init__(self) -> None:
        self.asked = 0
        self.silent = False
        self.now = 100.0

    async def notes(self, topics: list[str]) -> dict[tuple[str, int], str]:
        assert topics == ["enriched-logs", SIGNALS]
        self.asked += 1
        if self.silent:
            raise Unavailable("Kafka does not answer")
        return NOTES


def balance(group: Group) -> KafkaBalance:
    runtime = Runtime(Config(), "broker:9092", embedded=False)
    made: Any = lambda: group  # noqa: E731
    return KafkaBalance(runtime, group=made, clock=lambda: group.now)


def test_the_notes_of_all_partitions_are_summed_and_others_ignored() -> None:
    assert totals(NOTES) == SUMS


async def test_those_who_look_at_once_share_an_answer() -> None:
    group = Group()
    found = balance(group)
    assert [await found.read() for _ in range(5)] == [SUMS] * 5
    assert group.asked == 1
    group.now += ASK_EVERY_SECONDS
    await found.read()
    assert group.asked == 2


async def test_a_broker_that_does_not_answer_is_left_alone_for_a_while() -> None:
    group = Group()
    group.silent = True
    found = balance(group)
    assert [await found.read() for _ in range(5)] == [None] * 5
    assert group.asked == 1
    group.silent = False
    group.now += ASK_AGAIN_SECONDS
    assert await found.read() == SUMS


async def test_the_totals_are_those_of_all_workers(start: Any) -> None:
    api = await start(balance=balance(Group()))
    _, found = await api.get("/api/v1/totals")
    assert SUMS.shown().items() <= found.items()
    assert found["incidents"] == 0


async def test_without_an_answer_the_totals_leave_out_what_nobody_knows(start: Any) -> None:
    group = Group()
    group.silent = True
    api = await start(balance=balance(group))
    status, found = await api.get("/api/v1/totals")
    assert status == 200
    assert found["incidents"] == 0
    assert found.keys().isdisjoint(SUMS.shown())
