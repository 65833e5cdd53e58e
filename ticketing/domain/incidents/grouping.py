"""The incident that an alert belongs to, and the reason, which the timeline keeps."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass

from ticketing.domain.alerts.alert import Alert, AlertKind
from ticketing.domain.incidents.incident import Incident, Resolution, Status
from ticketing.domain.incidents.joining import AlertRow, brings_news, is_late, is_same_episode
from ticketing.domain.incidents.lifecycle import reopens
from ticketing.domain.incidents.policy import GROUP_BY_CAUSE, GROUP_BY_SERVICE, Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The incident that takes a state of an alert; without one it opens a new incident.

    `late`: the incident is resolved and stays so, and only counts.
    """

    incident: Incident | None = None
    late: bool = False
    reason: str = ""


def place(
    alert: Alert,
    row: AlertRow | None,
    own: Incident | None,
    candidates: Iterable[tuple[Incident, str]],
    now: float,
    policy: Policy,
    *,
    together: Container[str] = (),
) -> Place:
    """The place of a state of an alert.

    `own` is the incident that the alert belongs to so far. `candidates` are open incidents of the
    scope that would take it, each with the reason. `together` are the ids of incidents with an alert
    that a person has put in one incident with this one.
    """
    if own is not None and own.status is not Status.RESOLVED:
        if own.id in together or row is None or not leaves_quiet(alert, row, own, policy):
            return Place(incident=own)
        for incident, reason in candidates:
            return Place(incident=incident, reason=reason)
        return Place(incident=own)
    if own is not None and row is not None and not fires(alert, row, own):
        return Place(incident=own, late=True)
    for incident, reason in candidates:
        return Place(incident=incident, reason=reason)
    if own is not None and reopens(own, min(now, alert.last_arrived_at), policy):
        return Place(incident=own)
    return Place()


def fires(alert: Alert, row: AlertRow, resolved: Incident) -> bool:
    """True if a state shows that the fault of a resolved incident is back."""
    if not brings_news(alert, row.alert):
        return False
    by_hand = resolved.resolution == Resolution.COMMAND
    return not (by_hand and is_late(alert, resolved.resolved_at or 0.0))


def leaves_quiet(alert: Alert, row: AlertRow, own: Incident, policy: Policy) -> bool:
    """True for an alert that fires again in an incident which is quiet, and may be of another fault."""
    if policy.group_by != GROUP_BY_CAUSE or own.alerts_firing:
        return False
    return brings_news(alert, row.alert) and not is_same_episode(alert, row.alert)


def joins_service(alert: Alert, policy: Policy) -> bool:
    """True if an alert shares the incident of its service: lines of stack traces never do."""
    return policy.group_by == GROUP_BY_SERVICE and alert.kind is not AlertKind.STRAY


def joins_cause(alert: Alert, policy: Policy) -> bool:
    """True if an alert shares the incident of its cause: lines of stack traces never do."""
    return policy.group_by == GROUP_BY_CAUSE and alert.kind is not AlertKind.STRAY
