"""An incident's record in the view: its documents and its indexes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import structlog

from ticketing.domain.incidents.incident import Incident, Status
from ticketing.view.document import detail_document, list_document
from ticketing.view.query import ALL, place_of

Item = tuple[str, Incident | None]
"""An incident's id and the incident, or None for a tombstone."""

OWN_FAULTS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""Errors in the code for one incident, and of a number that JSON's clients can't read."""

log = structlog.get_logger(__name__)
_encoder = msgspec.json.Encoder()


def written(batch: Iterable[Item]) -> list[list[Any]]:
    """The arguments for the last record of each incident.

    An incident that can't be written as a document is left out, so that the others are shown.
    """
    found = {}
    for id, incident in batch:
        try:
            found[id] = arguments(id, incident)
        except OWN_FAULTS as error:
            log.error("unshown_incident", incident=id, why=f"{type(error).__name__}: {error}")
    return list(found.values())


def arguments(id: str, incident: Incident | None) -> list[Any]:
    """The seven arguments of the script for one incident, or for its tombstone."""
    if incident is None:
        return [id, -1, "", "[]", "", "", ""]
    return [
        id,
        incident.revision,
        place_of(id, incident.opened_at),
        _encoder.encode(_indexes(incident)),
        "" if incident.resolved_at is None else incident.resolved_at,
        _encoder.encode(list_document(incident)),
        _encoder.encode(detail_document(incident)),
    ]


def _indexes(incident: Incident) -> list[str]:
    indexes = [
        ALL,
        f"by:status:{incident.status.nearest.value}",
        f"by:severity:{incident.severity.nearest.value}",
        f"by:service:{incident.service}",
        f"by:tenant:{incident.tenant}",
    ]
    if incident.status is not Status.RESOLVED:
        indexes.append(f"by:active:{incident.severity.nearest.value}")
    return indexes
