"""Every number the rules of alerts need, in one frozen value."""

from __future__ import annotations

from dataclasses import dataclass

from ticketing.domain.scope import ScopeBy
from ticketing.domain.severity import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertPolicy:
    """The settings of the rules. Durations are seconds.

    Settings have no defaults here: all of them come from `ticketing.config.alert_policy`.
    """

    lookback_window: float
    """Length of the tumbling windows of event time."""
    quiet_after: float
    """Time without an anomaly after which an alert is quiet."""
    counts_every: float
    """Longest wait of changed counts before they are sent."""
    retention: float
    """Time for which a quiet alert is remembered."""
    minimum_count: dict[Severity, int]
    """Occurrences within `lookback_window` before a ticket."""
    minimum_count_by_service: dict[str, dict[Severity, int]]
    """The same for single services; a missing severity has the count for all services."""
    max_patterns_per_service: int
    """New patterns a service may have within `patterns_window`; 0 is no limit."""
    patterns_window: float
    scope_by: ScopeBy
    """The extent of a scope, whose writer of incidents gets the alerts."""
    scope_kept: float
    """Quiet time for which an alert keeps its scope, though `scope_by` says another one: the incident
    that it belongs to may be open, or be opened again."""
    config: str
    """The version of the configuration."""
    # Bounds of the lists. A day of windows of the default length would be 96; a list shows 24.
    windows_kept: int = 24
    samples_first_kept: int = 1
    samples_latest_kept: int = 2
    trace_ids_kept: int = 20
    endpoints_kept: int = 20
    services_kept: int = 50
