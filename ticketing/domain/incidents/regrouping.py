"""Alerts that evidence takes from one incident to another; counts stay sums.

An alert that began with the fault goes whole. One that fired long before goes on: what was counted
stays, and only what is new counts in the other incident. Times are Unix seconds.
"""

from __future__ import annotations

from ticketing.domain.alerts.alert import AlertState
from ticketing.domain.incidents import merging
from ticketing.domain.incidents.incident import Incident, StepKind
from ticketing.domain.incidents.joining import AlertRow, left
from ticketing.domain.incidents.lifecycle import POLICY, published, raised
from ticketing.domain.incidents.outbreaks import OUTBREAK_SECONDS
from ticketing.domain.incidents.policy import Policy
from ticketing.domain.incidents.timeline import with_step
from ticketing.domain.records import replace
from ticketing.domain.severity import Severity, worst


def goes_whole(source: Incident, row: AlertRow, at: float) -> bool:
    """True for an alert that began within the outbreak as of event time `at`, or was told nowhere."""
    return not source.ticketed or at - row.alert.first_seen <= OUTBREAK_SECONDS


def going_on(row: AlertRow, at: float, reason: str) -> AlertRow:
    """The row of an alert that goes on elsewhere: nothing of it is counted there yet."""
    part = row.alert
    part = replace(
        part,
        count=0,
        before=part.before - part.count,
        first_seen=at,
        last_seen=max(part.last_seen, at),
        minutes=[],
        reason=reason,
    )
    return replace(row, alert=part)


def moved(
    source: Incident,
    target: Incident,
    rows: list[AlertRow],
    now: float,
    policy: Policy,
    reason: str,
) -> tuple[Incident, Incident]:
    """Alerts moved whole; an incident without any left is resolved, and its due page is not lost."""
    after, kept = merging.move(source, target, rows, now, policy, POLICY, reason)
    return after, _sooner(kept, source) if after.merged_into else kept


def merged(
    one: Incident, other: Incident, now: float, policy: Policy, reason: str
) -> tuple[Incident, Incident]:
    """Two incidents of one fault merged, as `merging.merge`, with the ticket at the earlier time."""
    kept, gone = merging.merge(one, other, now, policy, POLICY, reason)
    return _sooner(kept, one if gone.id == one.id else other), gone


def continued(
    source: Incident, target: Incident, rows: list[AlertRow], now: float, policy: Policy
) -> tuple[Incident, Incident]:
    """Alerts that go on in another incident; `rows` are as `going_on` has made them."""
    after = source
    for row in rows:
        after = left(after, row.alert, now)
    if after is not source and not after.alerts_firing:
        after = replace(after, quiet_since=after.quiet_since or after.last_arrived_at)
    kept = merging.with_rows(target, [replace(row, windows=[]) for row in rows], policy)
    text = f"{len(rows)} alerts go on here, from {source.id}; {rows[0].alert.reason}"
    timeline = with_step(kept.timeline, policy, now, StepKind.GROUPED, text, POLICY)
    kept = raised(replace(kept, timeline=timeline), _worst(rows), now, policy)
    text = f"{len(rows)} alerts go on in {target.id}"
    timeline = with_step(after.timeline, policy, now, StepKind.MOVED, text, POLICY)
    return published(replace(after, timeline=timeline), now), published(kept, now)


def opened(
    source: Incident,
    rows: list[AlertRow],
    id: str,
    at: float,
    now: float,
    policy: Policy,
    cause: str,
    reason: str,
) -> Incident:
    """A new incident for a fault by evidence as of `at`, before any alert of `rows` is in it.

    Its ticket is due at once: a verdict has called it a fault of its own.
    """
    whole = [goes_whole(source, row, at) for row in rows]
    began = min(row.alert.first_seen if goes else at for row, goes in zip(rows, whole, strict=True))
    first = min(rows, key=lambda row: (row.alert.first_seen, row.alert.fingerprint)).alert
    return merging.made(
        source,
        first,
        _worst(rows),
        id,
        now,
        policy,
        first_seen=began,
        last_seen=max(began, at),
        timeline=with_step(
            [], policy, now, StepKind.OPENED, f"{reason}; out of {source.id}", POLICY
        ),
        **_origin(source, cause),
        ticket_at=now,
        evidence_until=now,
        waits_for=min(row.alert.needed for row in rows),
    )


def _origin(source: Incident, cause: str) -> dict[str, str]:
    same = source.cause is not None and source.cause.service == cause
    return {"previous": source.id} if same else {"split_from": source.id}


def fires(row: AlertRow) -> bool:
    """True for an alert that is not quiet."""
    return row.alert.state.nearest is not AlertState.QUIET


def _sooner(kept: Incident, gone: Incident) -> Incident:
    """The incident with a ticket no later than that of one whose alerts it took."""
    if kept.ticketed or gone.ticketed or kept.collective_id or gone.collective_id:
        return kept
    at = min(kept.ticket_at, gone.ticket_at)
    return kept if at == kept.ticket_at else replace(kept, ticket_at=at)


def _worst(rows: list[AlertRow]) -> Severity:
    severity = Severity.LOW
    for row in rows:
        severity = worst(severity, row.alert.severity)
    return severity
