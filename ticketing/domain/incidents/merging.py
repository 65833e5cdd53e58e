"""Merging, splitting and moving: alerts change their incident, and counts stay sums.

Of two incidents the earlier one, by its first record, takes the other's alerts. A resolved incident
without alerts names the one that has them, so that commands find it. Times are Unix seconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ticketing.domain.alerts.alert import AlertState
from ticketing.domain.events import TicketState
from ticketing.domain.incidents.incident import (
    Incident,
    IncidentAlert,
    Resolution,
    Status,
    StepKind,
)
from ticketing.domain.incidents.joining import AlertRow, placed
from ticketing.domain.incidents.lifecycle import (
    POLICY,
    published,
    raised,
    resolved,
    routed,
    ticketed,
)
from ticketing.domain.incidents.policy import Policy
from ticketing.domain.incidents.routing import routes_for
from ticketing.domain.incidents.timeline import with_step
from ticketing.domain.records import replace
from ticketing.domain.severity import Severity, worst

HOLDING = frozenset({TicketState.OPEN, TicketState.ACKNOWLEDGED, TicketState.ESCALATED})


def merge(
    one: Incident, other: Incident, now: float, policy: Policy, by: str = "", note: str = ""
) -> tuple[Incident, Incident]:
    """Two open incidents merged: the earlier one with all alerts, and the later one, resolved.

    The earlier one takes the higher severity, which pages, and all routes. It stays acknowledged
    unless its severity rose.
    """
    earlier, later = sorted((one, other), key=lambda each: (each.first_seen, each.id))
    text = "; ".join(filter(None, [f"took the alerts of {later.id}", note]))
    reason = _because(f"merged from {later.id}", by)
    if by == POLICY:
        reason = note
    later = replace(later, alerts=[replace(part, reason=reason) for part in later.alerts])
    kept = _sum(earlier, later, policy)
    timeline = with_step(kept.timeline, policy, now, StepKind.MERGED, text, by)
    kept = replace(kept, timeline=timeline, merged=[*kept.merged, later.id][-policy.merged_kept :])
    kept = raised(kept, later.severity, now, policy)
    kept = routed(kept, later.routes, now, policy)
    if later.ticketed and not kept.ticketed:
        kept = ticketed(kept, now, policy, f"as {later.id} had one", quietly=True)
    gone = emptied(later, kept, Resolution.MERGED, now, policy, by)
    return published(kept, now), published(gone, now)


def emptied(
    incident: Incident,
    target: Incident,
    resolution: Resolution,
    now: float,
    policy: Policy,
    by: str,
) -> Incident:
    """The incident without alerts, resolved in favour of another one; not yet published.

    Its tickets stay open on the platforms where the other one holds none yet.
    """
    stays = [name for name in incident.tickets if _holds(incident, name)]
    incident = replace(
        incident,
        count=0,
        alerts=[],
        alerts_total=0,
        alerts_firing=0,
        waits_for=0,
        sporadic=False,
        windows=[],
        merged_into=target.id,
        stays_on=[name for name in stays if not _holds(target, name)],
    )
    verb = "merged into" if resolution is Resolution.MERGED else "moved to"
    return resolved(incident, resolution, now, policy, f"{verb} {target.id}", by)


def released(gone: Incident, holder: Incident, now: float) -> Incident:
    """A merged incident whose tickets may close where the one that has its alerts holds one.

    Once that one is resolved, all may.
    """
    over = holder.status is Status.RESOLVED
    stays = [name for name in gone.stays_on if not (over or _holds(holder, name))]
    return gone if stays == gone.stays_on else published(replace(gone, stays_on=stays), now)


def without(incident: Incident, rows: Iterable[AlertRow]) -> Incident:
    """The incident without some of its alerts; not yet published."""
    taken = list(rows)
    gone = {row.alert.fingerprint for row in taken}
    windows = dict(incident.windows)
    for row in taken:
        for start, count in row.windows:
            if start in windows:
                windows[start] = max(0, windows[start] - count)
    alerts = [alert for alert in incident.alerts if alert.fingerprint not in gone]
    firing = incident.alerts_firing - sum(_fires(row.alert) for row in taken)
    needs = [alert.needed for alert in alerts]
    incident = replace(
        incident,
        waits_for=min(needs, default=incident.waits_for) if incident.waits_for else 0,
        count=incident.count - sum(row.alert.count for row in taken),
        alerts=alerts,
        alerts_total=incident.alerts_total - len(taken),
        alerts_firing=firing,
        quiet_since=None if firing else incident.quiet_since or incident.last_arrived_at,
        windows=sorted((start, count) for start, count in windows.items() if count),
    )
    if incident.fingerprint in gone and alerts:
        first = alerts[0]
        incident = replace(
            incident,
            fingerprint=first.fingerprint,
            service=first.service,
            title=first.title,
            pattern="",
        )
    return incident


def with_rows(incident: Incident, rows: Iterable[AlertRow], policy: Policy) -> Incident:
    """The incident with alerts of another one; not yet published."""
    for row in rows:
        part = row.alert
        known = {one.fingerprint: one for one in incident.alerts}.get(part.fingerprint)
        firing = incident.alerts_firing + _fires(part) - (_fires(known) if known else 0)
        last = max(incident.last_arrived_at, part.last_arrived_at)
        windows = dict(incident.windows)
        for start, count in row.windows:
            windows[start] = windows.get(start, 0) + count
        incident = replace(
            incident,
            count=incident.count + part.count,
            alerts=placed(incident.alerts, _both_parts(known, part), policy),
            alerts_total=incident.alerts_total + (known is None),
            alerts_firing=firing,
            waits_for=min(incident.waits_for, part.needed),
            sporadic=False,
            first_seen=min(incident.first_seen, part.first_seen),
            last_seen=max(incident.last_seen, part.last_seen),
            last_arrived_at=last,
            quiet_since=None if firing else max(incident.quiet_since or 0.0, row.heard_at, last),
            windows=sorted(windows.items())[-policy.windows_kept :],
        )
    return incident


def split(
    source: Incident, rows: list[AlertRow], id: str, now: float, policy: Policy, by: str = ""
) -> tuple[Incident, Incident]:
    """An incident without some of its alerts, and a new one with them.

    The new one has a ticket at once if the other has one: that pages nobody, as a person is at it.
    Without one it waits for the occurrences that its own alerts still need.
    """
    rows = _explained(rows, _because(f"split from {source.id}", by))
    first = min(rows, key=lambda row: (row.alert.first_seen, row.alert.fingerprint)).alert
    new = made(
        source,
        first,
        _worst(row.alert for row in rows),
        id,
        now,
        policy,
        split_from=source.id,
        status=source.status,
        acknowledged_at=source.acknowledged_at,
        assignees=source.assignees,
        samples=[row.alert.sample for row in rows if row.alert.sample][: policy.samples_first_kept],
        waits_for=min(row.alert.needed for row in rows),
        timeline=with_step([], policy, now, StepKind.OPENED, f"split from {source.id}", by),
    )
    new = with_rows(new, rows, policy)
    if source.ticketed:
        new = ticketed(new, now, policy, quietly=True)
    names = ", ".join(row.alert.service for row in rows[: policy.merged_kept])
    text = f"{len(rows)} alerts ({names}) split off into {id}"
    after = without(source, rows)
    timeline = with_step(after.timeline, policy, now, StepKind.MOVED, text, by)
    return published(replace(after, timeline=timeline), now), new


def made(
    source: Incident,
    first: IncidentAlert,
    severity: Severity,
    id: str,
    now: float,
    policy: Policy,
    **changes: Any,
) -> Incident:
    """A new incident that begins with an alert of another one, before any alert is in it."""
    known: dict[str, Any] = {
        "id": id,
        "scope": source.scope,
        "fingerprint": first.fingerprint,
        "tenant": source.tenant,
        "environment": source.environment,
        "service": first.service,
        "pattern": "",
        "title": first.title,
        "severity": severity,
        "opened_at": now,
        "updated_at": now,
        "first_seen": first.first_seen,
        "last_seen": first.last_seen,
        "routes": routes_for(severity, policy),
        "ticket_at": now + policy.wait(severity),
        "config": policy.version,
    }
    return Incident(**{**known, **changes})


def move(
    source: Incident,
    target: Incident,
    rows: list[AlertRow],
    now: float,
    policy: Policy,
    by: str = "",
    note: str = "",
) -> tuple[Incident, Incident]:
    """Alerts moved from an incident to another one; without any left, the first one is resolved."""
    rows = _explained(rows, note or _because(f"moved from {source.id}", by))
    text = "; ".join(filter(None, [f"{len(rows)} alerts from {source.id}", note]))
    kept = with_rows(target, rows, policy)
    timeline = with_step(kept.timeline, policy, now, StepKind.GROUPED, text, by)
    kept = raised(replace(kept, timeline=timeline), _worst(row.alert for row in rows), now, policy)
    after = without(source, rows)
    if after.alerts_total <= 0:
        kept = routed(kept, source.routes, now, policy)
        kept = replace(kept, merged=[*kept.merged, source.id][-policy.merged_kept :])
        after = emptied(source, kept, Resolution.MOVED, now, policy, by)
    else:
        text = f"{len(rows)} alerts to {target.id}"
        after = replace(
            after, timeline=with_step(after.timeline, policy, now, StepKind.MOVED, text, by)
        )
    return published(after, now), published(kept, now)


def _sum(earlier: Incident, later: Incident, policy: Policy) -> Incident:
    windows = dict(earlier.windows)
    for start, count in later.windows:
        windows[start] = windows.get(start, 0) + count
    known = {part.fingerprint: part for part in earlier.alerts}
    alerts = list(earlier.alerts)
    for part in later.alerts:
        alerts = placed(alerts, _both_parts(known.get(part.fingerprint), part), policy)
    twice = sum(part.fingerprint in known for part in later.alerts)
    firing = earlier.alerts_firing + later.alerts_firing
    last = max(earlier.last_arrived_at, later.last_arrived_at)
    since = max(earlier.quiet_since or 0.0, later.quiet_since or 0.0, last)
    needs = [one.waits_for for one in (earlier, later)]
    samples = [*earlier.samples, *later.samples]
    first, latest = policy.samples_first_kept, policy.samples_latest_kept
    if len(samples) > first + latest:
        samples = samples[:first] + samples[-latest:]
    return replace(
        earlier,
        count=earlier.count + later.count,
        alerts=alerts,
        alerts_total=earlier.alerts_total + later.alerts_total - twice,
        alerts_firing=firing,
        last_seen=max(earlier.last_seen, later.last_seen),
        last_arrived_at=last,
        quiet_since=None if firing else since,
        max_score=max(earlier.max_score, later.max_score),
        waits_for=0 if 0 in needs else min(needs),
        sporadic=earlier.sporadic and later.sporadic,
        windows=sorted(windows.items())[-policy.windows_kept :],
        samples=samples,
        trace_ids=_both(earlier.trace_ids, later.trace_ids)[-policy.trace_ids_kept :],
        endpoints=_both(earlier.endpoints, later.endpoints)[: policy.endpoints_kept],
        affected_services=_both(earlier.affected_services, later.affected_services)[
            : policy.services_kept
        ],
    )


def _because(what: str, by: str) -> str:
    return f"{what} by {by}" if by else what


def _explained(rows: list[AlertRow], reason: str) -> list[AlertRow]:
    return [replace(row, alert=replace(row.alert, reason=reason)) for row in rows]


def _both_parts(one: IncidentAlert | None, other: IncidentAlert) -> IncidentAlert:
    """An alert that counted in both incidents, one after the other."""
    if one is None:
        return other
    latest, former = (one, other) if one.version > other.version else (other, one)
    return replace(
        latest,
        count=latest.count + former.count,
        before=latest.before + former.count,
        first_seen=min(one.first_seen, other.first_seen),
    )


def _both(known: list[str], more: list[str]) -> list[str]:
    return list(dict.fromkeys([*known, *more]))


def _worst(alerts: Iterable[IncidentAlert]) -> Severity:
    severity = Severity.LOW
    for alert in alerts:
        severity = worst(severity, alert.severity)
    return severity


def _holds(incident: Incident, platform: str) -> bool:
    """True if a platform has a ticket: one that pages nobody may be acknowledged without any."""
    ticket = incident.tickets.get(platform)
    if ticket is None or not ticket.external_id:
        return False
    return ticket.state in HOLDING and incident.ticketed


def _fires(part: IncidentAlert) -> int:
    return int(part.state is not AlertState.QUIET)
