"""The quiet clock: no worker's clock is believed, and nobody's silence is taken for quiet."""

from __future__ import annotations

import pytest

from ticketing.domain.alerts.quiet_clock import QuietClock
from ticketing.domain.signals import Progress


def report(
    through: float = 0.0,
    *,
    topic: str = "logs",
    partition: int = 0,
    partitions: int = 1,
    caught_up: bool = False,
) -> Progress:
    return Progress(
        topic=topic,
        partition=partition,
        partitions=partitions,
        through=through,
        caught_up=caught_up,
    )


def test_the_clock_stands_still_until_every_partition_has_reported() -> None:
    clock = QuietClock(["logs", "events"])
    clock.report(report(50.0, partitions=2), 100.0)
    clock.report(report(90.0, topic="events"), 100.0)
    assert clock.now() is None
    clock.report(report(70.0, partition=1, partitions=2), 100.0)
    assert clock.now() == 50.0


def test_a_report_from_further_back_takes_nothing_back() -> None:
    clock = QuietClock()
    clock.report(report(50.0), 100.0)
    clock.report(report(20.0), 110.0)
    assert clock.now() == 50.0


def test_a_topic_with_fewer_partitions_waits_for_those_it_has() -> None:
    clock = QuietClock()
    clock.report(report(50.0, partitions=2), 100.0)
    assert clock.now() is None
    clock.report(report(60.0, partitions=1), 110.0)
    assert clock.now() == 60.0


@pytest.mark.parametrize("worker", [-3_600.0, 0.0, 3_600.0])
def test_a_reader_that_has_caught_up_vouches_for_its_report_before(worker: float) -> None:
    clock = QuietClock()
    for at in (100.0, 105.0, 110.0):
        clock.report(report(at + worker, caught_up=True), at)
    assert clock.now() == 105.0


def test_a_first_report_of_having_caught_up_vouches_for_nothing() -> None:
    clock = QuietClock()
    clock.report(report(100.0, caught_up=True), 100.0)
    assert clock.now() is None


def test_the_same_report_taken_in_twice_says_no_more() -> None:
    clock = QuietClock()
    for at in (100.0, 105.0, 105.0):
        clock.report(report(at, caught_up=True), at)
    assert clock.now() == 100.0


def test_no_report_is_ahead_of_its_arrival() -> None:
    clock = QuietClock()
    clock.report(report(9_999.0), 100.0)
    assert clock.now() == 100.0


def test_a_broker_that_was_ahead_is_corrected() -> None:
    clock = QuietClock()
    clock.report(report(3_700.0), 3_700.0)
    clock.report(report(90.0), 100.0)
    assert clock.now() == 100.0


def test_the_clock_never_passes_the_present_time() -> None:
    clock = QuietClock()
    clock.report(report(3_700.0), 3_700.0)
    assert clock.now(3_700.0) == 3_700.0
    assert clock.now(3_690.0) == 3_690.0, "an ordinary correction"
    assert clock.now(100.0) is None, "the broker's time leapt back, and nobody has reported since"
    clock.report(report(90.0), 101.0)
    assert clock.now(102.0) == 101.0


def test_a_report_without_an_arrival_is_taken_as_stated() -> None:
    clock = QuietClock()
    clock.report(report(50.0, caught_up=True))
    assert clock.now() == 50.0
