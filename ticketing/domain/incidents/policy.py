"""Every number the rules of incidents need, in one frozen value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ticketing.domain.severity import Severity
from ticketing.domain.traces.findings import BlastRadius

GroupBy = Literal["pattern", "service"]
"""The patterns that share an incident: none, or all of a service."""
GROUP_BY_SERVICE: GroupBy = "service"


@dataclass(frozen=True, slots=True, kw_only=True)
class RadiusRule:
    """Raises the severity where every bound is reached; a bound of None is not given."""

    to: Severity
    services: int | None = None
    endpoints: int | None = None
    tenants: int | None = None
    failing_share: float | None = None

    def reached(self, radius: BlastRadius) -> bool:
        """True if a blast radius reaches every given bound; False for a rule without bounds."""
        bounds = (
            (self.services, radius.services),
            (self.endpoints, radius.endpoints),
            (self.tenants, radius.tenants),
            (self.failing_share, radius.failing_share),
        )
        given = [(bound, value) for bound, value in bounds if bound is not None]
        return bool(given) and all(value >= bound for bound, value in given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The settings of the rules. Durations are seconds; None or a missing entry is off.

    Settings have no defaults here: all of them come from `ticketing.config.policy`.
    """

    group_wait: dict[Severity, float]
    """From opening to ticket, at most; a missing severity is ticketed at once."""
    minimum_count: dict[Severity, int]
    """Occurrences within `lookback_window` before an incident is ticketed."""
    minimum_count_by_service: dict[str, dict[Severity, int]]
    """The same for single services; a missing severity has the count for all services."""
    lookback_window: float
    """Length of the windows of event time."""
    reopen_window: float
    """A fault that fires again this soon after its resolution reopens; later a new episode begins."""
    flapping_count: int
    flapping_window: float
    """An incident is flapping after `flapping_count` reopenings by firing again within this time."""
    flapping_group_wait: float
    """Shortest group wait of a flapping incident without a ticket."""
    flapping_quiet_factor: float
    """Factor on `auto_resolve_after` while an incident is flapping."""
    auto_resolve_after: float | None
    escalate_after: dict[Severity, float]
    """From ticket to automatic escalation, unless somebody acknowledges."""
    escalation_to: tuple[str, ...]
    deliver_within: dict[Severity, float]
    """Time for a platform to take a ticket before `fallback` is notified."""
    fallback: tuple[str, ...]
    """Platforms notified of what another one did not take; with none, nothing is watched."""
    retention: float
    """Time for which a resolved incident is remembered."""
    max_patterns_per_service: int
    """New patterns a service may open within `patterns_window`; 0 is no limit."""
    patterns_window: float
    max_pages_per_minute: int
    """New pages per tenant and minute, counted per partition of the signals; 0 is no limit."""
    group_by: GroupBy
    routing: dict[Severity, tuple[str, ...]]
    """Platforms per severity. An empty or missing list means none."""
    raise_severity: tuple[RadiusRule, ...]
    """The rules by which a blast radius raises the severity."""
    hold_symptoms: bool
    """True if a symptom waits behind its cause's ticket, should the cause's writer accept it."""
    platforms: tuple[str, ...]
    """The platforms that are enabled; routing to others leads nowhere."""
    summary_may_raise: bool
    """True if a model's opinion may raise the severity; it never lowers one."""
    pages_window: float = 60.0
    """The minute of `max_pages_per_minute`."""
    publish_every: float = 1.0
    """Longest wait of changed counts for their publication: a storm publishes once a second at most."""
    recheck_every: float = 60.0
    """Time until the next look when a due time has come but its condition does not hold yet."""
    retention_recheck_every: float = 3600.0
    """The same for forgetting a resolved incident, which is never urgent."""
    # Bounds of the record's lists: the beginning and the present stay, however long an incident
    # lasts. The windows are a day of the default length, 15 minutes.
    windows_kept: int = 96
    samples_first_kept: int = 3
    samples_latest_kept: int = 5
    trace_ids_kept: int = 20
    endpoints_kept: int = 20
    services_kept: int = 50
    timeline_first_kept: int = 10
    timeline_latest_kept: int = 40
    commands_kept: int = 16
    failures_kept: int = 16
    reopenings_kept: int = 16
    attributions_kept: int = 24

    def wait(self, severity: Severity) -> float:
        """The group wait of a severity, in seconds; 0 tickets at once."""
        return self.group_wait.get(severity.nearest, 0.0)
