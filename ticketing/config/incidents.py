"""The settings of incidents: thresholds, times, routing and limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from ticketing.config.platforms import PLATFORMS
from ticketing.config.values import Duration, Name, OptionalDuration, Section, Wait
from ticketing.domain.incidents.policy import GroupBy
from ticketing.domain.patterns.own_rules import check, compiled
from ticketing.domain.scope import ScopeBy
from ticketing.domain.severity import Severity

if TYPE_CHECKING:
    PlatformName: TypeAlias = str
else:
    # A type checker needs the words of a Literal here, but the registry alone has the platforms.
    PlatformName = Literal[PLATFORMS]
Platforms = tuple[PlatformName, ...]


class Routing(Section):
    """Platforms by the severity of the incident."""

    critical: Platforms = ("pagerduty", "opsgenie", "slack", "jira", "servicenow", "zammad")
    """Platforms of critical incidents; of the default list, those that are enabled."""
    high: Platforms = ("jira", "servicenow", "zammad", "slack")
    """Platforms of high incidents; of the default list, those that are enabled."""
    medium: Platforms = ("jira", "servicenow", "zammad")
    """Platforms of medium incidents; of the default list, those that are enabled."""
    low: Platforms = ("slack",)
    """Platforms of low incidents; of the default list, those that are enabled."""
    fallback: Platforms = ()
    """Platforms for incidents that another platform rejected or did not take within `deliverWithin`."""


def platforms_for_all(value: Any) -> Any:
    """One list of platforms stands for all four severities."""
    if isinstance(value, (list, tuple)):
        return {severity.value: value for severity in Severity}
    return value


class ToldOfTheEnd(Section):
    """Platforms on which the end of an incident is told, by its severity."""

    critical: Platforms = PLATFORMS
    """Critical incidents."""
    high: Platforms = PLATFORMS
    """High incidents."""
    medium: Platforms = PLATFORMS
    """Medium incidents."""
    low: Platforms = PLATFORMS
    """Low incidents."""


class Notify(Section):
    """Steps that are told on the tickets."""

    resolution: Annotated[ToldOfTheEnd, BeforeValidator(platforms_for_all)] = ToldOfTheEnd()
    """Platforms on which a comment or message tells the end: one list, or one per severity.
    Elsewhere at most the state of the ticket changes, and nobody is told."""

    def untold(self, platform: str) -> frozenset[Severity]:
        """The severities of incidents whose end is not told on a platform."""
        return frozenset(
            severity
            for severity in Severity
            if platform not in getattr(self.resolution, severity.value)
        )


class SeverityThresholds(Section):
    """Lowest anomaly score of each severity; below `medium` is low."""

    # The range above `anomaly.minimumScore` in equal steps.
    critical: float = Field(default=0.97, ge=0, le=1)
    """Lowest score of a critical anomaly."""
    high: float = Field(default=0.93, ge=0, le=1)
    """Lowest score of a high anomaly."""
    medium: float = Field(default=0.89, ge=0, le=1)
    """Lowest score of a medium anomaly."""


def _compiles(value: str) -> str:
    try:
        compiled(value)
    except ValueError as error:
        raise ValueError(f"must be a regular expression: {error}") from None
    return value


class PatternRule(Section):
    """A masking rule, applied before the built-in ones."""

    name: Name
    """Name of the rule."""
    pattern: Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_compiles)]
    """Regular expression, run by RE2: Python's syntax without look-around and back-references."""
    replace: str = ""
    """Replacement in the pattern, such as `<order>`; `\\1` and `\\g<name>` stand for groups."""

    @field_validator("replace")
    @classmethod
    def _fits(cls, value: str, info: ValidationInfo) -> str:
        if "pattern" in info.data:
            check(info.data["pattern"], value)
        return value


def for_all(value: Any) -> Any:
    """One value stands for all four severities."""
    if value is None or isinstance(value, (str, int, float)):
        return {severity.value: value for severity in Severity}
    return value


