"""Folds wishes, results and the passing of time into an adapter's deliveries. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sinks.calls.backoff import Backoff
from sinks.calls.outcome import Absent, Delivered, Reason, Refused, RetryAfter, Unknown, bounded
from sinks.delivery import reconcile
from sinks.delivery.wishes import OperationResult, slim
from sinks.platform import Repeat, Traits
from sinks.text import shown_fields
from tables.deliveries import Delivery, Held, Intent, Operation, Rejection, Shown, Uncertain
from ticketing.domain.events import TicketState
from ticketing.domain.incidents.incident import Incident
from ticketing.domain.severity import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Waits and bounds, in seconds.

    A request begins at most `start_within` after it was planned and ends at most `timeout` later.
    """

    timeout: float
    give_up_after: float
    retention: float
    backoff: Backoff
    start_within: float = 5.0
    """Long enough for a batch to become durable under load; adds to each unknown outcome's wait."""
    grace: float = 5.0
    """Covers clocks that differ and a result's way through the topic."""
    refused_wait: float = 30.0
    """A refusal of credentials passes only when a person acts; more attempts gain nothing."""
    search_again: float = 3600.0
    """The wait before a refused search for a duplicate, which is not urgent, is tried again."""


def desired(delivery: Delivery, want: Incident) -> Delivery:
    """The delivery with the newer of its wanted incident and `want`."""
    if delivery.want is not None and want.revision <= delivery.want.revision:
        return delivery
    return replace(delivery, want=slim(want))


def retried(delivery: Delivery) -> Delivery:
    """The delivery free to try again now. A request under way stays under way."""
    return replace(
        delivery,
        rejection=None,
        failures=0,
        failing_since=None,
        next_attempt_at=0.0,
        failed=None,
        dead_lettered="",
    )


def set_aside(delivery: Delivery, detail: str) -> Delivery:
    """The delivery on hold until a newer revision or a retry, after its planning failed."""
    revision = delivery.want.revision if delivery.want is not None else 0
    error = _said(Reason.INTERNAL, detail)
    return replace(delivery, rejection=Rejection(revision=revision), error=error)


def started(
    delivery: Delivery,
    planned: reconcile.Planned,
    now: float,
    *,
    platform: str,
    account: str,
    traits: Traits,
    timing: Timing,
) -> Delivery:
    """The delivery with the planned operation as its intent. Only the first `account` is kept."""
    want = delivery.want
    assert want is not None, "nothing is planned without a wish"
    number = delivery.numbers + 1
    intent = Intent(
        operation=planned.operation,
        number=number,
        started_at=now,
        deadline=now + timing.start_within + timing.timeout,
        shown=shown_fields.shown(want, platform, now),
        why=planned.why,
        reaches=reconcile.reaches(planned.operation, want, traits),
    )
    return replace(delivery, intent=intent, numbers=number, account=delivery.account or account)


def expired(delivery: Delivery, now: float, traits: Traits, timing: Timing) -> Delivery:
    """The delivery with an unknown outcome for a request without a result at its deadline."""
    intent = delivery.intent
    if intent is None or now < intent.deadline + timing.grace:
        return delivery
    lost = Unknown(
        reason=Reason.TIMEOUT, over=True, detail="no result was recorded before the deadline"
    )
    return _ended(replace(delivery, intent=None), intent, lost, now, traits, timing)


def concluded(
    delivery: Delivery, result: OperationResult, now: float, traits: Traits, timing: Timing
) -> Delivery:
    """The delivery after a result. A result that was folded before changes nothing."""
    intent = delivery.intent
    if intent is None or result.number != intent.number:
        return _late(delivery, result, now)
    return _ended(replace(delivery, intent=None), intent, result.outcome, now, traits, timing)


def _late(delivery: Delivery, result: OperationResult, now: float) -> Delivery:
    """The delivery after a result that came too late: only a ticket it made still matters."""
    made = result.outcome
    if result.operation is not Operation.CREATE or not isinstance(made, Delivered):
        return delivery
    have = delivery.have
    if have is None:
        held = _held(delivery, made, _nothing_shown(delivery))
        return replace(delivery, have=held, uncertain=None)
    if made.external_id == have.external_id:
        return delivery
    return replace(delivery, verify_at=now)


def _nothing_shown(delivery: Delivery) -> Shown:
    """The fields of a ticket whose content is unknown, so that all of them are written again."""
    if delivery.uncertain is not None and delivery.uncertain.operation is Operation.CREATE:
        return delivery.uncertain.shown
    return Shown(revision=0, severity=Severity.LOW, title="", count=0, at=0.0)


