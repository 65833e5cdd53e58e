"""Plans the next operation that brings a platform's ticket nearer to the wanted incident."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sinks.platform import Repeat, Traits
from sinks.text import shown_fields
from tables.deliveries import Delivery, Held, Operation, Shown, Track, Why
from ticketing.domain.events import TicketState
from ticketing.domain.incidents.incident import Incident, Resolution, Status, Step

REACHES = {
    Operation.ACKNOWLEDGE: TicketState.ACKNOWLEDGED,
    Operation.ESCALATE: TicketState.ESCALATED,
    Operation.RESOLVE: TicketState.RESOLVED,
    Operation.REOPEN: TicketState.OPEN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """The next operation, the reason for it, and a name of what it is to reach."""

    operation: Operation
    why: Why
    target: str = ""


def plan(delivery: Delivery, now: float, traits: Traits, platform: str) -> Planned | None:
    """The next operation for this incident, or None while nothing can or need be done.

    An operation that was refused or has to wait leaves its turn to the next one.
    """
    want = delivery.want
    if want is None or delivery.intent is not None or delivery.forgotten_at is not None:
        return None
    if _waits(delivery, Track.PLANNING, str(want.revision), now):
        return None
    if delivery.have is None:
        wanted = _creation(delivery, want, traits)
    else:
        wanted = _changes(delivery, delivery.have, want, now, traits, platform)
    return next((one for one in wanted if _may_begin(delivery, one, now, traits)), None)


def wakes_at(delivery: Delivery, now: float, traits: Traits, platform: str) -> float | None:
    """The Unix time at which the plan changes without another message; None for never."""
    times = _times(delivery)
    if delivery.have is not None:
        times.append(delivery.have.shown.at + traits.count_interval)
    later = sorted(time for time in times if time > now)
    return next((time for time in later if plan(delivery, time, traits, platform)), None)


def behind(delivery: Delivery, now: float, traits: Traits, platform: str) -> bool:
    """True while the ticket is behind the incident: an operation is under way, waits or fails.

    A delivery that was refused for good is not behind: nothing more will be tried.
    """
    if delivery.intent is not None:
        return True
    return plan(delivery, max(now, *_times(delivery)), traits, platform) is not None


def target(want: Incident, traits: Traits) -> TicketState:
    """The wanted state of the ticket; for a status of another release, as far as can be told.

    An acknowledgement from before the latest page is over: people are to act again.
    """
    if not want.status.is_known and want.resolved_at is not None:
        return TicketState.RESOLVED
    status = want.status.nearest
    if status is Status.ACKNOWLEDGED and (want.acknowledged_at or want.paged_at) < want.paged_at:
        status = Status.OPEN
    if status is Status.OPEN and want.severity in traits.auto_acknowledge:
        return TicketState.ACKNOWLEDGED
    return TicketState(status.value)


def reaches(operation: Operation, want: Incident, traits: Traits) -> TicketState | None:
    """The ticket's state after the operation has succeeded; None if the state stays."""
    if traits.whole and operation not in BESIDE_THE_TICKET:
        return target(want, traits)
    if operation is Operation.CREATE:
        return TicketState.OPEN
    return REACHES.get(operation)


BESIDE_THE_TICKET = frozenset({Operation.COMMENT, Operation.PAGE, Operation.DEDUPLICATE})
"""Operations that leave the ticket's own text alone where every other writes the whole of it."""


def pages_nobody(want: Incident, traits: Traits) -> bool:
    """True while the incident is to have no ticket there, as a ticket would page people.

    They know of it already: the collective incident that listed it was acknowledged.
    """
    return traits.loud and want.quietly and want.page <= 1


def steps_to_tell(delivery: Delivery, traits: Traits) -> list[Step]:
    """The remarks and the steps of the timeline that the next comment tells."""
    if delivery.have is None or delivery.want is None:
        return []
    unposted = shown_fields.unposted(delivery.want, delivery.have.shown, traits)
    return [*delivery.have.remarks, *unposted]


def _times(delivery: Delivery) -> list[float]:
    """The times at which a wait ends."""
    waits = [trial.next_attempt_at for trial in delivery.trials.values()]
    return [*waits, *delivery.unsettled.values(), delivery.verify_at or 0.0]


def _may_begin(delivery: Delivery, planned: Planned, now: float, traits: Traits) -> bool:
    if _waits(delivery, planned.operation.track, planned.target, now):
        return False
    return not _must_settle(delivery, planned.operation, now, traits)


def _waits(delivery: Delivery, track: Track, target: str, now: float) -> bool:
    """True while a track's target is set aside, or its next attempt has not come."""
    trial = delivery.trials.get(track)
    if trial is None:
        return False
    if target in trial.refused and not trial.passing:
        return True
    # Another state is another request, which nothing has failed for yet.
    return now < trial.next_attempt_at and (track is not Track.STATE or target == trial.target)


def _must_settle(delivery: Delivery, operation: Operation, now: float, traits: Traits) -> bool:
    """True while an older request may be under way that the operation must not overtake.

    A platform that recognises a repeated create gets the repeat at once: no page waits.
    """
    if operation is Operation.CREATE and traits.repeat is Repeat.BLINDLY:
        return False
    return any(
        now < until
        for other, until in delivery.unsettled.items()
        if operation in traits.aside or other not in traits.aside
    )


