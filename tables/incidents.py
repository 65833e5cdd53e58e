"""The table of incidents: its rows and their encoding.

| key | row |
| --- | --- |
| the incident's id | `Incident` |
| `alert:<fingerprint>` | `AlertRow`: an alert, and the incident that it belongs to |
| `pages`, `pages:<scope>` | `Guard`: the latest pages of the partition, and of a scope |
| `collective`, `service:<scope>/<service>` | `Pointer`: an incident that others join |
| `scope:<scope>` | `ScopeState`: the running incidents of a scope, and the last verdict about it |
| the id of a deleted incident that was merged | `Pointer`: the incident that has its alerts |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from ticketing.domain.incidents.ceilings import Guard
from ticketing.domain.incidents.incident import Incident, Status
from ticketing.domain.incidents.joining import AlertRow
from ticketing.domain.incidents.outbreaks import ScopeState, within_bounds
from ticketing.wire.incidents import encode_incident

PAGES = "pages"
COLLECTIVE = "collective"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """The incident that takes further alerts of its kind, or has those of a deleted one."""

    incident_id: str


Record: TypeAlias = Incident | AlertRow | Guard | Pointer | ScopeState


class _Stored(msgspec.Struct, omit_defaults=True):
    incident: Incident | None = None
    alert: AlertRow | None = None
    guard: Guard | None = None
    pointer: Pointer | None = None
    scope: ScopeState | None = None


class _StatusOf(msgspec.Struct):
    status: Status = Status.OPEN


class _StoredStatus(msgspec.Struct):
    incident: _StatusOf | None = None


class _IncidentOf(msgspec.Struct):
    incident_id: str = ""


class _StoredIncident(msgspec.Struct):
    alert: _IncidentOf | None = None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Stored)
_status_decoder = msgspec.json.Decoder(_StoredStatus)
_incident_decoder = msgspec.json.Decoder(_StoredIncident)


def alert_key(fingerprint: str) -> str:
    """The key of an alert's row."""
    return f"alert:{fingerprint}"


def pages_key(scope: str) -> str:
    """The key of the guard of a scope's pages."""
    return f"{PAGES}:{scope}"


def scope_key(scope: str) -> str:
    """The key of the running incidents of a scope."""
    return f"scope:{scope}"


def service_key(scope: str, service: str) -> str:
    """The key of the pointer to the incident of a service."""
    return f"service:{scope}/{service}"


def encode(record: Record) -> bytes:
    """A record as JSON, within its bound."""
    if isinstance(record, Incident):
        return row_of_published(encode_incident(record))
    if isinstance(record, AlertRow):
        return _encoder.encode(_Stored(alert=record))
    if isinstance(record, Guard):
        return _encoder.encode(_Stored(guard=record))
    if isinstance(record, ScopeState):
        return _encoder.encode(_Stored(scope=within_bounds(record)))
    return _encoder.encode(_Stored(pointer=record))


def row_of_published(value: bytes) -> bytes:
    """The row of an incident that is encoded already, as its topic has it."""
    return b'{"incident":%b}' % value


def decode(value: bytes) -> Record:
    """The reverse of encode; unknown fields are ignored, missing ones take their defaults.

    Raises msgspec.DecodeError or ValidationError.
    """
    stored = _decoder.decode(value)
    record = stored.incident or stored.alert or stored.guard or stored.pointer or stored.scope
    if record is None:
        raise msgspec.ValidationError("the record is of no known kind")
    return record


def is_open(record: Record | None) -> bool:
    """True for an incident that is not resolved."""
    return isinstance(record, Incident) and record.status is not Status.RESOLVED


def is_stored_open(value: bytes) -> bool:
    """`is_open` for an encoded record, of which only the status is decoded."""
    found = _status_decoder.decode(value).incident
    return found is not None and found.status is not Status.RESOLVED


def stored_incident_of(value: bytes) -> str:
    """The id of the incident that an encoded alert belongs to; "" for other records, and for none."""
    found = _incident_decoder.decode(value).alert
    return found.incident_id if found is not None else ""
