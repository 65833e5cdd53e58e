"""Marks and the balance's two sides: they begin anew together, and a replay changes nothing."""

from __future__ import annotations

import pytest
from support.alerts import anomalies

from ticketing.domain.alerts.conservation import (
    Counted,
    CountedSource,
    Tally,
    counting,
    counting_redriven,
)
from ticketing.domain.signals import Origin

LOGS = ["logs"]


def origin(
    since: str = "id:0", partition: int = 0, topic: str = "logs", through: int = -1
) -> Origin:
    return Origin(topic=topic, partition=partition, since=since, through=through)


def test_interleaved_anomalies_of_a_message_all_count() -> None:
    found = counting(Counted(), origin(), [anomalies("aa", 1, 5, frames=[6]), anomalies("bb", 2)])
    assert (found.total(LOGS), found.mark("id:0")) == (4, 6)


def test_a_run_that_is_cut_differently_counts_what_is_new() -> None:
    once = counting(Counted(), origin(), [anomalies("aa", 1, 5)])
    assert counting(once, origin(), [anomalies("aa", 1), anomalies("bb", 5)]) is once
    assert counting(once, origin(), [anomalies("aa", 1, 5, 7)]).total(LOGS) == 3


def test_the_mark_is_the_end_of_the_run() -> None:
    found = counting(Counted(), origin(through=9), [anomalies("aa", 1, 5)])
    assert found.mark("id:0") == 9
    assert counting(found, origin(through=7), []) is found
    assert counting(found, origin(through=12), []).mark("id:0") == 12
    assert counting(found, origin(), [], refused=14).mark("id:0") == 14
    assert found.mark("id:1") == -1


def test_each_source_partition_has_a_count_of_its_own() -> None:
    found = counting(Counted(), origin(), [anomalies("aa", 9)])
    found = counting(found, origin(partition=1), [anomalies("aa", 1)])
    found = counting(found, origin("other:0", topic="other"), [anomalies("aa", 1)])
    assert found.total(LOGS) == 2
    assert found.total(["logs", "other"]) == 3


def test_a_source_that_begins_anew_is_balanced_anew_and_keeps_its_mark() -> None:
    found = counting(Counted(), origin(), [anomalies("aa", 1, 5)])
    found = counting(found, origin("id:4"), [])
    assert (found.total(LOGS), found.mark("id:0")) == (0, 5)
    found = counting(found, origin("id:4"), [anomalies("aa", 5)])
    assert (found.total(LOGS), found.mark("id:0")) == (1, 5)


def test_a_topic_made_again_takes_the_counts_of_all_its_partitions() -> None:
    found = counting(Counted(), origin(), [anomalies("aa", 1, 5)])
    found = counting(found, origin(partition=1), [anomalies("aa", 1)])
    found = counting(found, origin("other:0", topic="other"), [anomalies("aa", 1)])
    found = counting(found, origin("new:"), [])
    assert found.total(LOGS) == 0
    assert found.total(["other"]) == 1
    assert counting(found, origin("new:0"), [anomalies("aa", 1)]).total(LOGS) == 1


def test_the_marks_of_the_topic_before_stay_and_those_of_earlier_ones_go() -> None:
    found = Counted()
    for id in ("a", "b", "c"):
        found = counting(found, origin(f"{id}:0"), [anomalies("aa", 1)])
    assert (found.mark("a:0"), found.mark("b:0"), found.mark("c:0")) == (-1, 1, 1)
    # A late worker of the topic before changes the marks of that topic alone.
    late = counting(found, origin("b:0"), [anomalies("aa", 1, 2)])
    assert (late.mark("b:0"), late.mark("c:0"), late.total(LOGS)) == (2, 1, 1)


def test_an_origin_of_which_nothing_was_read_resets_nothing() -> None:
    found = counting(Counted(), origin(), [anomalies("aa", 1, 5)])
    assert counting(found, origin("id:"), []) is found


def test_redriven_anomalies_count_below_what_was_passed() -> None:
    found = counting(Counted(), origin("id:4"), [anomalies("aa", 9)])
    found = counting(found, origin("id:4", partition=1), [anomalies("aa", 9)])
    found = counting_redriven(found, anomalies("bb", 3, 5, 6, source="id:1"))
    assert found.sources["id:1"] == CountedSource(
        topic="logs", since="id:4", through=9, balanced=9, count=3
    )
    assert found.total(LOGS) == 4


@pytest.mark.parametrize("source", ["former:0", "id:7", "t-0", ""])
def test_redriven_anomalies_of_no_source_that_is_counted_change_nothing(source: str) -> None:
    found = counting(Counted(), origin(), [anomalies("aa", 9)])
    assert counting_redriven(found, anomalies("bb", 3, source=source)) is found


def test_tallies_add_up_by_reason() -> None:
    first = Tally(since="id:0", records=3, below=1, dead={"empty": 1})
    second = Tally(
        since="", records=2, repaired=1, unscored=2, clock_corrections=1, dead={"empty": 1, "x": 1}
    )
    assert first.plus(second) == Tally(
        since="id:0",
        records=5,
        below=1,
        repaired=1,
        unscored=2,
        clock_corrections=1,
        dead={"empty": 2, "x": 1},
    )
