"""Exact counts: the fresh offsets of a signal, and their addition to windows and evidence."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain
from typing import TypedDict

from ticketing.domain.incidents.incident import Incident
from ticketing.domain.incidents.policy import Policy
from ticketing.domain.signals import Anomalies, Sample


@dataclass(frozen=True, slots=True)
class Fresh:
    """The offsets of a signal above a watermark: their count, the highest, and counts per window."""

    above: int
    count: int
    highest: int
    windows: list[tuple[int, int]]


class Evidence(TypedDict, total=False):
    """The fields of an incident that show what happened."""

    samples: list[Sample]
    trace_ids: list[str]
    endpoints: list[str]
    affected_services: list[str]


def fresh_above(anomalies: Anomalies, watermark: int) -> Fresh:
    """The offsets above a watermark; exact because a source's offsets come in ascending batches."""
    count = 0
    highest = -1
    kept = []
    for start, offsets in anomalies.windows.items():
        if not offsets or offsets[-1] <= watermark:
            continue
        fresh = len(offsets) - (bisect_right(offsets, watermark) if offsets[0] <= watermark else 0)
        count += fresh
        highest = max(highest, offsets[-1])
        kept.append((start, fresh))
    return Fresh(watermark, count, highest, kept)


def merged(signals: list[Anomalies]) -> Anomalies:
    """Signals of one source and one message, merged into one to be counted together.

    Their offsets interleave: counted one after the other, the first signal's watermark would hide
    offsets of the second.
    """
    first = signals[0]
    if len(signals) == 1:
        return first
    windows: dict[int, list[int]] = {}
    for signal in signals:
        for start, offsets in signal.windows.items():
            windows.setdefault(start, []).extend(offsets)
    return replace(
        first,
        windows={start: sorted(set(offsets)) for start, offsets in windows.items()},
        severity=max((signal.severity for signal in signals), key=lambda level: level.rank),
        first_seen=min(signal.first_seen for signal in signals),
        last_seen=max(signal.last_seen for signal in signals),
        max_score=max(signal.max_score for signal in signals),
        samples=list(chain.from_iterable(signal.samples for signal in signals)),
        trace_ids=list(chain.from_iterable(signal.trace_ids for signal in signals)),
        endpoints=list(chain.from_iterable(signal.endpoints for signal in signals)),
        affected_services=list(chain.from_iterable(s.affected_services for s in signals)),
    )


def windows(known: list[tuple[int, int]], fresh: Fresh, policy: Policy) -> list[tuple[int, int]]:
    """The latest windows by start, with the fresh counts added."""
    if known and len(fresh.windows) == 1 and known[-1][0] == fresh.windows[0][0]:
        start, count = known[-1]
        return [*known[:-1], (start, count + fresh.windows[0][1])]
    counts = dict(known)
    for start, count in fresh.windows:
        counts[start] = counts.get(start, 0) + count
    return sorted(counts.items())[-policy.windows_kept :]


def evidence(
    incident: Incident | None, anomalies: Anomalies, watermark: int, policy: Policy
) -> Evidence:
    """The evidence fields that a signal changes; samples at or below the watermark are known."""
    changed: Evidence = {}
    samples = [s for s in anomalies.samples if s.offset > watermark or s.offset < 0]
    if samples:
        known = incident.samples if incident else []
        changed["samples"] = _first_and_latest(
            [*known, *samples], policy.samples_first_kept, policy.samples_latest_kept
        )
    traces = _added(incident.trace_ids if incident else [], anomalies.trace_ids)
    if traces is not None:
        changed["trace_ids"] = traces[-policy.trace_ids_kept :]
    endpoints = _added(incident.endpoints if incident else [], anomalies.endpoints)
    if endpoints is not None:
        changed["endpoints"] = endpoints[: policy.endpoints_kept]
    services = _added(incident.affected_services if incident else [], anomalies.affected_services)
    if services is not None:
        changed["affected_services"] = services[: policy.services_kept]
    return changed


def _added(known: list[str], more: Iterable[str]) -> list[str] | None:
    # Known lists are short and bounded: looking through one is cheaper than hashing all of it.
    added = [name for name in more if name and name not in known]
    return [*known, *dict.fromkeys(added)] if added else None


def _first_and_latest(items: list[Sample], first: int, latest: int) -> list[Sample]:
    if len(items) <= first + latest:
        return items
    return items[:first] + items[len(items) - latest :]
