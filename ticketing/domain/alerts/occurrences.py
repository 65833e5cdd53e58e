"""The occurrences that an alert needs before its ticket: `anomaly.minimumCount`.

The alert fires from its first anomaly on, counts them all and can be seen; only a ticket waits.
"""

from __future__ import annotations

from ticketing.domain.alerts.alert import Alert, AlertKind
from ticketing.domain.alerts.policy import AlertPolicy


def needed(alert: Alert, policy: AlertPolicy) -> int:
    """The occurrences within a window that the ticket still waits for; 0 once there were as many."""
    bound = _bound(alert, policy)
    return 0 if _most(alert, policy) >= bound else bound


def _bound(alert: Alert, policy: AlertPolicy) -> int:
    if alert.kind is AlertKind.STRAY:
        return 0  # Without a ticket in any case, it waits for none.
    own = policy.minimum_count_by_service.get(alert.service, {})
    severity = alert.severity.nearest
    bound = own.get(severity)
    return policy.minimum_count.get(severity, 1) if bound is None else bound


def _most(alert: Alert, policy: AlertPolicy) -> int:
    """The most occurrences within one lookback window of event time.

    Tumbling windows would part the first occurrences of a fault at their bounds: while all that is
    counted lies no further apart than a window is long, all of it counts.
    """
    if alert.last_seen - alert.first_seen <= policy.lookback_window:
        return alert.occurrences
    return max((count for _, count in alert.windows), default=0)
