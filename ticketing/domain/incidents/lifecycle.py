"""The lifecycle of an incident: pure rules to open, ticket, page, escalate, resolve and reopen.

Each rule takes an incident and gives the next one. The very same object back means that nothing
has changed; a higher `revision` means that others must see the change now. Counts alone wait for
`publish_at`.

Clocks: `now` is the partition's clock. `quiet` is the quiet clock: everything that reached any source
partition before that time is counted. While it is None, nothing ends by quiet.
"""

from __future__ import annotations

from ticketing.domain.alerts.alert import Alert, AlertKind
from ticketing.domain.incidents.incident import (
    Incident,
    Kind,
    Resolution,
    Status,
    StepKind,
)
from ticketing.domain.incidents.policy import Policy
from ticketing.domain.incidents.routing import extended, routes_for
from ticketing.domain.incidents.timeline import with_step
from ticketing.domain.records import replace
from ticketing.domain.severity import Severity

POLICY = "policy"
"""The actor of a step that a rule made."""
ESCALATED_TO_MAX = 20
"""As many as one command can name (`api.commands.TARGETS_MAX`): the latest are on the job."""

_KINDS = {AlertKind.OVERFLOW: Kind.OVERFLOW, AlertKind.STRAY: Kind.STRAY}


def opened(
    alert: Alert,
    now: float,
    policy: Policy,
    *,
    id: str,
    scope: str,
    previous: str = "",
) -> Incident:
    """A new incident for an alert, before any of the alert is counted; `previous` is the one before.

    It began when the alert's first record arrived in the input: after a late hop the ticket is due
    at once.
    """
    began = min(now, alert.arrived_at) if alert.arrived_at > 0 else now
    kind = _KINDS.get(alert.kind, Kind.FAULT)
    text = f"after {previous}" if previous else ""
    return Incident(
        id=id,
        scope=scope,
        fingerprint=alert.fingerprint,
        tenant=alert.tenant,
        service=alert.service,
        environment=alert.environment,
        pattern=alert.pattern,
        title=alert.title or alert.pattern,
        severity=alert.severity,
        kind=kind,
        opened_at=began,
        updated_at=now,
        first_seen=alert.first_seen,
        last_seen=alert.last_seen,
        max_score=alert.max_score,
        previous=previous,
        routes=[] if kind is Kind.STRAY else routes_for(alert.severity, policy),
        ticket_at=began + policy.wait(alert.severity),
        config=policy.version,
        timeline=with_step([], policy, now, StepKind.OPENED, text),
    )


def raised(incident: Incident, severity: Severity, now: float, policy: Policy) -> Incident:
    """The incident at a higher severity: paged again, on more routes, with a nearer ticket."""
    if severity.rank <= incident.severity.rank:
        return incident
    began = max([incident.opened_at, *incident.reopenings[-1:]])
    text = f"{incident.severity.value} to {severity.value}"
    incident = replace(
        incident,
        severity=severity,
        ticket_at=min(incident.ticket_at, began + policy.wait(severity)),
        timeline=with_step(incident.timeline, policy, now, StepKind.SEVERITY_RAISED, text),
    )
    if incident.kind is not Kind.STRAY:
        incident = routed(incident, routes_for(severity, policy), now, policy)
    incident = page_again(incident, now, policy, "")
    nearest = escalate_at(incident, now, policy)
    if nearest is not None:
        at = incident.escalate_at
        incident = replace(incident, escalate_at=nearest if at is None else min(at, nearest))
    return published(incident, now)


def page_again(incident: Incident, now: float, policy: Policy, why: str) -> Incident:
    """The incident with its people paged once more, if it has a ticket; not yet published.

    An acknowledged one is open again, as nobody has acknowledged this page. `why` is for the
    timeline; without it the step before says enough.
    """
    if not incident.ticketed or incident.status is Status.RESOLVED:
        return incident
    timeline = incident.timeline
    if why:
        timeline = with_step(timeline, policy, now, StepKind.REPAGED, why, POLICY)
    incident = replace(
        incident, page=incident.page + 1, paged_at=now, quietly=False, timeline=timeline
    )
    if incident.status is not Status.ACKNOWLEDGED:
        return incident
    incident = replace(incident, status=Status.OPEN, acknowledged_at=None)
    return replace(incident, escalate_at=escalate_at(incident, now, policy))


