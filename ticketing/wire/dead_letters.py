"""The messages of ticketing-dead-letters: records and deliveries that could not be handled."""

from __future__ import annotations

import zlib
from typing import Any

import msgspec

from ticketing.wire.topics import OWN_PREFIX

VALUE_BYTES_MAX = 64_000
"""Holds any ordinary log record, and a letter stays well below Kafka's default limit of 1 MB."""
LETTER_BYTES_MAX = 1_000_000
"""Kafka's default limit of a message, less what surrounds the letter."""
PREVIEW_BYTES = 2_000
"""Shown of a record that was packed, by readers that can't unpack; enough to recognize it."""
UNREADABLE_ROW, FAILED_ROW = "unreadable_row", "failed_row"
"""Reasons of a letter about a row of a table: the row can't be read, or a rule fails for the row."""
# Enough to recognize a key, or a failure, in a list of dead letters.
KEY_CHARS_MAX = 256
DETAIL_CHARS_MAX = 300


class DeadLetter(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A record or a delivery that could not be handled, with the reason and the origin.

    `value` is the whole record where it came from a topic of the job, so that it can be redriven, and
    at most the first 64 kB of an input record; `size` is the length of the whole value in bytes. On
    the wire it is base64, or `packed` by zlib where that is too long. `raw_key` is the key where
    `key` can't hold it, being too long or no UTF-8. For a delivery, `value` is the request that the
    platform refused, without secrets.
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
    packed: bytes | None = None

    @property
    def of_row(self) -> bool:
        """True for a letter about a row, which is still in its table and can't be redriven."""
        return self.reason in (UNREADABLE_ROW, FAILED_ROW)

    @property
    def whole(self) -> bool:
        """True if no byte of the record is missing."""
        return self.value is not None and len(self.value) == self.size


def dead_letter_of(
    topic: str,
    partition: int,
    record: Any,
    *,
    stage: str,
    reason: str,
    detail: str,
    part: bytes | None = None,
) -> DeadLetter:
    """The dead letter of a record of a partition; `record` has aiokafka's shape.

    `part` is the part of the record that could not be handled, as a message of its own.
    """
    value: bytes = (record.value if part is None else part) or b""
    key: bytes | None = record.key
    kept = value if topic.startswith(OWN_PREFIX) else value[:VALUE_BYTES_MAX]
    return DeadLetter(
        reason=reason,
        detail=_text(detail)[:DETAIL_CHARS_MAX],
        stage=stage,
        topic=topic,
        partition=partition,
        offset=record.offset,
        timestamp=record.timestamp / 1000.0,
        key=None if key is None else key[:KEY_CHARS_MAX].decode("utf-8", "replace"),
        value=kept or None,
        size=len(value),
        raw_key=_raw_key(key),
    )


def row_letter_of(
    topic: str, partition: int, key: str, row: bytes, *, stage: str, reason: str, detail: str
) -> DeadLetter:
    """The dead letter about a stored row; `topic` is the table's changelog."""
    return DeadLetter(
        reason=reason,
        detail=_text(detail)[:DETAIL_CHARS_MAX],
        stage=stage,
        topic=topic,
        partition=partition,
        key=_text(key)[:KEY_CHARS_MAX],
        value=row or None,
        size=len(row),
    )


def _text(text: str) -> str:
    """A text that can be encoded: halves of surrogate pairs become question marks."""
    return text.encode("utf-8", "replace").decode()


def _raw_key(key: bytes | None) -> bytes | None:
    """The value of `DeadLetter.raw_key`: None where the text holds the key, at most 64 kB."""
    if key is None or len(key) > KEY_CHARS_MAX:
        # A dead letter must fit into a message, however long the key.
        return key and key[:VALUE_BYTES_MAX]
    return None if key.decode("utf-8", "replace").encode() == key else key


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(DeadLetter)


def encode_dead_letter(letter: DeadLetter, bytes_max: int = LETTER_BYTES_MAX) -> bytes:
    """A dead letter as JSON of at most `bytes_max`: packed where that helps, else cut.

    What is cut can be read from the letter's topic as long as that keeps the record.
    """
    encoded = _encoder.encode(letter)
    if len(encoded) <= bytes_max or letter.value is None:
        return encoded
    if letter.whole:
        packed = msgspec.structs.replace(
            letter, value=letter.value[:PREVIEW_BYTES], packed=zlib.compress(letter.value)
        )
        encoded = _encoder.encode(packed)
        if len(encoded) <= bytes_max:
            return encoded
    without = msgspec.structs.replace(letter, value=None)
    room = bytes_max - len(_encoder.encode(without)) - len(',"value":""')
    # Base64 makes four bytes of three.
    return _encoder.encode(
        msgspec.structs.replace(letter, value=letter.value[: max(0, room // 4 * 3)] or None)
    )


def decode_dead_letter(value: bytes) -> DeadLetter:
    """The reverse of encode_dead_letter; raises msgspec.DecodeError or ValidationError."""
    letter = _decoder.decode(value)
    if letter.packed is None:
        return letter
    unpacking = zlib.decompressobj()
    try:
        whole = unpacking.decompress(letter.packed, max(letter.size, 1))
    except zlib.error as error:
        raise msgspec.ValidationError(f"the packed record can't be read: {error}") from error
    if len(whole) != letter.size:
        return msgspec.structs.replace(letter, packed=None)
    return msgspec.structs.replace(letter, value=whole, packed=None)