def _held(delivery: Delivery, made: Delivered, shown: Shown) -> Held:
    return Held(
        external_id=made.external_id,
        state=TicketState.OPEN,
        shown=shown,
        account=made.account or delivery.account,
        key=made.key,
        url=made.url,
        on_call=made.on_call,
    )


def _ended(
    delivery: Delivery,
    intent: Intent,
    outcome: Delivered | Absent | RetryAfter | Refused | Unknown,
    now: float,
    traits: Traits,
    timing: Timing,
) -> Delivery:
    if isinstance(outcome, Delivered):
        return _delivered(delivery, intent, outcome, now, traits)
    if isinstance(outcome, Absent):
        # A ticket that the search does not show yet may turn up later: look again after the create.
        return replace(_well(delivery), uncertain=None, looked_up=True)
    if isinstance(outcome, Refused):
        return _rejected(delivery, intent, outcome, now, timing)
    if isinstance(outcome, Unknown):
        delivery = _doubted(delivery, intent, outcome, now, traits)
    return _failed(delivery, intent, outcome, now, traits, timing)


def _well(delivery: Delivery) -> Delivery:
    return replace(
        delivery,
        failures=0,
        failing_since=None,
        next_attempt_at=0.0,
        failed=None,
        rejection=None,
        error="",
        dead_lettered="",
    )


def _delivered(
    delivery: Delivery, intent: Intent, outcome: Delivered, now: float, traits: Traits
) -> Delivery:
    well = _well(delivery)
    if intent.operation is Operation.LOOK_UP:
        found = _held(delivery, outcome, _nothing_shown(delivery))
        return replace(well, have=found, uncertain=None, verify_at=now + traits.search_lag)
    have = delivery.have
    if intent.operation is Operation.CREATE:
        repeated = traits.repeat is Repeat.BLINDLY and delivery.uncertain is not None
        # The platform may have joined the repeat to the first attempt's ticket, with its old text.
        shown = _nothing_shown(delivery) if repeated else intent.shown
        made = replace(_held(delivery, outcome, shown), state=intent.reaches or TicketState.OPEN)
        twice = have is not None and have.external_id != made.external_id
        verify = twice or delivery.looked_up or delivery.repeats_blindly
        return replace(
            well,
            have=made,
            uncertain=None,
            looked_up=False,
            repeats_blindly=False,
            verify_at=now + traits.search_lag if verify else None,
        )
    if have is None:
        return well
    changed = replace(
        have,
        external_id=outcome.external_id or have.external_id,
        key=outcome.key or have.key,
        url=outcome.url or have.url,
        on_call=outcome.on_call or have.on_call,
        state=intent.reaches or have.state,
        shown=_shown_after(intent, have.shown, traits),
    )
    verify_at = None if intent.operation is Operation.DEDUPLICATE else delivery.verify_at
    uncertain = None if _settles(intent.operation, delivery.uncertain, traits) else well.uncertain
    return replace(well, have=changed, uncertain=uncertain, verify_at=verify_at)


def _settles(operation: Operation, doubt: Uncertain | None, traits: Traits) -> bool:
    """True when the success of an operation ends the doubt that an earlier one left."""
    if doubt is None or operation is doubt.operation or not doubt.operation.is_known:
        return True
    rewrites = operation is not Operation.COMMENT and operation is not Operation.DEDUPLICATE
    if traits.whole and rewrites and doubt.operation is not Operation.COMMENT:
        return True
    return operation.transition and doubt.operation.transition


def _shown_after(intent: Intent, was: Shown, traits: Traits) -> Shown:
    if intent.operation is Operation.COMMENT:
        return replace(
            was, revision=intent.shown.revision, steps_through=intent.shown.steps_through
        )
    if intent.operation is Operation.DEDUPLICATE:
        return was
    if traits.whole or intent.operation in (Operation.UPDATE, Operation.REOPEN):
        return replace(intent.shown, steps_through=was.steps_through)
    return replace(was, revision=intent.shown.revision)


def _doubted(
    delivery: Delivery, intent: Intent, outcome: Unknown, now: float, traits: Traits
) -> Delivery:
    # Without an answer the request may be under way until its deadline. A search shows its ticket
    # only `search_lag` later, and so not to a retry that somebody asks for before.
    ended = now if outcome.over else intent.deadline
    lag = traits.search_lag if traits.repeat is Repeat.AFTER_LOOK_UP else 0.0
    marked = _mark(delivery, intent)
    return replace(marked, unsettled_until=max(ended + lag, delivery.unsettled_until))


