"""The event time that all sources have reached."""

from __future__ import annotations

import math

from ticketing.domain.traces.watermark import UNMOVED_SECONDS, Watermark, plausible, reached


def test_the_slowest_source_counts() -> None:
    mark = Watermark()
    assert mark.at(0.0) == math.inf
    mark.report("a", 100.0, 1.0)
    mark.report("b", 50.0, 1.0)
    assert mark.at(2.0) == 50.0
    mark.report("b", 150.0, 3.0)
    assert mark.at(3.0) == 100.0


def test_a_source_that_goes_back_is_waited_for_again() -> None:
    mark = Watermark()
    mark.report("a", math.inf, 1.0)
    mark.report("a", 10.0, 2.0)
    assert mark.at(2.0) == 10.0


def test_a_source_without_lines_holds_back_until_it_is_read() -> None:
    mark = Watermark()
    mark.report("a", 100.0, 1.0)
    mark.expect("b", 1.0)
    mark.expect("a", 1.0)
    assert mark.at(1.0) == -math.inf
    mark.report("b", 1_000.0, 6.0)
    assert mark.at(6.0) == 100.0


def test_a_source_that_stands_still_is_given_up_whether_or_not_it_reports() -> None:
    mark = Watermark()
    for now in range(0, 100, 5):
        mark.report("stuck", 10.0, float(now))
        mark.report("a", 100.0 + now, float(now))
        assert mark.at(float(now)) == (10.0 if now < UNMOVED_SECONDS else 100.0 + now)


def test_sources_of_lost_partitions_are_forgotten() -> None:
    mark = Watermark()
    mark.report("in:0>3", 10.0, 1.0)
    mark.report("in:0>13", 20.0, 1.0)
    mark.keep([">13"])
    assert mark.at(1.0) == 20.0


def test_a_few_clocks_that_run_ahead_do_not_count() -> None:
    assert reached([*range(19), 1e9, 1e9]) == 18
    assert reached([5.0]) == 5.0
    assert plausible(2e9, 1.9e9) == 1.9e9
    assert plausible(None, 1.9e9) == 1.9e9
