"""The effects of time alone on an incident, and the time of the next look."""

from __future__ import annotations

from dataclasses import replace

from ticketing.domain.incidents.fallback import next_deadline, overdue
from ticketing.domain.incidents.incident import Incident, Kind, Status
from ticketing.domain.incidents.lifecycle import POLICY, escalated, published, resolved, settled
from ticketing.domain.incidents.linking import ask_at, is_leased, lapsed
from ticketing.domain.incidents.policy import Policy


def elapsed(incident: Incident, now: float, quiet: float | None, policy: Policy) -> Incident:
    """The incident after everything that was due by `now`; the same object when nothing was.

    `quiet` is the quiet clock; whatever ends by quiet waits for it. Times are Unix seconds.
    """
    before = incident
    if _is_quiet(incident, quiet, policy):
        text = f"no anomaly for {_quiet_seconds(incident, policy):g} s"
        incident = resolved(incident, now, policy, text, POLICY)
    incident = settled(lapsed(incident, now, policy), now, policy)
    if incident.escalate_at is not None and incident.escalate_at <= now:
        to = list(policy.escalation_to)
        text = "nobody acknowledged in time"
        incident = escalated(incident, to, now, policy, text, POLICY)
    incident = overdue(incident, now, policy)
    if incident.flapping and _steady_at(incident, policy) <= now:
        incident = replace(incident, flapping=False)
    due = incident.publish_at is not None and incident.publish_at <= now
    return published(incident, now) if incident is not before or due else before


def expired(incident: Incident, quiet: float | None, policy: Policy) -> bool:
    """True if a resolved incident may be forgotten.

    The quiet clock decides: the watermarks that keep a replay from counting twice are lost as well.
    """
    if incident.resolved_at is None or quiet is None:
        return False
    return quiet >= incident.resolved_at + policy.retention


def next_due(incident: Incident, now: float, policy: Policy) -> float | None:
    """The time to call `elapsed` or `expired` next; later than `now`, or None for never.

    An effect that is due but can't happen, since a clock stands still or the incident is held, is
    looked at again a while later.
    """
    recheck = now + policy.recheck_every
    times = []
    if incident.publish_at is not None:
        times.append(incident.publish_at)
    if incident.flapping:
        times.append(_steady_at(incident, policy))
    if incident.resolved_at is not None:
        retained = incident.resolved_at + policy.retention
        times.append(retained if retained > now else now + policy.retention_recheck_every)
    else:
        if not incident.ticketed:
            if is_leased(incident):
                times.append(min(incident.held_until, ask_at(incident)))
            elif incident.waits_for:
                # Another anomaly ends the wait; by itself only a lower bound does.
                times.append(now + policy.retention_recheck_every)
            else:
                held = incident.held_by and incident.ticket_at <= now
                times.append(recheck if held else incident.ticket_at)
        if incident.escalate_at is not None:
            times.append(incident.escalate_at)
        if (deadline := next_deadline(incident)) is not None:
            times.append(deadline)
        if policy.auto_resolve_after is not None:
            quiet = incident.quiet_at + _quiet_seconds(incident, policy)
            times.append(quiet if quiet > now else recheck)
    return min(times, default=None)


def _is_quiet(incident: Incident, quiet: float | None, policy: Policy) -> bool:
    if policy.auto_resolve_after is None or quiet is None:
        return False
    if incident.status is Status.RESOLVED:
        return False
    return quiet >= incident.quiet_at + _quiet_seconds(incident, policy)


def _quiet_seconds(incident: Incident, policy: Policy) -> float:
    after = policy.auto_resolve_after or 0.0
    damped = incident.flapping and incident.kind is not Kind.COLLECTIVE
    return after * policy.flapping_quiet_factor if damped else after


def _steady_at(incident: Incident, policy: Policy) -> float:
    """The time from which on a flapping incident is steady again."""
    if len(incident.reopenings) < policy.flapping_count:
        return 0.0
    return incident.reopenings[-policy.flapping_count] + policy.flapping_window
