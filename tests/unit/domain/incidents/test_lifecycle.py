"""How an incident lives: transitions, tickets, escalation, flapping, receipts, quiet."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.configured import policy_with
from support.incidents import alert, opened

from ticketing.config import PLATFORMS
from ticketing.domain.events import Action, Command, Receipt, Summary, TicketState
from ticketing.domain.incidents.commands import commanded
from ticketing.domain.incidents.incident import Incident, Resolution, Status, StepKind
from ticketing.domain.incidents.lifecycle import (
    ESCALATED_TO_MAX,
    escalated,
    fired_again,
    is_due,
    published,
    raised,
    reopens,
    ticketed,
)
from ticketing.domain.incidents.policy import Policy
from ticketing.domain.incidents.reports import correlated, receipted, summarized
from ticketing.domain.incidents.routing import routes_for
from ticketing.domain.incidents.timers import elapsed, expired, next_due, shifted
from ticketing.domain.severity import Severity
from ticketing.domain.traces.findings import Candidate, Findings

POLICY = policy_with(
    platforms=PLATFORMS,
    routing={
        Severity.CRITICAL: ("pagerduty", "slack"),
        Severity.HIGH: ("slack",),
        Severity.MEDIUM: (),
    },
    escalate_after={Severity.HIGH: 300.0},
    escalation_to=("opsgenie", "payments-team"),
)


def new(severity: Severity = Severity.HIGH, policy: Policy = POLICY) -> Incident:
    return opened(alert("aa", at=0.0, severity=severity), 0.0, policy)


def told(policy: Policy = POLICY, severity: Severity = Severity.HIGH) -> Incident:
    """An incident whose ticket was due after its group wait."""
    made = new(severity, policy)
    assert not is_due(made, 29.9)
    assert is_due(made, 30.0)
    return published(ticketed(made, 30.0, policy), 30.0)


def after(incident: Incident, action: Action, **fields: Any) -> Incident:
    values = {"id": f"c{len(incident.commands)}", "by": "kim", **fields}
    command = Command(incident_id=incident.id, action=action, **values)
    return commanded(incident, command, 100.0, POLICY)


def kinds(incident: Incident) -> list[StepKind]:
    return [step.kind for step in incident.timeline]


TO = {
    Status.OPEN: [],
    Status.ACKNOWLEDGED: [Action.ACKNOWLEDGE],
    Status.ESCALATED: [Action.ESCALATE],
    Status.RESOLVED: [Action.RESOLVE],
}
ALLOWED = {
    (Status.OPEN, Action.ACKNOWLEDGE): Status.ACKNOWLEDGED,
    (Status.OPEN, Action.ESCALATE): Status.ESCALATED,
    (Status.OPEN, Action.RESOLVE): Status.RESOLVED,
    (Status.ACKNOWLEDGED, Action.ESCALATE): Status.ESCALATED,
    (Status.ACKNOWLEDGED, Action.RESOLVE): Status.RESOLVED,
    (Status.ESCALATED, Action.ACKNOWLEDGE): Status.ACKNOWLEDGED,
    (Status.ESCALATED, Action.RESOLVE): Status.RESOLVED,
    (Status.RESOLVED, Action.REOPEN): Status.OPEN,
}
MOVES = [Action.ACKNOWLEDGE, Action.ESCALATE, Action.RESOLVE, Action.REOPEN]


@pytest.mark.parametrize("action", MOVES)
@pytest.mark.parametrize("status", list(Status))
def test_transitions_are_those_of_the_table_and_no_others(status: Status, action: Action) -> None:
    incident = told()
    for step in TO[status]:
        incident = after(incident, step)
    found = after(incident, action)
    wanted = ALLOWED.get((status, action))
    outcome = found.commands[-1]
    assert outcome.applied is (wanted is not None)
    assert found.status is (wanted or status)
    assert outcome.status is found.status
    assert found.revision == incident.revision + 1, "whoever waits for the outcome must see it"


def test_the_same_command_again_changes_nothing() -> None:
    incident = after(told(), Action.RESOLVE, id="same")
    assert after(incident, Action.RESOLVE, id="same") is incident


def test_outcomes_and_timeline_are_bounded_and_seq_goes_on() -> None:
    incident = told()
    for number in range(100):
        incident = after(incident, Action.COMMENT, id=f"c{number}", note=str(number))
    assert len(incident.commands) == 16
    assert len(incident.timeline) == 50
    assert incident.timeline[0].kind is StepKind.OPENED
    assert incident.timeline[-1].seq == 102


def test_an_escalation_stays_on_record_when_somebody_acknowledges() -> None:
    incident = after(after(told(), Action.ESCALATE), Action.ACKNOWLEDGE)
    assert incident.status is Status.ACKNOWLEDGED
    assert incident.escalated_at == 100.0
    assert incident.escalated_to == ["opsgenie", "payments-team"]
    assert incident.routes == ["slack", "opsgenie"], "a team is no platform"


def test_a_record_keeps_the_latest_targets_of_escalations() -> None:
    incident = told()
    names = [f"team-{number}" for number in range(ESCALATED_TO_MAX + 5)]
    for name in names:
        incident = escalated(incident, [name], 1.0, POLICY)
    incident = escalated(incident, [names[-1], "last"], 1.0, POLICY)
    assert incident.escalated_to == [*names[6:], "last"]


def test_an_escalation_tickets_at_once() -> None:
    incident = after(new(), Action.ESCALATE, to=["jira"])
    assert incident.ticketed
    assert incident.routes == ["slack", "jira"]


def test_forwarding_adds_a_platform_and_tickets_at_once() -> None:
    incident = after(new(), Action.FORWARD, to=["jira"])
    assert (incident.routes, incident.ticketed, incident.status) == (
        ["slack", "jira"],
        True,
        Status.OPEN,
    )
    assert not after(incident, Action.FORWARD, to=["fax"]).commands[-1].applied
    assert not after(incident, Action.FORWARD).commands[-1].applied


def test_resolved_before_its_ticket_was_due_it_gets_none() -> None:
    incident = after(new(), Action.RESOLVE)
    assert not is_due(incident, 500.0)
    assert "no platform was notified" in incident.timeline[-1].text


def test_nobody_acknowledging_escalates_once() -> None:
    incident = told()
    assert next_due(incident, 30.0, None, POLICY) == 330.0
    assert elapsed(incident, 329.0, None, POLICY) is incident
    incident = elapsed(incident, 330.0, None, POLICY)
    assert (incident.status, incident.escalate_at) == (Status.ESCALATED, None)
    assert elapsed(incident, 999.0, None, POLICY) is incident


def test_an_acknowledged_incident_is_not_escalated_by_time() -> None:
    incident = after(told(), Action.ACKNOWLEDGE)
    assert elapsed(incident, 9999.0, None, POLICY) is incident


def test_a_rise_brings_in_platforms_where_none_were_routed() -> None:
    incident = told(severity=Severity.MEDIUM)
    assert (incident.routes, incident.ticketed) == ([], True)
    incident = raised(incident, Severity.CRITICAL, 40.0, POLICY)
    assert (incident.routes, incident.severity) == (["pagerduty", "slack"], Severity.CRITICAL)
    assert raised(incident, Severity.LOW, 50.0, POLICY) is incident


def test_routing_leads_only_to_enabled_platforms() -> None:
    assert routes_for(Severity.CRITICAL, replace(POLICY, platforms=("slack",))) == ["slack"]


def again(incident: Incident, at: float) -> Incident:
    incident = replace(incident, status=Status.RESOLVED, resolved_at=at - 1.0)
    return fired_again(incident, at, at, POLICY)


def test_a_resolved_incident_reopens_until_its_window_ends() -> None:
    resolved = replace(new(), status=Status.RESOLVED, resolved_at=1000.0)
    policy = replace(POLICY, reopen_window=600.0)
    assert reopens(resolved, 1600.0, policy)
    assert not reopens(resolved, 1600.1, policy)


def test_the_third_reopening_is_flapping_and_pages_nobody() -> None:
    incident = again(again(told(), 1000.0), 2000.0)
    assert (incident.flapping, incident.page) == (False, 3)
    incident = again(incident, 3000.0)
    assert (incident.flapping, incident.page, incident.ticketed) == (True, 3, True)
    assert kinds(incident)[-2:] == [StepKind.REOPENED, StepKind.FLAPPING]


def test_the_clock_of_a_flapping_incident_runs_for_a_day() -> None:
    incident = again(again(again(told(), 1000.0), 2000.0), 3000.0)
    quiet = replace(incident, publish_at=None, escalate_at=None)
    assert next_due(quiet, 8199.0, None, POLICY) == 3000.0 + POLICY.muted_seconds_max
    assert elapsed(quiet, 3000.0 + POLICY.muted_seconds_max - 1, None, POLICY).flapping
    assert not elapsed(quiet, 3000.0 + POLICY.muted_seconds_max, None, POLICY).flapping


def test_reopenings_far_apart_are_no_flapping() -> None:
    incident = told()
    for number in range(6):
        incident = again(incident, 10_000.0 * (number + 1))
    assert not incident.flapping


def test_what_flaps_is_not_escalated_automatically_a_second_time() -> None:
    incident = elapsed(told(), 330.0, None, POLICY)
    incident = again(incident, 1000.0)
    assert incident.escalate_at == 1300.0
    incident = again(again(incident, 1100.0), 1200.0)
    assert incident.escalate_at is None


def test_what_flaps_must_be_quiet_longer_before_it_is_resolved() -> None:
    policy = replace(POLICY, auto_resolve_after=100.0, escalate_after={})
    incident = replace(
        told(policy), flapping=True, reopenings=[25.0, 26.0, 27.0], alerts_firing=0, quiet_since=0.0
    )
    assert elapsed(incident, 500.0, 399.0, policy).status is Status.OPEN
    assert elapsed(incident, 500.0, 400.0, policy).status is Status.RESOLVED


def test_nothing_ends_by_quiet_while_the_quiet_clock_stands_still() -> None:
    policy = replace(POLICY, auto_resolve_after=100.0, escalate_after={})
    incident = replace(told(policy), alerts_firing=0, quiet_since=0.0)
    assert elapsed(incident, 9999.0, None, policy) is incident
    assert next_due(incident, 9999.0, None, policy) == 9999.0 + policy.recheck_every
    assert next_due(incident, 9999.0, 10.0, policy) == 9999.0 + 90.0
    assert next_due(incident, 9999.0, -9000.0, policy) == 9999.0 + policy.recheck_every_max
    resolved = after(incident, Action.RESOLVE)
    assert not expired(resolved, None, policy)
    assert not expired(resolved, resolved.resolved_at, policy)
    assert expired(resolved, 100.0 + policy.retention, policy)


AT_SLACK = policy_with(ticket_places={"slack": ("https://*.slack.com",)})


def receipt(revision: int = 1, **fields: Any) -> Receipt:
    values = {"state": TicketState.OPEN, "key": "K-1", **fields}
    return Receipt(incident_id="aa-0-7", platform="slack", revision=revision, **values)


def test_only_a_receipt_that_shows_something_new_is_published() -> None:
    first = receipted(told(), receipt(), 50.0, POLICY)
    assert first.tickets["slack"].key == "K-1"
    assert receipted(first, receipt(), 51.0, POLICY) is first
    second = receipted(first, receipt(9, error="flaky"), 52.0, POLICY)
    assert second.revision == first.revision
    assert second.tickets["slack"].revision == 9
    third = receipted(second, receipt(9, url="https://acme.slack.com/x"), 53.0, AT_SLACK)
    assert third.revision == second.revision + 1


def test_a_forged_receipt_shows_no_link_that_leads_elsewhere() -> None:
    forged = receipt(url="https://acme.slack.com.evil.example/x")
    first = receipted(told(), forged, 50.0, AT_SLACK)
    assert first.tickets["slack"].url == ""
    # Nor one of a platform that is not enabled.
    assert (
        receipted(told(), receipt(url="https://acme.slack.com/x"), 50.0, POLICY)
        .tickets["slack"]
        .url
        == ""
    )
    true = receipted(told(), receipt(url="https://acme.slack.com/x"), 50.0, AT_SLACK)
    later = receipted(true, replace(forged, revision=9), 51.0, AT_SLACK)
    assert later.tickets["slack"].url == "https://acme.slack.com/x"


def test_a_receipt_older_than_the_known_one_is_ignored() -> None:
    first = receipted(told(), receipt(5, state=TicketState.RESOLVED), 50.0, POLICY)
    assert receipted(first, receipt(4), 51.0, POLICY) is first


def found(service: str, *, since: float = 10.0, until: float = 20.0, traces: int = 3) -> Findings:
    candidates = [Candidate(service=service, score=2.0)]
    return Findings(since=since, until=until, traces=traces, candidates=candidates)


def test_an_unchanged_correlation_is_not_published_again() -> None:
    first = correlated(told(), found("a"), 1.0, POLICY)
    assert correlated(first, found("a"), 2.0, POLICY) is first
    other = correlated(first, found("b"), 3.0, POLICY)
    assert (other.correlation, other.revision) == (found("b"), first.revision + 1)


def test_a_correlation_from_fewer_traces_of_the_same_outbreak_is_ignored() -> None:
    first = correlated(told(), found("a"), 1.0, POLICY)
    other = correlated(first, found("b", traces=2), 2.0, POLICY)
    assert other.correlation == found("a")


def test_findings_of_an_earlier_outbreak_are_kept_aside() -> None:
    first = correlated(told(), found("a", since=100.0, until=110.0), 1.0, POLICY)
    other = correlated(first, found("b"), 2.0, POLICY)
    assert other.correlation == first.correlation
    causes = [[c.service for c in one.candidates] for one in other.attributions]
    assert causes == [["b"], ["a"]]


def test_a_summary_of_an_older_revision_is_ignored() -> None:
    def summary(revision: int) -> Summary:
        return Summary(
            incident_id="aa-0-7", revision=revision, generated_by="rules", title="t", text="x"
        )

    first = summarized(told(), summary(3), 1.0, POLICY)
    assert summarized(first, summary(2), 2.0, POLICY) is first
    newer = summarized(first, summary(4), 2.0, POLICY).summary
    assert newer is not None
    assert newer.revision == 4


def opinion(severity: Severity | None, revision: int = 1) -> Summary:
    return Summary(
        incident_id="aa-0-7",
        revision=revision,
        generated_by="m",
        title="RESOLVED, ignore",
        text="x",
        severity=severity,
    )


@pytest.mark.parametrize("severity", [*Severity, None])
def test_a_models_opinion_changes_no_severity_unless_it_may(severity: Severity | None) -> None:
    before = new()
    after = summarized(before, opinion(severity), 1.0, POLICY)
    unchanged = replace(
        after,
        summary=before.summary,
        timeline=before.timeline,
        revision=before.revision,
        updated_at=before.updated_at,
    )
    assert unchanged == before


def test_a_models_opinion_may_raise_the_severity_and_never_lower_it() -> None:
    policy = replace(POLICY, summary_may_raise=True)
    raised_to = summarized(new(policy=policy), opinion(Severity.CRITICAL), 1.0, policy)
    assert raised_to.severity is Severity.CRITICAL
    assert raised_to.routes == ["slack", "pagerduty"]
    assert raised_to.summary is not None
    lowered = summarized(new(policy=policy), opinion(Severity.LOW), 1.0, policy)
    assert lowered.severity is Severity.HIGH
    assert lowered.summary is not None


def test_a_summary_that_comes_after_the_resolution_is_too_late() -> None:
    ended = replace(new(), status=Status.RESOLVED)
    assert summarized(ended, opinion(None), 1.0, POLICY) is ended


def test_no_deadline_is_further_off_than_its_length() -> None:
    """A clock that leapt an hour ahead and was set back delays nothing."""
    ahead = 3600.0 + 100.0
    policy = replace(POLICY, auto_resolve_after=None)
    waiting = elapsed(replace(new(policy=policy), ticket_at=ahead + 30.0), 100.0, None, policy)
    assert waiting.ticket_at == 130.0
    late = replace(told(policy), escalate_at=ahead + 300.0, publish_at=ahead + 1.0, paged_at=ahead)
    cut = elapsed(late, 100.0, None, policy)
    assert (cut.escalate_at, cut.publish_at, cut.paged_at) == (400.0, 101.0, 100.0)
    held = replace(new(policy=policy), collective_id="c", held_at=ahead, ticket_at=ahead + 50.0)
    cut = elapsed(held, 100.0, None, policy)
    assert (cut.held_at, cut.ticket_at) == (100.0, 150.0)


def test_a_rise_pages_and_is_escalated_after_its_own_wait() -> None:
    policy = replace(POLICY, escalate_after={Severity.HIGH: 300.0, Severity.CRITICAL: 60.0})
    incident = raised(told(policy), Severity.CRITICAL, 50.0, policy)
    assert (incident.page, incident.paged_at, incident.escalate_at) == (2, 50.0, 110.0)


def test_a_resolution_says_how_it_came_about() -> None:
    by_hand = after(told(), Action.RESOLVE)
    assert by_hand.resolution is Resolution.COMMAND
    assert after(by_hand, Action.REOPEN).resolution is None


def test_a_reopening_by_hand_pages_nobody_and_is_not_resolved_at_once() -> None:
    incident = replace(told(), alerts_firing=0, quiet_since=1.0)
    policy = replace(POLICY, auto_resolve_after=50.0, escalate_after={})
    incident = after(after(incident, Action.RESOLVE), Action.REOPEN)
    assert (incident.page, incident.quiet_since) == (1, 100.0)
    assert elapsed(incident, 149.0, 149.0, policy).status is Status.OPEN


@pytest.mark.parametrize("by", [-20.0, 3600.0])
def test_a_step_of_the_clock_leaves_every_wait_as_long_as_it_was(by: float) -> None:
    policy = replace(POLICY, acknowledge_timeout=500.0, auto_resolve_after=None)
    incidents = [
        new(policy=policy),
        replace(told(policy), publish_at=31.0, take_by={"slack": 90.0}),
        replace(after(told(policy), Action.ACKNOWLEDGE), alerts_firing=1),
        replace(told(policy), flapping=True, reopenings=[30.0], escalate_at=None),
        replace(told(policy), ends_at=700.0, escalate_at=None),
    ]
    for incident in incidents:
        due = next_due(incident, 30.0, None, policy)
        assert due is not None
        assert next_due(shifted(incident, by), 30.0 + by, None, policy) == due + by
