"""Plans the next operation that brings a platform's ticket nearer to the wanted incident."""

from __future__ import annotations

from dataclasses import dataclass

from sinks.platform import Repeat, Traits
from sinks.text import shown_fields
from tables.deliveries import Delivery, Held, Operation, Rejection, Shown, Why
from ticketing.domain.events import TicketState
from ticketing.domain.incidents.incident import Incident, Status

REACHES = {
    Operation.ACKNOWLEDGE: TicketState.ACKNOWLEDGED,
    Operation.ESCALATE: TicketState.ESCALATED,
    Operation.RESOLVE: TicketState.RESOLVED,
    Operation.REOPEN: TicketState.OPEN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """The next operation and the reason for it."""

    operation: Operation
    why: Why


def plan(delivery: Delivery, now: float, traits: Traits, platform: str) -> Planned | None:
    """The next operation for this incident, or None while nothing can or need be done."""
    want = delivery.want
    if want is None or delivery.intent is not None:
        return None
    waits = now < delivery.next_attempt_at
    if (waits and delivery.failed not in traits.aside) or _refused(delivery.rejection, want):
        return None
    if delivery.have is None:
        planned: Planned | None = _creation(delivery, traits)
    else:
        planned = _change(delivery, delivery.have, want, now, traits, platform)
    if planned is None or _must_settle(delivery, planned.operation, now, traits):
        return None
    if waits and planned.operation in traits.aside:
        return None
    return planned


def wakes_at(delivery: Delivery, now: float, traits: Traits, platform: str) -> float | None:
    """The Unix time at which the plan changes without another message; None for never."""
    times = [delivery.next_attempt_at, delivery.unsettled_until, delivery.verify_at or 0.0]
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
    at = max(now, delivery.next_attempt_at, delivery.unsettled_until)
    return plan(delivery, at, traits, platform) is not None


def target(want: Incident, traits: Traits) -> TicketState:
    """The wanted state of the ticket; for a status of another release, as far as can be told."""
    if not want.status.is_known and want.resolved_at is not None:
        return TicketState.RESOLVED
    status = want.status.nearest
    if status is Status.OPEN and want.severity in traits.auto_acknowledge:
        return TicketState.ACKNOWLEDGED
    return TicketState(status.value)


def reaches(operation: Operation, want: Incident, traits: Traits) -> TicketState | None:
    """The ticket's state after the operation has succeeded; None if the state stays."""
    if traits.whole and operation not in (Operation.COMMENT, Operation.DEDUPLICATE):
        return target(want, traits)
    if operation is Operation.CREATE:
        return TicketState.OPEN
    return REACHES.get(operation)


def _refused(rejection: Rejection | None, want: Incident) -> bool:
    if rejection is None or rejection.passing:
        return False
    return want.revision <= rejection.revision


def _must_settle(delivery: Delivery, operation: Operation, now: float, traits: Traits) -> bool:
    """True while an older request may be under way that the operation must not overtake.

    A platform that recognises a repeated create gets the repeat at once: no page waits.
    """
    if operation is Operation.CREATE and traits.repeat is Repeat.BLINDLY:
        return False
    if delivery.failed in traits.aside and operation not in traits.aside:
        return False
    return now < delivery.unsettled_until


def _creation(delivery: Delivery, traits: Traits) -> Planned:
    if delivery.uncertain is None:
        return Planned(operation=Operation.CREATE, why=Why.NOT_HELD)
    searchable = traits.repeat is Repeat.AFTER_LOOK_UP and not delivery.repeats_blindly
    operation = Operation.LOOK_UP if searchable else Operation.CREATE
    return Planned(operation=operation, why=Why.OUTCOME_UNKNOWN)


def _change(
    delivery: Delivery, have: Held, want: Incident, now: float, traits: Traits, platform: str
) -> Planned | None:
    doubt = delivery.uncertain.operation if delivery.uncertain else None
    # A state of another release is one of a ticket that stands.
    state = have.state if have.state.is_known else TicketState.OPEN
    step = _transition(state, doubt, target(want, traits))
    certain = doubt is None or not doubt.transition
    if step not in traits.operations or (certain and _stays(state, step, want)):
        step = None
    if step in (Operation.RESOLVE, Operation.REOPEN):
        return Planned(operation=step, why=_reason(doubt, Why.STATUS))
    update = _update(have.shown, doubt, want, now, traits, platform)
    # The severity goes first, so that an acknowledgement is not followed by another alarm.
    if update is Why.SEVERITY and not traits.whole:
        return Planned(operation=Operation.UPDATE, why=update)
    if step is not None:
        return Planned(operation=step, why=_reason(doubt, Why.STATUS))
    if update is not None:
        return Planned(operation=Operation.UPDATE, why=update)
    if shown_fields.unposted(want, have.shown.steps_through, traits):
        return Planned(operation=Operation.COMMENT, why=Why.STEPS)
    if delivery.verify_at is not None and now >= delivery.verify_at:
        return Planned(operation=Operation.DEDUPLICATE, why=Why.POSSIBLE_DUPLICATE)
    return None


def _stays(state: TicketState, step: Operation | None, want: Incident) -> bool:
    """True where a status of another release leaves the ticket's state alone.

    Such a status resolves a ticket or opens it again; to take an acknowledgement back would page.
    """
    if want.status.is_known or step is Operation.RESOLVE:
        return False
    return state is not TicketState.RESOLVED


def _reason(doubt: Operation | None, otherwise: Why) -> Why:
    return Why.OUTCOME_UNKNOWN if doubt is not None and doubt.transition else otherwise


def _transition(
    state: TicketState, doubt: Operation | None, wanted: TicketState
) -> Operation | None:
    """The change of state to the wanted one. `doubt` is an operation that may have happened."""
    doubtful = doubt is not None and doubt.transition
    if wanted is TicketState.RESOLVED:
        return Operation.RESOLVE if doubtful or state is not wanted else None
    if doubt in (Operation.RESOLVE, Operation.REOPEN) or state is TicketState.RESOLVED:
        return Operation.REOPEN
    if state is wanted and not doubtful:
        return None
    return {
        TicketState.ACKNOWLEDGED: Operation.ACKNOWLEDGE,
        TicketState.ESCALATED: Operation.ESCALATE,
    }.get(wanted, Operation.REOPEN)


def _update(
    was: Shown,
    doubt: Operation | None,
    want: Incident,
    now: float,
    traits: Traits,
    platform: str,
) -> Why | None:
    if Operation.UPDATE not in traits.operations:
        return None
    fresh = shown_fields.shown(want, platform, now)
    why = shown_fields.needs_update(was, fresh, want.status, traits)
    if why is None and doubt is Operation.UPDATE and want.status is not Status.RESOLVED:
        return Why.OUTCOME_UNKNOWN
    return why
