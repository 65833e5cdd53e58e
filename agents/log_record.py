"""Log records under LogClaw's names, decoded into types: only the fields that are used."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from agents.span_packer import Head, SlimLine
from ticketing.domain.alerts.event_times import Stated
from ticketing.domain.alerts.record_fields import message_of
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
    environment: str | None = None
    host_name: str | None = None
    duration_ms: Any = None
    """Read as a number where it is used: a wrong one must not cost the record's other fields."""

    def text(self) -> str:
        """The record's text; raises Unfit if there is none."""
        return message_of(self.message, self.error_message, self.description)

    def title(self) -> str:
        """The title of an alert whose first record this is."""
        return read(self.text()).title()


class Detail(Document, gc=False):
    """The fields of the few records that are shown as samples."""

    span_id: str | None = None


class _Leveled(msgspec.Struct, gc=False):
    """The level of a record without a score."""

    level: Any = None


decode_score = msgspec.json.Decoder(_Scored).decode


decode_level = msgspec.json.Decoder(_Leveled).decode


decode_head = msgspec.json.Decoder(Head).decode


decode_slim = msgspec.json.Decoder(SlimLine).decode


decode_document = msgspec.json.Decoder(Document).decode


decode_detail = msgspec.json.Decoder(Detail).decode
