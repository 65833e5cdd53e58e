"""The messages of ticketing-incidents: the published incident records, bounded in bytes."""

from __future__ import annotations

import msgspec

from ticketing.domain.incidents.bounds import bounded
from ticketing.domain.incidents.incident import Incident

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Incident)


def encode_incident(incident: Incident) -> bytes:
    """An incident as JSON, without its watermarks, with as much evidence as fits its bound.

    The table stores the same text: what is cut from the one is cut from the other.
    """
    value = _encode(incident)
    after = bounded(incident, lambda one: len(value if one is incident else _encode(one)))
    return value if after is incident else _encode(after)


def _encode(incident: Incident) -> bytes:
    value = _encoder.encode(incident)
    if not incident.watermarks:
        return value
    # A fraction of the cost of a copy without them. No text can hold the name in quotes that are
    # not escaped, and no field before this one is a dict.
    marks = b'"watermarks":' + _encoder.encode(incident.watermarks)
    return value.replace(marks, b'"watermarks":{}', 1)


def within_bound(incident: Incident) -> Incident:
    """The incident with as much evidence as fits its bound; the very same if all of it does."""
    return bounded(incident, lambda one: len(_encoder.encode(one)))


def decode_incident(value: bytes) -> Incident:
    """The reverse of encode_incident; raises msgspec.DecodeError or ValidationError."""
    return _decoder.decode(value)