def is_snoozed(incident: Incident, now: float) -> bool:
    """True while somebody wants no pages for firing again."""
    return incident.snoozed_until > now


def reopens(resolved: Incident, at: float, policy: Policy) -> bool:
    """True if a fault that fires at this time reopens a resolved incident; later it is a new one."""
    return at <= (resolved.resolved_at or 0.0) + policy.reopen_window


def fired_again(incident: Incident, arrived_at: float, now: float, policy: Policy) -> Incident:
    """The resolved incident, reopened because its fault fired again within the reopen window.

    `arrived_at` is the arrival of the record. From `flapping_count` reopenings within
    `flapping_window` on the incident is flapping: a note says so, once, and nobody is paged for
    firing again until it was quiet `flapping_quiet_factor` times as long.
    """
    recent = [at for at in incident.reopenings if at > now - policy.flapping_window]
    reopenings = [*recent, now][-policy.reopenings_kept :]
    was_flapping = incident.flapping
    flapping = len(reopenings) >= policy.flapping_count
    incident = replace(incident, reopenings=reopenings, flapping=flapping)
    incident = reopened(incident, now, policy, "fired again")
    if not incident.ticketed:
        wait = policy.wait(incident.severity)
        wait = max(wait, policy.flapping_group_wait) if flapping else wait
        incident = replace(incident, ticket_at=min(now, arrived_at) + wait)
    if flapping and not was_flapping:
        text = f"reopened {len(reopenings)} times in {policy.flapping_window / 60:g} minutes"
        timeline = with_step(incident.timeline, policy, now, StepKind.FLAPPING, text, POLICY)
        incident = replace(incident, timeline=timeline)
    if not flapping and not is_snoozed(incident, now):
        incident = page_again(incident, now, policy, "")
    return published(incident, now)


def reopened(
    incident: Incident, now: float, policy: Policy, text: str = "", by: str = ""
) -> Incident:
    """The resolved incident open again under its own id; not yet published, and nobody is paged."""
    incident = replace(
        incident,
        status=Status.OPEN,
        resolved_at=None,
        resolution=None,
        acknowledged_at=None,
        escalated_at=None,
        escalated_to=[],
        quiet_since=None if incident.alerts_firing else now,
        ticket_at=incident.ticket_at if incident.ticketed else now + policy.wait(incident.severity),
        timeline=with_step(incident.timeline, policy, now, StepKind.REOPENED, text, by),
    )
    incident = routed_anew(incident, now, policy)
    return replace(incident, escalate_at=escalate_at(incident, now, policy))


def resolved(
    incident: Incident,
    resolution: Resolution,
    now: float,
    policy: Policy,
    text: str = "",
    by: str = "",
) -> Incident:
    """The incident resolved; not yet published. An incident without a ticket by now never gets one."""
    quiet = resolution is Resolution.QUIET
    merged = resolution in (Resolution.MERGED, Resolution.MOVED)
    if not incident.ticketed and not merged:
        few = f"with fewer than {incident.waits_for} occurrences in a window"
        why = few if incident.waits_for else "before its ticket was due"
        why += ": no platform was notified"
        if incident.collective_id:
            why = f"listed in {incident.collective_id}, without a ticket of its own"
        text = "; ".join(filter(None, [text, why]))
    return replace(
        incident,
        status=Status.RESOLVED,
        resolution=resolution,
        resolved_at=now,
        escalate_at=None,
        flapping=incident.flapping and not quiet,
        reopenings=[] if incident.flapping and quiet else incident.reopenings,
        timeline=with_step(incident.timeline, policy, now, StepKind.RESOLVED, text, by),
    )


