"""An incident's record in the view: its documents and its indexes."""

from __future__ import annotations

from typing import Any

import msgspec

from ticketing.domain.incidents.incident import Incident, Status
from ticketing.view.document import detail_document, list_document
from ticketing.view.query import ALL, place_of

Item = tuple[str, Incident | None]
"""An incident's id and the incident, or None for a tombstone."""

_encoder = msgspec.json.Encoder()


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
