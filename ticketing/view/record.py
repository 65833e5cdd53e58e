"""The records of incidents and alerts in the view: their documents and indexes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec
import structlog

from ticketing.domain.alerts.alert import Alert
from ticketing.domain.incidents.incident import Incident, StepKind
from ticketing.domain.incidents.undelivered import undelivered
from ticketing.privacy import LOOKED_UP, Scrubber, scrubbed
from ticketing.view.document import alert_document, detail_document, list_document
from ticketing.view.index import Entry
from ticketing.view.query import ALL

T = TypeVar("T")
Item = tuple[str, Incident | None]
"""An incident's id and the incident, or None for a tombstone."""
AlertItem = tuple[str, Alert | None]
"""An alert's fingerprint and the alert, or None for a tombstone."""

VERSION_DIGITS = 20
"""Those of the largest 64-bit number: versions of equal length are ordered as texts."""
_PAGING = frozenset(
    {StepKind.TICKETED, StepKind.REPAGED, StepKind.REOPENED, StepKind.SEVERITY_RAISED}
)
OWN_FAULTS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""Errors in the code for one incident, and of a number that JSON's clients can't read."""

log = structlog.get_logger(__name__)
_encoder = msgspec.json.Encoder()


def written(batch: Iterable[Item], scrub: Scrubber | None = None) -> list[list[Any]]:
    """The arguments for the last record of each incident, its texts scrubbed if there is a scrubber.

    An incident that can't be written as a document is left out, so that the others are shown.
    """
    return _written(batch, arguments, "unshown_incident", scrub)


def alerts_written(batch: Iterable[AlertItem], scrub: Scrubber | None = None) -> list[list[Any]]:
    """As `written`, for alerts."""
    return _written(batch, alert_arguments, "unshown_alert", scrub)


def _written(
    batch: Iterable[tuple[str, T | None]],
    made: Callable[[str, T], list[Any]],
    event: str,
    scrub: Scrubber | None,
) -> list[list[Any]]:
    found = {}
    for id, one in batch:
        try:
            if one is not None and scrub is not None:
                one = scrubbed(one, scrub, LOOKED_UP)
            found[id] = [id, "", "", "", "", ""] if one is None else made(id, one)
        except OWN_FAULTS as error:
            log.error(event, id=id, why=f"{type(error).__name__}: {error}")
    return list(found.values())


def arguments(id: str, incident: Incident) -> list[Any]:
    """The six arguments of the script for one incident."""
    shown = list_document(incident)
    return [
        id,
        _version(incident.revision),
        "" if incident.resolved_at is None else incident.resolved_at,
        _encoder.encode(_entry(incident, shown)),
        _encoder.encode(shown),
        _encoder.encode(detail_document(incident)),
    ]


def alert_arguments(fingerprint: str, alert: Alert) -> list[Any]:
    """The six arguments of the script for one alert."""
    return [
        fingerprint,
        _version(*alert.version),
        "" if alert.quiet_at is None else alert.quiet_at,
        _encoder.encode(_alert_entry(alert)),
        _encoder.encode(alert_document(alert)),
        "",
    ]


def _version(*numbers: int) -> str:
    return "".join(f"{max(number, 0):0{VERSION_DIGITS}d}" for number in numbers)


def _entry(incident: Incident, shown: dict[str, Any]) -> Entry:
    """The entry of an incident in the index; its text is what a search looks through."""
    services = dict.fromkeys([incident.service, *(alert.service for alert in incident.alerts)])
    tickets = incident.tickets.values()
    texts = [
        *(incident.id, incident.title, incident.service, incident.tenant, incident.environment),
        *(shown["traceId"] or "", incident.severity.value, incident.status.value),
        *(shown["affectedServices"] + incident.assignees),
        *(text for one in tickets for text in (one.platform, one.key, one.external_id)),
    ]
    return Entry(
        tags=[
            ALL,
            f"status:{incident.status.nearest.value}",
            f"severity:{incident.severity.nearest.value}",
            *(f"service:{service}" for service in services),
            *(f"alert:{alert.fingerprint}" for alert in incident.alerts),
            f"tenant:{incident.tenant}",
            *(["undelivered:true"] if undelivered(incident) else ()),
        ],
        text="\n".join(texts),
        state=incident.status.nearest.value,
        severity=incident.severity.nearest.value,
        rank=incident.severity.rank,
        service=incident.service,
        tenant=incident.tenant,
        opened=incident.opened_at,
        updated=incident.updated_at,
        acknowledged=incident.acknowledged_at,
        # Another incident that took its alerts is what people resolve.
        resolved=None if incident.merged_into else incident.resolved_at,
        anomalies=incident.count,
        pages=_pages(incident),
        people=_people(incident),
    )


def _pages(incident: Incident) -> list[float]:
    """The times of an incident's pages: the latest, and before it those of steps that page.

    A page whose step has left the timeline is counted at the opening.
    """
    if not incident.paged_at:
        return []
    steps = [
        one.at for one in incident.timeline if one.kind in _PAGING and one.at < incident.paged_at
    ]
    earlier = steps[-(incident.page - 1) :] if incident.page > 1 else []
    lost = incident.page - 1 - len(earlier)
    return [*[incident.opened_at] * lost, *earlier, incident.paged_at]


def _people(incident: Incident) -> list[str]:
    """Those on call on any platform when its ticket was last written."""
    told = (one.on_call.split(", ") for one in incident.tickets.values() if one.on_call)
    return list(dict.fromkeys(name for names in told for name in names))


def _alert_entry(alert: Alert) -> Entry:
    """The entry of an alert in the index; its text is what a search looks through."""
    texts = [
        *(alert.fingerprint, alert.title, alert.pattern, alert.service),
        *(alert.tenant, alert.environment, alert.severity.value, alert.state.value),
    ]
    return Entry(
        tags=[
            ALL,
            f"state:{alert.state.nearest.value}",
            f"severity:{alert.severity.nearest.value}",
            f"service:{alert.service}",
            f"tenant:{alert.tenant}",
            f"environment:{alert.environment}",
        ],
        text="\n".join(texts),
        state=alert.state.nearest.value,
        severity=alert.severity.nearest.value,
        rank=alert.severity.rank,
        service=alert.service,
        tenant=alert.tenant,
        opened=alert.arrived_at,
        updated=alert.last_arrived_at,
        anomalies=alert.count,
    )
