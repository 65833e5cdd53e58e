"""The messages of ticketing-signals: everything that can change an incident, packed per partition."""

from __future__ import annotations

import msgspec

from ticketing.domain.incidents.linking import Linked
from ticketing.domain.signals import (
    Anomalies,
    Command,
    Correlation,
    Origin,
    Progress,
    Receipt,
    Summary,
    Tick,
)

SignalBody = (
    Anomalies | Command | Receipt | Progress | Origin | Correlation | Linked | Summary | Tick
)


class Signal(msgspec.Struct, omit_defaults=True):
    """An element of a message in ticketing-signals, with exactly one field set."""

    anomalies: Anomalies | None = None
    command: Command | None = None
    receipt: Receipt | None = None
    progress: Progress | None = None
    origin: Origin | None = None
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
        raise msgspec.ValidationError("the signal has no body")


_FIELD_OF: dict[type, str] = {
    Anomalies: "anomalies",
    Command: "command",
    Receipt: "receipt",
    Progress: "progress",
    Origin: "origin",
    Correlation: "correlation",
    Linked: "linked",
    Summary: "summary",
    Tick: "tick",
}

_encoder = msgspec.json.Encoder()
_signals = msgspec.json.Decoder(list[Signal])


def kind_of(body: SignalBody) -> str:
    """The name of a signal's kind, as in the message."""
    return _FIELD_OF[type(body)]


def encode_signals(bodies: list[SignalBody]) -> bytes:
    """Signals for one partition of ticketing-signals, packed into one message."""
    return _encoder.encode([{kind_of(body): body} for body in bodies])


def decode_signals(value: bytes) -> list[SignalBody]:
    """The reverse of encode_signals; raises msgspec.DecodeError or ValidationError."""
    return [signal.body() for signal in _signals.decode(value)]
