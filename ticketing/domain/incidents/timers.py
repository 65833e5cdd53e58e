"""The effects of time alone on an incident, and the time of the next look.

No deadline is further off than its own length: at every look it is cut to that, so that a clock
which leapt ahead and was set back delays nothing. Times are Unix seconds.
"""

from __future__ import annotations

from ticketing.domain.incidents.ceilings import retold, retold_at
from ticketing.domain.incidents.fallback import next_deadline, overdue
from ticketing.domain.incidents.incident import Incident, Kind, Resolution, Status
from ticketing.domain.incidents.lifecycle import (
    POLICY,
    escalated,
    is_snoozed,
    page_again,
    published,
    resolved,
)
from ticketing.domain.incidents.policy import Policy
from ticketing.domain.records import replace


def elapsed(incident: Incident, now: float, quiet: float | None, policy: Policy) -> Incident:
    """The incident after everything that was due by `now`, but for its ticket; the same if nothing was.

    `quiet` is the quiet clock; whatever ends by quiet waits for it.
    """
    incident = cut(incident, now, policy)
    before = incident
    if _is_quiet(incident, quiet, policy):
        text = f"no anomaly for {_quiet_seconds(incident, policy):g} s"
        incident = resolved(incident, Resolution.QUIET, now, policy, text, POLICY)
    if _is_over(incident, now):
        text = "every incident that it lists has a ticket of its own or is resolved"
        incident = resolved(incident, Resolution.QUIET, now, policy, text, POLICY)
    incident = retold(incident, now, policy)
    if incident.escalate_at is not None and incident.escalate_at <= now:
        to = list(policy.escalation_to)
        incident = page_again(incident, now, policy, "")
        incident = escalated(incident, to, now, policy, "nobody acknowledged in time", POLICY)
    if _is_neglected(incident, policy) and _neglected_at(incident, policy) <= now:
        hours = (policy.acknowledge_timeout or 0.0) / 3600
        why = f"acknowledged, and nothing done about it for {hours:g} hours"
        incident = page_again(incident, now, policy, why)
    if _wakes(incident) and incident.snoozed_until <= now:
        incident = replace(incident, snoozed_until=0.0)
        incident = page_again(incident, now, policy, "fired again during its snooze")
    incident = overdue(incident, now, policy)
    if incident.flapping and _muted_until(incident, policy) <= now:
        incident = _unmuted(incident, now, policy)
    due = incident.publish_at is not None and incident.publish_at <= now
    return published(incident, now) if incident is not before or due else before


def cut(incident: Incident, now: float, policy: Policy) -> Incident:
    """The incident with no deadline further off than its length, and no past in the future."""
    changes: dict[str, float] = {}

    def at_most(name: str, at: float | None, latest: float) -> None:
        if at is not None and at > latest:
            changes[name] = latest

    if incident.status is not Status.RESOLVED:
        if not incident.ticketed:
            wait = policy.wait(incident.severity)
            if incident.flapping:
                wait = max(wait, policy.flapping_group_wait)
            if incident.evidence_until:
                at_most(
                    "evidence_until", incident.evidence_until, now + wait + policy.evidence_wait
                )
                wait += policy.evidence_wait
            if incident.collective_id:
                at_most("held_at", incident.held_at, now)
                wait = policy.held_seconds_max
                if incident.held_at > now:
                    wait = min(wait, incident.ticket_at - incident.held_at)
            at_most("ticket_at", incident.ticket_at, now + wait)
        after = policy.escalate_after.get(incident.severity.nearest)
        if after is not None:
            at_most("escalate_at", incident.escalate_at, now + after)
        if incident.ends_at is not None:
            longest = policy.held_seconds_max + policy.collective_margin
            at_most("ends_at", incident.ends_at, now + longest)
        at_most("touched_at", incident.touched_at, now)
        at_most("quiet_since", incident.quiet_since, now)
        at_most("paged_at", incident.paged_at, now)
    at_most("publish_at", incident.publish_at, now + policy.publish_every)
    at_most("updated_at", incident.updated_at, now)
    return replace(incident, **changes) if changes else incident


def shifted(incident: Incident, by: float) -> Incident:
    """The incident after a step of the partition's clock by so many seconds: every wait goes on."""

    def at(time: float | None) -> float | None:
        return None if time is None else time + by

    def since(time: float) -> float:
        return time + by if time else time

    return replace(
        incident,
        ticket_at=incident.ticket_at + by,
        paged_at=since(incident.paged_at),
        held_at=since(incident.held_at),
        evidence_until=since(incident.evidence_until),
        touched_at=since(incident.touched_at),
        snoozed_until=since(incident.snoozed_until),
        quiet_since=at(incident.quiet_since),
        updated_at=incident.updated_at + by,
        ends_at=at(incident.ends_at),
        escalate_at=at(incident.escalate_at),
        publish_at=at(incident.publish_at),
        reopenings=[time + by for time in incident.reopenings],
        take_by={name: time + by for name, time in incident.take_by.items()},
    )


