"""The occurrences that an incident needs before its ticket: `anomaly.minimumCount`.

The incident is there from its first anomaly on, counts them all and can be seen; only its ticket
waits. What ends an incident without a ticket, ends this one too.
"""

from __future__ import annotations

from dataclasses import replace

from ticketing.domain.incidents.incident import Incident, Kind, StepKind
from ticketing.domain.incidents.policy import Policy
from ticketing.domain.incidents.timeline import with_step


def needed(incident: Incident, policy: Policy) -> int:
    """The occurrences needed by an incident of this service, at its present severity."""
    if incident.kind is Kind.STRAY:
        return 1  # Without a ticket in any case, it waits for none.
    own = policy.minimum_count_by_service.get(incident.service, {})
    bound = own.get(incident.severity)
    return policy.minimum_count.get(incident.severity, 1) if bound is None else bound


def counted(incident: Incident, policy: Policy) -> int:
    """The most occurrences within one lookback window of event time.

    Tumbling windows would part the first occurrences of a fault at their bounds: while all that is
    counted lies no further apart than a window is long, all of it counts.
    """
    if incident.last_seen - incident.first_seen <= policy.lookback_window:
        return incident.count
    return max((count for _, count in incident.windows), default=0)


def awaiting(incident: Incident, now: float, policy: Policy) -> Incident:
    """A new incident, told to wait if it has not the occurrences for a ticket; not yet published."""
    bound = needed(incident, policy)
    if counted(incident, policy) >= bound:
        return incident
    text = f"no ticket before {bound} occurrences within {policy.lookback_window:g} s"
    timeline = with_step(incident.timeline, policy, now, StepKind.HELD, text)
    return replace(incident, waits_for=bound, timeline=timeline)


def recounted(incident: Incident, policy: Policy) -> Incident:
    """A waiting incident, waiting no more if it has what it needs now; the same if nothing changed."""
    bound = needed(incident, policy)
    bound = 0 if counted(incident, policy) >= bound else bound
    return incident if bound == incident.waits_for else replace(incident, waits_for=bound)
