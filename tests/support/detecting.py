"""One run of detection over records that a test makes up."""

from __future__ import annotations

import json
from typing import Any

from support.configured import detector_for
from support.records import Record

from agents.detection_run import Detected, Detector

TOPIC = "enriched-logs"
ARRIVED = 1_900_000_000.0
ARRIVED_MS = int(ARRIVED * 1000)
EVENT_TIME = "2030-03-17T17:46:39.500000Z"
EVENT_AT = 1_899_999_999.5


def document(**fields: Any) -> dict[str, Any]:
    """An anomaly; a field that is None is left out."""
    known: dict[str, Any] = {
        "@timestamp": EVENT_TIME,
        "level": "ERROR",
        "message": "order 17 was lost",
        "service": "checkout",
        "tenant_id": "acme",
        "anomaly_score": 0.95,
    }
    return {k: v for k, v in {**known, **fields}.items() if v is not None}


def run(*values: Any, detector: Detector | None = None) -> Detected:
    """Detect a run; what is no bytes is written as JSON first."""
    raw = [v if isinstance(v, bytes) or v is None else json.dumps(v).encode() for v in values]
    records = [Record(value, offset, ARRIVED_MS) for offset, value in enumerate(raw)]
    return (detector or detector_for({TOPIC: "id"})).detect(TOPIC, 3, records)


def offsets(detected: Detected) -> list[int]:
    """The offsets of all counted records, in order."""
    return sorted(o for s in detected.signals for found in s.counted() for o in found)
