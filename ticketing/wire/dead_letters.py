"""The messages of ticketing-dead-letters: records and deliveries that could not be handled."""

from __future__ import annotations

from typing import Any

import msgspec

VALUE_BYTES_MAX = 64_000
"""Holds any ordinary log record, and a letter stays well below Kafka's default limit of 1 MB."""
# Enough to recognize a key, or a failure, in a list of dead letters.
KEY_CHARS_MAX = 256
DETAIL_CHARS_MAX = 300


class DeadLetter(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A record or a delivery that could not be handled, with the reason and the origin.

    `value` is at most the first 64 kB (base64 on the wire), `size` the length of the whole value in
    bytes. `raw_key` is the key where `key` can't hold it, being too long or no UTF-8. For a
    delivery, `value` is the request that the platform refused, without secrets.
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
        """True if no byte of the record is missing."""
        return self.value is not None and len(self.value) == self.size


def dead_letter_of(
    topic: str, partition: int, record: Any, *, stage: str, reason: str, detail: str
) -> DeadLetter:
    """The dead letter of a record of a partition; `record` has aiokafka's shape."""
    value: bytes = record.value or b""
    key: bytes | None = record.key
    return DeadLetter(
        reason=reason,
        detail=detail[:DETAIL_CHARS_MAX],
        stage=stage,
        topic=topic,
        partition=partition,
        offset=record.offset,
        timestamp=record.timestamp / 1000.0,
        key=None if key is None else key[:KEY_CHARS_MAX].decode("utf-8", "replace"),
        value=value[:VALUE_BYTES_MAX] if value else None,
        size=len(value),
        raw_key=_raw_key(key),
    )


def _raw_key(key: bytes | None) -> bytes | None:
    """The value of `DeadLetter.raw_key`: None where the text holds the key, at most 64 kB."""
    if key is None or len(key) > KEY_CHARS_MAX:
        # A dead letter must fit into a message, however long the key.
        return key and key[:VALUE_BYTES_MAX]
    return None if key.decode("utf-8", "replace").encode() == key else key


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(DeadLetter)


def encode_dead_letter(letter: DeadLetter) -> bytes:
    """A dead letter as JSON, its value in base64."""
    return _encoder.encode(letter)


def decode_dead_letter(value: bytes) -> DeadLetter:
    """The reverse of encode_dead_letter; raises msgspec.DecodeError or ValidationError."""
    return _decoder.decode(value)
