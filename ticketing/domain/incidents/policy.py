"""Every number the rules of incidents need, in one frozen value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ticketing.domain.severity import Severity
from ticketing.domain.traces.findings import BlastRadius

GroupBy = Literal["pattern", "service"]
"""Whose incidents share a ticket: simultaneous patterns of a service, or none."""
GROUP_BY_SERVICE: GroupBy = "service"


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
    """How incidents are to be led. Durations are seconds; what is None or missing is off.

    A setting has no default here: `ticketing.config.policy` is where all of them come from.
    """

    group_wait: dict[Severity, float]
    """From opening to ticket, at most; a missing severity is ticketed at once."""
    reopen_window: float
    """Firing again this soon after the resolution reopens; later it is a new episode."""
    flapping_count: int
    flapping_window: float
    """So many reopenings by firing again within so many seconds are flapping."""
    flapping_group_wait: float
    """Shortest group wait of what flaps and has no ticket yet."""
    flapping_quiet_factor: float
    """How much longer than `auto_resolve_after` what flaps must be quiet to be resolved."""
    auto_resolve_after: float | None
    escalate_after: dict[Severity, float]
    """From ticket to automatic escalation, unless somebody acknowledges."""
    escalation_to: tuple[str, ...]
    deliver_within: dict[Severity, float]
    """How long a platform may take to hold a ticket before `fallback` is told."""
    fallback: tuple[str, ...]
    """Platforms that are told what another one did not take; with none, nothing is watched."""
    retention: float
    """How long a resolved incident is remembered."""
    max_patterns_per_service: int
    """New patterns a service may open within `patterns_window`; 0 is no limit."""
    patterns_window: float
    max_pages_per_minute: int
    """New pages per tenant and minute, counted per partition of the signals; 0 is no limit."""
    group_by: GroupBy
    routing: dict[Severity, tuple[str, ...]]
    """Platforms per severity. An empty or missing list means none."""
    raise_severity: tuple[RadiusRule, ...]
    """What blast radius raises an incident's severity, and to which."""
    hold_symptoms: bool
    """Whether a symptom waits behind its cause's ticket, if the cause's writer accepts it."""
    platforms: tuple[str, ...]
    """The platforms that are enabled; routing to others leads nowhere."""
    summary_may_raise: bool
    """Whether a model's opinion may raise an incident's severity; it never lowers it."""
    pages_window: float = 60.0
    """The minute of `max_pages_per_minute`."""
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
