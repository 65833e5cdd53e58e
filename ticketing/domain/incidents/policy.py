"""Every number the rules of incidents need, in one frozen value."""

from __future__ import annotations

from dataclasses import dataclass, field

from ticketing.domain.severity import Severity
from ticketing.domain.traces.findings import BlastRadius

GROUP_BY_PATTERN = "pattern"
GROUP_BY_SERVICE = "service"


def _group_wait() -> dict[Severity, float]:
    return {
        Severity.CRITICAL: 5.0,
        Severity.HIGH: 30.0,
        Severity.MEDIUM: 30.0,
        Severity.LOW: 30.0,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class RadiusRule:
    """Raises to a severity where every given bound (None: not given) is reached."""

    to: Severity
    services: int | None = None
    endpoints: int | None = None
    tenants: int | None = None
    failing_share: float | None = None

    def reached(self, radius: BlastRadius) -> bool:
        """Whether a blast radius is as large as this; a rule without bounds never is."""
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
    """How incidents are to be led. Durations are seconds; what is None or missing is off."""

    lookback_window: float = 900.0
    """Length of the tumbling windows, in event time."""
    group_wait: dict[Severity, float] = field(default_factory=_group_wait)
    """From opening to ticket, at most."""
    reopen_window: float = 1800.0
    """Firing again this soon after the resolution reopens; later it is a new episode."""
    flapping_count: int = 3
    flapping_window: float = 7200.0
    """So many reopenings by firing again within so many seconds are flapping."""
    flapping_group_wait: float = 300.0
    """Shortest group wait of what flaps and has no ticket yet."""
    flapping_quiet_factor: float = 4.0
    """How much longer than `auto_resolve_after` what flaps must be quiet to be resolved."""
    auto_resolve_after: float | None = None
    escalate_after: dict[Severity, float] = field(default_factory=dict)
    """From ticket to automatic escalation, unless somebody acknowledges."""
    escalation_to: tuple[str, ...] = ()
    deliver_within: dict[Severity, float] = field(default_factory=dict)
    """How long a platform may take to hold a ticket before `fallback` is told."""
    fallback: tuple[str, ...] = ()
    """Platforms that are told what another one did not take; with none, nothing is watched."""
    retention: float = 30 * 86400.0
    """How long a resolved incident is remembered."""
    max_patterns_per_service: int = 20
    """New patterns a service may open within `patterns_window`; 0 is no limit."""
    patterns_window: float = 600.0
    max_pages_per_minute: int = 60
    """New pages per tenant and minute, counted per partition of the signals; 0 is no limit."""
    pages_window: float = 60.0
    group_by: str = GROUP_BY_PATTERN
    routing: dict[Severity, tuple[str, ...]] = field(default_factory=dict)
    """Platforms per severity. An empty or missing list means none."""
    raise_severity: tuple[RadiusRule, ...] = ()
    """What blast radius raises an incident's severity, and to which."""
    hold_symptoms: bool = False
    """Whether a symptom waits behind its cause's ticket, if the cause's writer accepts it."""
    platforms: tuple[str, ...] = ()
    """The platforms that are enabled; routing to others leads nowhere."""
    summary_may_raise: bool = False
    """Whether a model's opinion may raise an incident's severity; it never lowers it."""
    publish_every: float = 1.0
    """How long a change of counts alone may wait for its publication."""
    recheck_every: float = 60.0
    """How soon to look again when a due time has come but its condition does not hold yet."""
    retention_recheck_every: float = 3600.0
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
        return self.group_wait.get(severity, 0.0)
