"""The messages of ticketing-incidents: the published incident records."""

from __future__ import annotations

import msgspec

from ticketing.domain.incidents.incident import Incident

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Incident)


def encode_incident(incident: Incident) -> bytes:
    """An incident as JSON."""
    return _encoder.encode(incident)


def decode_incident(value: bytes) -> Incident:
    """The reverse of encode_incident; raises msgspec.DecodeError or ValidationError."""
    return _decoder.decode(value)