def expired(incident: Incident, quiet: float | None, policy: Policy) -> bool:
    """True if a resolved incident may be forgotten; the quiet clock decides."""
    if incident.resolved_at is None or quiet is None:
        return False
    return quiet >= incident.resolved_at + policy.retention


def next_due(incident: Incident, now: float, quiet: float | None, policy: Policy) -> float | None:
    """The time to call `elapsed` or `expired` next; later than `now`, or None for never.

    An effect that is due but waits for the quiet clock is looked at again a while later, the later
    the further the clock is behind.
    """
    times = []
    if incident.publish_at is not None:
        times.append(incident.publish_at)
    if incident.resolved_at is not None:
        retained = incident.resolved_at + policy.retention
        times.append(retained if retained > now else now + policy.retention_recheck_every)
        return min(times)
    if not (incident.ticketed or incident.waits_for or incident.sporadic):
        times.append(incident.ticket_at)
    if incident.flapping:
        times.append(_muted_until(incident, policy))
    if incident.escalate_at is not None:
        times.append(incident.escalate_at)
    if (further := retold_at(incident, now, policy)) is not None:
        times.append(further)
    if incident.ends_at is not None:
        times.append(incident.ends_at)
    if _wakes(incident):
        times.append(incident.snoozed_until)
    if _is_neglected(incident, policy):
        times.append(_neglected_at(incident, policy))
    if (deadline := next_deadline(incident)) is not None:
        times.append(deadline)
    ends = policy.auto_resolve_after is not None and incident.kind is not Kind.COLLECTIVE
    if ends and incident.quiet_since is not None:
        at = incident.quiet_since + _quiet_seconds(incident, policy)
        times.append(at if at > now else now + _recheck(at, quiet, policy))
    return min(times, default=None)


def _recheck(at: float, quiet: float | None, policy: Policy) -> float:
    missing = policy.recheck_every if quiet is None else at - quiet
    return min(max(missing, policy.recheck_every), policy.recheck_every_max)


def _is_quiet(incident: Incident, quiet: float | None, policy: Policy) -> bool:
    if policy.auto_resolve_after is None or quiet is None or incident.quiet_since is None:
        return False
    if incident.status is Status.RESOLVED or incident.kind is Kind.COLLECTIVE:
        return False
    return quiet >= incident.quiet_since + _quiet_seconds(incident, policy)


def _quiet_seconds(incident: Incident, policy: Policy) -> float:
    after = policy.auto_resolve_after or 0.0
    return after * policy.flapping_quiet_factor if incident.flapping else after


def _is_over(incident: Incident, now: float) -> bool:
    if incident.status is Status.RESOLVED or incident.ends_at is None:
        return False
    return incident.ends_at <= now


def _is_neglected(incident: Incident, policy: Policy) -> bool:
    """True for an acknowledged incident that fires, where acknowledgements run out."""
    if policy.acknowledge_timeout is None or incident.status is not Status.ACKNOWLEDGED:
        return False
    return incident.alerts_firing > 0


def _neglected_at(incident: Incident, policy: Policy) -> float:
    return max(incident.touched_at + (policy.acknowledge_timeout or 0.0), incident.snoozed_until)


def _wakes(incident: Incident) -> bool:
    """True for a firing incident that its fault reopened, without a page, before its snooze ended."""
    if incident.flapping or not incident.ticketed or not incident.alerts_firing:
        return False
    last = incident.reopenings[-1] if incident.reopenings else 0.0
    return (
        incident.status.nearest is Status.OPEN and incident.paged_at < last < incident.snoozed_until
    )


def _muted_until(incident: Incident, policy: Policy) -> float:
    last = incident.reopenings[-1] if incident.reopenings else 0.0
    return last + policy.muted_seconds_max


def _unmuted(incident: Incident, now: float, policy: Policy) -> Incident:
    """The incident no longer flapping; paged if it still fires and nobody has acknowledged it.

    A snoozed one keeps its reopenings: its page comes at the end of the snooze.
    """
    incident = replace(incident, flapping=False)
    if is_snoozed(incident, now):
        return incident
    incident = replace(incident, reopenings=[])
    if incident.status.nearest is not Status.OPEN or not incident.alerts_firing:
        return incident
    return page_again(incident, now, policy, "still firing a day after it was last reopened")
