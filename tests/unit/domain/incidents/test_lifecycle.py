"""How an incident lives: transitions, tickets, escalation, flapping, receipts, quiet."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.configured import policy_with
from support.incidents import anomalies, opened

from ticketing.config import PLATFORMS
from ticketing.domain.alerts.counting import fresh_above
from ticketing.domain.events import Action, Command, Receipt, Summary, TicketState
from ticketing.domain.incidents.commands import commanded
from ticketing.domain.incidents.incident import Incident, Status, StepKind
from ticketing.domain.incidents.lifecycle import fired_again, raised, reopens, settled
from ticketing.domain.incidents.policy import Policy
from ticketing.domain.incidents.reports import correlated, receipted, summarized
from ticketing.domain.incidents.routing import routes_for
from ticketing.domain.incidents.timers import elapsed, expired, next_due
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
    return settled(opened(anomalies("aa", 1, severity=severity), 0.0, policy), 0.0, policy)


def ticketed(policy: Policy = POLICY) -> Incident:
    return elapsed(new(policy=policy), 30.0, None, policy)


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
    incident = ticketed()
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
    incident = after(ticketed(), Action.RESOLVE, id="same")
    assert after(incident, Action.RESOLVE, id="same") is incident


def test_outcomes_and_timeline_are_bounded_and_seq_goes_on() -> None:
    incident = ticketed()
    for number in range(100):
        incident = after(incident, Action.COMMENT, id=f"c{number}", note=str(number))
    assert len(incident.commands) == 16
    assert len(incident.timeline) == 50
    assert incident.timeline[0].kind is StepKind.OPENED
    assert incident.timeline[-1].seq == 102


def test_an_escalation_stays_on_record_when_somebody_acknowledges() -> None:
    incident = after(after(ticketed(), Action.ESCALATE), Action.ACKNOWLEDGE)
    assert incident.status is Status.ACKNOWLEDGED
    assert incident.escalated_at == 100.0
    assert incident.escalated_to == ["opsgenie", "payments-team"]
    assert incident.routes == ["slack", "opsgenie"], "a team is no platform"


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
    incident = elapsed(after(new(), Action.RESOLVE), 500.0, None, POLICY)
    assert not incident.ticketed
    assert "no platform was notified" in incident.timeline[-1].text


def test_nobody_acknowledging_escalates_once() -> None:
    incident = ticketed()
    assert next_due(incident, 30.0, POLICY) == 330.0
    assert elapsed(incident, 329.0, None, POLICY) is incident
    incident = elapsed(incident, 330.0, None, POLICY)
    assert (incident.status, incident.escalate_at) == (Status.ESCALATED, None)
    assert elapsed(incident, 999.0, None, POLICY) is incident


def test_an_acknowledged_incident_is_not_escalated_by_time() -> None:
    incident = after(ticketed(), Action.ACKNOWLEDGE)
    assert elapsed(incident, 9999.0, None, POLICY) is incident


def test_a_rise_brings_in_platforms_where_none_were_routed() -> None:
    incident = elapsed(new(Severity.MEDIUM), 30.0, None, POLICY)
    assert (incident.routes, incident.ticketed) == ([], True)
    incident = raised(incident, Severity.CRITICAL, 40.0, POLICY)
    assert (incident.routes, incident.severity) == (["pagerduty", "slack"], Severity.CRITICAL)
    assert raised(incident, Severity.LOW, 50.0, POLICY) is incident


def test_routing_leads_only_to_enabled_platforms() -> None:
    assert routes_for(Severity.CRITICAL, replace(POLICY, platforms=("slack",))) == ["slack"]


def again(incident: Incident, at: float, offset: int) -> Incident:
    incident = replace(incident, status=Status.RESOLVED, resolved_at=at - 1.0)
    found = anomalies("aa", offset)
    return fired_again(incident, found, fresh_above(found, -1), at, POLICY)


def test_a_resolved_incident_reopens_until_its_window_ends() -> None:
    resolved = replace(new(), status=Status.RESOLVED, resolved_at=1000.0)
    policy = replace(POLICY, reopen_window=600.0)
    assert reopens(resolved, 1600.0, policy)
    assert not reopens(resolved, 1600.1, policy)


def test_the_third_reopening_is_flapping_until_steady() -> None:
    incident = again(again(ticketed(), 1000.0, 2), 2000.0, 3)
    assert not incident.flapping
    incident = again(incident, 3000.0, 4)
    assert incident.flapping
    assert incident.ticketed
    assert kinds(incident)[-2:] == [StepKind.REOPENED, StepKind.FLAPPING]
    assert next_due(replace(incident, publish_at=None, escalate_at=None), 8199.0, POLICY) == 8200.0
    assert not elapsed(incident, 8200.0, None, POLICY).flapping


def test_reopenings_far_apart_are_no_flapping() -> None:
    incident = ticketed()
    for number in range(6):
        incident = again(incident, 10_000.0 * (number + 1), number + 2)
    assert not incident.flapping


def test_what_flaps_is_not_escalated_automatically_a_second_time() -> None:
    incident = elapsed(ticketed(), 330.0, None, POLICY)
    incident = again(incident, 1000.0, 2)
    assert incident.escalate_at == 1300.0
    incident = again(again(incident, 1100.0, 3), 1200.0, 4)
    assert incident.escalate_at is None


def test_what_flaps_must_be_quiet_longer_before_it_is_resolved() -> None:
    policy = replace(POLICY, auto_resolve_after=100.0, escalate_after={})
    incident = replace(ticketed(policy), flapping=True, reopenings=[25.0, 26.0, 27.0])
    assert elapsed(incident, 500.0, 399.0, policy).status is Status.OPEN
    assert elapsed(incident, 500.0, 400.0, policy).status is Status.RESOLVED


def test_nothing_ends_by_quiet_while_the_quiet_clock_stands_still() -> None:
    policy = replace(POLICY, auto_resolve_after=100.0, escalate_after={})
    incident = ticketed(policy)
    assert elapsed(incident, 9999.0, None, policy) is incident
    assert next_due(incident, 9999.0, policy) == 9999.0 + policy.recheck_every
    resolved = after(incident, Action.RESOLVE)
    assert not expired(resolved, None, policy)
    assert not expired(resolved, resolved.resolved_at, policy)
    assert expired(resolved, 100.0 + policy.retention, policy)


def receipt(revision: int = 1, **fields: Any) -> Receipt:
    values = {"state": TicketState.OPEN, "key": "K-1", **fields}
    return Receipt(incident_id="aa-0-7", platform="slack", revision=revision, **values)


def test_only_a_receipt_that_shows_something_new_is_published() -> None:
    first = receipted(ticketed(), receipt(), 50.0, POLICY)
    assert first.tickets["slack"].key == "K-1"
    assert receipted(first, receipt(), 51.0, POLICY) is first
    second = receipted(first, receipt(9, error="flaky"), 52.0, POLICY)
    assert second.revision == first.revision
    assert second.tickets["slack"].revision == 9
    third = receipted(second, receipt(9, url="http://x"), 53.0, POLICY)
    assert third.revision == second.revision + 1


def test_a_receipt_older_than_the_known_one_is_ignored() -> None:
    first = receipted(ticketed(), receipt(5, state=TicketState.RESOLVED), 50.0, POLICY)
    assert receipted(first, receipt(4), 51.0, POLICY) is first


def found(service: str, *, since: float = 10.0, until: float = 20.0, traces: int = 3) -> Findings:
    candidates = [Candidate(service=service, score=2.0)]
    return Findings(since=since, until=until, traces=traces, candidates=candidates)


def test_an_unchanged_correlation_is_not_published_again() -> None:
    first = correlated(ticketed(), found("a"), 1.0, POLICY)
    assert correlated(first, found("a"), 2.0, POLICY) is first
    other = correlated(first, found("b"), 3.0, POLICY)
    assert (other.correlation, other.revision) == (found("b"), first.revision + 1)


def test_a_correlation_from_fewer_traces_of_the_same_outbreak_is_ignored() -> None:
    first = correlated(ticketed(), found("a"), 1.0, POLICY)
    other = correlated(first, found("b", traces=2), 2.0, POLICY)
    assert other.correlation == found("a")


def test_findings_of_an_earlier_outbreak_are_kept_aside() -> None:
    first = correlated(ticketed(), found("a", since=100.0, until=110.0), 1.0, POLICY)
    other = correlated(first, found("b"), 2.0, POLICY)
    assert other.correlation == first.correlation
    causes = [[c.service for c in one.candidates] for one in other.attributions]
    assert causes == [["b"], ["a"]]


def test_a_summary_of_an_older_revision_is_ignored() -> None:
    def summary(revision: int) -> Summary:
        return Summary(
            incident_id="aa-0-7", revision=revision, generated_by="rules", title="t", text="x"
        )

    first = summarized(ticketed(), summary(3), 1.0, POLICY)
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
