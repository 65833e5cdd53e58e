"""The life of an alert: pure rules to open, count, send, quieten and fire again.

Clocks: `now` is arrival time. The quiet clock says up to which arrival time everything is counted;
it alone decides about quiet. Times are Unix seconds.
"""

from __future__ import annotations

from ticketing.domain.alerts.alert import Alert, AlertKind, AlertState
from ticketing.domain.alerts.counting import Fresh, evidence, minutes, windows
from ticketing.domain.alerts.occurrences import needed
from ticketing.domain.alerts.policy import AlertPolicy
from ticketing.domain.records import replace
from ticketing.domain.scope import scope_of
from ticketing.domain.severity import worst
from ticketing.domain.signals import Anomalies

SEND_AFTER_SECONDS, DOUBLINGS_MAX = 1.0, 16
"""The wait of changed counts, doubled with each state sent up to `counts_every`, an hour at most: soon
while a fault is new and people look."""
DELAY_SHARE, DELAY_SECONDS = 0.1, 1.0
"""The most that one signal moves the usual delay, the larger of both: a late line hardly does."""


def opened(
    anomalies: Anomalies,
    fresh: Fresh,
    now: float,
    policy: AlertPolicy,
    *,
    kind: AlertKind = AlertKind.PATTERN,
    before: Alert | None = None,
) -> Alert:
    """A new alert or, after the quiet one `before`, its next episode; sent at once."""
    arrived, last_arrived = _arrivals(anomalies, now)
    alert = Alert(
        fingerprint=anomalies.fingerprint,
        tenant=anomalies.tenant,
        environment=anomalies.environment,
        service=anomalies.service,
        pattern=anomalies.pattern,
        title=anomalies.title or anomalies.pattern,
        severity=anomalies.severity,
        first_seen=anomalies.first_seen,
        last_seen=anomalies.last_seen,
        arrived_at=arrived,
        last_arrived_at=last_arrived,
        kind=kind,
        episode=int(now) if before is None else max(int(now), before.episode + 1),
        count=fresh.count,
        frames=fresh.frames,
        max_score=anomalies.max_score,
        windows=windows([], fresh, policy),
        minutes=minutes([], fresh, policy),
        delay=_delay(before, anomalies),
        expected_at=_expected_at(before, anomalies, last_arrived),
        scope=_scope(before, anomalies, now, policy),
        config=policy.config,
        judged=anomalies.config,
        counted_at=now,
        sent=1,
        **evidence(None, anomalies, fresh.above, policy),
    )
    return replace(alert, needed=needed(alert, policy))


def joined(
    alert: Alert, anomalies: Anomalies, fresh: Fresh, now: float, policy: AlertPolicy
) -> Alert:
    """The firing alert with fresh anomalies counted."""
    arrived, last_arrived = _arrivals(anomalies, now)
    after = replace(
        alert,
        revision=alert.revision + 1,
        count=alert.count + fresh.count,
        frames=alert.frames + fresh.frames,
        severity=worst(alert.severity, anomalies.severity),
        first_seen=min(alert.first_seen, anomalies.first_seen),
        last_seen=max(alert.last_seen, anomalies.last_seen),
        arrived_at=min(alert.arrived_at, arrived),
        last_arrived_at=max(alert.last_arrived_at, last_arrived),
        max_score=max(alert.max_score, anomalies.max_score),
        windows=windows(alert.windows, fresh, policy),
        minutes=minutes(alert.minutes, fresh, policy),
        delay=_delay(alert, anomalies),
        expected_at=max(alert.expected_at, _expected_at(alert, anomalies, last_arrived)),
        scope=alert.scope or _scope(None, anomalies, now, policy),
        config=policy.config,
        judged=anomalies.config,
        counted_at=now,
        **evidence(alert, anomalies, fresh.above, policy),
    )
    if alert.needed:
        after = replace(after, needed=needed(after, policy))
    if _is_urgent(alert, after):
        return sent(after)
    if alert.send_at is None:
        wait = SEND_AFTER_SECONDS * 2.0 ** min(alert.sent - 1, DOUBLINGS_MAX)
        after = replace(after, send_at=now + min(wait, policy.counts_every))
    return after


