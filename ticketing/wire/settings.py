"""The messages of ticketing-settings: all settings that were changed while running, keyed by a record.

No secret stands in one: the API takes none, and `****` stays as it is.
"""

from __future__ import annotations

from typing import Any

import msgspec


class ChangedSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The changes to the given configuration that are in force, and who made the latest."""

    revision: int = 0
    """Rises by one with each change; of two of one revision the first counts."""
    at: float = 0.0
    """Unix seconds of the latest change."""
    by: str = ""
    changes: dict[str, Any] = msgspec.field(default_factory=dict)
    """A tree of camelCase keys, as in a configuration's file."""


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(ChangedSettings)


def encode_settings(changed: ChangedSettings) -> bytes:
    """The value of a message."""
    return _encoder.encode(changed)


def decode_settings(value: bytes) -> ChangedSettings:
    """The reverse of encode_settings; raises msgspec.DecodeError or ValidationError."""
    return _decoder.decode(value)
