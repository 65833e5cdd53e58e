"""Folds wishes, results and the passing of time into an adapter's deliveries. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sinks.calls.backoff import Backoff
from sinks.calls.outcome import Absent, Delivered, Reason, Refused, RetryAfter, Unknown, bounded
from sinks.delivery import reconcile
from sinks.delivery.wishes import OperationResult, slim
from sinks.platform import Repeat, Traits
from sinks.text import shown_fields
from tables.deliveries import Delivery, Held, Intent, Operation, Shown, Track, Trial, Uncertain
from ticketing.domain.events import TicketState
from ticketing.domain.incidents.incident import Incident, Step, StepKind
from ticketing.domain.severity import Severity
from ticketing.domain.text import cut, line

REFUSED_KEPT = 16
"""Targets set aside: more than there are states and texts that a ticket alternates between."""
REMARKS_KEPT = 8
"""Remarks that wait for a comment, and texts of those told: more than a ticket has tracks."""
REMARK_CHARS_MAX = 300
"""A sentence; the console shows the whole error."""
_WORDS = {
    Operation.UPDATE: "an edit",
    Operation.ACKNOWLEDGE: "the acknowledgement",
    Operation.ESCALATE: "the escalation",
    Operation.RESOLVE: "the resolution",
    Operation.REOPEN: "the reopening",
    Operation.COMMENT: "an earlier comment",
    Operation.PAGE: "another page",
    Operation.DEDUPLICATE: "the search for duplicates",
}


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
    remembered: float = 86400.0
    """A day in which a late wish for an incident that is gone makes no ticket."""
    search_again: float = 3600.0
    """The wait before a refused search for a duplicate, which is not urgent, is tried again."""


def desired(delivery: Delivery, want: Incident) -> Delivery:
    """The delivery with the newer of its wanted incident and `want`."""
    if delivery.forgotten_at is not None:
        return delivery
    if delivery.want is not None and want.revision <= delivery.want.revision:
        return delivery
    return replace(delivery, want=slim(want))


def forgotten(delivery: Delivery, now: float) -> Delivery:
    """The delivery of an incident that is gone: nothing of the incident is kept, or done for it."""
    return Delivery(incident_id=delivery.incident_id, numbers=delivery.numbers, forgotten_at=now)


def retried(delivery: Delivery) -> Delivery:
    """The delivery free to try again now. A request under way stays under way."""
    return replace(delivery, trials={})


def set_aside(delivery: Delivery, detail: str) -> Delivery:
    """The delivery on hold until a newer revision or a retry, after its planning failed."""
    target = str(delivery.want.revision if delivery.want is not None else 0)
    was = delivery.trial(Track.PLANNING)
    error = _said(Reason.INTERNAL, detail)
    return _tried(
        delivery, Track.PLANNING, replace(was, target=target, refused=[target], error=error)
    )


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
        target=planned.target,
        reaches=reconcile.reaches(planned.operation, want, traits),
    )
    have = delivery.have
    if have is not None and _tells(planned.operation, traits):
        # A repeat of this comment must tell the very same.
        through = intent.shown.steps_through
        told = [replace(one, seq=one.seq or through) for one in have.remarks]
        delivery = replace(delivery, have=replace(have, remarks=told))
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
    if delivery.forgotten_at is not None:
        return delivery
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
        found = _held(delivery, made, _first_shown(delivery))
        return _certain(replace(delivery, have=found), Track.TICKET)
    if made.external_id == have.external_id:
        return delivery
    return replace(delivery, verify_at=now)


def _first_shown(delivery: Delivery) -> Shown:
    """The fields of a ticket made by an earlier attempt; if unknown, all of them are written again."""
    doubt = delivery.doubts.get(Track.TICKET)
    if doubt is not None:
        return _as_created(doubt.shown)
    page = delivery.want.page if delivery.want is not None else 0
    return Shown(revision=0, severity=Severity.LOW, title="", count=0, at=0.0, page=page)


def _as_created(shown: Shown) -> Shown:
    """The fields of a new ticket, whose body has no steps but those that it shows anyway."""
    return replace(shown, steps_through=0, body_through=shown.steps_through)


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
        return _remarked(_delivered(delivery, intent, outcome, now, traits), outcome, now)
    if isinstance(outcome, Absent):
        # A ticket that the search does not show yet may turn up later: look again after the create.
        return replace(_certain(_well(delivery, Track.TICKET), Track.TICKET), looked_up=True)
    if isinstance(outcome, Refused):
        return _rejected(delivery, intent, outcome, now, traits, timing)
    if isinstance(outcome, Unknown):
        delivery = _doubted(delivery, intent, outcome, now, traits)
    return _failed(delivery, intent, outcome, now, traits, timing)


def _well(delivery: Delivery, track: Track) -> Delivery:
    trials = {known: one for known, one in delivery.trials.items() if known is not track}
    return replace(delivery, trials=trials)


def _certain(delivery: Delivery, *tracks: Track) -> Delivery:
    doubts = {track: one for track, one in delivery.doubts.items() if track not in tracks}
    return replace(delivery, doubts=doubts)


def _tried(delivery: Delivery, track: Track, trial: Trial) -> Delivery:
    return replace(delivery, trials={**delivery.trials, track: trial})


def _tells(operation: Operation, traits: Traits) -> bool:
    """True for an operation that tells the steps: a comment, and a page that is a message."""
    return operation is Operation.COMMENT or (operation is Operation.PAGE and traits.whole)


def uncertain(delivery: Delivery, operation: Operation, traits: Traits) -> bool:
    """True if an earlier attempt at the operation, or at another that tells the same steps, may have
    succeeded."""
    return delivery.doubts_about(operation) or (
        _tells(operation, traits)
        and any(
            delivery.doubts_about(other)
            for other in (Operation.COMMENT, Operation.PAGE)
            if _tells(other, traits)
        )
    )


def _delivered(
    delivery: Delivery, intent: Intent, outcome: Delivered, now: float, traits: Traits
) -> Delivery:
    well = _well(delivery, intent.operation.track)
    if intent.operation is Operation.LOOK_UP:
        found = _held(delivery, outcome, _first_shown(delivery))
        again = replace(well, have=found, verify_at=now + traits.search_lag)
        return _certain(again, Track.TICKET)
    if intent.operation is Operation.CREATE:
        return _created(well, intent, outcome, now, traits)
    have = delivery.have
    if have is None:
        return well
    shown = _shown_after(intent, have.shown, traits)
    state = intent.reaches or have.state
    if intent.operation is Operation.PAGE and have.state is TicketState.ACKNOWLEDGED:
        state = have.state if traits.whole else TicketState.OPEN
    changed = replace(
        have,
        external_id=outcome.external_id or have.external_id,
        key=outcome.key or have.key,
        url=outcome.url or have.url,
        on_call=outcome.on_call or have.on_call,
        state=state,
        shown=shown,
    )
    if _tells(intent.operation, traits):
        changed = _told(changed)
    verify_at = None if intent.operation is Operation.DEDUPLICATE else delivery.verify_at
    settled = _certain(well, *_settled(intent.operation, traits))
    return replace(settled, have=changed, verify_at=verify_at)


def _created(
    well: Delivery, intent: Intent, outcome: Delivered, now: float, traits: Traits
) -> Delivery:
    repeated = traits.repeat is Repeat.BLINDLY and Track.TICKET in well.doubts
    # The platform may have joined the repeat to the first attempt's ticket, with its old text.
    shown = _first_shown(well) if repeated else _as_created(intent.shown)
    made = replace(_held(well, outcome, shown), state=intent.reaches or TicketState.OPEN)
    have = well.have
    twice = have is not None and have.external_id != made.external_id
    verify = twice or well.looked_up or well.repeats_blindly
    return replace(
        _certain(well, Track.TICKET),
        have=made,
        looked_up=False,
        repeats_blindly=False,
        verify_at=now + traits.search_lag if verify else None,
    )


def _settled(operation: Operation, traits: Traits) -> list[Track]:
    """The tracks whose doubts the success of an operation ends."""
    tracks = [operation.track]
    if operation is not Operation.COMMENT:
        tracks.append(Track.OTHER)
    if _tells(operation, traits):
        tracks.append(Track.COMMENTS)
    if traits.whole and operation not in reconcile.BESIDE_THE_TICKET:
        tracks += [Track.STATE, Track.FIELDS]
    return tracks


def _shown_after(intent: Intent, was: Shown, traits: Traits) -> Shown:
    operation, is_ = intent.operation, intent.shown
    after = replace(was, revision=is_.revision)
    rewritten = operation in (Operation.UPDATE, Operation.REOPEN, Operation.PAGE)
    if operation is Operation.DEDUPLICATE:
        return was
    if traits.whole and operation not in reconcile.BESIDE_THE_TICKET:
        rewritten = True
    if _tells(operation, traits):
        after = replace(after, steps_through=is_.steps_through)
    elif rewritten:
        after = replace(
            is_, steps_through=was.steps_through, body_through=was.body_through, page=was.page
        )
    return replace(after, page=is_.page) if operation in traits.pages else after


def _told(have: Held) -> Held:
    """The ticket after its remarks were told with a comment."""
    told = [one.text for one in have.remarks if one.seq]
    return replace(
        have,
        remarks=[one for one in have.remarks if not one.seq],
        remarked=[*have.remarked, *told][-REMARKS_KEPT:],
    )


def _remarked(delivery: Delivery, outcome: Delivered, now: float) -> Delivery:
    """The delivery with a remark for each part of a request that the platform left out."""
    for text in outcome.left_out:
        delivery = _remark(delivery, text, now)
    return delivery


def _remark(delivery: Delivery, text: str, now: float) -> Delivery:
    """The delivery with one more remark for the next comment, unless it is known there."""
    have, text = delivery.have, cut(line(text), REMARK_CHARS_MAX)
    if have is None or text in have.remarked or any(one.text == text for one in have.remarks):
        return delivery
    remark = Step(seq=0, at=now, kind=StepKind.NOTE, text=text)
    return replace(delivery, have=replace(have, remarks=[*have.remarks, remark][-REMARKS_KEPT:]))


def _doubted(
    delivery: Delivery, intent: Intent, outcome: Unknown, now: float, traits: Traits
) -> Delivery:
    # Without an answer the request may be under way until its deadline.
    return _mark(delivery, intent, now if outcome.over else intent.deadline, traits)


def _mark(delivery: Delivery, intent: Intent, ended: float, traits: Traits) -> Delivery:
    """The delivery with a note that the operation may have happened, by `ended`.

    The note of the first create stays: its ticket may show what was wanted then.
    """
    track = intent.operation.track
    if intent.operation in (Operation.LOOK_UP, Operation.DEDUPLICATE):
        return delivery
    if intent.operation is Operation.CREATE and delivery.have is not None:
        return replace(delivery, verify_at=ended)
    was, until = delivery.doubts.get(track), ended
    if intent.operation is Operation.CREATE and traits.repeat is Repeat.AFTER_LOOK_UP:
        # A search shows its ticket only so much later, and so not to a retry asked for before.
        until += traits.search_lag
    doubt = Uncertain(operation=intent.operation, shown=intent.shown)
    if was is not None and track is Track.TICKET:
        doubt = was
    until = max(until, delivery.unsettled.get(intent.operation, 0.0))
    return replace(
        delivery,
        doubts={**delivery.doubts, track: doubt},
        unsettled={**delivery.unsettled, intent.operation: until},
    )


def _rejected(
    delivery: Delivery, intent: Intent, outcome: Refused, now: float, traits: Traits, timing: Timing
) -> Delivery:
    operation, reason = intent.operation, outcome.reason
    error = _said(reason, outcome.detail)
    if operation is Operation.LOOK_UP:
        # Without a search, a ticket that may be a second one is better than none.
        trial = replace(delivery.trial(Track.TICKET), error=error)
        return _tried(replace(delivery, repeats_blindly=True), Track.TICKET, trial)
    if operation is Operation.DEDUPLICATE:
        # Credentials that are refused for a while must not leave a second ticket open for good.
        passing = reason is Reason.CREDENTIALS
        return replace(delivery, verify_at=now + timing.search_again if passing else None)
    if operation is Operation.CREATE:
        # The create is refused like the look-up before, whose refusal therefore said nothing about
        # searching: the next attempt searches again. Some platforms refuse what they have done.
        delivery = replace(delivery, repeats_blindly=False)
        if traits.repeat is Repeat.AFTER_LOOK_UP and reason is not Reason.CREDENTIALS:
            delivery = _mark(delivery, intent, now, traits)
    if reason is Reason.INTERNAL:
        delivery = _mark(delivery, intent, now, traits)
    return _refused(delivery, intent, reason, error, now, timing)


def _refused(
    delivery: Delivery, intent: Intent, reason: Reason, error: str, now: float, timing: Timing
) -> Delivery:
    """The delivery with the intent's target set aside, and a remark of it for the next comment."""
    track = intent.operation.track
    was = delivery.trial(track)
    failures = was.failures + 1
    wait = timing.backoff.seconds(failures, f"{delivery.incident_id}:{intent.number}")
    others = [target for target in was.refused if target != intent.target]
    trial = replace(
        was,
        target=intent.target,
        failures=failures,
        since=None,
        next_attempt_at=now + max(timing.refused_wait, wait),
        refused=[*others, intent.target][-REFUSED_KEPT:],
        passing=reason is Reason.CREDENTIALS,
        gone=reason is Reason.NOT_FOUND,
        error=error,
    )
    delivery = _tried(delivery, track, trial)
    if delivery.have is None or trial.passing:
        return delivery
    if intent.operation is Operation.COMMENT:
        # The same text would be refused again: later steps are told without these.
        shown = replace(delivery.have.shown, steps_through=intent.shown.steps_through)
        left = [replace(one, seq=0) for one in delivery.have.remarks]
        delivery = replace(delivery, have=replace(delivery.have, shown=shown, remarks=left))
    what = _WORDS.get(intent.operation, intent.operation.value)
    return _remark(delivery, f"{what} could not be made here: {error}", now)