Count = Annotated[int, Field(ge=1, le=1_000_000)]
"""Occurrences; a fault that needs more than a million is rather a metric's."""


class ServiceMinimumCount(Section):
    """Occurrences of one service's anomalies; a severity that is not given has those for all."""

    critical: Count | None = None
    """Critical incidents."""
    high: Count | None = None
    """High incidents."""
    medium: Count | None = None
    """Medium incidents."""
    low: Count | None = None
    """Low incidents."""

    def given(self) -> dict[Severity, int]:
        """The counts that are given."""
        counts: dict[Severity, int | None] = {s: getattr(self, s.value) for s in Severity}
        return {severity: count for severity, count in counts.items() if count is not None}


class MinimumCount(Section):
    """Occurrences within `lookbackWindow` before an incident gets its ticket."""

    critical: Count = 1
    """Critical incidents."""
    high: Count = 1
    """High incidents."""
    medium: Count = 1
    """Medium incidents."""
    low: Count = 1
    """Low incidents."""
    services: dict[str, Annotated[ServiceMinimumCount, BeforeValidator(for_all)]] = Field(
        default_factory=dict
    )
    """Counts of single services, each one count or one per severity, in place of those above."""

    def of(self, severity: Severity) -> int:
        """The count for a severity."""
        return int(getattr(self, severity.value))


# In a shorter silence than a minute a fault that fires now and then would begin episode after
# episode; after more than an hour nobody calls it the same outbreak.
QUIET_SECONDS_MIN, QUIET_SECONDS_MAX = 60.0, 3_600.0


class Anomaly(Section):
    """Anomalies and their severity."""

    minimum_score: float = Field(default=0.85, ge=0, le=1)
    """Lowest anomaly score that is counted."""
    scoring: Literal["upstream", "level"] = "upstream"
    """Origin of the scores. `upstream`: something else has put them into the records, and a record
    without one is unsuspicious. `level`: a record without one is scored by its level."""
    lowest_level: Literal["WARN", "ERROR", "FATAL"] = "ERROR"
    """With `scoring: level`, the lowest level of a record without a score that is an anomaly."""
    # A list shows 24 windows: six hours of an incident.
    lookback_window: Duration = 900.0
    """Length of the tumbling windows of event time in which anomalies are counted."""
    quiet_after: Annotated[Duration, Field(ge=1, le=QUIET_SECONDS_MAX)] | None = None
    """Time without an anomaly after which an alert is quiet, at most an hour; by default that of
    `lookbackWindow`, between a minute and an hour."""
    # As often as a chart by minutes can show.
    counts_every: Annotated[Duration, Field(ge=1, le=QUIET_SECONDS_MAX)] = 60.0
    """Longest wait of an incident for the counts of an alert: 1, 2, 4 ... seconds up to this. Openings,
    rises of severity and quiet are not waited for."""
    minimum_count: Annotated[MinimumCount, BeforeValidator(for_all)] = MinimumCount()
    """Occurrences within `lookbackWindow` before an incident gets its ticket: one number, one per
    severity, and others for single services."""
    severity_thresholds: SeverityThresholds = SeverityThresholds()
    """Severity by score, for records without a severity."""
    pattern_rules: tuple[PatternRule, ...] = ()
    """Masking rules, applied before the built-in ones."""

    @property
    def quiet_seconds(self) -> float:
        """The time without an anomaly after which an alert is quiet."""
        if self.quiet_after is not None:
            return self.quiet_after
        return min(max(self.lookback_window, QUIET_SECONDS_MIN), QUIET_SECONDS_MAX)


class GroupWait(Section):
    """Wait of an incident for other errors of the same fault before its ticket."""

    # Long enough to gather the errors of one fault under one ticket; a critical fault pages after
    # seconds all the same.
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
    """Longest time for a platform to take an incident before it goes to `routing.fallback`."""

    # A page that is a minute late is worth a second platform; a less urgent ticket can wait.
    critical: OptionalDuration = 60.0
    """Critical incidents."""


