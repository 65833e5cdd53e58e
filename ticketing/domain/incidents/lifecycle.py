"""The lifecycle of an incident: pure rules to open, count, reopen, ticket and resolve.

Each rule takes an incident and gives the next one. The very same object back means that nothing
has changed; a higher `revision` means that others must see the change now. Counts alone wait for
`publish_at`.

Clocks: `now` is arrival time. `quiet` is the quiet clock: everything that reached any source
partition before that time is counted. While it is None, nothing ends by quiet.
"""

from __future__ import annotations

from dataclasses import replace

from ticketing.domain.alerts.counting import Fresh, evidence, windows
from ticketing.domain.alerts.watermarks import merged, with_mark
from ticketing.domain.incidents.incident import Incident, Kind, Status, StepKind
from ticketing.domain.incidents.occurrences import awaiting
from ticketing.domain.incidents.policy import Policy
from ticketing.domain.incidents.routing import extended, routes_for
from ticketing.domain.incidents.timeline import with_step
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Anomalies

POLICY = "policy"
"""The actor of a step that a rule made."""
ESCALATED_TO_MAX = 20
"""As many as one command can name (`api.commands.TARGETS_MAX`): the latest are on the job."""


def incident_id(fingerprint: str, partition: int, offset: int) -> str:
    """The id of an incident opened by the signal at these coordinates: never used twice."""
    return f"{fingerprint}-{partition}-{offset}"


def opened(
    anomalies: Anomalies,
    fresh: Fresh,
    now: float,
    policy: Policy,
    *,
    id: str,
    offset: int,
    before: Incident | None = None,
    kind: Kind = Kind.FAULT,
    inherited: dict[str, int] | None = None,
) -> Incident:
    """A new incident, or, after the resolved one `before`, the fingerprint's next episode.

    `inherited` are the watermarks of the collective incidents that counted for the fingerprint.
    Times of the anomalies are event times, `now` is arrival.
    """
    severity = anomalies.severity
    wait = policy.wait(severity)
    marks = merged(before.watermarks if before else {}, inherited or {})
    marks = with_mark(marks, anomalies.source, fresh.highest)
    episode = before.episode + 1 if before else 1
    text = "" if before is None else f"episode {episode}, after {before.id}"
    incident = Incident(
        id=id,
        fingerprint=anomalies.fingerprint,
        tenant=anomalies.tenant,
        service=anomalies.service,
        environment=anomalies.environment,
        pattern=anomalies.pattern,
        title=anomalies.title or anomalies.pattern,
        severity=severity,
        kind=kind,
        opened_at=now,
        updated_at=now,
        quiet_at=now,
        first_seen=anomalies.first_seen,
        last_seen=anomalies.last_seen,
        max_score=anomalies.max_score,
        episode=episode,
        admitted_offset=before.admitted_offset if before else offset,
        count=fresh.count,
        windows=windows([], fresh, policy),
        watermarks=marks,
        routes=[] if kind is Kind.STRAY else routes_for(severity, policy),
        ticket_at=now + wait,
        timeline=with_step([], policy, now, StepKind.OPENED, text),
        **evidence(None, anomalies, fresh.above, policy),
    )
    return awaiting(incident, now, policy)


def joined(
    incident: Incident, anomalies: Anomalies, fresh: Fresh, now: float, policy: Policy
) -> Incident:
    """The open incident with fresh anomalies counted; a rise of severity is published at once."""
    publish_at = incident.publish_at
    changed = replace(
        incident,
        count=incident.count + fresh.count,
        windows=windows(incident.windows, fresh, policy),
        watermarks=with_mark(incident.watermarks, anomalies.source, fresh.highest),
        first_seen=min(incident.first_seen, anomalies.first_seen),
        last_seen=max(incident.last_seen, anomalies.last_seen),
        max_score=max(incident.max_score, anomalies.max_score),
        quiet_at=now,
        updated_at=now,
        publish_at=now + policy.publish_every if publish_at is None else publish_at,
        environment=incident.environment or anomalies.environment,
        **evidence(incident, anomalies, fresh.above, policy),
    )
    if anomalies.severity.rank > incident.severity.rank:
        return raised(changed, anomalies.severity, now, policy)
    return changed


def raised(incident: Incident, severity: Severity, now: float, policy: Policy) -> Incident:
    """The incident at a higher severity: more routes, a nearer ticket, never fewer or later."""
    if severity.rank <= incident.severity.rank:
        return incident
    began = max([incident.opened_at, *incident.reopenings[-1:]])
    escalate_at = incident.escalate_at
    after = policy.escalate_after.get(severity.nearest)
    if incident.kind is Kind.STRAY:
        after = None
    if incident.ticketed and incident.status.nearest is Status.OPEN and after is not None:
        escalate_at = min(escalate_at or now + after, now + after)
    text = f"{incident.severity.value} to {severity.value}"
    incident = replace(
        incident,
        severity=severity,
        ticket_at=min(incident.ticket_at, began + policy.wait(severity)),
        escalate_at=escalate_at,
        timeline=with_step(incident.timeline, policy, now, StepKind.SEVERITY_RAISED, text),
    )
    routes = [] if incident.kind is Kind.STRAY else routes_for(severity, policy)
    return published(settled(routed(incident, routes, now, policy), now, policy), now)


