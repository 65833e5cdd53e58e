"""From any state of a platform to any wish: reached in few steps, and then nothing more."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.deliveries import TIMING, begun, ended, wanting
from support.incidents import incident

from sinks.calls.outcome import Absent, Delivered, Reason, Refused, RetryAfter, Unknown
from sinks.delivery import fold, reconcile
from sinks.delivery.wishes import OperationResult
from sinks.platform import ALL_OPERATIONS, STATUS_STEPS, Repeat, Traits
from sinks.text import shown_fields
from tables import deliveries
from tables.deliveries import Delivery, Held, Operation, Uncertain, Why
from ticketing.domain.events import TicketState
from ticketing.domain.incidents.incident import Status, Step, StepKind, Ticket
from ticketing.domain.severity import Severity

ALERTS = Traits(
    repeat=Repeat.BLINDLY,
    operations=frozenset(
        {
            Operation.CREATE,
            Operation.UPDATE,
            Operation.REOPEN,
            Operation.ACKNOWLEDGE,
            Operation.RESOLVE,
        }
    ),
)
ISSUES = Traits(
    repeat=Repeat.AFTER_LOOK_UP,
    updates=frozenset({Why.SEVERITY, Why.TITLE, Why.LINKS, Why.SUMMARY, Why.COUNT}),
    steps=STATUS_STEPS,
    search_lag=3.0,
)
MESSAGES = dataclasses.replace(ISSUES, whole=True)
WEBHOOK = Traits(repeat=Repeat.MARKED, operations=ALL_OPERATIONS - {Operation.COMMENT}, whole=True)
ALL_TRAITS = [ALERTS, ISSUES, MESSAGES, WEBHOOK]
STEPS_MAX = 6


def run(delivery: Delivery, now: float, traits: Traits) -> tuple[Delivery, list[Operation]]:
    """Let every planned operation succeed, until nothing is planned."""
    done: list[Operation] = []
    for _ in range(STEPS_MAX):
        if reconcile.plan(delivery, now, traits, "p") is None:
            return delivery, done
        delivery = begun(delivery, now, traits)
        assert delivery.intent is not None
        done.append(delivery.intent.operation)
        delivery = ended(delivery, Delivered(external_id="T-1"), now, traits)
    assert reconcile.plan(delivery, now, traits, "p") is None, done
    return delivery, done


wishes = st.builds(
    lambda status, severity, title, steps, count, other: (
        {
            "status": status,
            "severity": severity,
            "title": title,
            "count": count,
            "revision": 7,
            "timeline": [Step(seq=i, at=1.0, kind=kind) for i, kind in enumerate(steps, 1)],
            "tickets": {"jira": Ticket(platform="jira", key=other)} if other else {},
        }
    ),
    st.sampled_from(Status),
    st.sampled_from(Severity),
    st.sampled_from(["one", "two"]),
    st.lists(st.sampled_from(StepKind), max_size=5),
    st.integers(1, 9),
    st.sampled_from(["", "OPS-1"]),
)
doubts = st.sampled_from([None, *[o for o in Operation if o.transition], Operation.UPDATE])


@given(
    have=wishes,
    want=wishes,
    state=st.sampled_from(
        [
            TicketState.OPEN,
            TicketState.ACKNOWLEDGED,
            TicketState.ESCALATED,
            TicketState.RESOLVED,
        ]
    ),
    doubt=doubts,
    exists=st.booleans(),
    traits=st.sampled_from(ALL_TRAITS),
    automatic=st.sets(st.sampled_from(Severity)),
)
def test_any_wish_is_reached_in_few_steps_and_then_nothing_is_planned(
    have: Any, want: Any, state: Any, doubt: Any, exists: bool, traits: Traits, automatic: Any
) -> None:
    from_ = incident(**have)
    wanted = incident(**{**want, "revision": 8})
    traits = dataclasses.replace(traits, auto_acknowledge=frozenset(automatic))
    if doubt is not None and doubt not in traits.operations:
        doubt = None
    delivery = dataclasses.replace(Delivery(incident_id=wanted.id), want=wanted)
    if exists:
        shown = shown_fields.shown(from_, "p", 1.0)
        held = Held(external_id="T-1", state=state, shown=shown)
        uncertain = Uncertain(operation=doubt, shown=shown) if doubt else None
        delivery = dataclasses.replace(delivery, have=held, uncertain=uncertain)
    after, done = run(delivery, 5000.0, traits)
    assert after.have is not None
    target = reconcile.target(wanted, traits)
    if target is TicketState.ESCALATED and Operation.ESCALATE not in traits.operations:
        assert after.have.state is not TicketState.RESOLVED
    else:
        assert after.have.state is target
    assert done.count(Operation.CREATE) == (0 if exists else 1)
    if wanted.status is not Status.RESOLVED:
        assert after.have.shown.severity.rank >= wanted.severity.rank


def opened(traits: Traits, **changes: Any) -> Delivery:
    delivery, _ = run(wanting(incident(**changes)), 100.0, traits)
    return delivery


def test_an_incident_resolved_before_its_ticket_existed_is_created_and_then_resolved() -> None:
    delivery = wanting(incident(status=Status.RESOLVED))
    _, done = run(delivery, 0.0, ALERTS)
    assert done == [Operation.CREATE, Operation.RESOLVE]


def test_five_hundred_wishes_become_one_operation() -> None:
    delivery = opened(MESSAGES)
    for revision in range(2, 502):
        wish = incident(revision=revision, title=f"t{revision}")
        delivery = fold.desired(delivery, wish)
    _, done = run(delivery, 200.0, MESSAGES)
    assert done == [Operation.UPDATE]


def test_an_older_revision_is_not_wanted_any_more() -> None:
    delivery = wanting(incident(revision=5))
    assert fold.desired(delivery, incident(revision=4, status=Status.RESOLVED)) is delivery


def test_counts_alone_change_nothing_on_an_alerting_platform() -> None:
    delivery = fold.desired(opened(ALERTS), incident(revision=2, count=9000, title="other"))
    assert reconcile.plan(delivery, 1e6, ALERTS, "p") is None
    assert reconcile.wakes_at(delivery, 200.0, ALERTS, "p") is None


def test_counts_alone_are_shown_every_five_minutes() -> None:
    delivery = fold.desired(opened(MESSAGES, count=1), incident(revision=2, count=2))
    assert reconcile.plan(delivery, 399.0, MESSAGES, "p") is None
    assert reconcile.wakes_at(delivery, 200.0, MESSAGES, "p") == 400.0
    planned = reconcile.plan(delivery, 400.0, MESSAGES, "p")
    assert planned is not None
    assert planned.why is Why.COUNT


def test_a_risen_severity_fires_again_unless_resolved() -> None:
    delivery = opened(ALERTS)
    raised = fold.desired(delivery, incident(revision=2, severity=Severity.CRITICAL))
    planned = reconcile.plan(raised, 200.0, ALERTS, "p")
    assert planned is not None
    assert (planned.operation, planned.why) == (Operation.UPDATE, Why.SEVERITY)
    resolved = fold.desired(
        delivery, incident(revision=2, severity=Severity.CRITICAL, status=Status.RESOLVED)
    )
    _, done = run(resolved, 200.0, ALERTS)
    assert done == [Operation.RESOLVE]


@pytest.mark.parametrize(
    ("traits", "operation"),
    [
        (ALERTS, Operation.CREATE),
        (WEBHOOK, Operation.CREATE),
        (ISSUES, Operation.LOOK_UP),
        (MESSAGES, Operation.LOOK_UP),
    ],
)
def test_a_create_of_unknown_outcome_is_repeated_or_looked_up(
    traits: Traits, operation: Operation
) -> None:
    delivery = begun(wanting(), 100.0, traits)
    delivery = ended(delivery, Unknown(Reason.TIMEOUT), 110.0, traits)
    at = reconcile.wakes_at(delivery, 110.0, traits, "p")
    assert at is not None
    planned = reconcile.plan(delivery, at, traits, "p")
    assert planned is not None
    assert planned.operation is operation
    if traits.repeat is not Repeat.BLINDLY:
        assert at >= 115.0 + traits.search_lag, "the first request may still be under way"


def test_a_duplicate_is_looked_for_after_an_empty_search() -> None:
    delivery = begun(wanting(), 0.0, ISSUES)
    delivery = ended(delivery, Unknown(Reason.CONNECTION_LOST), 10.0, ISSUES)
    delivery = begun(delivery, 1000.0, ISSUES)
    assert delivery.intent is not None
    assert delivery.intent.operation is Operation.LOOK_UP
    delivery = ended(delivery, Absent(), 1001.0, ISSUES)
    delivery = begun(delivery, 1001.0, ISSUES)
    delivery = ended(delivery, Delivered(external_id="T-2"), 1002.0, ISSUES)
    assert reconcile.plan(delivery, 1002.0, ISSUES, "p") is None
    assert reconcile.wakes_at(delivery, 1002.0, ISSUES, "p") == 1005.0
    planned = reconcile.plan(delivery, 1005.0, ISSUES, "p")
    assert planned is not None
    assert planned.operation is Operation.DEDUPLICATE


def test_a_platform_that_refuses_to_be_searched_still_gets_its_ticket() -> None:
    delivery = begun(wanting(), 0.0, ISSUES)
    delivery = ended(delivery, Unknown(Reason.CONNECTION_LOST), 10.0, ISSUES)
    delivery = ended(begun(delivery, 1e3, ISSUES), Refused(Reason.CREDENTIALS), 1e3, ISSUES)
    planned = reconcile.plan(delivery, 1e3, ISSUES, "p")
    assert planned is not None
    assert (planned.operation, planned.why) == (Operation.CREATE, Why.OUTCOME_UNKNOWN)


def test_a_refused_delivery_waits_for_a_newer_revision() -> None:
    delivery = begun(wanting(), 0.0, ALERTS)
    delivery = ended(delivery, Refused(Reason.INVALID, "no"), 1.0, ALERTS)
    assert reconcile.plan(delivery, 1e9, ALERTS, "p") is None
    newer = fold.desired(delivery, incident(revision=2))
    assert reconcile.plan(newer, 2.0, ALERTS, "p") is None, "not at once"
    assert reconcile.plan(newer, 1e9, ALERTS, "p") is not None
    assert reconcile.plan(fold.retried(delivery), 2.0, ALERTS, "p") is not None


def test_refused_credentials_are_tried_again_without_a_newer_revision() -> None:
    delivery = begun(wanting(), 0.0, ALERTS)
    delivery = ended(delivery, Refused(Reason.CREDENTIALS), 1.0, ALERTS)
    assert reconcile.plan(delivery, 1e6, ALERTS, "p") is not None


def test_a_failing_delivery_waits_as_long_as_it_was_asked_to() -> None:
    delivery = begun(wanting(), 0.0, ALERTS)
    delivery = ended(delivery, RetryAfter(Reason.RATE_LIMITED, 600.0), 1.0, ALERTS)
    assert delivery.next_attempt_at >= 601.0


def test_what_keeps_failing_is_given_up_after_a_day() -> None:
    delivery = begun(wanting(), 0.0, ALERTS)
    delivery = ended(delivery, Unknown(Reason.SERVER_ERROR, True), 1.0, ALERTS)
    delivery = ended(begun(delivery, 9e4, ALERTS), Unknown(Reason.SERVER_ERROR, True), 9e4, ALERTS)
    assert delivery.rejection is not None
    assert delivery.error.startswith("exhausted")


def test_a_result_that_comes_twice_changes_nothing() -> None:
    delivery = begun(wanting(), 0.0, ALERTS)
    result = OperationResult(
        incident_id=delivery.incident_id,
        number=1,
        operation=Operation.CREATE,
        outcome=Delivered(external_id="T"),
    )
    once = fold.concluded(delivery, result, 1.0, ALERTS, TIMING)
    assert fold.concluded(once, result, 2.0, ALERTS, TIMING) is once


def test_a_late_result_of_a_create_is_the_ticket() -> None:
    delivery = begun(wanting(), 0.0, ISSUES)
    late = OperationResult(
        incident_id=delivery.incident_id,
        number=1,
        operation=Operation.CREATE,
        outcome=Delivered(external_id="T"),
    )
    delivery = fold.expired(delivery, 100.0, ISSUES, TIMING)
    delivery = fold.concluded(delivery, late, 101.0, ISSUES, TIMING)
    assert delivery.have is not None
    _, done = run(delivery, 200.0, ISSUES)
    assert Operation.CREATE not in done


def test_an_unwanted_resolution_of_unknown_outcome_is_undone() -> None:
    delivery = fold.desired(opened(ALERTS), incident(revision=2, status=Status.RESOLVED))
    delivery = ended(begun(delivery, 200.0, ALERTS), Unknown(Reason.TIMEOUT), 210.0, ALERTS)
    delivery = fold.desired(delivery, incident(revision=3, status=Status.OPEN))
    after, done = run(delivery, 1e4, ALERTS)
    assert done == [Operation.REOPEN]
    assert after.have is not None
    assert after.have.state is TicketState.OPEN


def test_the_account_of_the_first_attempt_is_kept() -> None:
    delivery = begun(wanting(), 0.0, ALERTS)
    delivery = ended(delivery, Unknown(Reason.TIMEOUT), 1.0, ALERTS)
    assert begun(delivery, 1e4, ALERTS, account="b").account == "a"


def test_a_delivery_survives_the_table() -> None:
    delivery = begun(
        fold.desired(opened(MESSAGES), incident(revision=2, title="x")), 200.0, MESSAGES
    )
    delivery = ended(delivery, Unknown(Reason.TIMEOUT), 201.0, MESSAGES)
    assert deliveries.decode(deliveries.encode(delivery)) == delivery
