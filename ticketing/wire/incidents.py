"""The messages of ticketing-incidents: the published incident records, bounded in bytes."""

from __future__ import annotations

from typing import Any

import msgspec

from ticketing.domain.incidents.bounds import bounded
from ticketing.domain.incidents.incident import Incident, Status
from ticketing.domain.severity import Severity
from ticketing.wire.lenient import UNREADABLE, document, readable

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Incident)

_TEXTS = ("scope", "fingerprint", "tenant", "service", "pattern")
_TIMES = ("opened_at", "updated_at", "first_seen", "last_seen")
TIME_MAX = 1e11
"""Unix seconds in the year 5138: what lies beyond is no time."""


class _Essential(msgspec.Struct):
    """The fields without which a reader can do nothing for an incident."""

    id: str
    revision: int
    status: Status
    severity: Severity
    title: str


def encode_incident(incident: Incident) -> bytes:
    """An incident as JSON, with as much evidence as fits its bound.

    The table stores the same text: what is cut from the one is cut from the other.
    """
    value = _encoder.encode(incident)
    after = bounded(incident, lambda one: len(value if one is incident else _encoder.encode(one)))
    return value if after is incident else _encoder.encode(after)


def within_bound(incident: Incident) -> Incident:
    """The incident with as much evidence as fits its bound; the very same if all of it does."""
    return bounded(incident, lambda one: len(_encoder.encode(one)))


def decode_incident(value: bytes) -> Incident:
    """The reverse of encode_incident; raises msgspec.DecodeError or ValidationError."""
    return _decoder.decode(value)


def read_incident(value: bytes) -> Incident:
    """An incident for those who only show it or bring it to people, whatever release wrote it.

    Only the essential fields must be readable; a step, a sample or any other part that is not is
    left out. Raises msgspec.ValidationError.
    """
    try:
        return _decoder.decode(value)
    except UNREADABLE:
        pass
    try:
        return incident_of(document(value))
    except (ValueError, RecursionError) as error:
        raise msgspec.ValidationError(str(error)) from None


def incident_of(found: Any) -> Incident:
    """As `read_incident`, from a JSON document; raises msgspec.ValidationError."""
    msgspec.convert(found, _Essential)
    # Other fields without a default take a neutral value; a time that is missing, that of another.
    times = [found[name] for name in _TIMES if isinstance(found.get(name), (int, float))]
    time = next((float(time) for time in times if 0 <= time < TIME_MAX), 0.0)
    neutral = dict.fromkeys(_TEXTS, "") | dict.fromkeys(_TIMES, time)
    return readable(Incident, found, neutral)
