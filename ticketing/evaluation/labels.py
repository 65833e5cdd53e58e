"""Labels of injected faults. Only the judgement reads them; the job is given the recording alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ticketing.domain.alerts.event_times import moment_of
from ticketing.errors import Misconfigured


@dataclass(frozen=True, slots=True)
class Fault:
    """An injected fault: its time (Unix seconds), its service and its kind.

    `part` tells which of two recordings laid over one another has the fault; 0 in a plain one.
    """

    at: float
    service: str
    kind: str = ""
    part: int = 0


def read_faults(path: Path) -> list[Fault]:
    """The labels by time, from a JSON list of `{injected_at, service, fault}`.

    Raises Misconfigured with the place of the first bad one.
    """
    try:
        labels = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise Misconfigured(f"{path}: not JSON: {error}") from error
    if not isinstance(labels, list):
        raise Misconfigured(f"{path}: must be a JSON list of {{injected_at, service, fault}}")
    faults = [_fault(label, f"{path}: label {place}") for place, label in enumerate(labels, 1)]
    return sorted(faults, key=lambda fault: (fault.at, fault.service))


def _fault(label: Any, place: str) -> Fault:
    if not isinstance(label, dict):
        raise Misconfigured(f"{place}: must be an object with injected_at and service")
    injected, service = label.get("injected_at"), label.get("service")
    at = moment_of(injected) if isinstance(injected, str) else None
    if at is None:
        raise Misconfigured(f"{place}: injected_at is {injected!r}, not a time in ISO 8601")
    if not isinstance(service, str) or not service.strip():
        raise Misconfigured(f"{place}: service is {service!r}, not a name")
    return Fault(at, service, str(label.get("fault") or ""))