def _creation(delivery: Delivery, want: Incident, traits: Traits) -> Iterator[Planned]:
    target = str(want.revision)
    if Track.TICKET in delivery.doubts:
        searchable = traits.repeat is Repeat.AFTER_LOOK_UP and not delivery.repeats_blindly
        operation = Operation.LOOK_UP if searchable else Operation.CREATE
        yield Planned(operation=operation, why=Why.OUTCOME_UNKNOWN, target=target)
    # What is over before anything was tried pages nobody any more.
    elif not pages_nobody(want, traits) and (delivery.numbers or not _is_over(want)):
        yield Planned(operation=Operation.CREATE, why=Why.NOT_HELD, target=target)


def _is_over(want: Incident) -> bool:
    return want.status is Status.RESOLVED or (
        not want.status.is_known and want.resolved_at is not None
    )


def _changes(
    delivery: Delivery, have: Held, want: Incident, now: float, traits: Traits, platform: str
) -> Iterator[Planned]:
    """The operations that the ticket needs, the most urgent first."""
    doubted = delivery.doubts.get(Track.STATE)
    doubt = doubted.operation if doubted else None
    # A state of another release is one of a ticket that stands.
    state = have.state if have.state.is_known else TicketState.OPEN
    wanted = target(want, traits)
    step = _transition(state, doubt, wanted)
    if step not in traits.operations or (doubt is None and _stays(state, step, want)):
        step = None
    pages = _pages_again(have, want, wanted, traits)
    if pages and _pages_as_well(state, step, traits):
        pages = False
    elif pages and step is Operation.REOPEN and not (traits.whole or doubt or _is_resolved(state)):
        # The page takes the acknowledgement back.
        step = None
    if step is Operation.RESOLVE and doubt is None and _stays_open(want, traits, platform):
        step = None
    transition = _transit(step, doubt, wanted)
    if transition is not None and step in (Operation.RESOLVE, Operation.REOPEN):
        yield transition
        transition = None
    if pages:
        yield Planned(operation=Operation.PAGE, why=Why.PAGE, target=str(want.page))
    update = _update(delivery, have.shown, want, now, traits, platform)
    # The severity goes first, so that an acknowledgement is not followed by another alarm.
    if update is not None and update.why is Why.SEVERITY and not traits.whole:
        yield update
        update = None
    yield from (one for one in (transition, update) if one is not None)
    if Operation.COMMENT in traits.operations and shown_fields.unposted(want, have.shown, traits):
        through = shown_fields.shown(want, platform, now).steps_through
        yield Planned(operation=Operation.COMMENT, why=Why.STEPS, target=str(through))
    if delivery.verify_at is not None and now >= delivery.verify_at:
        yield Planned(operation=Operation.DEDUPLICATE, why=Why.POSSIBLE_DUPLICATE)


def _transit(
    step: Operation | None, doubt: Operation | None, wanted: TicketState
) -> Planned | None:
    if step is None:
        return None
    why = Why.STATUS if doubt is None else Why.OUTCOME_UNKNOWN
    return Planned(operation=step, why=why, target=wanted.value)


def _is_resolved(state: TicketState) -> bool:
    return state is TicketState.RESOLVED


def _pages_again(have: Held, want: Incident, wanted: TicketState, traits: Traits) -> bool:
    """True if a page is due that those who have acknowledged since do not know of already.

    A paging platform goes on by itself while nobody has acknowledged there.
    """
    if Operation.PAGE not in traits.operations or want.page <= have.shown.page:
        return False
    if traits.loud and have.state is TicketState.OPEN:
        return False
    return wanted in (TicketState.OPEN, TicketState.ESCALATED)


def _pages_as_well(state: TicketState, step: Operation | None, traits: Traits) -> bool:
    """True if the pending change of the state pages people: no second act is needed."""
    if step is Operation.REOPEN and not _is_resolved(state):
        return False
    return step in traits.pages


def _stays_open(want: Incident, traits: Traits, platform: str) -> bool:
    """True for the ticket of an incident whose end is only told there.

    That is so for an end by quiet on platforms whose tickets people close, and for a merged incident
    until the other one has a ticket there.
    """
    by_quiet = want.resolution is Resolution.QUIET and traits.quiet_is_told
    return by_quiet or platform in want.stays_on


def _stays(state: TicketState, step: Operation | None, want: Incident) -> bool:
    """True where a status of another release leaves the ticket's state alone.

    Such a status resolves a ticket or opens it again; to take an acknowledgement back would page.
    """
    if want.status.is_known or step is Operation.RESOLVE:
        return False
    return state is not TicketState.RESOLVED


def _transition(
    state: TicketState, doubt: Operation | None, wanted: TicketState
) -> Operation | None:
    """The change of state to the wanted one. `doubt` is a change that may have happened."""
    if wanted is TicketState.RESOLVED:
        return Operation.RESOLVE if doubt or state is not wanted else None
    if doubt in (Operation.RESOLVE, Operation.REOPEN) or state is TicketState.RESOLVED:
        return Operation.REOPEN
    if state is wanted and doubt is None:
        return None
    return {
        TicketState.ACKNOWLEDGED: Operation.ACKNOWLEDGE,
        TicketState.ESCALATED: Operation.ESCALATE,
    }.get(wanted, Operation.REOPEN)


def _update(
    delivery: Delivery, was: Shown, want: Incident, now: float, traits: Traits, platform: str
) -> Planned | None:
    if Operation.UPDATE not in traits.operations:
        return None
    fresh = shown_fields.shown(want, platform, now)
    why = shown_fields.needs_update(was, fresh, want.status, traits)
    if why is None and Track.FIELDS in delivery.doubts and want.status is not Status.RESOLVED:
        why = Why.OUTCOME_UNKNOWN
    if why is None:
        return None
    return Planned(operation=Operation.UPDATE, why=why, target=shown_fields.target(fresh))
