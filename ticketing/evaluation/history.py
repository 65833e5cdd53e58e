"""The history of a run: which incidents there were, whom they paged, and what they named as cause."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ticketing.domain.events import Cause, Verdict
from ticketing.domain.incidents.incident import Incident, IncidentAlert
from ticketing.domain.signals import Anomalies
from ticketing.domain.summaries.by_rules import cause_of
from ticketing.view.times import iso, iso_or_none


@dataclass(frozen=True, slots=True)
class Page:
    """A page: when people heard of an incident on a platform, and the cause that its text named."""

    at: float
    platform: str
    cause: str


@dataclass
class Course:
    """The course of one incident. Times are Unix seconds."""

    incident: Incident
    """The incident as it was published last."""
    ticketed_at: float | None = None
    pages: list[Page] = field(default_factory=list)
    causes: list[tuple[float, str]] = field(default_factory=list)
    """The causes that it named, each with the time from which on."""
    alerts: list[IncidentAlert] = field(default_factory=list)
    """The alerts that it had last: a merged incident has given all of its own away."""

    @property
    def cause(self) -> str:
        """The service in which the incident began, as it says in the end."""
        return self.causes[-1][1]

    def document(self) -> dict[str, Any]:
        """The incident as `ticketing evaluate --incidents` writes it."""
        incident = self.incident
        return {
            "id": incident.id,
            "service": incident.service,
            "rootCause": self.cause,
            "createdAt": iso(incident.opened_at),
            "ticketed": self.ticketed_at is not None,
            "ticketedAt": iso_or_none(self.ticketed_at),
            "mergedInto": incident.merged_into or None,
            "alerts": [
                {"service": alert.service, "firstSeen": iso(alert.first_seen)}
                for alert in self.alerts
            ],
            "pages": [
                {"at": iso(page.at), "platform": page.platform, "cause": page.cause}
                for page in self.pages
            ],
        }


class History:
    """Takes down what is published. One instance per run."""

    def __init__(self, platforms: Iterable[str]) -> None:
        """`platforms` are those enabled: only these are told of an incident."""
        self.courses: dict[str, Course] = {}
        """The course of each incident by its id, in the order of their openings."""
        self.rankings: dict[str, list[tuple[float, list[Cause]]]] = {}
        """The rankings of each scope, each with the time from which on it is known."""
        self.anomalies: dict[str, list[int]] = {}
        """The offsets of the records of each alert, by its fingerprint."""
        self._platforms = frozenset(platforms)

    def note(self, incident: Incident, now: float) -> list[str]:
        """Take down a published incident; returns the platforms that are to hold a ticket."""
        course = self.courses.get(incident.id)
        before = None if course is None else course.incident
        if course is None:
            course = self.courses[incident.id] = Course(incident)
        course.incident = incident
        course.alerts = incident.alerts or course.alerts
        cause = named_cause(incident)
        if not course.causes or course.causes[-1][1] != cause:
            course.causes.append((now, cause))
        told = [one for one in incident.routes if one in self._platforms]
        if not incident.ticketed:
            return []
        if course.ticketed_at is None:
            course.ticketed_at = now
            paged = not incident.quietly
        else:
            paged = before is not None and incident.page > before.page
        if paged:
            course.pages += [Page(now, platform, cause) for platform in told]
        return told

    def note_anomalies(self, found: Anomalies) -> None:
        """Take down the records of an alert."""
        offsets = self.anomalies.setdefault(found.fingerprint, [])
        for counted in found.counted():
            offsets += counted

    def note_verdict(self, verdict: Verdict, now: float) -> None:
        """Take down the ranking of a scope, which is known from now on."""
        self.rankings.setdefault(verdict.scope, []).append((now, verdict.ranking))

    def ranking_at(self, at: float) -> list[Cause]:
        """The ranking of every scope as it was known at a time, in one."""
        found: list[Cause] = []
        for known in self.rankings.values():
            found += next((ranking for since, ranking in reversed(known) if since <= at), [])
        return sorted(found, key=lambda cause: (-cause.strength, cause.service))

    def documents(self) -> list[dict[str, Any]]:
        """Every incident as `--incidents` writes it."""
        return [course.document() for course in self.courses.values()]


def named_cause(incident: Incident) -> str:
    """The service that a page's text names as the cause: that of the traces, else the title's."""
    return cause_of(incident) or incident.service
