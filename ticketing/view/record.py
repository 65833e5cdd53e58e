"""The records of incidents and alerts in the view: their documents and indexes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec
import structlog

from ticketing.domain.alerts.alert import Alert
from ticketing.domain.incidents.incident import Incident, Status
from ticketing.domain.incidents.undelivered import undelivered
from ticketing.privacy import LOOKED_UP, Scrubber, scrubbed
from ticketing.view.document import alert_document, detail_document, list_document
from ticketing.view.query import ALL, UNDELIVERED, place_of

T = TypeVar("T")
Item = tuple[str, Incident | None]
"""An incident's id and the incident, or None for a tombstone."""
AlertItem = tuple[str, Alert | None]
"""An alert's fingerprint and the alert, or None for a tombstone."""

VERSION_DIGITS = 20
"""Those of the largest 64-bit number: versions of equal length are ordered as texts."""
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
            found[id] = [id, "", "", "[]", "", "", ""] if one is None else made(id, one)
        except OWN_FAULTS as error:
            log.error(event, id=id, why=f"{type(error).__name__}: {error}")
    return list(found.values())


def arguments(id: str, incident: Incident) -> list[Any]:
    """The seven arguments of the script for one incident."""
    return [
        id,
        _version(incident.revision),
        place_of(id, incident.opened_at),
        _encoder.encode(_indexes(incident)),
        "" if incident.resolved_at is None else incident.resolved_at,
        _encoder.encode(list_document(incident)),
        _encoder.encode(detail_document(incident)),
    ]


def alert_arguments(fingerprint: str, alert: Alert) -> list[Any]:
    """The seven arguments of the script for one alert."""
    return [
        fingerprint,
        _version(*alert.version),
        place_of(fingerprint, alert.arrived_at),
        _encoder.encode(_alert_indexes(alert)),
        "" if alert.quiet_at is None else alert.quiet_at,
        _encoder.encode(alert_document(alert)),
        "",
    ]


def _version(*numbers: int) -> str:
    return "".join(f"{max(number, 0):0{VERSION_DIGITS}d}" for number in numbers)


def _indexes(incident: Incident) -> list[str]:
    services = dict.fromkeys([incident.service, *(alert.service for alert in incident.alerts)])
    indexes = [
        ALL,
        f"by:status:{incident.status.nearest.value}",
        f"by:severity:{incident.severity.nearest.value}",
        *(f"by:service:{service}" for service in services),
        *(f"by:alert:{alert.fingerprint}" for alert in incident.alerts),
        f"by:tenant:{incident.tenant}",
    ]
    if incident.status is not Status.RESOLVED:
        indexes.append(f"by:active:{incident.severity.nearest.value}")
    if undelivered(incident):
        indexes.append(UNDELIVERED)
    return indexes


def _alert_indexes(alert: Alert) -> list[str]:
    return [
        ALL,
        f"by:state:{alert.state.nearest.value}",
        f"by:severity:{alert.severity.nearest.value}",
        f"by:service:{alert.service}",
        f"by:tenant:{alert.tenant}",
        f"by:environment:{alert.environment}",
    ]
