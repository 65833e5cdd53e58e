"""The fallback platforms when a platform does not take the page."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support import incidents
from support.configured import policy_with

from ticketing.config import PLATFORMS
from ticketing.domain.events import Receipt, TicketState
from ticketing.domain.incidents import fallback
from ticketing.domain.incidents.incident import Incident, Status, StepKind
from ticketing.domain.incidents.lifecycle import raised, reopened, resolved, ticketed
from ticketing.domain.incidents.policy import Policy
from ticketing.domain.incidents.reports import receipted
from ticketing.domain.incidents.timers import elapsed, next_due
from ticketing.domain.severity import Severity

POLICY = policy_with(
    platforms=PLATFORMS,
    routing={Severity.CRITICAL: ("pagerduty", "jira"), Severity.HIGH: ("pagerduty",)},
    deliver_within={Severity.CRITICAL: 60.0, Severity.HIGH: 600.0},
    fallback=("slack", "zammad"),
)


def incident(severity: Severity = Severity.CRITICAL, **fields: Any) -> Incident:
    routes = list(POLICY.routing[severity])
    made = incidents.incident(severity=severity, routes=routes, **fields)
    return watched(ticketed(made, 1000.0, POLICY), 1000.0)


def watched(made: Incident, now: float, policy: Policy = POLICY) -> Incident:
    return fallback.watched(made, now, policy)


def told(made: Incident, now: float, platform: str, state: TicketState, **fields: Any) -> Incident:
    revision = made.revision
    id = {"external_id": "T-1"} if state is not TicketState.REJECTED else {}
    receipt = Receipt(
        incident_id=made.id, platform=platform, state=state, revision=revision, **{**id, **fields}
    )
    return watched(receipted(made, receipt, now, POLICY), now)


def at(made: Incident, now: float) -> Incident:
    return watched(elapsed(made, now, None, POLICY), now)


def test_a_late_ticket_goes_to_the_fallback_with_the_reason() -> None:
    opened = told(incident(), 1001.0, "jira", TicketState.OPEN)
    assert next_due(opened, 1001.0, POLICY) == 1060.0
    assert at(opened, 1059.9) is opened
    late = at(opened, 1060.0)
    assert late.routes == ["pagerduty", "jira", "slack", "zammad"]
    assert late.revision > opened.revision
    assert [(f.platform, f.reason) for f in late.failures] == [("pagerduty", "not_in_time")]
    step = late.timeline[-1]
    assert step.kind is StepKind.FALLBACK
    assert step.text == "pagerduty did not take it within 60 s; notified slack, zammad"


def test_a_platform_that_took_it_is_watched_no_longer() -> None:
    opened = told(incident(), 1001.0, "pagerduty", TicketState.OPEN)
    taken = told(opened, 1002.0, "jira", TicketState.ACKNOWLEDGED)
    assert taken.take_by == {}
    assert at(taken, 5000.0) is taken


def test_what_is_rejected_goes_there_at_once() -> None:
    refused = told(incident(), 1002.0, "pagerduty", TicketState.REJECTED, error="invalid: HTTP 400")
    assert refused.routes == ["pagerduty", "jira", "slack", "zammad"]
    assert refused.failures[-1].text == "pagerduty rejected it: invalid: HTTP 400"
    assert "pagerduty" not in refused.take_by
    again = told(refused, 1003.0, "pagerduty", TicketState.REJECTED, error="invalid: HTTP 400 b")
    assert len(again.failures) == 1


def test_the_error_known_so_far_stands_in_the_reason() -> None:
    error = "not delivered yet: unreachable"
    waiting = told(incident(), 1010.0, "pagerduty", TicketState.PENDING, error=error)
    late = at(told(waiting, 1011.0, "jira", TicketState.OPEN), 1060.0)
    assert late.failures[-1].text == f"pagerduty did not take it within 60 s: {error}"


def test_a_ticket_that_a_person_deleted_is_told_to_the_fallback() -> None:
    opened = told(incident(), 1001.0, "pagerduty", TicketState.OPEN)
    refused = told(opened, 1002.0, "pagerduty", TicketState.REJECTED, error="not_found: HTTP 404")
    assert refused.failures[-1].text == "pagerduty rejected it: not_found: HTTP 404"
    assert "pagerduty" not in refused.take_by


def test_a_reopening_that_is_refused_or_late_goes_there_too() -> None:
    opened = told(incident(), 1001.0, "pagerduty", TicketState.OPEN)
    opened = told(opened, 1001.0, "jira", TicketState.OPEN)
    over = watched(resolved(opened, 2000.0, POLICY), 2000.0)
    assert over.take_by == {}
    over = told(over, 2001.0, "pagerduty", TicketState.RESOLVED)
    over = told(over, 2001.0, "jira", TicketState.RESOLVED)
    anew = watched(reopened(over, 3000.0, POLICY), 3000.0)
    assert anew.take_by == {"pagerduty": 3060.0, "jira": 3060.0}
    refused = told(anew, 3001.0, "pagerduty", TicketState.REJECTED, error="not_found")
    late = at(refused, 3060.0)
    assert [(f.platform, f.reason) for f in late.failures] == [
        ("pagerduty", "rejected"),
        ("jira", "not_in_time"),
    ]


def test_the_same_platform_fails_again_only_after_a_reopening() -> None:
    late = at(told(incident(), 1001.0, "jira", TicketState.OPEN), 1060.0)
    failed = [failure.platform for failure in at(late, 9000.0).failures]
    assert failed.count("pagerduty") == 1
    over = watched(resolved(late, 10_000.0, POLICY), 10_000.0)
    anew = watched(reopened(over, 11_000.0, POLICY), 11_000.0)
    assert "pagerduty" in anew.take_by


def test_a_fallback_that_fails_is_noted_and_leads_nowhere_else() -> None:
    late = at(told(incident(), 1001.0, "jira", TicketState.OPEN), 1060.0)
    later = at(late, 1200.0)
    assert {f.platform for f in later.failures} == {"pagerduty", "slack", "zammad"}
    assert later.routes == late.routes
    assert at(later, 99_999.0).failures == later.failures


def test_a_rise_of_the_severity_shortens_the_wait_and_never_lengthens_it() -> None:
    opened = incident(Severity.HIGH)
    assert opened.take_by == {"pagerduty": 1600.0}
    critical = watched(raised(opened, Severity.CRITICAL, 1100.0, POLICY), 1100.0)
    assert critical.take_by == {"pagerduty": 1160.0, "jira": 1160.0}
    assert watched(critical, 1150.0).take_by["pagerduty"] == 1160.0


def test_what_is_resolved_before_needs_nobody_any_more() -> None:
    over = watched(resolved(incident(), 1030.0, POLICY), 1030.0)
    assert over.status is Status.RESOLVED
    assert at(over, 2000.0).failures == []
    assert told(over, 1040.0, "pagerduty", TicketState.REJECTED, error="x").failures == []


@pytest.mark.parametrize("policy", [policy_with(), replace(POLICY, fallback=())])
def test_without_a_fallback_nothing_is_watched(policy: Policy) -> None:
    assert fallback.watched(incident(), 1000.0, policy).take_by == {}


def test_where_no_time_is_set_only_a_rejection_counts() -> None:
    policy = replace(POLICY, deliver_within={})
    opened = fallback.watched(incident(), 1000.0, policy)
    assert opened.take_by == {}
    receipt = Receipt(
        incident_id=opened.id,
        platform="pagerduty",
        state=TicketState.REJECTED,
        revision=0,
        error="credentials",
    )
    refused = receipted(replace(opened, tickets={}), receipt, 1001.0, policy)
    assert refused.routes[-2:] == ["slack", "zammad"]


def test_what_is_held_back_has_no_deadline() -> None:
    held = replace(incident(), ticketed=False, held_by="x", take_by={})
    assert fallback.watched(held, 1000.0, POLICY).take_by == {}


def test_a_platform_that_is_disabled_by_now_is_waited_for_no_longer() -> None:
    """It takes nothing, and the others hold the page."""
    opened = incident()
    policy = replace(POLICY, platforms=("jira", "slack", "zammad"))
    assert opened.take_by.keys() == {"pagerduty", "jira"}
    assert watched(opened, 1001.0, policy).take_by.keys() == {"jira"}
    taken = told(opened, 1001.0, "jira", TicketState.OPEN)
    later = elapsed(taken, 1061.0, None, policy)
    assert later.failures == []
    due = next_due(later, 1061.0, policy)
    assert due is None or due > 1061.0


def test_where_no_platform_of_an_incident_is_left_the_fallback_still_gets_it() -> None:
    policy = replace(POLICY, platforms=("slack", "zammad"))
    late = elapsed(incident(), 1060.0, None, policy)
    assert late.routes[-2:] == ["slack", "zammad"]


def test_an_incident_without_an_enabled_platform_is_routed_anew_when_it_is_due() -> None:
    """Ticketed or reopened after the platforms of its routes were taken out of use."""
    policy = replace(POLICY, platforms=("jira", "slack", "zammad"))
    old = incidents.incident(severity=Severity.CRITICAL, routes=["pagerduty", "opsgenie"])
    due = ticketed(old, 1000.0, policy)
    assert due.routes == ["pagerduty", "opsgenie", "jira"]
    over = resolved(ticketed(old, 1000.0, POLICY), 1001.0, policy)
    again = reopened(over, 1002.0, policy)
    assert again.routes == ["pagerduty", "opsgenie", "jira"]
    kept = incidents.incident(severity=Severity.CRITICAL, routes=["pagerduty", "slack"])
    assert ticketed(kept, 1000.0, policy).routes == ["pagerduty", "slack"], "one is enabled"
