"""The settings of incidents: what counts, how long, to whom, and how many."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from ticketing.config.values import Duration, Name, OptionalDuration, Section, Wait
from ticketing.domain.incidents.policy import GroupBy
from ticketing.domain.severity import Severity

PLATFORMS = ("pagerduty", "jira", "servicenow", "opsgenie", "slack", "zammad")
PlatformName = Literal["pagerduty", "jira", "servicenow", "opsgenie", "slack", "zammad"]
Platforms = tuple[PlatformName, ...]


class Routing(Section):
    """Which platforms an incident of each severity goes to."""

    critical: Platforms = ("pagerduty", "opsgenie", "slack", "jira", "servicenow", "zammad")
    """Platforms of critical incidents; of the default list, those that are enabled."""
    high: Platforms = ("jira", "servicenow", "zammad", "slack")
    """Platforms of high incidents; of the default list, those that are enabled."""
    medium: Platforms = ("jira", "servicenow", "zammad")
    """Platforms of medium incidents; of the default list, those that are enabled."""
    low: Platforms = ("slack",)
    """Platforms of low incidents; of the default list, those that are enabled."""
    fallback: Platforms = ()
    """Platforms that get what another one rejected or did not take within `deliverWithin`."""


class SeverityThresholds(Section):
    """Lowest anomaly score of each severity; what is below `medium` is low."""

    critical: float = Field(default=0.97, ge=0, le=1)
    """Critical from here on."""
    high: float = Field(default=0.93, ge=0, le=1)
    """High from here on."""
    medium: float = Field(default=0.89, ge=0, le=1)
    """Medium from here on."""


def _compiles(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"must be a regular expression: {error}") from None
    return value


class PatternRule(Section):
    """One masking rule of one's own, applied before the built-in ones."""

    name: Name
    """What the rule is called."""
    pattern: Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_compiles)]
    """Regular expression (Python's)."""
    replace: str = ""
    """What stands in the pattern instead, such as `<order>`."""


class Anomaly(Section):
    """What counts as an anomaly, and how bad it is."""

    minimum_score: float = Field(default=0.85, ge=0, le=1)
    """Lowest anomaly score that is counted."""
    lookback_window: Duration = 900.0
    """Length of the tumbling windows of event time in which anomalies are counted."""
    severity_thresholds: SeverityThresholds = SeverityThresholds()
    """Severity by score, for records that bring none of their own."""
    pattern_rules: tuple[PatternRule, ...] = ()
    """Masking rules of one's own."""


def for_all(value: Any) -> Any:
    """One duration stands for all four severities."""
    if value is None or isinstance(value, (str, int, float)):
        return {severity.value: value for severity in Severity}
    return value


class GroupWait(Section):
    """How long an incident waits for its neighbours before it is ticketed."""

    critical: Wait = 5.0
    """Critical incidents."""
    high: Wait = 30.0
    """High incidents."""
    medium: Wait = 30.0
    """Medium incidents."""
    low: Wait = 30.0
    """Low incidents."""

    def of(self, severity: Severity) -> float:
        """Seconds for a severity."""
        return float(getattr(self, severity.value))


class OffBySeverity(Section):
    """An optional duration for each severity."""

    critical: OptionalDuration = None
    """Critical incidents."""
    high: OptionalDuration = None
    """High incidents."""
    medium: OptionalDuration = None
    """Medium incidents."""
    low: OptionalDuration = None
    """Low incidents."""

    def of(self, severity: Severity) -> float | None:
        """Seconds for a severity, or None for never."""
        value: float | None = getattr(self, severity.value)
        return value


class DeliverWithin(OffBySeverity):
    """How long a platform may take before `routing.fallback` is told."""

    critical: OptionalDuration = 60.0
    """Critical incidents."""


class Escalation(Section):
    """Where an escalated incident goes."""

    to: tuple[Name, ...] = ()
    """Platforms, or names of teams as the platforms know them."""


class Delivery(Section):
    """How hard a platform is tried."""

    backoff_min: Duration = 1.0
    """Wait after the first failure; doubles from there, with jitter."""
    backoff_max: Duration = 300.0
    """Longest wait between two attempts."""
    give_up_after: Duration = 86400.0
    """When a delivery that keeps failing becomes a dead letter."""
    circuit_failures: int = Field(default=5, ge=1)
    """Failures in a row after which a platform gets one probe at a time."""


class Storm(Section):
    """Guards against more tickets than people can read."""

    max_patterns_per_service: int = Field(default=20, ge=0)
    """New patterns of one service in `patternsWindow`, beyond which they share an overflow
    incident; 0 is no limit."""
    patterns_window: Duration = 600.0
    """The time in which new patterns are counted."""
    max_pages_per_minute: int = Field(default=30, ge=0)
    """A tenant's new tickets a minute (and partition), beyond which one umbrella ticket speaks for
    them; 0 is no limit."""
    group_by: GroupBy = "pattern"
    """Whether a service's simultaneous patterns get a ticket each or share one."""


class Flapping(Section):
    """When an incident that keeps coming back is said to flap, and what is done about it."""

    reopenings: int = Field(default=3, ge=1)
    """This many reopenings ..."""
    within: Duration = 7200.0
    """... in this time are flapping."""
    group_wait: Wait = 300.0
    """Shortest group wait of what flaps and has no ticket yet."""
    quiet_factor: float = Field(default=4.0, ge=1)
    """How many times `autoResolveAfter` it must be quiet before it is resolved by itself."""
