"""The names under which records carry their fields: a table for each known format of logs."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

FieldNames = Mapping[str, tuple[str, ...]]
"""The names of each field, tried in order; a dot leads into an object, or is part of the name."""


class LevelScale(str, Enum):
    """The meaning of a level that is a number."""

    SYSLOG = "syslog"
    """0 (emergency) to 7 (debug)."""
    OTEL = "otel"
    """1 (trace) to 24 (fatal)."""
    BY_RANGE = "by range"
    """Syslog's up to 7, from 10 on those of pino and bunyan: 10 (trace) to 60 (fatal)."""


LOGCLAW: FieldNames = MappingProxyType(
    {
        "anomaly_score": ("anomaly_score",),
        "message": ("message",),
        "error_message": ("error_message",),
        "description": ("description",),
        "service": ("service",),
        "tenant_id": ("tenant_id",),
        "level": ("level",),
        "severity": ("severity",),
        "timestamp": ("@timestamp",),
        "trace_id": ("trace_id",),
        "span_id": ("span_id",),
        "parent_span_id": ("parent_span_id",),
        "endpoint": ("endpoint",),
        "affected_endpoint": ("affected_endpoint",),
        "affected_services": ("affected_services",),
        "environment": ("environment",),
        "host_name": ("host_name",),
        "duration_ms": ("duration_ms",),
    }
)
"""The names of LogClaw's enriched logs and anomaly events, and with them all fields there are."""


def _before_logclaw(names: Mapping[str, tuple[str, ...]]) -> FieldNames:
    """A format's names, and LogClaw's last: what adds the score adds its own fields beside it."""
    every = {
        field: tuple(dict.fromkeys((*names.get(field, ()), *own))) for field, own in LOGCLAW.items()
    }
    return MappingProxyType(every)


_ECS = {
    "anomaly_score": ("anomaly_score", "labels.anomaly_score", "anomaly.score"),
    "error_message": ("error.message", "error.stack_trace", "error.type", "error"),
    "description": ("event.reason", "event.original"),
    "service": ("service.name", "service"),
    "tenant_id": ("tenant_id", "labels.tenant_id", "organization.id"),
    "level": ("log.level", "level", "log.syslog.severity.name", "log.syslog.severity.code"),
    "severity": ("labels.severity", "severity"),
    "trace_id": ("trace.id", "trace_id"),
    "span_id": ("span.id", "span_id", "transaction.id"),
    "parent_span_id": ("parent.id",),
    "endpoint": ("labels.endpoint", "url.path", "transaction.name", "url.original"),
    "affected_services": ("labels.affected_services",),
    "environment": ("service.environment", "labels.environment"),
    "host_name": ("host.name", "host.hostname", "host"),
    "duration_ms": ("event.duration",),
}
"""The Elastic Common Schema."""


def _attribute(*keys: str) -> tuple[str, ...]:
    """The places of an attribute: of the resource, then of the record, then at the top."""
    homes = (
        *("resource.attributes", "resource", "Resource.attributes", "Resource"),
        *("ResourceAttributes", "resource_attributes", "resources"),
        *("attributes", "Attributes", "LogAttributes", "log_attributes"),
    )
    return tuple(name for key in keys for name in (*(f"{home}.{key}" for home in homes), key))


_OTEL = {
    "anomaly_score": (
        *("anomaly_score", "attributes.anomaly_score", "Attributes.anomaly_score"),
        *("LogAttributes.anomaly_score", "attributes.anomaly.score", "Attributes.anomaly.score"),
    ),
    "message": ("body", "Body"),
    "error_message": _attribute("exception.message", "error.message"),
    "description": _attribute("exception.stacktrace", "exception.type", "event.name"),
    "service": (*_attribute("service.name"), "ServiceName"),
    # A service's name is unique in its namespace only.
    "tenant_id": _attribute("tenant.id", "tenant_id", "service.namespace"),
    "level": (
        *("severityText", "SeverityText", "severity_text"),
        *("severityNumber", "SeverityNumber", "severity_number", *_attribute("log.level")),
    ),
    "severity": _attribute("severity"),
    "timestamp": (
        *("timeUnixNano", "time_unix_nano", "Timestamp", "timestamp"),
        *("observedTimeUnixNano", "observed_time_unix_nano", "ObservedTimestamp"),
    ),
    "trace_id": ("traceId", "TraceId", "trace_id", "traceid"),
    "span_id": ("spanId", "SpanId", "span_id", "spanid"),
    "parent_span_id": (
        *("parentSpanId", "ParentSpanId", "parent_span_id"),
        *("attributes.parent_span_id", "Attributes.parent_span_id"),
    ),
    "endpoint": _attribute("endpoint", "http.route", "url.path", "http.target", "rpc.method"),
    "affected_services": _attribute("affected_services"),
    "environment": _attribute("deployment.environment.name", "deployment.environment"),
    "host_name": _attribute("host.name", "k8s.node.name"),
    "duration_ms": _attribute("duration_ms"),
}
"""OpenTelemetry: a log record as OTLP's JSON, the data model or a collector's exporter spells it."""

_GELF = {
    **{field: tuple(f"_{name}" for name in names) for field, names in LOGCLAW.items()},
    "message": ("short_message", "_message"),
    "error_message": ("full_message", "_error_message"),
    "service": (
        "_service",
        "_service_name",
        "_service.name",
        "_application",
        "_application_name",
        "_app",
        "_app_name",
        "_facility",
        "facility",
    ),
    "level": ("level", "_level"),
    "timestamp": ("timestamp",),
    "trace_id": ("_trace_id", "_traceId", "_trace.id"),
    "span_id": ("_span_id", "_spanId", "_span.id"),
    "parent_span_id": ("_parent_span_id", "_parentSpanId", "_parent.id"),
    "environment": ("_environment", "_env"),
    "host_name": ("host",),
}
"""Graylog's Extended Log Format."""

PRESETS: Mapping[str, FieldNames] = MappingProxyType(
    {
        "logclaw": LOGCLAW,
        "ecs": _before_logclaw(_ECS),
        "otel": _before_logclaw(_OTEL),
        "gelf": _before_logclaw(_GELF),
    }
)
"""The names of all fields by the format's name, as `input.fields.preset` gives it."""

LEVEL_SCALES: Mapping[str, LevelScale] = MappingProxyType(
    {
        "logclaw": LevelScale.BY_RANGE,
        "ecs": LevelScale.BY_RANGE,
        "otel": LevelScale.OTEL,
        "gelf": LevelScale.SYSLOG,
    }
)
"""The scale of levels by the format's name."""

_UNITS = {
    "event.duration": 1e-6,
    **dict.fromkeys(("ns", "nanos", "nanoseconds"), 1e-6),
    **dict.fromkeys(("us", "micros", "microseconds"), 1e-3),
    **dict.fromkeys(("s", "sec", "secs", "seconds"), 1e3),
}
"""Milliseconds of one unit by the end of a duration's name. ECS states `event.duration` in ns."""


def milliseconds_of(name: str) -> float:
    """The milliseconds in one unit of the duration that a field of this name holds."""
    if name in _UNITS:
        return _UNITS[name]
    end = name.lower().replace(".", "_").rpartition("_")[2]
    return _UNITS.get(end, 1.0)
