"""The messages of ticketing-audit: an entry each."""

from __future__ import annotations

import msgspec

from ticketing.domain.access.audit import Entry

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Entry)


def encode_entry(entry: Entry) -> bytes:
    """The value of a message, which has no key."""
    return _encoder.encode(entry)


def decode_entry(value: bytes) -> Entry:
    """The reverse of encode_entry; raises msgspec.DecodeError or ValidationError."""
    return _decoder.decode(value)
