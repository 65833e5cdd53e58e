"""Alerts as they are published and as an incident lists them, with only the changes that matter."""

from __future__ import annotations

from typing import Any

from ticketing.domain.alerts.alert import Alert
from ticketing.domain.incidents.incident import IncidentAlert
from ticketing.domain.severity import Severity

AT = 1_900_000_000.0
"""When the usual alert began: Unix seconds."""


def alert(number: int = 1, **changes: Any) -> Alert:
    """One of several firing alerts, each with a fingerprint and a beginning of its own."""
    known: dict[str, Any] = {
        "fingerprint": f"{number:016x}",
        "tenant": "acme",
        "environment": "production",
        "service": "checkout",
        "pattern": "payment failed <*>",
        "title": f"payment failed {number}",
        "severity": Severity.HIGH,
        "first_seen": AT + number - 1.0,
        "last_seen": AT + number,
        "arrived_at": AT + number,
        "last_arrived_at": AT + number + 1.0,
        "count": 3,
    }
    return Alert(**{**known, **changes})


def part(fingerprint: str, **changes: Any) -> IncidentAlert:
    """A firing alert as a part of an incident."""
    known: dict[str, Any] = {
        "fingerprint": fingerprint,
        "service": "checkout",
        "title": "payment failed",
        "severity": Severity.HIGH,
        "episode": 1,
        "revision": 1,
        "count": 3,
        "first_seen": AT,
        "last_seen": AT + 1.0,
        "last_arrived_at": AT + 2.0,
    }
    return IncidentAlert(**{**known, **changes})
