"""The table of incidents: its records, and their encoding."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from ticketing.domain.incidents.incident import Incident
from ticketing.domain.incidents.storm import Guard

Record: TypeAlias = Incident | Guard
"""Under its fingerprint the current episode, under its id an archived one; guards under theirs."""


class _Stored(msgspec.Struct, omit_defaults=True):
    incident: Incident | None = None
    guard: Guard | None = None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Stored)


def encode(record: Record) -> bytes:
    """A record as JSON."""
    if isinstance(record, Incident):
        return _encoder.encode(_Stored(incident=record))
    return _encoder.encode(_Stored(guard=record))


def decode(value: bytes) -> Record:
    """The reverse of encode; unknown fields are ignored, missing ones take their defaults.

    Raises msgspec.DecodeError or ValidationError.
    """
    stored = _decoder.decode(value)
    record = stored.incident or stored.guard
    if record is None:
        raise msgspec.ValidationError("the record is neither an incident nor a guard")
    return record
