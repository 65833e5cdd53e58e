"""Wire models: what stands in our own topics, and how it is read and written."""

from __future__ import annotations

from typing import Any

import msgspec

from ticketing.domain.incident import Incident
from ticketing.domain.linking import Linked
from ticketing.domain.signals import (
    Anomalies,
    Command,
    Correlation,
    Progress,
    Receipt,
    Summary,
    Tick,
)

SignalBody = Anomalies | Command | Receipt | Progress | Correlation | Linked | Summary | Tick


class Signal(msgspec.Struct, omit_defaults=True):
    """One element of a message in ticketing-signals: exactly one field is set."""

    anomalies: Anomalies | None = None
    command: Command | None = None
    receipt: Receipt | None = None
    progress: Progress | None = None
    correlation: Correlation | None = None
    linked: Linked | None = None
    summary: Summary | None = None
    tick: Tick | None = None

    def body(self) -> SignalBody:
        """The one field that is set."""
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if value is not None:
                return value  # type: ignore[no-any-return]
        raise msgspec.ValidationError("a signal without a body")


_FIELD_OF: dict[type, str] = {
    Anomalies: "anomalies",
    Command: "command",
    Receipt: "receipt",
    Progress: "progress",
    Correlation: "correlation",
    Linked: "linked",
    Summary: "summary",
    Tick: "tick",
}

_encoder = msgspec.json.Encoder()
_signals = msgspec.json.Decoder(list[Signal])
_incident = msgspec.json.Decoder(Incident)


def encode(value: Any) -> bytes:
    """Any of our models as JSON."""
    return _encoder.encode(value)


def encode_signals(bodies: list[SignalBody]) -> bytes:
    """Signals for one partition of ticketing-signals, packed into one message."""
    return _encoder.encode([{_FIELD_OF[type(body)]: body} for body in bodies])


def decode_signals(value: bytes) -> list[SignalBody]:
    """The reverse of encode_signals; raises msgspec.DecodeError or ValidationError."""
    return [signal.body() for signal in _signals.decode(value)]


def decode_incident(value: bytes) -> Incident:
    """An incident as published in ticketing-incidents."""
    return _incident.decode(value)


class DeadLetter(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A record or a delivery that could not be handled, with why and where from.

    `value` is at most the first 64 kB (base64 on the wire), `size` the length of the whole value in
    bytes. `raw_key` is the key where `key` can't be all of it. For a delivery, `value` is the request
    that the platform did not take, without secrets.
    """

    reason: str
    detail: str = ""
    stage: str = ""
    topic: str = ""
    partition: int = -1
    offset: int = -1
    timestamp: float = 0.0
    key: str | None = None
    value: bytes | None = None
    size: int = 0
    platform: str = ""
    incident_id: str = ""
    raw_key: bytes | None = None

    @property
    def whole(self) -> bool:
        """Whether the record is all here."""
        return self.value is not None and len(self.value) == self.size


def raw_key(key: bytes | None) -> bytes | None:
    """A key for `DeadLetter.raw_key`: None where its text says it all, at most 64 kB of it."""
    if key is None or len(key) > DEAD_LETTER_KEY_CHARACTERS_MAX:
        # A dead letter must itself fit into a message, whatever stands in the key.
        return key and key[:DEAD_LETTER_VALUE_BYTES_MAX]
    return None if key.decode("utf-8", "replace").encode() == key else key


_dead_letter = msgspec.json.Decoder(DeadLetter)
DEAD_LETTER_VALUE_BYTES_MAX = 64_000
DEAD_LETTER_KEY_CHARACTERS_MAX = 256


def decode_dead_letter(value: bytes) -> DeadLetter:
    """A message of ticketing-dead-letters."""
    return _dead_letter.decode(value)
