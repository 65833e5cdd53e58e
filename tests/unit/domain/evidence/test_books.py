"""Tallies of several workers in, verdicts out: in any order, late, doubled, in parts and absurd."""

from __future__ import annotations

import random
from typing import Any

import pytest
from support.evidence import requests_of, tallies_of
from support.microservices import START, Fault, System

from ticketing.domain.events import Verdict
from ticketing.domain.evidence import books as module
from ticketing.domain.evidence.books import (
    AGAIN_SECONDS,
    UNCHANGED_SLOTS,
    WORKERS_WAIT_SECONDS,
    Books,
    Part,
)
from ticketing.domain.evidence.tally import Tally
from ticketing.wire.evidence import decode_part, encode_tally, unpack_rows

SCOPE = "0123456789abcdef"
FIRST = int(START // 10)
NOW = START + 10_000.0


def tallied(seed: int = 3, workers: int = 1, fault: bool = True) -> dict[tuple[int, str], Tally]:
    system = System(seed)
    operations = [one for one in system.reachable() if one not in system.entries]
    broken = Fault("return", operations[seed % len(operations)], START + 200) if fault else None
    return tallies_of(requests_of(system.run(broken, 300.0)), workers, seed)


def parts_of(
    slot: int, worker: str, tally: Tally, version: int = 1, bytes_max: int = 500_000
) -> list[Part]:
    values = encode_tally(SCOPE, worker, slot, version, tally, bytes_max=bytes_max)
    assert all(len(value) <= bytes_max + 100 for value in values)
    return [decode_part(value) for value in values]


class Desk:
    """Gives parts to books and keeps the verdicts."""

    def __init__(self) -> None:
        self.books = Books(unpack_rows)
        self.now = NOW
        self.told: list[Verdict] = []

    def give(self, found: list[Part]) -> None:
        for part in found:
            self.books.take(part, self.now)

    def look(self) -> None:
        while verdicts := self.books.verdicts(self.now):
            self.told += verdicts

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.look()

    @property
    def last(self) -> Any:
        one = self.told[-1]
        return one.at, one.causes, one.ranking, one.alerts


def live(tallies: dict[tuple[int, str], Tally], bytes_max: int = 500_000) -> Desk:
    """The verdicts of tallies that come slot by slot."""
    desk = Desk()
    for slot in sorted({slot for slot, _ in tallies}):
        for (number, worker), tally in tallies.items():
            if number == slot:
                desk.give(parts_of(slot, worker, tally, bytes_max=bytes_max))
        desk.look()
    desk.pass_time(WORKERS_WAIT_SECONDS)
    return desk


def test_a_fault_is_named_and_its_alerts_hang_below_it() -> None:
    told = live(tallied()).told[-1]
    assert told.scope == SCOPE
    assert told.causes
    assert told.ranking[0].service == told.causes[0].service
    assert any(alert.cause == 0 for alert in told.alerts)
    assert told.edges


def test_parts_of_a_tally_make_the_verdict_of_the_whole() -> None:
    tallies = tallied(workers=2)
    assert live(tallies).last == live(tallies, bytes_max=4_000).last


def test_a_replay_at_full_speed_ends_with_the_verdict_of_the_live_run() -> None:
    tallies = tallied()
    replayed = Desk()
    for (slot, worker), tally in sorted(tallies.items(), key=lambda one: one[0]):
        replayed.give(parts_of(slot, worker, tally))
    replayed.look()
    assert len(replayed.told) > 5, "an outbreak that ended long ago is still seen on its way"
    assert replayed.last[0] == live(tallies).last[0]
    assert replayed.told[-1].ranking[:1] != []


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_tallies_in_any_order_late_and_doubled_end_with_the_same_ranking(seed: int) -> None:
    chance = random.Random(seed)
    tallies = tallied(workers=2)
    messages = [
        part
        for (slot, worker), tally in tallies.items()
        for part in [*parts_of(slot, worker, Tally(), 1), *parts_of(slot, worker, tally, 2)]
    ]
    messages += chance.sample(messages, 20)
    chance.shuffle(messages)
    desk = Desk()
    for part in messages:
        desk.give([part])
    desk.look()
    for _ in range(5):
        desk.pass_time(AGAIN_SECONDS)
    assert [one.service for one in desk.told[-1].ranking] == [
        one.service for one in live(tallies).told[-1].ranking
    ]


def test_a_slot_waits_for_workers_that_told_of_the_last_ones_but_not_for_long() -> None:
    tallies = tallied(workers=2)
    desk = Desk()
    desk.give(parts_of(FIRST, "a", tallies[FIRST, "w0"]))
    desk.give(parts_of(FIRST, "b", tallies[FIRST, "w1"]))
    desk.look()
    desk.give(parts_of(FIRST + 1, "a", tallies[FIRST + 1, "w0"]))
    given = len(desk.told)
    desk.look()
    assert len(desk.told) == given
    desk.pass_time(WORKERS_WAIT_SECONDS)
    assert [one.at for one in desk.told] == [(FIRST + 1) * 10.0, (FIRST + 2) * 10.0]


def test_a_late_tally_is_judged_again_after_a_pause() -> None:
    tallies = tallied()
    desk = live({key: tally for key, tally in tallies.items() if key[0] != FIRST + 25})
    given, at = len(desk.told), desk.told[-1].at
    desk.give(parts_of(FIRST + 25, "w0", tallies[FIRST + 25, "w0"]))
    desk.pass_time(0.1)
    assert len(desk.told) == given
    desk.pass_time(AGAIN_SECONDS)
    assert [one.at for one in desk.told[given:]] == [at]


def test_verdicts_that_say_nothing_come_now_and_then() -> None:
    system = System(1, noise=0.0)
    records = [record | {"anomaly_score": 0.1} for record in system.run(None, 600.0)]
    desk = live(tallies_of(requests_of(records)))
    quiet = [one for one in desk.told if not one.ranking]
    assert 0 < len(quiet) <= 60 // UNCHANGED_SLOTS + 2 * (len(desk.told) - len(quiet)) + 1


def test_absurd_parts_are_counted_and_change_nothing() -> None:
    desk = Desk()
    known = {"scope": SCOPE, "worker": "w", "version": 1}
    for absurd in (
        Part(slot=int(NOW // 10) + 100, **known),
        Part(slot=FIRST, part=1, parts=1, **known),
        Part(slot=FIRST, part=0, parts=10_000, **known),
    ):
        desk.give([absurd])
    assert desk.books.take_dropped() == {"out_of_bounds": 3}
    desk.pass_time(60.0)
    assert desk.told == []


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SCOPES_MAX", 3)
    monkeypatch.setattr(module, "WAITING_BYTES_MAX", 1_000)
    books = Books(unpack_rows)
    for number in range(100):
        for part in range(2):
            books.take(
                Part(
                    scope=f"{number % 10:016x}",
                    worker=f"w{number}",
                    slot=FIRST,
                    version=1,
                    part=part,
                    parts=2,
                    rows=b"x" * 100,
                ),
                NOW,
            )
        assert len(books) <= 3
        assert books._bytes <= 1_000
    dropped = books.take_dropped()
    assert dropped["scopes"] == 97


def test_parts_whose_other_parts_never_come_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING_BYTES_MAX", 1_000)
    monkeypatch.setattr(module, "TALLIES_MAX", 20)
    books = Books(unpack_rows)
    for number in range(100):
        rows = b"x" * 100 if number < 50 else b""
        part = Part(scope=SCOPE, worker="w", slot=FIRST + number, version=1, parts=2, rows=rows)
        books.take(part, NOW)
        assert books._bytes <= 1_000
        assert len(books._scopes[SCOPE].tallies) <= 40
    assert books.take_dropped()["waiting_full"] >= 60
