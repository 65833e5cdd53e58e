"""One record in the form of each known format, with every field that detection reads."""

from __future__ import annotations

from typing import Any

AT = "2030-03-17T17:46:40.25Z"
SECONDS = 1_900_000_000.25
NANOS = "1900000000250000000"
TRACE, SPAN, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "53995c3f42cd8ad8"

ECS: dict[str, Any] = {
    "@timestamp": AT,
    "anomaly_score": 0.9,
    "log": {"level": "CRIT"},
    "message": "db down",
    "service": {"name": "orders", "environment": "production", "version": "1"},
    "labels": {"tenant_id": "acme"},
    "trace": {"id": TRACE},
    "span": {"id": SPAN},
    "parent": {"id": PARENT},
    "host": {"name": "node-3", "ip": ["10.0.0.1"]},
    "url": {"path": "/orders"},
    "event": {"duration": 12_500_000},
}
ECS_FLAT: dict[str, Any] = {
    "@timestamp": AT,
    "anomaly_score": 0.9,
    "log.level": "CRIT",
    "message": "db down",
    "service.name": "orders",
    "service.environment": "production",
    "labels.tenant_id": "acme",
    "trace.id": TRACE,
    "span.id": SPAN,
    "parent.id": PARENT,
    "host.name": "node-3",
    "url.path": "/orders",
    "event.duration": 12_500_000,
}


def attribute(key: str, kind: str, value: Any) -> dict[str, Any]:
    return {"key": key, "value": {kind: value}}


OTLP: dict[str, Any] = {
    "timeUnixNano": NANOS,
    "severityNumber": 21,
    "body": {"stringValue": "db down"},
    "traceId": TRACE,
    "spanId": SPAN,
    "resource": {
        "attributes": [
            attribute("service.name", "stringValue", "orders"),
            attribute("service.namespace", "stringValue", "acme"),
            attribute("deployment.environment.name", "stringValue", "production"),
            attribute("host.name", "stringValue", "node-3"),
        ]
    },
    "attributes": [
        attribute("anomaly_score", "doubleValue", 0.9),
        attribute("url.path", "stringValue", "/orders"),
        attribute("parent_span_id", "stringValue", PARENT),
        attribute("duration_ms", "intValue", "12.5"),
    ],
}
DATA_MODEL: dict[str, Any] = {
    "Timestamp": NANOS,
    "SeverityText": "FATAL2",
    "Body": "db down",
    "TraceId": TRACE,
    "SpanId": SPAN,
    "Resource": {
        "service.name": "orders",
        "service.namespace": "acme",
        "deployment.environment": "production",
        "host": {"name": "node-3"},
    },
    "Attributes": {
        "anomaly_score": "0.9",
        "http.route": "/orders",
        "parent_span_id": PARENT,
        "duration_ms": 12.5,
    },
}
COLLECTOR: dict[str, Any] = {
    "time_unix_nano": int(NANOS),
    "severity_number": "SEVERITY_NUMBER_FATAL",
    "body": {"kvlistValue": {"values": [attribute("msg", "stringValue", "db down")]}},
    "trace_id": TRACE,
    "span_id": SPAN,
    "resource": {
        "attributes": {
            "service": {"name": "orders"},
            "service.namespace": "acme",
            "deployment.environment": {"stringValue": "production"},
            "host.name": "node-3",
        }
    },
    "anomaly_score": 0.9,
    "attributes": {"url.path": "/orders", "parent_span_id": PARENT, "duration_ms": 12.5},
}
GELF: dict[str, Any] = {
    "version": "1.1",
    "host": "node-3",
    "short_message": "db down",
    "full_message": "db down\n at x",
    "timestamp": 1900000000.25,
    "level": 2,
    "_anomaly_score": 0.9,
    "_service": "orders",
    "_tenant_id": "acme",
    "_environment": "production",
    "_trace_id": TRACE,
    "_span_id": SPAN,
    "_parent_span_id": PARENT,
    "_endpoint": "/orders",
    "_duration_ms": "12.5",
}
OWN_NAMES: dict[str, Any] = {
    "preset": "ecs",
    "anomalyScore": "ml.score",
    "service": ["app", "labels.app"],
    "durationMs": "took_us",
}
OWN: dict[str, Any] = {
    **ECS,
    "anomaly_score": None,
    "ml": {"score": 0.9},
    "service": {"name": "another", "environment": "production"},
    "labels": {"app": "orders", "tenant_id": "acme"},
    "event": None,
    "took_us": 12_500,
}
FULL = [
    ("ecs", ECS),
    ("ecs", ECS_FLAT),
    ("otel", OTLP),
    ("otel", DATA_MODEL),
    ("otel", COLLECTOR),
    ("gelf", GELF),
    (OWN_NAMES, OWN),
]
IDS = ["ecs", "ecs flat", "otlp", "data model", "collector", "gelf", "own names"]
