"""The alert: the anomalies of one tenant, environment, service and error pattern, counted exactly."""

from __future__ import annotations

from dataclasses import dataclass, field

from ticketing.domain.open_enum import OpenEnum
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Sample


class AlertKind(OpenEnum):
    """The kinds of anomalies that an alert counts."""

    PATTERN = "pattern"
    """One error pattern."""
    OVERFLOW = "overflow"
    """New patterns of a service beyond `storm.maxPatternsPerService`."""
    STRAY = "stray"
    """Lines of stack traces that came as records of their own; they page nobody."""


class AlertState(OpenEnum):
    """The states of an alert."""

    FIRING = "firing"
    QUIET = "quiet"
    """No anomaly for `anomaly.quietAfter`, judged by the quiet clock."""

    @property
    def nearest(self) -> AlertState:
        """The state that decides: an unknown one counts as firing, so that nothing ends too early."""
        return self if self.is_known else AlertState.FIRING


# Without slots, so that ticketing.domain.records copies it at once.
@dataclass(frozen=True, kw_only=True)
class Alert:
    """An alert in its present episode, as its counter stores and sends the whole of it.

    Times are Unix seconds: `first_seen` and `last_seen` of the records (event time), `arrived_at` and
    `last_arrived_at` of their arrival in the input (the broker's). An episode begins with the first
    anomaly, and with the first one after the alert was quiet; `count` is exact and of the episode.
    `episode` and `revision` order the states of an alert: one that is not later changes nothing.
    `frames` of the count are lines of stack traces; `windows`, `minutes` and `needed` leave them out.
    `windows` holds (start, count) of the latest tumbling windows, `minutes` those of the first hour's
    minutes, both in event time. `needed` is the number of occurrences within a window that a ticket
    still waits for; 0 once there were as many. `delay` is the usual time from event to arrival,
    `expected_at` the latest time at which an event of this episode was to arrive by that.
    `scope` is the one that the alert began in, "" in states of a release before; `config` is the
    version of the configuration that decided, `judged` that with which detection found its latest
    anomalies.
    """

    fingerprint: str
    tenant: str
    environment: str
    service: str
    pattern: str
    title: str
    severity: Severity
    first_seen: float
    last_seen: float
    arrived_at: float
    last_arrived_at: float
    kind: AlertKind = AlertKind.PATTERN
    state: AlertState = AlertState.FIRING
    episode: int = 1
    """The Unix second in which the episode began, or one more than the one before: an alert that
    was forgotten and comes again is later than every state of before."""
    revision: int = 1
    count: int = 0
    frames: int = 0
    max_score: float = 0.0
    needed: int = 0
    windows: list[tuple[int, int]] = field(default_factory=list)
    minutes: list[tuple[int, int]] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    trace_ids: list[str] = field(default_factory=list)
    endpoints: list[str] = field(default_factory=list)
    affected_services: list[str] = field(default_factory=list)
    delay: float = 0.0
    expected_at: float = 0.0
    scope: str = ""
    config: str = ""
    judged: str = ""
    counted_at: float = 0.0
    """Arrival time of the latest signal that was counted; compared with the quiet clock."""
    quiet_at: float | None = None
    """The time when the alert became quiet; None while it fires."""
    send_at: float | None = None
    """The time to send counts that changed since the last state sent; only the counter needs it."""
    sent: int = 0
    """The number of states of the episode sent so far: counts are sent ever more seldom."""
    left_out: list[str] = field(default_factory=list)
    """The kinds of evidence that were cut so that the alert stays small (`bounds`)."""

    @property
    def version(self) -> tuple[int, int]:
        """The place of this state among all states of the alert."""
        return self.episode, self.revision

    @property
    def occurrences(self) -> int:
        """The counted records without lines of stack traces."""
        return self.count - self.frames
