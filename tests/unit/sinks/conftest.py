"""Incidents, and a platform that is a dict, for the tests of the sinks."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from ticketing.domain.incidents.incident import Incident, Status, Step, StepKind
from ticketing.domain.severity import Severity

ID = "0123456789abcdef-2-41"


def an_incident(**changes: Any) -> Incident:
    incident = Incident(
        id=ID,
        fingerprint="0123456789abcdef",
        tenant="acme",
        service="checkout",
        pattern="payment <num> timed out",
        title="Payment 17 timed out",
        severity=Severity.HIGH,
        opened_at=1000.0,
        updated_at=1000.0,
        first_seen=990.0,
        last_seen=999.0,
        status=Status.OPEN,
        count=3,
        max_score=0.95,
        routes=["pagerduty", "slack"],
        ticketed=True,
        timeline=[Step(seq=1, at=1000.0, kind=StepKind.OPENED)],
    )
    return dataclasses.replace(incident, **changes)


@pytest.fixture
def incident() -> Callable[..., Incident]:
    return an_incident
