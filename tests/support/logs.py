"""Enriched logs for tests, and what should become of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timezone
from itertools import islice
from typing import Any

from ticketing.demo.traffic import Traffic

MINIMUM_SCORE = 0.85


def log(
    message: str = "disk of the database is full",
    *,
    score: float | None = 0.9,
    service: str = "orders",
    at: float | None = None,
    **more: Any,
) -> bytes:
    """One enriched log as JSON; `at` is its event time in Unix seconds."""
    record: dict[str, Any] = {"message": message, "service": service, "level": "ERROR", **more}
    if score is not None:
        record["anomaly_score"] = score
    if at is not None:
        moment = datetime.fromtimestamp(at, timezone.utc).isoformat()
        record["@timestamp"] = moment.replace("+00:00", "Z")
    return json.dumps(record).encode()


def traffic(records: int, *, seed: int = 5, start: float = 1_700_000_000.0) -> list[bytes]:
    """Logs of a made-up web shop with faults in it."""
    return list(islice(Traffic(seed=seed).logs(start, 50.0), records))


def anomalies(lines: Iterable[bytes]) -> int:
    """How many of them are to be counted."""
    return sum(json.loads(line)["anomaly_score"] >= MINIMUM_SCORE for line in lines)