def escalated(
    incident: Incident, to: list[str], now: float, policy: Policy, text: str = "", by: str = ""
) -> Incident:
    """The incident escalated, with a ticket from now on; not yet published."""
    text = "; ".join(filter(None, [text, f"to {', '.join(to)}" if to else ""]))
    incident = replace(
        incident,
        status=Status.ESCALATED,
        escalated_at=now,
        escalated_to=list(dict.fromkeys([*incident.escalated_to, *to]))[-ESCALATED_TO_MAX:],
        escalate_at=None,
        timeline=with_step(incident.timeline, policy, now, StepKind.ESCALATED, text, by),
    )
    return ticketed(routed(incident, to, now, policy), now, policy)


def routed(
    incident: Incident, names: list[str] | tuple[str, ...], now: float, policy: Policy
) -> Incident:
    """The incident with further platforms in its routes; not yet published."""
    routes = extended(incident.routes, names, policy)
    if routes is incident.routes:
        return incident
    text = "to " + ", ".join(routes[len(incident.routes) :])
    timeline = with_step(incident.timeline, policy, now, StepKind.ROUTED, text)
    return replace(incident, routes=routes, timeline=timeline)


def is_due(incident: Incident, now: float) -> bool:
    """True if the time for the incident's ticket has come and nothing is waited for."""
    if incident.ticketed or incident.status is Status.RESOLVED:
        return False
    if incident.waits_for or incident.sporadic:
        return False
    return incident.ticket_at <= now


def ticketed(
    incident: Incident, now: float, policy: Policy, text: str = "", *, quietly: bool = False
) -> Incident:
    """The incident with tickets wanted on all its routes, its first page; not yet published.

    An incident without routes counts as ticketed too: the wait is over, and a platform that a later
    rise of severity adds is notified at once. With `quietly` the ticket pages nobody.
    """
    if incident.ticketed:
        return incident
    incident = routed_anew(incident, now, policy)
    where = "on " + ", ".join(incident.routes) if incident.routes else "no platform is routed"
    text = "; ".join(filter(None, [text, where]))
    incident = replace(
        incident,
        ticketed=True,
        waits_for=0,
        sporadic=False,
        paged_at=incident.paged_at if quietly else now,
        quietly=quietly,
        collective_id="",
        held_at=0.0,
        timeline=with_step(incident.timeline, policy, now, StepKind.TICKETED, text),
    )
    return replace(incident, escalate_at=escalate_at(incident, now, policy))


def published(incident: Incident, now: float) -> Incident:
    """The incident as it goes out: a new revision, and no publication waiting."""
    return replace(incident, revision=incident.revision + 1, updated_at=now, publish_at=None)


def counted(incident: Incident, now: float, policy: Policy) -> Incident:
    """The incident with its changed counts published, or on the way to it: once a while at most."""
    at = incident.updated_at + policy.publish_every
    if now >= at or incident.updated_at > now:
        return published(incident, now)
    waits = incident.publish_at
    return replace(incident, publish_at=at if waits is None else min(waits, at))


def routed_anew(incident: Incident, now: float, policy: Policy) -> Incident:
    """The incident, routed by its severity if no platform of its routes is enabled any more."""
    if not incident.routes or any(name in policy.platforms for name in incident.routes):
        return incident
    return routed(incident, routes_for(incident.severity, policy), now, policy)


def escalate_at(incident: Incident, now: float, policy: Policy) -> float | None:
    """The time of an automatic escalation of an incident as it is now; None for never."""
    after = policy.escalate_after.get(incident.severity.nearest)
    if incident.kind is Kind.STRAY or after is None or not incident.ticketed:
        return None
    if incident.status.nearest is not Status.OPEN:
        return None
    was_escalated = any(step.kind is StepKind.ESCALATED for step in incident.timeline)
    return None if incident.flapping and was_escalated else now + after