def _mark(delivery: Delivery, intent: Intent) -> Delivery:
    """The delivery with a note that the operation may have happened.

    A note of the first create stays, and a note of a transition until the next transition.
    """
    if intent.operation in (Operation.LOOK_UP, Operation.DEDUPLICATE):
        return delivery
    if intent.operation is Operation.CREATE and delivery.have is not None:
        return replace(delivery, verify_at=intent.deadline)
    doubt = delivery.uncertain
    if doubt is not None and (
        (doubt.operation is Operation.CREATE and delivery.have is None)
        or (doubt.operation.transition and not intent.operation.transition)
    ):
        return delivery
    return replace(delivery, uncertain=Uncertain(operation=intent.operation, shown=intent.shown))


def _rejected(
    delivery: Delivery, intent: Intent, outcome: Refused, now: float, timing: Timing
) -> Delivery:
    if intent.operation is Operation.LOOK_UP:
        # Without a search, a ticket that may be a second one is better than none.
        return replace(delivery, repeats_blindly=True, error=_said(outcome.reason, outcome.detail))
    if intent.operation is Operation.DEDUPLICATE:
        # Credentials that are refused for a while must not leave a second ticket open for good.
        passing = outcome.reason is Reason.CREDENTIALS
        verify_at = now + timing.search_again if passing else None
        return replace(delivery, verify_at=verify_at, error=_said(outcome.reason, outcome.detail))
    if intent.operation is Operation.CREATE:
        # The create is refused like the look-up before, whose refusal therefore said nothing about
        # searching: the next attempt searches again.
        delivery = replace(delivery, repeats_blindly=False)
    if outcome.reason is Reason.INTERNAL:
        delivery = _mark(delivery, intent)
    return _refused(delivery, intent, outcome.reason, outcome.detail, now, timing)


def _refused(
    delivery: Delivery, intent: Intent, reason: Reason, detail: str, now: float, timing: Timing
) -> Delivery:
    failures = delivery.failures + 1
    wait = timing.backoff.seconds(failures, f"{delivery.incident_id}:{intent.number}")
    return replace(
        delivery,
        failures=failures,
        next_attempt_at=now + max(timing.refused_wait, wait),
        failed=intent.operation,
        rejection=Rejection(revision=intent.shown.revision, passing=reason is Reason.CREDENTIALS),
        error=_said(reason, detail),
    )


def _failed(
    delivery: Delivery,
    intent: Intent,
    outcome: RetryAfter | Unknown,
    now: float,
    traits: Traits,
    timing: Timing,
) -> Delivery:
    if outcome.reason in (Reason.NOT_SENT, Reason.NO_ROOM):
        # Nothing was sent, so no attempt is counted. The account's gate holds the delivery back.
        return _waiting_aside(delivery, intent, outcome, now, traits, timing)
    since = delivery.failing_since if delivery.failing_since is not None else now
    if now - since >= timing.give_up_after:
        detail = f"given up after {now - since:.0f} s, last: {outcome.reason.value}"
        given_up = _refused(delivery, intent, Reason.EXHAUSTED, detail, now, timing)
        return replace(given_up, failing_since=None)
    failures = delivery.failures + 1
    wait = timing.backoff.seconds(failures, f"{delivery.incident_id}:{intent.number}")
    if isinstance(outcome, Unknown) and traits.repeat is Repeat.AFTER_LOOK_UP:
        wait = max(wait, traits.search_lag)
    return replace(
        delivery,
        failures=failures,
        failing_since=since,
        next_attempt_at=now + max(wait, bounded(outcome.seconds)),
        failed=intent.operation,
        error=_said(outcome.reason, outcome.detail),
    )


def _waiting_aside(
    delivery: Delivery,
    intent: Intent,
    outcome: RetryAfter | Unknown,
    now: float,
    traits: Traits,
    timing: Timing,
) -> Delivery:
    """The delivery with a wait of its own, for operations that pass no gate."""
    if intent.operation not in traits.aside:
        return delivery
    at = now + max(bounded(outcome.seconds), timing.backoff.first)
    return replace(delivery, next_attempt_at=at, failed=intent.operation)


def _said(reason: Reason, detail: str) -> str:
    return f"{reason.value}: {detail}" if detail else reason.value
