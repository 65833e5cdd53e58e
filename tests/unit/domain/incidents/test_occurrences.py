"""The occurrences before a ticket: by severity, by service, within one lookback window."""

from __future__ import annotations

import pytest
from support.configured import policy_with
from support.incidents import incident
from ticketing.domain.incidents.occurrences import awaiting, counted, needed, recounted

from ticketing.config.loading import validate
from ticketing.config.policy import policy
from ticketing.domain.incidents.incident import Incident, Kind, StepKind
from ticketing.domain.severity import Severity

POLICY = policy_with(
    minimum_count={Severity.CRITICAL: 1, Severity.HIGH: 3},
    minimum_count_by_service={"batch": {Severity.HIGH: 5}},
)


def with_windows(*counts: tuple[int, int], first: float, last: float) -> Incident:
    return incident(
        windows=list(counts), count=sum(n for _, n in counts), first_seen=first, last_seen=last
    )


@pytest.mark.parametrize(
    ("service", "severity", "bound"),
    [
        ("orders", Severity.CRITICAL, 1),
        ("orders", Severity.HIGH, 3),
        ("orders", Severity.LOW, 1),
        ("batch", Severity.HIGH, 5),
        ("batch", Severity.CRITICAL, 1),
    ],
)
def test_the_bound_is_the_services_own_or_that_of_the_severity(
    service: str, severity: Severity, bound: int
) -> None:
    assert needed(incident(service=service, severity=severity), POLICY) == bound


def test_the_bounds_come_from_the_configuration() -> None:
    count = {"high": 3, "services": {"batch": {"critical": 2}, "checkout": 4}}
    made = policy(validate({"anomaly": {"minimumCount": count, "lookbackWindow": "5m"}}))
    assert made.minimum_count == {**dict.fromkeys(Severity, 1), Severity.HIGH: 3}
    assert made.minimum_count_by_service == {
        "batch": {Severity.CRITICAL: 2},
        "checkout": dict.fromkeys(Severity, 4),
    }
    assert made.lookback_window == 300.0
    alone = policy(validate({"anomaly": {"minimumScore": 0.9, "minimumCount": 3}}))
    assert alone.minimum_count == dict.fromkeys(Severity, 3)


def test_the_fullest_window_counts() -> None:
    spread = with_windows((0, 1), (900, 2), (1800, 1), first=10.0, last=1810.0)
    assert counted(spread, POLICY) == 2


def test_the_first_occurrences_count_across_the_bound_of_two_windows() -> None:
    assert counted(with_windows((0, 1), (900, 2), first=899.0, last=901.0), POLICY) == 3
    assert counted(with_windows((0, 1), (900, 2), first=0.0, last=900.5), POLICY) == 2


def test_an_incident_with_too_few_waits_and_says_so() -> None:
    waiting = awaiting(incident(count=2, first_seen=0.0, last_seen=1.0), 5.0, POLICY)
    assert waiting.waits_for == 3
    assert waiting.timeline[-1].kind is StepKind.HELD
    assert waiting.timeline[-1].text == "no ticket before 3 occurrences within 900 s"


def test_lines_of_stack_traces_wait_for_no_ticket() -> None:
    stray = incident(count=1, first_seen=0.0, last_seen=1.0, kind=Kind.STRAY)
    assert awaiting(stray, 5.0, POLICY) is stray


def test_an_incident_with_enough_does_not_wait() -> None:
    enough = incident(count=3, first_seen=0.0, last_seen=1.0)
    assert awaiting(enough, 5.0, POLICY) is enough


def test_a_waiting_incident_is_measured_by_the_bounds_of_now() -> None:
    waiting = incident(count=2, first_seen=0.0, last_seen=1.0, waits_for=3)
    assert recounted(waiting, POLICY) is waiting
    assert recounted(waiting, policy_with(minimum_count={Severity.HIGH: 2})).waits_for == 0
    assert recounted(waiting, policy_with(minimum_count={Severity.HIGH: 4})).waits_for == 4
