"""How wishes, results and time change what is remembered of a ticket."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import deliveries
from support.configured import timing_with
from support.incidents import largest_incident, ticketed

from sinks.calls.answered_texts import contained
from sinks.calls.outcome import Absent, Delivered, Reason, Refused, RetryAfter, Unknown
from sinks.delivery import fold, receipts, reconcile
from sinks.delivery.wishes import OperationResult
from sinks.platform import STATUS_STEPS, Repeat, Traits
from tables.deliveries import Delivery, Held, Operation, Why, encode
from ticketing.domain.events import TicketState
from ticketing.domain.incidents.incident import Status
from ticketing.domain.severity import Severity

NOW = 5000.0
ISSUES = Traits(
    repeat=Repeat.AFTER_LOOK_UP,
    updates=frozenset(Why),
    steps=STATUS_STEPS,
    search_lag=3.0,
)
ALERTS = Traits(repeat=Repeat.BLINDLY)
TIMING = timing_with(timeout=10.0, start_within=5.0, grace=5.0, give_up_after=3600.0)


def wanting(**changes: Any) -> Delivery:
    return deliveries.wanting(ticketed(**changes))


def begun(
    delivery: Delivery, now: float = NOW, traits: Traits = ISSUES, account: str = "a"
) -> Delivery:
    return deliveries.begun(delivery, now, traits, TIMING, account=account)


def ended(
    delivery: Delivery, outcome: Any, now: float = NOW, traits: Traits = ISSUES, number: int = 0
) -> Delivery:
    return deliveries.ended(delivery, outcome, now, traits, TIMING, number=number)


def held(traits: Traits = ISSUES, **changes: Any) -> Delivery:
    return ended(
        begun(wanting(**changes), traits=traits), Delivered(external_id="T-1"), traits=traits
    )


def test_a_delivery_of_the_largest_incident_and_answers_is_far_below_a_message() -> None:
    want = dataclasses.replace(largest_incident(), ticketed=True)
    texts = dict.fromkeys(("key", "url", "on_call"), "😀" * 300_000)
    state = fold.desired(Delivery(incident_id=want.id), want)
    held = ended(begun(state), contained(Delivered(external_id="T" * 500, **texts)))
    updated = fold.desired(held, dataclasses.replace(want, revision=99, title="another"))
    failed = ended(begun(updated), contained(Unknown(Reason.TIMEOUT, detail="😀" * 300_000)))
    again = begun(failed, now=NOW + 100.0)
    told = dataclasses.replace(again, told=receipts.receipt(failed, "jira"))
    assert told.uncertain is not None
    assert told.intent is not None
    assert len(encode(told)) < 200_000


def test_a_create_that_was_taken_up_shows_what_its_first_attempt_showed() -> None:
    """The severity rose between two attempts: the ticket may have been opened by the first."""
    doubtful = ended(
        begun(wanting(revision=1), traits=ALERTS), Unknown(Reason.TIMEOUT), traits=ALERTS
    )
    worse = fold.desired(doubtful, ticketed(revision=2, severity=Severity.CRITICAL))
    later = NOW + 600.0
    made = ended(
        begun(worse, later, ALERTS), Delivered(external_id="T-1"), now=later, traits=ALERTS
    )
    planned = reconcile.plan(made, later, ALERTS, "p")
    assert planned == reconcile.Planned(operation=Operation.UPDATE, why=Why.SEVERITY)


def test_an_older_snapshot_changes_nothing() -> None:
    delivery = wanting(revision=5)
    assert fold.desired(delivery, ticketed(revision=5, count=99)) is delivery
    assert fold.desired(delivery, ticketed(revision=4)) is delivery


def test_a_newer_snapshot_is_kept_without_what_only_its_writer_needs() -> None:
    newer = ticketed(revision=6, watermarks={"s": 5}, windows=[(0, 3)])
    want = fold.desired(wanting(revision=5), newer).want
    assert want is not None
    assert (want.revision, want.watermarks, want.windows) == (6, {}, [])


def test_the_account_of_the_first_create_is_kept_for_good() -> None:
    delivery = begun(wanting())
    assert delivery.account == "a"
    later = dataclasses.replace(delivery, intent=None)
    assert begun(later, account="b").account == "a"


def test_numbers_rise_and_are_never_used_again() -> None:
    first = begun(wanting())
    assert first.intent is not None
    second = begun(ended(first, RetryAfter(Reason.UNREACHABLE)), NOW + 9999)
    assert second.intent is not None
    assert second.intent.number == first.intent.number + 1


def test_a_result_of_another_request_changes_nothing() -> None:
    delivery = begun(wanting())
    assert ended(delivery, Unknown(Reason.TIMEOUT), number=99) is delivery


def test_a_ticket_made_by_a_request_that_was_given_up_is_kept() -> None:
    delivery = fold.expired(begun(wanting()), NOW + 1000, ISSUES, TIMING)
    late = OperationResult(
        incident_id=delivery.incident_id,
        number=1,
        operation=Operation.CREATE,
        outcome=Delivered(external_id="T-9"),
    )
    after = fold.concluded(delivery, late, NOW + 1001, ISSUES, TIMING)
    assert after.have is not None
    assert after.have.external_id == "T-9"
    assert after.uncertain is None


def test_a_second_ticket_that_turns_up_late_is_looked_into() -> None:
    delivery = held()
    late = OperationResult(
        incident_id=delivery.incident_id,
        number=99,
        operation=Operation.CREATE,
        outcome=Delivered(external_id="T-2"),
    )
    after = fold.concluded(delivery, late, NOW + 60, ISSUES, TIMING)
    assert after.have is not None
    assert after.have.external_id == "T-1"
    planned = reconcile.plan(after, NOW + 60, ISSUES, "p")
    assert planned is not None
    assert planned.operation is Operation.DEDUPLICATE


def test_a_request_is_given_up_only_after_its_deadline_and_grace() -> None:
    delivery = begun(wanting())
    assert delivery.intent is not None
    end = delivery.intent.deadline + TIMING.grace
    assert fold.expired(delivery, end - 0.1, ISSUES, TIMING) is delivery
    lost = fold.expired(delivery, end, ISSUES, TIMING)
    assert lost.intent is None
    assert lost.uncertain is not None


@pytest.mark.parametrize("over", [True, False])
def test_an_unknown_create_is_looked_for_once_visible(over: bool) -> None:
    delivery = begun(wanting())
    assert delivery.intent is not None
    unknown = ended(delivery, Unknown(Reason.TIMEOUT, over=over))
    visible = (NOW if over else delivery.intent.deadline) + ISSUES.search_lag
    assert reconcile.plan(unknown, visible - 0.1, ISSUES, "p") is None
    planned = reconcile.plan(unknown, visible + 60, ISSUES, "p")
    assert planned is not None
    assert planned.operation is Operation.LOOK_UP


def test_a_page_of_unknown_outcome_is_repeated_at_once() -> None:
    unknown = ended(begun(wanting(), traits=ALERTS), Unknown(Reason.TIMEOUT), traits=ALERTS)
    planned = reconcile.plan(unknown, unknown.next_attempt_at, ALERTS, "p")
    assert planned is not None
    assert planned.operation is Operation.CREATE


def test_a_search_is_repeated_after_the_create() -> None:
    unknown = ended(begun(wanting()), Unknown(Reason.TIMEOUT))
    absent = ended(begun(unknown, NOW + 60), Absent(), NOW + 60)
    made = ended(begun(absent, NOW + 60), Delivered(external_id="T-2"), NOW + 60)
    planned = reconcile.plan(made, NOW + 64, ISSUES, "p")
    assert planned is not None
    assert planned.operation is Operation.DEDUPLICATE


def test_a_refused_search_leads_to_a_second_ticket() -> None:
    unknown = ended(begun(wanting()), Unknown(Reason.TIMEOUT))
    blind = ended(begun(unknown, NOW + 60), Refused(Reason.INVALID, "no search"), NOW + 60)
    planned = reconcile.plan(blind, NOW + 60, ISSUES, "p")
    assert planned is not None
    assert planned.operation is Operation.CREATE
    assert blind.uncertain is not None


def test_a_token_that_was_bad_for_a_while_makes_no_second_ticket() -> None:
    """The look-up was refused, and the create too: that says nothing about searching."""
    refused = Refused(Reason.CREDENTIALS, "the token expired")
    unknown = ended(begun(wanting()), Unknown(Reason.TIMEOUT))
    blind = ended(begun(unknown, NOW + 60), refused, NOW + 60)
    both = ended(begun(blind, NOW + 60), refused, NOW + 60)
    planned = reconcile.plan(both, both.next_attempt_at, ISSUES, "p")
    assert planned is not None
    assert planned.operation is Operation.LOOK_UP


@given(seconds=st.floats(0.1, 900.0))
def test_a_wait_that_was_asked_for_is_kept(seconds: float) -> None:
    waiting = ended(begun(wanting()), RetryAfter(Reason.RATE_LIMITED, seconds))
    assert waiting.next_attempt_at >= NOW + seconds


def test_what_was_not_even_sent_counts_as_no_failure() -> None:
    waiting = ended(begun(wanting()), RetryAfter(Reason.NOT_SENT))
    assert waiting.failures == 0
    assert reconcile.plan(waiting, NOW, ISSUES, "p") is not None


def test_a_refusal_holds_until_the_incident_changes() -> None:
    refused = ended(begun(wanting(revision=5)), Refused(Reason.INVALID, "bad field"))
    assert reconcile.plan(refused, NOW + 1e6, ISSUES, "p") is None
    newer = fold.desired(refused, ticketed(revision=6))
    assert reconcile.plan(newer, NOW + 1e6, ISSUES, "p") is not None


def test_a_refusal_for_the_credentials_is_tried_again_by_itself() -> None:
    refused = ended(begun(wanting()), Refused(Reason.CREDENTIALS))
    assert reconcile.plan(refused, NOW + 1.0, ISSUES, "p") is None
    assert reconcile.plan(refused, refused.next_attempt_at, ISSUES, "p") is not None


def test_somebody_may_have_a_refused_delivery_tried_again() -> None:
    refused = ended(begun(wanting()), Refused(Reason.INVALID))
    assert reconcile.plan(fold.retried(refused), NOW, ISSUES, "p") is not None


def test_what_fails_for_too_long_is_given_up() -> None:
    delivery, now = wanting(), NOW
    for _ in range(200):
        delivery = ended(begun(delivery, now), RetryAfter(Reason.UNREACHABLE), now)
        if delivery.rejection is not None:
            break
        now = delivery.next_attempt_at
    assert delivery.rejection is not None
    assert delivery.error.startswith("exhausted")
    assert now - NOW >= TIMING.give_up_after


def test_success_forgets_all_failures() -> None:
    failing = ended(begun(wanting()), RetryAfter(Reason.UNREACHABLE))
    well = ended(begun(failing, NOW + 999), Delivered(external_id="T-1"), NOW + 999)
    assert (well.failures, well.failing_since, well.error) == (0, None, "")


def test_a_lost_transition_is_made_again() -> None:
    delivery = held()
    acknowledged = fold.desired(
        delivery, ticketed(revision=9, status=Status.ACKNOWLEDGED, timeline=[])
    )
    lost = ended(begun(acknowledged, NOW + 10), Unknown(Reason.TIMEOUT, over=True), NOW + 10)
    planned = reconcile.plan(lost, NOW + 999, ISSUES, "p")
    assert planned is not None
    assert (planned.operation, planned.why) == (Operation.ACKNOWLEDGE, Why.OUTCOME_UNKNOWN)


def test_a_deleted_ticket_is_not_made_again() -> None:
    delivery = held()
    gone = fold.desired(delivery, ticketed(revision=9, status=Status.ACKNOWLEDGED))
    refused = ended(begun(gone, NOW + 10), Refused(Reason.NOT_FOUND), NOW + 10)
    assert isinstance(refused.have, Held)
    assert refused.have.state is TicketState.OPEN
    again = fold.desired(refused, ticketed(revision=10, status=Status.RESOLVED))
    planned = reconcile.plan(again, NOW + 1e6, ISSUES, "p")
    assert planned is not None
    assert planned.operation is Operation.RESOLVE


def test_a_retry_does_not_outrun_the_search() -> None:
    """A new ticket shows only after a while: to look before is to make a second one."""
    unknown = ended(begun(wanting()), Unknown(Reason.SERVER_ERROR, over=True))
    wanted_now = fold.retried(unknown)
    assert reconcile.plan(wanted_now, NOW + ISSUES.search_lag - 0.1, ISSUES, "p") is None
    planned = reconcile.plan(wanted_now, NOW + ISSUES.search_lag, ISSUES, "p")
    assert planned is not None
    assert planned.operation is Operation.LOOK_UP


@pytest.mark.parametrize(("reason", "again"), [(Reason.CREDENTIALS, True), (Reason.INVALID, False)])
def test_a_search_for_duplicates_that_a_bad_token_stopped_is_made_later(
    reason: Reason, again: bool
) -> None:
    unknown = ended(begun(wanting()), Unknown(Reason.TIMEOUT))
    absent = ended(begun(unknown, NOW + 60), Absent(), NOW + 60)
    made = ended(begun(absent, NOW + 60), Delivered(external_id="T-2"), NOW + 60)
    refused = ended(begun(made, NOW + 64), Refused(reason), NOW + 64)
    later = reconcile.plan(refused, NOW + 64 + TIMING.search_again, ISSUES, "p")
    assert (later is not None) is again
