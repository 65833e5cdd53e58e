"""Judges incidents by labels of injected faults: do the likely causes name the faulty service?

Only this module reads the labels; the pipeline is given the recording alone.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ticketing.errors import Misconfigured

WINDOW_SECONDS = 600.0
"""Incidents of this time after a fault are attributed to it, unless the next fault comes before."""

COMPARED_SECONDS = 60.0
"""An outbreak counts in full once it covers the shortest window that traces compare."""
HALF_LIFE_SECONDS = 120.0
"""The longest half-life tried with four of six faults first (docs/correlation.md)."""
WEIGHT_MIN = 0.1
"""An incident without evidence in the window counts little beside one with evidence."""
SATURATION = 3.0
"""The evidence at which half of a share counts: one large score must not outvote several."""


@dataclass(frozen=True)
class Fault:
    """An injected fault: its time (Unix seconds) and its service."""

    at: float
    service: str
    kind: str = ""


@dataclass(frozen=True)
class Verdict:
    """A fault with the services that incidents blame, the likeliest first."""

    fault: Fault
    ranking: list[str]
    incidents: int

    @property
    def place(self) -> int | None:
        """The place of the faulty service in the ranking, from 1; None outside the ranking."""
        named = self.fault.service
        return self.ranking.index(named) + 1 if named in self.ranking else None


def read_faults(path: Path) -> list[Fault]:
    """The labels, a JSON list of `{injected_at, service, fault}`; raises Misconfigured."""
    try:
        labels = json.loads(path.read_text())
        faults = [
            Fault(
                _seconds(label["injected_at"]), str(label["service"]), str(label.get("fault", ""))
            )
            for label in labels
        ]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Misconfigured(
            f"{path}: must be a JSON list of objects with injected_at (ISO-8601) and service:"
            f" {type(error).__name__}: {error}"
        ) from error
    return sorted(faults, key=lambda fault: fault.at)


def verdicts(faults: Sequence[Fault], incidents: Iterable[Mapping[str, Any]]) -> list[Verdict]:
    """Each fault with the ranking of the incidents (documents of the API) active in its window."""
    incidents = list(incidents)
    found = []
    for number, fault in enumerate(faults):
        until = fault.at + WINDOW_SECONDS
        if number + 1 < len(faults):
            until = min(until, faults[number + 1].at)
        active = [one for one in incidents if _active(one, fault.at, until)]
        ranking = ranked(active, fault.at, until)
        found.append(Verdict(fault, ranking, len(active)))
    return found


def ranked(incidents: Iterable[Mapping[str, Any]], since: float, until: float) -> list[str]:
    """Services by the evidence of all incidents in a window, the likeliest first.

    The first outbreak after the injection counts for each incident, weighted by the part of the
    compared minute after the injection and halved for each two minutes of a later beginning.
    Evidence saturates. Only the strongest incident of a service counts for a candidate, since a
    slow span gives as many incidents as it has lines.
    """
    by_service: dict[str, Counter[str]] = {}
    for incident in incidents:
        strongest = by_service.setdefault(incident["service"], Counter())
        weight, candidates = _attributed(incident, since, until)
        for candidate in candidates:
            value = weight * _saturated(candidate)
            name = candidate["service"]
            strongest[name] = max(strongest[name], value)  # type: ignore
    scores: dict[str, float] = {}
    for strongest in by_service.values():
        for service, value in strongest.items():
            scores[service] = scores.get(service, 0.0) + value
    return [service for service, _ in sorted(scores.items(), key=lambda one: (-one[1], one[0]))]


def _saturated(candidate: Mapping[str, Any]) -> float:
    """The candidate's share of the evidence, reduced where there is little evidence."""
    whole = candidate["score"] / candidate["share"] if candidate["share"] else 0.0
    return float(candidate["score"]) / (whole + SATURATION)


def summary(found: Sequence[Verdict], tickets_: int) -> dict[str, Any]:
    """The object that `ticketing evaluate --json` prints; shares are between 0 and 1."""
    count = len(found)
    places = [verdict.place for verdict in found]
    return {
        "faults": count,
        "top1": _share(sum(place == 1 for place in places), count),
        "top3": _share(sum(place is not None and place <= 3 for place in places), count),
        "ticketsPerFault": round(tickets_ / count, 4) if count else 0.0,
    }


def tickets(incidents: Iterable[Mapping[str, Any]]) -> int:
    """The number of incidents with a ticket of their own on some platform."""
    return sum(bool(one["ticketed"] and one["platforms"]) for one in incidents)


def _share(hits: int, count: int) -> float:
    return round(hits / count, 4) if count else 0.0


def _attributed(incident: Mapping[str, Any], since: float, until: float) -> tuple[float, list[Any]]:
    """Weight and candidates of the incident's first outbreak in the window, else its service."""
    for outbreak in incident["attributions"]:
        began, ended = _seconds(outbreak["since"]), _seconds(outbreak["until"])
        if began <= until and ended >= since:
            after = (min(ended, until) - since) / COMPARED_SECONDS
            late = max(0.0, began - since) / HALF_LIFE_SECONDS
            return min(1.0, max(WEIGHT_MIN, after)) * 0.5**late, list(outbreak["candidates"])
    return WEIGHT_MIN, [{"service": incident["service"], "score": 1.0, "share": 1.0}]


def _active(incident: Mapping[str, Any], since: float, until: float) -> bool:
    outbreaks = incident["attributions"]
    if outbreaks:
        return any(
            _seconds(one["since"]) <= until and _seconds(one["until"]) >= since for one in outbreaks
        )
    return _seconds(incident["firstSeen"]) <= until and _seconds(incident["lastSeen"]) >= since


def _seconds(text: str) -> float:
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return moment.timestamp()
