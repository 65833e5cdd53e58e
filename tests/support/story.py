"""An incident's life by the writer's own rules: each step gives the snapshot that is published."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from support.configured import policy_with
from support.incidents import FINGERPRINT, PATTERNS, TITLE, anomalies, opened
from support.life import Clock

from ticketing.config import PLATFORMS
from ticketing.domain.alerts.counting import Fresh, fresh_above
from ticketing.domain.events import Action, Command
from ticketing.domain.incidents import lifecycle
from ticketing.domain.incidents.commands import commanded
from ticketing.domain.incidents.incident import Incident, Status
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Anomalies, Sample

POLICY = policy_with(group_wait={}, routing=dict.fromkeys(Severity, PLATFORMS))
"""Tickets at once, on every platform."""


class Story:
    """Makes the snapshots that the incidents' writer would publish."""

    def __init__(self, clock: Clock, **changes: Any) -> None:
        """`changes` are of the incident as it is opened."""
        self._clock = clock
        self._offset = 0
        now = clock.now
        sample = Sample(at=now - 10.0, message=TITLE.lower(), level="ERROR")
        found, _ = self._found(3, first_seen=now - 10.0, samples=[sample])
        made = opened(found, now, POLICY, **changes)
        self.incident = lifecycle.settled(made, now, POLICY)

    def opened(self) -> Incident:
        """The incident as it is now."""
        return self.incident

    def counted(self, more: int = 1) -> Incident:
        """So many more anomalies arrive."""
        found, fresh = self._found(more)
        now = self._clock.now
        return self._published(lifecycle.joined(self.incident, found, fresh, now, POLICY))

    def changed(self, **fields: Any) -> Incident:
        """Anything else changes."""
        return self._published(replace(self.incident, **fields))

    def raised(self, severity: Severity = Severity.CRITICAL) -> Incident:
        """The severity rises."""
        now = self._clock.now
        self.incident = lifecycle.raised(self.incident, severity, now, POLICY)
        return self.incident

    def acknowledged(self, by: str = "ada", note: str = "looking at it") -> Incident:
        """Somebody acknowledges."""
        return self._commanded(Action.ACKNOWLEDGE, by, note)

    def escalated(self, *to: str, by: str = "ada", note: str = "it gets worse") -> Incident:
        """Somebody escalates."""
        return self._commanded(Action.ESCALATE, by, note, *to)

    def resolved(self, by: str = "ada", note: str = "rolled back") -> Incident:
        """Somebody resolves."""
        return self._commanded(Action.RESOLVE, by, note)

    def reopened(self) -> Incident:
        """The fault fires again inside the reopen window; an open incident just counts it."""
        if self.incident.status is not Status.RESOLVED:
            return self.counted()
        found, fresh = self._found(1)
        now = self._clock.now
        self.incident = lifecycle.fired_again(self.incident, found, fresh, now, POLICY)
        return self.incident

    def commented(self, text: str = "the pool is exhausted", by: str = "ada") -> Incident:
        """Somebody comments."""
        return self._commanded(Action.COMMENT, by, text)

    def _found(self, number: int, **changes: Any) -> tuple[Anomalies, Fresh]:
        """What detection sends of the next so many offsets, and that all of them are fresh."""
        last = self._offset
        self._offset += number
        seen = self._clock.now - 1.0
        known: dict[str, Any] = {
            "tenant": "acme",
            "service": "checkout",
            "pattern": PATTERNS.of(TITLE),
            "title": TITLE,
            "first_seen": seen,
            "last_seen": seen,
            "max_score": 0.95,
        }
        offsets = range(last + 1, self._offset + 1)
        found = anomalies(FINGERPRINT, *offsets, **{**known, **changes})
        return found, fresh_above(found, last)

    def _commanded(self, action: Action, by: str, note: str, *to: str) -> Incident:
        was = self.incident
        command = Command(
            id=f"c{was.revision}", incident_id=was.id, action=action, by=by, note=note, to=[*to]
        )
        self.incident = commanded(was, command, self._clock.now, POLICY)
        return self.incident

    def _published(self, incident: Incident) -> Incident:
        self.incident = lifecycle.published(incident, self._clock.now)
        return self.incident
