"""An incident as it lives: every step is a new revision with its line in the timeline."""

from __future__ import annotations

import dataclasses
from typing import Any

from support.life import Clock

from ticketing.domain.incidents.incident import Incident, Status, Step, StepKind
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Sample

ID = "0123456789abcdef-2-41"


class Story:
    """Makes the snapshots that the incidents' writer would publish."""

    def __init__(self, clock: Clock, **fields: Any) -> None:
        self._clock = clock
        now = clock.now
        known: dict[str, Any] = {
            "id": ID,
            "fingerprint": "0123456789abcdef",
            "tenant": "acme",
            "service": "checkout",
            "pattern": "payment <num> timed out",
            "title": "Payment 17 timed out",
            "severity": Severity.HIGH,
            "opened_at": now,
            "updated_at": now,
            "first_seen": now - 10.0,
            "last_seen": now - 1.0,
            "count": 3,
            "max_score": 0.95,
            "routes": ["pagerduty", "jira", "servicenow", "opsgenie", "slack", "zammad"],
            "ticket_at": now,
            "ticketed": True,
            "samples": [Sample(at=now - 10.0, message="payment 17 timed out", level="ERROR")],
        }
        self.incident = Incident(**{**known, **fields})
        self._step(StepKind.OPENED)

    def _step(self, kind: StepKind, text: str = "", by: str = "", **changes: Any) -> Incident:
        was = self.incident
        seq = was.timeline[-1].seq + 1 if was.timeline else 1
        step = Step(seq=seq, at=self._clock.now, kind=kind, by=by, text=text)
        self.incident = dataclasses.replace(
            was,
            revision=was.revision + 1,
            updated_at=self._clock.now,
            timeline=[*was.timeline, step],
            **changes,
        )
        return self.incident

    def opened(self) -> Incident:
        """As it is now."""
        return self.incident

    def counted(self, more: int = 1) -> Incident:
        """It goes on."""
        self.incident = dataclasses.replace(
            self.incident,
            revision=self.incident.revision + 1,
            count=self.incident.count + more,
            last_seen=self._clock.now,
        )
        return self.incident

    def changed(self, **fields: Any) -> Incident:
        """Anything else about it."""
        revision = self.incident.revision + 1
        self.incident = dataclasses.replace(self.incident, revision=revision, **fields)
        return self.incident

    def raised(self, severity: Severity = Severity.CRITICAL) -> Incident:
        """Its severity rose."""
        return self._step(StepKind.SEVERITY_RAISED, severity.value, severity=severity)

    def acknowledged(self, by: str = "ada", note: str = "looking at it") -> Incident:
        """Somebody acknowledged."""
        at = self._clock.now
        return self._step(
            StepKind.ACKNOWLEDGED, note, by, status=Status.ACKNOWLEDGED, acknowledged_at=at
        )

    def escalated(self, *to: str, by: str = "ada", note: str = "it gets worse") -> Incident:
        """Somebody escalated."""
        return self._step(
            StepKind.ESCALATED,
            note,
            by,
            status=Status.ESCALATED,
            escalated_at=self._clock.now,
            escalated_to=list(to),
        )

    def resolved(self, by: str = "ada", note: str = "rolled back") -> Incident:
        """Somebody resolved."""
        at = self._clock.now
        return self._step(StepKind.RESOLVED, note, by, status=Status.RESOLVED, resolved_at=at)

    def reopened(self) -> Incident:
        """It fired again inside the window."""
        return self._step(
            StepKind.REOPENED,
            status=Status.OPEN,
            resolved_at=None,
            reopenings=[*self.incident.reopenings, self._clock.now],
        )

    def commented(self, text: str = "the pool is exhausted", by: str = "ada") -> Incident:
        """Somebody said something."""
        return self._step(StepKind.COMMENT, text, by)
