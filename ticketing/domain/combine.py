"""Folds the anomalies of one fingerprint in one batch into one signal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from ticketing.domain.severity import Severity, worst
from ticketing.domain.signals import Anomalies, Sample

TRACE_IDS_MAX = 8
ENDPOINTS_MAX = 16
SERVICES_MAX = 16


class Identity(NamedTuple):
    """Whose and which fault it is, and what people call it."""

    fingerprint: str
    tenant: str
    service: str
    pattern: str
    title: str


E = TypeVar("E")
"""Whatever a sample can be made of."""


class Fold(Generic[E]):
    """What is known so far of one fingerprint in one batch. Offsets must come in rising order."""

    __slots__ = (
        "affected_services",
        "best",
        "endpoints",
        "first",
        "first_seen",
        "identity",
        "last",
        "last_seen",
        "max_score",
        "scored",
        "severity",
        "trace_ids",
        "window",
        "windows",
    )

    def __init__(self, identity: Identity, window: float, evidence: E, at: float) -> None:
        """`window`: length of the tumbling windows of event time, in seconds.

        The first record's evidence and event time; it is then added like any other.
        """
        self.identity = identity
        self.window = window
        self.windows: dict[int, list[int]] = {}
        self.severity = Severity.LOW
        self.scored = -1.0
        self.max_score = -1.0
        self.first_seen = self.last_seen = at
        self.first = self.best = self.last = evidence
        self.trace_ids: dict[str, None] = {}
        self.endpoints: dict[str, None] = {}
        self.affected_services: dict[str, None] = {}

    def add(
        self, evidence: E, offset: int, at: float, score: float, severity: Severity | None
    ) -> None:
        """Count one record, by its offset and its event time (Unix s).

        Without a severity its score will tell.
        """
        start = int(at // self.window * self.window)
        offsets = self.windows.get(start)
        if offsets is None:
            self.windows[start] = [offset]
        else:
            offsets.append(offset)
        if at > self.last_seen:
            self.last_seen = at
        elif at < self.first_seen:
            self.first_seen = at
        self.last = evidence
        if score > self.max_score:
            self.max_score = score
            self.best = evidence
        if severity is None:
            if score > self.scored:
                self.scored = score
        elif severity is not self.severity:
            self.severity = worst(self.severity, severity)

    def chosen(self) -> list[E]:
        """The evidence kept: of the worst record, the first and the last, each once."""
        kept = {id(evidence): evidence for evidence in (self.best, self.first, self.last)}
        return list(kept.values())

    def signal(
        self,
        *,
        source: str,
        environment: str,
        by_score: Callable[[float], Severity],
        sample: Callable[[E], Sample],
    ) -> Anomalies:
        """The signal; `sample` turns evidence into what the incident shows."""
        identity, severity = self.identity, self.severity
        if self.scored >= 0.0:
            severity = worst(severity, by_score(self.scored))
        return Anomalies(
            fingerprint=identity.fingerprint,
            tenant=identity.tenant,
            service=identity.service,
            pattern=identity.pattern,
            source=source,
            severity=severity,
            windows=self.windows,
            first_seen=self.first_seen,
            last_seen=self.last_seen,
            max_score=self.max_score,
            title=identity.title,
            environment=environment,
            samples=[sample(evidence) for evidence in self.chosen()],
            trace_ids=list(self.trace_ids),
            endpoints=list(self.endpoints),
            affected_services=list(self.affected_services),
        )