class Escalation(Section):
    """Targets of an escalation."""

    to: tuple[Name, ...] = ()
    """Platforms, or names of teams as the platforms know them."""


class Delivery(Section):
    """Repeated attempts at a delivery."""

    # From the pause after a blip to one that finds a platform's return within minutes; a day covers
    # a long outage, and the ticket of an older one is of little use.
    backoff_min: Duration = 1.0
    """Wait after the first failure; doubles with each further one, with jitter."""
    backoff_max: Duration = 300.0
    """Longest wait between two attempts."""
    give_up_after: Duration = 86400.0
    """Time after which a delivery that keeps failing becomes a dead letter."""
    # More than a blip, few enough that an outage does not cost every incident an attempt.
    circuit_failures: int = Field(default=5, ge=1)
    """Failures in a row after which a platform gets one probe at a time."""


class Storm(Section):
    """Limits against more tickets than people can read."""

    # More new errors of one service than a person reads one by one.
    max_patterns_per_service: int = Field(default=20, ge=0)
    """New patterns of one service within `patternsWindow`, beyond which they share an overflow
    alert until the window has room again; 0 for no limit, and 2000 is the highest one that counts."""
    patterns_window: Duration = 600.0
    """The time in which new patterns are counted."""
    # A share of ten for each of twelve partitions; of one scope, a page each three seconds: nobody
    # reads them as they come.
    max_pages_per_minute: int = Field(default=120, ge=0)
    """New pages a minute in the whole installation, beyond which a collective incident lists them;
    each partition of `ticketing-events` takes its share. 0 for no limit, and 2000 is the highest one
    that counts."""
    max_pages_per_scope: int = Field(default=20, ge=0)
    """The same for one scope (`grouping.scope`)."""


OUTBREAK_WAIT_MAX = 600.0
"""Longer than any evidence takes to come."""


class Grouping(Section):
    """Alerts that share an incident."""

    # One fault, one page: the figures of both stand in docs/correlation.md.
    by: GroupBy = "cause"
    """`cause` makes an incident per fault, as evidence from traces says, `service` one per service and
    outbreak, `pattern` one per error pattern."""
    scope: ScopeBy = "environment"
    """`environment`: its alerts are of one tenant and environment; `tenant`: of one tenant."""
    # Evidence of a fault takes three to six slots of ten seconds to speak.
    evidence_wait: Annotated[Wait, Field(le=OUTBREAK_WAIT_MAX)] = 60.0
    """With `cause` and `traces`: longest wait of a ticket for a verdict, while another incident of the
    scope of the same severity or a higher one was told within that time, or while none has said how
    often its errors come (for a critical one 5 seconds); at most 10 minutes. With 0 none waits, and
    none is held that comes no more often than before."""


def by_name(value: Any) -> Any:
    """The name of a grouping stands for the section."""
    return {"by": value} if isinstance(value, str) else value


class RepageAfter(Section):
    """Quiet time after which an acknowledged fault that fires again pages, once in that time."""

    # A critical fault that is back after an hour is news; others may wait for half a night.
    critical: Duration = 3600.0
    """Critical incidents."""
    high: Duration = 14400.0
    """High incidents."""
    medium: Duration = 14400.0
    """Medium incidents."""
    low: Duration = 14400.0
    """Low incidents."""

    def of(self, severity: Severity) -> float:
        """Seconds for a severity."""
        return float(getattr(self, severity.value))


class Flapping(Section):
    """Incidents that keep coming back."""

    # A third return in two hours is rather a pattern than a failed repair. Waiting five minutes and
    # staying open four times as long then joins the episodes.
    reopenings: int = Field(default=3, ge=1)
    """Reopenings inside `within` that make an incident flapping."""
    within: Duration = 7200.0
    """Time in which reopenings are counted."""
    group_wait: Wait = 300.0
    """Shortest group wait of a flapping incident without a ticket."""
    quiet_factor: float = Field(default=4.0, ge=1)
    """Factor on `autoResolveAfter` while an incident is flapping."""
