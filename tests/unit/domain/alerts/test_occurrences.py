"""A ticket waits until there were enough occurrences within one window."""

from __future__ import annotations

from typing import Any

from support.alerts import alert_policy_with, anomalies

from ticketing.domain.alerts.alert import Alert
from ticketing.domain.alerts.counting import fresh_above
from ticketing.domain.alerts.episodes import counted
from ticketing.domain.severity import Severity

HIGH, CRITICAL = Severity.HIGH, Severity.CRITICAL
POLICY = alert_policy_with(
    lookback_window=900.0,
    minimum_count=dict.fromkeys(Severity, 3) | {CRITICAL: 1},
    minimum_count_by_service={"cart": {HIGH: 5}, "blog": {CRITICAL: 2}},
)


def life(*times: float, **changes: Any) -> Alert:
    alert: Alert | None = None
    for offset, at in enumerate(times):
        found = anomalies("aa", offset, at=at, **changes)
        alert = counted(alert, found, fresh_above(found, -1), 1e9, POLICY)
    assert alert is not None
    return alert


def test_the_bound_stays_until_it_is_met() -> None:
    assert [life(*[0.0] * n).needed for n in (1, 2, 3, 4)] == [3, 3, 0, 0]


def test_first_occurrences_are_not_parted_by_a_windows_bound() -> None:
    assert life(890.0, 895.0, 905.0).needed == 0


def test_occurrences_of_different_windows_do_not_add_up() -> None:
    assert life(0.0, 100.0, 1000.0).needed == 3
    assert life(0.0, 1000.0, 1100.0, 1200.0).needed == 0


def test_lines_of_traces_alone_are_no_occurrence() -> None:
    found = anomalies("aa", frames=[1, 2, 3], severity=CRITICAL)
    alone = counted(None, found, fresh_above(found, -1), 1e9, POLICY)
    assert (alone.needed, alone.count) == (1, 3)
    head = anomalies("aa", 4, severity=CRITICAL)
    assert counted(alone, head, fresh_above(head, 3), 1e9, POLICY).needed == 0


def test_a_service_may_have_bounds_of_its_own() -> None:
    assert life(0.0, service="cart").needed == 5
    assert life(0.0, service="blog").needed == 3
    assert life(0.0, service="blog", severity=CRITICAL).needed == 2


def test_a_rise_takes_the_bound_of_the_higher_severity() -> None:
    first = life(0.0)
    rise = anomalies("aa", 1, at=1.0, severity=CRITICAL)
    assert counted(first, rise, fresh_above(rise, -1), 1e9, POLICY).needed == 0


def test_a_severity_of_another_release_is_bound_as_critical() -> None:
    assert life(0.0, severity=Severity("fatal")).needed == 0
