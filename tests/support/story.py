"""An incident's life as its writer publishes it: each step gives the next snapshot."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from support.incidents import TITLE, ticketed
from support.life import Clock

from ticketing.config import PLATFORMS
from ticketing.domain.incidents.incident import Incident, Status, Step, StepKind
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Sample


class Story:
    """Makes the snapshots that the incidents' writer would publish."""

    def __init__(self, clock: Clock, **changes: Any) -> None:
        """`changes` are of the incident as it is opened, with tickets on every platform."""
        self._clock = clock
        now = clock.now
        known: dict[str, Any] = {
            "first_seen": now - 10.0,
            "last_seen": now - 10.0,
            "samples": [Sample(at=now - 10.0, message=TITLE.lower(), level="ERROR")],
            "routes": [*PLATFORMS],
            "paged_at": now,
        }
        self.incident = ticketed(at=now, **{**known, **changes})

    def opened(self) -> Incident:
        """The incident as it is now."""
        return self.incident

    def counted(self, more: int = 1) -> Incident:
        """So many more anomalies arrive."""
        return self.changed(count=self.incident.count + more, last_seen=self._clock.now - 1.0)

    def changed(self, **fields: Any) -> Incident:
        """Anything else changes."""
        was, now = self.incident, self._clock.now
        self.incident = replace(was, revision=was.revision + 1, updated_at=now, **fields)
        return self.incident

    def raised(self, severity: Severity = Severity.CRITICAL) -> Incident:
        """The severity rises, which pages; one that is as high already changes nothing."""
        if severity.rank <= self.incident.severity.rank:
            return self.incident
        self._step(StepKind.SEVERITY_RAISED, text=f"to {severity.value}")
        return self._paged(severity=severity)

    def paged(self, text: str = "it fires again") -> Incident:
        """People are paged again."""
        self._step(StepKind.REPAGED, text=text)
        return self._paged()

    def acknowledged(self, by: str = "ada", note: str = "looking at it") -> Incident:
        """Somebody acknowledges what is open or escalated."""
        if self.incident.status in (Status.RESOLVED, Status.ACKNOWLEDGED):
            return self.incident
        self._step(StepKind.ACKNOWLEDGED, by, note)
        return self.changed(status=Status.ACKNOWLEDGED, acknowledged_at=self._clock.now)

    def escalated(self, *to: str, by: str = "ada", note: str = "it gets worse") -> Incident:
        """Somebody escalates what is not resolved."""
        if self.incident.status is Status.RESOLVED:
            return self.incident
        self._step(StepKind.ESCALATED, by, note)
        now, targets = self._clock.now, [*self.incident.escalated_to, *to]
        return self._paged(status=Status.ESCALATED, escalated_at=now, escalated_to=targets)

    def resolved(self, by: str = "ada", note: str = "rolled back") -> Incident:
        """Somebody resolves what is not resolved yet."""
        if self.incident.status is Status.RESOLVED:
            return self.incident
        self._step(StepKind.RESOLVED, by, note)
        return self.changed(status=Status.RESOLVED, resolved_at=self._clock.now)

    def reopened(self) -> Incident:
        """The fault fires again inside the reopen window; an open incident just counts it."""
        if self.incident.status is not Status.RESOLVED:
            return self.counted()
        self._step(StepKind.REOPENED)
        again = [*self.incident.reopenings, self._clock.now]
        return self._paged(status=Status.OPEN, resolved_at=None, reopenings=again)

    def commented(self, text: str = "the pool is exhausted", by: str = "ada") -> Incident:
        """Somebody comments."""
        self._step(StepKind.COMMENT, by, text)
        return self.changed()

    def _paged(self, **fields: Any) -> Incident:
        return self.changed(page=self.incident.page + 1, paged_at=self._clock.now, **fields)

    def _step(self, kind: StepKind, by: str = "", text: str = "") -> None:
        was = self.incident
        step = Step(seq=was.timeline[-1].seq + 1, at=self._clock.now, kind=kind, by=by, text=text)
        self.incident = replace(was, timeline=[*was.timeline, step])