def _failed(
    delivery: Delivery,
    intent: Intent,
    outcome: RetryAfter | Unknown,
    now: float,
    traits: Traits,
    timing: Timing,
) -> Delivery:
    track = intent.operation.track
    was = delivery.trial(track)
    if outcome.reason in (Reason.NOT_SENT, Reason.NO_ROOM):
        # Nothing was sent, so no attempt is counted. The account's gate holds the delivery back,
        # but for operations that pass no gate.
        if intent.operation not in traits.aside:
            return delivery
        at = now + max(bounded(outcome.seconds), timing.backoff.first)
        return _tried(delivery, track, replace(was, target=intent.target, next_attempt_at=at))
    since = was.since if was.since is not None else now
    if now - since >= timing.give_up_after:
        detail = f"given up after {now - since:.0f} s, last: {outcome.reason.value}"
        error = _said(Reason.EXHAUSTED, detail)
        return _refused(delivery, intent, Reason.EXHAUSTED, error, now, timing)
    failures = was.failures + 1
    wait = timing.backoff.seconds(failures, f"{delivery.incident_id}:{intent.number}")
    if isinstance(outcome, Unknown) and traits.repeat is Repeat.AFTER_LOOK_UP:
        wait = max(wait, traits.search_lag)
    trial = replace(
        was,
        target=intent.target,
        failures=failures,
        since=since,
        next_attempt_at=now + max(wait, bounded(outcome.seconds)),
        error=_said(outcome.reason, outcome.detail),
    )
    return _tried(delivery, track, trial)


def _said(reason: Reason, detail: str) -> str:
    return f"{reason.value}: {detail}" if detail else reason.value
