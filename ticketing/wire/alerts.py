"""The messages of ticketing-alerts: the published alerts, each in its latest state."""

from __future__ import annotations

import msgspec

from ticketing.domain.alerts.alert import Alert
from ticketing.domain.alerts.bounds import bounded

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Alert)


def encode_alert(alert: Alert) -> bytes:
    """An alert as JSON."""
    return _encoder.encode(alert)


def within_bound(alert: Alert) -> Alert:
    """The alert with as much evidence as fits its bound; the very same if all of it does."""
    return bounded(alert, lambda one: len(_encoder.encode(one)))


def decode_alert(value: bytes) -> Alert:
    """The reverse of encode_alert; raises msgspec.DecodeError or ValidationError."""
    return _decoder.decode(value)
