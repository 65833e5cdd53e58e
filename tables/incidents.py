"""The table of incidents: records and their encoding."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from ticketing.domain.alerts.conservation import Counted
from ticketing.domain.alerts.redriven import RedrivenOffsets
from ticketing.domain.incidents.incident import Incident, Status
from ticketing.domain.incidents.storm import Guard

Record: TypeAlias = Incident | Guard | RedrivenOffsets | Counted
"""The current episode is kept under its fingerprint, an archived one under its id, a guard or the
redriven offsets under a key of their own, and what the partition has counted under `COUNTED`."""

COUNTED = "counted"
"""The key of a partition's `Counted`; neither a fingerprint nor an id, both of which are hex digits."""


class _Stored(msgspec.Struct, omit_defaults=True):
    incident: Incident | None = None
    guard: Guard | None = None
    redriven: RedrivenOffsets | None = None
    counted: Counted | None = None


class _StatusOf(msgspec.Struct):
    status: Status = Status.OPEN


class _StoredStatus(msgspec.Struct):
    incident: _StatusOf | None = None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Stored)
_status_decoder = msgspec.json.Decoder(_StoredStatus)


def encode(record: Record) -> bytes:
    """A record as JSON."""
    if isinstance(record, Incident):
        return _encoder.encode(_Stored(incident=record))
    if isinstance(record, RedrivenOffsets):
        return _encoder.encode(_Stored(redriven=record))
    if isinstance(record, Counted):
        return _encoder.encode(_Stored(counted=record))
    return _encoder.encode(_Stored(guard=record))


def decode(value: bytes) -> Record:
    """The reverse of encode; unknown fields are ignored, missing ones take their defaults.

    Raises msgspec.DecodeError or ValidationError.
    """
    stored = _decoder.decode(value)
    record = stored.incident or stored.guard or stored.redriven or stored.counted
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