def counted(
    alert: Alert | None,
    anomalies: Anomalies,
    fresh: Fresh,
    now: float,
    policy: AlertPolicy,
    kind: AlertKind = AlertKind.PATTERN,
) -> Alert:
    """The alert of these anomalies after they are counted, be it new, firing or quiet before."""
    if alert is None or alert.state is AlertState.QUIET:
        return opened(anomalies, fresh, now, policy, kind=kind, before=alert)
    return joined(alert, anomalies, fresh, now, policy)


def sent(alert: Alert) -> Alert:
    """The alert as it is sent: nothing waits."""
    return replace(alert, sent=alert.sent + 1, send_at=None)


def due(alert: Alert, now: float) -> Alert:
    """The alert, sent if its counts are due; the very same if not."""
    if alert.send_at is None or alert.send_at > now:
        return alert
    return sent(replace(alert, revision=alert.revision + 1))


def is_silent(alert: Alert, quiet: float | None, policy: AlertPolicy) -> bool:
    """True for a firing alert that has become quiet by the quiet clock `quiet`."""
    if quiet is None or alert.state is AlertState.QUIET:
        return False
    return quiet >= quiet_from(alert, policy)


def quiet_from(alert: Alert, policy: AlertPolicy) -> float:
    """The time of the quiet clock from which on a firing alert is quiet."""
    return alert.counted_at + policy.quiet_after


def quietened(alert: Alert, now: float) -> Alert:
    """The alert quiet; sent at once."""
    return sent(replace(alert, state=AlertState.QUIET, quiet_at=now, revision=alert.revision + 1))


def is_over(alert: Alert, now: float, policy: AlertPolicy) -> bool:
    """True for an alert that was quiet for so long that it is forgotten."""
    return alert.quiet_at is not None and now >= alert.quiet_at + policy.retention


def next_due(alert: Alert, now: float, policy: AlertPolicy) -> float:
    """The time of the next look at an alert, no further off than the deadline is long."""
    if alert.quiet_at is not None:
        return min(alert.quiet_at, now) + policy.retention
    silent = min(quiet_from(alert, policy), now + policy.quiet_after)
    if alert.send_at is None:
        return silent
    return min(silent, alert.send_at, now + policy.counts_every)


def stepped(alert: Alert, by: float) -> Alert:
    """The alert after the clock of arrivals has stepped by so many seconds: deadlines go along."""
    return replace(
        alert,
        revision=alert.revision + 1,
        counted_at=alert.counted_at + by,
        quiet_at=None if alert.quiet_at is None else alert.quiet_at + by,
        send_at=None if alert.send_at is None else alert.send_at + by,
    )


def was_sent(before: Alert | None, after: Alert) -> bool:
    """True if the state after a change is one that is sent."""
    return before is None or after.episode != before.episode or after.sent != before.sent


def _is_urgent(before: Alert, after: Alert) -> bool:
    return after.severity.rank > before.severity.rank or (before.needed > 0 and after.needed == 0)


def _arrivals(anomalies: Anomalies, now: float) -> tuple[float, float]:
    """The arrivals of the first and last record; a record that states a later one arrives now."""
    last = min(anomalies.last_arrived or now, now)
    return min(anomalies.arrived or last, last), last


def _scope(before: Alert | None, anomalies: Anomalies, now: float, policy: AlertPolicy) -> str:
    """The scope of an alert that opens: the one of before for as long as an incident may have it."""
    quiet_at = None if before is None else before.quiet_at
    if before and before.scope and quiet_at is not None and now < quiet_at + policy.scope_kept:
        return before.scope
    return scope_of(anomalies.tenant, anomalies.environment, policy.scope_by)


def _expected_at(known: Alert | None, anomalies: Anomalies, arrived: float) -> float:
    """The time at which the latest event was to arrive, by the usual delay; no later than it did."""
    return min(anomalies.last_seen + _delay(known, anomalies), arrived)


def _delay(known: Alert | None, anomalies: Anomalies) -> float:
    """The usual time from event to arrival, moved a little towards that of these records."""
    found = max(0.0, anomalies.last_arrived - anomalies.last_seen)
    if known is None:
        return found
    step = max(DELAY_SECONDS, DELAY_SHARE * known.delay)
    return known.delay + max(-step, min(step, found - known.delay))
