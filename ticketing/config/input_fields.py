"""The settings of `input.fields`: under which names records carry their fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from ticketing.config.values import Section
from ticketing.domain.alerts.field_names import PRESETS, FieldNames

if TYPE_CHECKING:
    PresetName: TypeAlias = str
else:
    # A type checker needs the words of a Literal here, but the table alone has the presets.
    PresetName = Literal[tuple(PRESETS)]


def alone(value: Any) -> Any:
    """One name stands for a list of one."""
    return (value,) if isinstance(value, str) else value


# Longer than any field's name that is written by hand; more names cost time for every anomaly.
_Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^\S(.*\S)?$")]
Names = Annotated[tuple[_Name, ...], Field(max_length=20), BeforeValidator(alone)] | None


def preset_alone(value: Any) -> Any:
    """A preset's name stands for all of its names."""
    return {"preset": value} if isinstance(value, str) else value


class InputFields(Section):
    """Names of the fields of records: those of a preset, and in their place own ones.

    A field takes one name or a list, which is tried in order; a dot leads into an object, or is part
    of the name. An empty list reads nothing.
    """

    preset: PresetName = "logclaw"
    """Names of a known format: LogClaw's (docs/input.md), the Elastic Common Schema, OpenTelemetry
    or GELF. `input.fields: ecs` alone is short for it."""
    anomaly_score: Names = None
    """Names of the anomaly score."""
    message: Names = None
    """Names of the message."""
    error_message: Names = None
    """Names of the text in place of a blank message."""
    description: Names = None
    """Names of the text in place of both."""
    service: Names = None
    """Names of the service."""
    tenant_id: Names = None
    """Names of the tenant."""
    level: Names = None
    """Names of the level."""
    severity: Names = None
    """Names of the severity."""
    timestamp: Names = None
    """Names of the event's time."""
    trace_id: Names = None
    """Names of the trace id."""
    span_id: Names = None
    """Names of the span id."""
    parent_span_id: Names = None
    """Names of the parent's span id."""
    endpoint: Names = None
    """Names of the endpoint."""
    affected_endpoint: Names = None
    """Names of the endpoint in place of an absent one."""
    affected_services: Names = None
    """Names of the list of other services that are affected."""
    environment: Names = None
    """Names of the environment."""
    host_name: Names = None
    """Names of the host."""
    duration_ms: Names = None
    """Names of the duration; milliseconds, unless the name ends with another unit, such as `_ns`."""

    def own(self) -> dict[str, tuple[str, ...]]:
        """The names that are given in place of the preset's, by field."""
        given = {
            "anomaly_score": self.anomaly_score,
            "message": self.message,
            "error_message": self.error_message,
            "description": self.description,
            "service": self.service,
            "tenant_id": self.tenant_id,
            "level": self.level,
            "severity": self.severity,
            "timestamp": self.timestamp,
            "trace_id": self.trace_id,
            "span_id": self.span_id,
            "parent_span_id": self.parent_span_id,
            "endpoint": self.endpoint,
            "affected_endpoint": self.affected_endpoint,
            "affected_services": self.affected_services,
            "environment": self.environment,
            "host_name": self.host_name,
            "duration_ms": self.duration_ms,
        }
        return {field: names for field, names in given.items() if names is not None}

    def names(self) -> FieldNames:
        """The names of every field."""
        return {**PRESETS[self.preset], **self.own()}
