"""The storm guard: admissions within a window, and room again after it."""

from __future__ import annotations

from support.alerts import alert_policy_with, anomalies

from ticketing.domain.alerts.fingerprint import overflow_fingerprint
from ticketing.domain.alerts.storm import (
    ADMITTED_MAX,
    Guard,
    admitting,
    guard_key,
    is_full,
    overflowing,
    recent,
)

POLICY = alert_policy_with(max_patterns_per_service=2, patterns_window=600.0)


def admitted(*times: float) -> Guard:
    guard = Guard()
    for number, at in enumerate(times):
        guard = admitting(guard, f"{number}", at, POLICY)
    return guard


def test_a_guard_is_full_while_the_window_holds_the_limit() -> None:
    guard = admitted(0.0, 100.0)
    assert is_full(guard, 599.0, POLICY)
    assert not is_full(guard, 600.0, POLICY)
    assert not is_full(admitted(0.0), 1.0, POLICY)
    assert not is_full(guard, 1.0, alert_policy_with(max_patterns_per_service=0))


def test_old_admissions_go() -> None:
    guard = admitted(0.0, 100.0)
    assert recent(guard, 100.0, POLICY) is guard
    assert recent(guard, 650.0, POLICY).admitted == {"1": 100.0}
    assert recent(guard, 700.0, POLICY).admitted == {}


def test_admissions_are_bounded() -> None:
    assert len(admitted(*[1.0] * (ADMITTED_MAX + 5)).admitted) == ADMITTED_MAX


def test_services_environments_and_tenants_have_guards_of_their_own() -> None:
    found = anomalies("aa", 1)
    others = [
        anomalies("aa", 1, **{name: value})
        for name in ("tenant", "environment", "service")
        for value in ("a/b", "b")
    ]
    assert len({guard_key(one) for one in [found, *others]}) == 7


def test_an_overflow_alert_names_the_limit_and_no_pattern() -> None:
    found = overflowing(anomalies("aa", 1), POLICY)
    assert found.fingerprint == overflow_fingerprint("acme", "prod", "checkout")
    assert found.title == "checkout: more than 2 new error patterns in 10 minutes"
    assert (found.pattern, found.offsets) == ("", anomalies("aa", 1).offsets)
