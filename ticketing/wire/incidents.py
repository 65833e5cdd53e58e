"""The messages of ticketing-incidents: the published incident records, bounded in bytes."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from ticketing.domain.incidents.bounds import bounded
from ticketing.domain.incidents.incident import Incident

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Incident)


def encode_incident(incident: Incident) -> bytes:
    """An incident as JSON, without its watermarks, with as much evidence as fits its bound.

    The table stores the same text: what is cut from the one is cut from the other.
    """
    if incident.watermarks:
        incident = replace(incident, watermarks={})
    value = _encoder.encode(incident)
    after = bounded(incident, lambda one: len(value if one is incident else _encoder.encode(one)))
    return value if after is incident else _encoder.encode(after)


def within_bound(incident: Incident) -> Incident:
    """The incident with as much evidence as fits its bound; the very same if all of it does."""
    return bounded(incident, lambda one: len(_encoder.encode(one)))


def decode_incident(value: bytes) -> Incident:
    """The reverse of encode_incident; raises msgspec.DecodeError or ValidationError."""
    return _decoder.decode(value)
