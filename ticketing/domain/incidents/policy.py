"""Every number the rules of incidents need, in one frozen value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ticketing.domain.scope import ScopeBy
from ticketing.domain.severity import Severity
from ticketing.domain.traces.findings import BlastRadius

GroupBy = Literal["pattern", "service", "cause"]
"""The alerts that share an incident: those of one error pattern, all of a service, or of a cause."""
GROUP_BY_SERVICE: GroupBy = "service"
GROUP_BY_CAUSE: GroupBy = "cause"


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
    reopen_window: float
    """A fault that fires again this soon after its resolution reopens; later a new incident begins."""
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
    repage_after: dict[Severity, float]
    """Quiet time after which a fault that fires again pages although somebody has acknowledged, and
    the shortest time from the page before."""
    acknowledge_timeout: float | None
    """Time since the last act of a person after which an acknowledged incident that fires pages."""
    escalation_to: tuple[str, ...]
    deliver_within: dict[Severity, float]
    """Time for a platform to take a ticket before `fallback` is notified."""
    fallback: tuple[str, ...]
    """Platforms notified of what another one did not take; with none, nothing is watched."""
    retention: float
    """Time for which a resolved incident is remembered."""
    max_pages_per_minute: int
    """New pages of one partition of the events: its share of the installation's; 0 is no limit."""
    max_pages_per_scope: int
    """New pages of one scope and minute; 0 is no limit."""
    group_by: GroupBy
    evidence_wait: float
    """Longest wait of a ticket for a verdict while another incident of its scope was just told."""
    scope_by: ScopeBy
    routing: dict[Severity, tuple[str, ...]]
    """Platforms per severity. An empty or missing list means none."""
    raise_severity: tuple[RadiusRule, ...]
    """The rules by which a blast radius raises the severity."""
    platforms: tuple[str, ...]
    """The platforms that are enabled; routing to others leads nowhere."""
    ticket_places: dict[str, tuple[str, ...]]
    """The addresses below which an enabled platform has its tickets' pages (`addresses`)."""
    summary_may_raise: bool
    """True if a model's opinion may raise the severity; it never lowers one."""
    version: str
    """The version of the configuration behind these settings."""
    pages_window: float = 60.0
    """The minute of `max_pages_per_minute`."""
    held_seconds_max: float = 86400.0
    """A day: an incident above a ceiling then has a ticket that pages nobody, however many wait."""
    collective_margin: float = 900.0
    """From the last ticket of a listed incident to the end of the collective one: time to read it."""
    muted_seconds_max: float = 86400.0
    """A day since the last reopening: a flapping incident that still fires is then told once more."""
    unheard_seconds: float = 86400.0
    """An alert that nothing was heard of for a day counts as quiet."""
    publish_every: float = 1.0
    """Longest wait of changed counts for their publication: a storm publishes once a second at most."""
    recheck_every: float = 60.0
    """Time until the next look when a due time has come but its condition does not hold yet."""
    recheck_every_max: float = 600.0
    """The same while the quiet clock is far behind: a thousand quiet incidents cost few records."""
    retention_recheck_every: float = 3600.0
    """The same for forgetting a resolved incident, which is never urgent."""
    # Bounds of the record's lists: the beginning and the present stay, however long an incident
    # lasts. The windows are a day of the default length, 15 minutes.
    alerts_kept: int = 20
    merged_kept: int = 20
    lists_kept: int = 50
    pairs_kept: int = 20
    assignees_kept: int = 20
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
