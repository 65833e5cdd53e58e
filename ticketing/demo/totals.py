"""The totals of a run, and whether the records add up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

STATE_OF_STATUS = {
    "open": ("open", "acknowledged"),
    "acknowledged": ("acknowledged",),
    "escalated": ("escalated",),
    "resolved": ("resolved",),
}
"""Ticket states that agree with an incident's status; platforms may acknowledge by themselves."""


@dataclass(frozen=True)
class Totals:
    """Numbers of a run. `records` = `below` + `counted` + `dead_letters` once all are handled."""

    records: int = 0
    below: int = 0
    counted: int = 0
    dead_letters: int = 0
    incidents: int = 0
    undelivered: int = 0
    """Pairs of incident and platform whose ticket is not yet in the wanted state."""
    tickets: Mapping[str, int] = field(default_factory=dict)

    @property
    def anomalies(self) -> int:
        """Records at or above the threshold."""
        return self.records - self.below - self.dead_letters

    @property
    def adds_up(self) -> bool:
        """True when every record is counted, below the threshold or a dead letter."""
        return self.records == self.below + self.counted + self.dead_letters

    def public(self) -> dict[str, Any]:
        """The object that `ticketing demo --json` prints."""
        return {
            "records": self.records,
            "anomalies": self.anomalies,
            "counted": self.counted,
            "incidents": self.incidents,
            "tickets": dict(self.tickets),
            "deadLetters": self.dead_letters,
        }


def sums(metrics_text: str) -> dict[str, float]:
    """Every sample of a Prometheus text by its name, summed over its labels."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(metrics_text):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0.0) + sample.value
    return found


def totals(
    metrics_text: str, incidents: Iterable[Mapping[str, Any]], tickets: Mapping[str, int]
) -> Totals:
    """Put a run's metrics, the API's incidents and the platforms' tickets together."""
    by_name = sums(metrics_text)
    incidents = list(incidents)
    return Totals(
        records=int(by_name.get("ticketing_records_total", 0)),
        below=int(by_name.get("ticketing_records_below_threshold_total", 0)),
        counted=sum(int(incident["count"]) for incident in incidents),
        dead_letters=int(by_name.get("ticketing_records_dead_lettered_total", 0)),
        incidents=len(incidents),
        undelivered=sum(undelivered(incident) for incident in incidents),
        tickets=tickets,
    )


def undelivered(incident: Mapping[str, Any]) -> int:
    """The number of platforms where an incident's ticket is not yet in the wanted state.

    None while the incident waits for more occurrences or requests, or for its turn in a collective one.
    """
    if any(incident.get(name) for name in ("waitingFor", "sporadic", "collectiveId")):
        return 0
    routes = incident["platforms"]
    if not incident["ticketed"]:
        return len(routes) if incident["status"] != "resolved" else 0
    wanted = STATE_OF_STATUS[incident["status"]]
    held = {ticket["platform"]: ticket["state"] for ticket in incident["tickets"]}
    return sum(1 for platform in routes if held.get(platform) not in wanted)
