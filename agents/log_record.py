"""Log records and anomaly events as detection reads them: only the fields that are used."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Protocol

import msgspec
from msgspec.structs import astuple

from agents.repair import repaired
from agents.span_packer import SlimLine
from ticketing.domain.alerts.event_times import UNREADABLE, Stated
from ticketing.domain.alerts.record_fields import (
    NAME_CHARS_MAX,
    BadInput,
    Unfit,
    message_of,
    text_of,
)
from ticketing.domain.patterns.reading import read

ID_CHARS_MAX = 128
"""Ids and levels are cut here: four times the length of a W3C trace id."""

# Errors that a bad record can raise: msgspec's own, a number or a text out of its range, nesting
# without end. Any other error is a fault of ours, and reported as one.
RECORD_ERRORS = (
    msgspec.MsgspecError,
    ValueError,
    TypeError,
    OverflowError,
    RecursionError,
)

NOT_TEXT = (msgspec.DecodeError, UnicodeDecodeError)
"""msgspec's errors for bytes that are not JSON in UTF-8."""


class Record(Protocol):
    """The used part of a Kafka record; `timestamp` in milliseconds."""

    value: bytes | None
    offset: int
    timestamp: int
    key: bytes | None


class _Scored(msgspec.Struct, gc=False):
    """The one field by which most records are judged."""

    anomaly_score: float | None = None


class Document(msgspec.Struct, gc=False):
    """The fields of an enriched log or an anomaly event."""

    anomaly_score: float | None = None
    message: str | None = None
    service: str | None = None
    tenant_id: str | None = None
    level: str | None = None
    severity: str | None = None
    timestamp: Stated = msgspec.field(default=None, name="@timestamp")
    trace_id: str | None = None
    endpoint: str | None = None
    affected_services: Any = None
    affected_endpoint: str | None = None
    error_message: str | None = None
    description: str | None = None

    def text(self) -> str:
        """The record's text; raises Unfit if there is none."""
        return message_of(self.message, self.error_message, self.description)


class Detail(Document, gc=False):
    """The fields of the few records that are shown as samples."""

    span_id: str | None = None
    environment: str | None = None
    host_name: str | None = None

    def described(self) -> dict[str, str]:
        """The fields of `Anomalies` that the first record of a fingerprint decides."""
        return {
            "title": read(self.text()).title(),
            "environment": text_of(self.environment, NAME_CHARS_MAX),
        }


_FIELDS = msgspec.structs.fields(Detail)


_Loose = msgspec.defstruct(
    "_Loose",
    [
        (
            f.name,
            f.type if f.name == "anomaly_score" else Any,
            msgspec.field(default=None, name=f.encode_name),
        )
        for f in _FIELDS
    ],
    gc=False,
)
"""`Detail` with fields of any type: a wrong type in an optional field must not lose the anomaly."""


_score = msgspec.json.Decoder(_Scored).decode


_slim = msgspec.json.Decoder(SlimLine).decode


decode_document = msgspec.json.Decoder(Document).decode


_detail = msgspec.json.Decoder(Detail).decode


_loose = msgspec.json.Decoder(_Loose).decode


def scores_of(records: Sequence[Record]) -> list[float | None]:
    """The score of every record; -1 for an unreadable record, which is looked at again."""
    scores: list[float | None] = []
    append, decode = scores.append, _score
    remaining = iter(records)
    while len(scores) < len(records):
        try:
            for record in remaining:
                append(decode(record.value).anomaly_score)  # type: ignore[arg-type]
        except RECORD_ERRORS:
            append(-1.0)
    return scores


def slim_lines_of(records: Sequence[Record]) -> list[SlimLine]:
    """The line of every record; only the score where a field has a wrong type."""
    lines: list[SlimLine] = []
    append, decode = lines.append, _slim
    remaining = iter(records)
    while len(lines) < len(records):
        try:
            for record in remaining:
                append(decode(record.value))  # type: ignore[arg-type]
        except RECORD_ERRORS:
            append(SlimLine(anomaly_score=scores_of([records[len(lines)]])[0]))
    return lines


def detail_of(record: Record) -> Detail:
    """All fields of a record that was read before; fields that can't be read are absent.

    The first reading skips some fields, and msgspec checks neither the bytes nor the depth of a
    skipped field: the second reading must not fail on them.
    """
    assert record.value is not None, "it was read before"
    try:
        return _detail(record.value)
    except RECORD_ERRORS:
        pass
    try:
        return fitting(decode_loosely(record.value)[0])
    except RECORD_ERRORS:
        return Detail(*astuple(decode_document(record.value)))


def decode_loosely(value: bytes) -> tuple[Any, bool]:
    """A record with fields of any type, and True if its bytes had to be repaired.

    Raises Unfit if the score or the document itself is bad, RecursionError if it nests too deep.
    """
    try:
        return _typed_loosely(value), False
    except NOT_TEXT as error:
        try:
            readable = repaired(value)
        except (ValueError, RecursionError):
            raise Unfit(BadInput.UNDECODABLE, str(error)) from error
    return _typed_loosely(readable), True


def _typed_loosely(value: bytes) -> Any:
    try:
        return _loose(value)
    except msgspec.ValidationError as error:
        # Only the score has a declared type: any other error is about the document itself.
        scored = "anomaly_score" in str(error)
        reason = BadInput.INVALID_SCORE if scored else BadInput.UNDECODABLE
        raise Unfit(reason, str(error)) from error


def fitting(loose: Any) -> Detail:
    """The fields of a record that have the right type; the others are absent."""
    kept: dict[str, Any] = {} if loose.timestamp is None else {"timestamp": UNREADABLE}
    for field in _FIELDS:
        value = getattr(loose, field.name)
        if value is not None:
            with suppress(msgspec.ValidationError):
                kept[field.name] = msgspec.convert(value, field.type)
    return Detail(**kept)