def reopens(resolved: Incident, now: float, policy: Policy) -> bool:
    """True while a resolved incident that fires again is reopened; later a new episode begins."""
    return now <= (resolved.resolved_at or 0.0) + policy.reopen_window


def fired_again(
    incident: Incident,
    anomalies: Anomalies,
    fresh: Fresh,
    now: float,
    policy: Policy,
    inherited: dict[str, int] | None = None,
) -> Incident:
    """The resolved incident, reopened because its fault fired again within the reopen window.

    Damping: from `flapping_count` reopenings within `flapping_window` on the incident is flapping. It
    is still published at once, since whoever resolved the incident believes the fault gone. But a
    flapping incident must stay quiet `flapping_quiet_factor` times longer to be resolved by itself,
    waits longer for a first ticket, and is not escalated automatically a second time.
    """
    known = merged(incident.watermarks, inherited or {})
    recent = [at for at in incident.reopenings if at > now - policy.flapping_window]
    reopenings = [*recent, now][-policy.reopenings_kept :]
    flapping = len(reopenings) >= policy.flapping_count
    incident = reopened(
        replace(incident, watermarks=known, reopenings=reopenings, flapping=flapping),
        now,
        policy,
        "fired again",
    )
    if flapping:
        text = f"reopened {len(reopenings)} times in {policy.flapping_window / 60:g} minutes"
        timeline = with_step(incident.timeline, policy, now, StepKind.FLAPPING, text, POLICY)
        incident = replace(incident, timeline=timeline)
    incident = joined(incident, anomalies, fresh, now, policy)
    return published(settled(incident, now, policy), now)


def reopened(
    incident: Incident, now: float, policy: Policy, text: str = "", by: str = ""
) -> Incident:
    """The resolved incident open again under its own id; not yet published."""
    wait = policy.wait(incident.severity)
    if incident.flapping:
        wait = max(wait, policy.flapping_group_wait)
    incident = replace(
        incident,
        status=Status.OPEN,
        resolved_at=None,
        acknowledged_at=None,
        escalated_at=None,
        escalated_to=[],
        quiet_at=now,
        ticket_at=incident.ticket_at if incident.ticketed else now + wait,
        timeline=with_step(incident.timeline, policy, now, StepKind.REOPENED, text, by),
    )
    incident = _routed_anew(incident, now, policy)
    return replace(incident, escalate_at=_escalate_at(incident, now, policy))


def resolved(
    incident: Incident, now: float, policy: Policy, text: str = "", by: str = ""
) -> Incident:
    """The incident resolved; not yet published. An incident without a ticket by now never gets one."""
    if not incident.ticketed:
        few = f"with fewer than {incident.waits_for} occurrences in a window"
        why = few if incident.waits_for else "before its ticket was due"
        text = "; ".join(filter(None, [text, f"{why}: no platform was notified"]))
    return replace(
        incident,
        status=Status.RESOLVED,
        resolved_at=now,
        escalate_at=None,
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


def settled(incident: Incident, now: float, policy: Policy) -> Incident:
    """The incident, ticketed if its group wait is over and nothing holds it; not yet published."""
    waiting = incident.ticketed or incident.held_by or incident.waits_for
    if waiting or incident.status is Status.RESOLVED or incident.ticket_at > now:
        return incident
    return ticketed(incident, now, policy)


def ticketed(incident: Incident, now: float, policy: Policy, text: str = "") -> Incident:
    """The incident with tickets wanted on all its routes; not yet published.

    An incident without routes counts as ticketed too: the wait is over, and a platform that a later
    rise of severity adds is notified at once.
    """
    if incident.ticketed:
        return incident
    incident = _routed_anew(incident, now, policy)
    where = "on " + ", ".join(incident.routes) if incident.routes else "no platform is routed"
    text = "; ".join(filter(None, [text, where]))
    incident = replace(
        incident,
        ticketed=True,
        waits_for=0,
        held_by="",
        held_until=0.0,
        asked="",
        timeline=with_step(incident.timeline, policy, now, StepKind.TICKETED, text),
    )
    return replace(incident, escalate_at=_escalate_at(incident, now, policy))


def published(incident: Incident, now: float) -> Incident:
    """The incident as it goes out: a new revision, and no publication waiting."""
    return replace(incident, revision=incident.revision + 1, updated_at=now, publish_at=None)


def _routed_anew(incident: Incident, now: float, policy: Policy) -> Incident:
    """The incident, routed by its severity if no platform of its routes is enabled any more."""
    if not incident.routes or any(name in policy.platforms for name in incident.routes):
        return incident
    return routed(incident, routes_for(incident.severity, policy), now, policy)


def _escalate_at(incident: Incident, now: float, policy: Policy) -> float | None:
    after = policy.escalate_after.get(incident.severity.nearest)
    if incident.kind is Kind.STRAY or after is None or not incident.ticketed:
        return None
    if incident.status.nearest is not Status.OPEN:
        return None
    was_escalated = any(step.kind is StepKind.ESCALATED for step in incident.timeline)
    return None if incident.flapping and was_escalated else now + after
