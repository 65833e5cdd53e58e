"""Exact counts: the fresh offsets of a signal, and their addition to windows and evidence."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypedDict

from ticketing.domain.alerts.alert import Alert
from ticketing.domain.alerts.policy import AlertPolicy
from ticketing.domain.signals import Anomalies, Sample

HOUR_SECONDS = 3_600
"""The part of an episode that has counts by minute: its beginning tells most about a fault."""
MINUTE_SECONDS = 60
"""The bars of that chart, sixty of which fit beside each other."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """The offsets of a signal above a mark: their number, that of frames, occurrences by bucket."""

    above: int
    count: int
    frames: int
    buckets: list[tuple[int, int]]


class Evidence(TypedDict, total=False):
    """The fields of an alert that show what happened."""

    samples: list[Sample]
    trace_ids: list[str]
    endpoints: list[str]
    affected_services: list[str]


def fresh_above(anomalies: Anomalies, mark: int) -> Fresh:
    """The offsets above a mark; exact, as the runs of a source come in order."""
    buckets = [
        (start, fresh)
        for start, offsets in anomalies.offsets.items()
        if (fresh := above(offsets, mark))
    ]
    frames = above(anomalies.frames, mark)
    return Fresh(mark, frames + sum(count for _, count in buckets), frames, buckets)


def above(offsets: list[int], mark: int) -> int:
    """The number of ascending offsets above a mark."""
    if not offsets or offsets[-1] <= mark:
        return 0
    return len(offsets) - (bisect_right(offsets, mark) if offsets[0] <= mark else 0)


def windows(
    known: list[tuple[int, int]], fresh: Fresh, policy: AlertPolicy
) -> list[tuple[int, int]]:
    """The latest tumbling windows by start, with the fresh occurrences added."""
    length = policy.lookback_window
    added = [(int(start // length * length), count) for start, count in fresh.buckets]
    return _added_counts(known, added)[-policy.windows_kept :]


def minutes(
    known: list[tuple[int, int]], fresh: Fresh, policy: AlertPolicy
) -> list[tuple[int, int]]:
    """The minutes of the first hour by start, with the fresh occurrences added."""
    end = known[0][0] + HOUR_SECONDS if known else math.inf
    buckets = [(start - start % MINUTE_SECONDS, count) for start, count in fresh.buckets]
    added = [(minute, count) for minute, count in buckets if minute < end]
    if not added:
        return known
    counts = _added_counts(known, added)
    end = counts[0][0] + HOUR_SECONDS
    return [(start, count) for start, count in counts if start < end]


def evidence(alert: Alert | None, anomalies: Anomalies, mark: int, policy: AlertPolicy) -> Evidence:
    """The evidence fields that a signal changes; samples at or below the mark are known."""
    changed: Evidence = {}
    samples = [s for s in anomalies.samples if s.offset > mark or s.offset < 0]
    if samples:
        known = alert.samples if alert else []
        first, latest = policy.samples_first_kept, policy.samples_latest_kept
        changed["samples"] = _first_and_latest([*known, *samples], first, latest)
    traces = _added(alert.trace_ids if alert else [], anomalies.trace_ids)
    if traces is not None:
        changed["trace_ids"] = traces[-policy.trace_ids_kept :]
    endpoints = _added(alert.endpoints if alert else [], anomalies.endpoints)
    if endpoints is not None:
        changed["endpoints"] = endpoints[: policy.endpoints_kept]
    services = _added(alert.affected_services if alert else [], anomalies.affected_services)
    if services is not None:
        changed["affected_services"] = services[: policy.services_kept]
    return changed


def _added_counts(
    known: list[tuple[int, int]], added: list[tuple[int, int]]
) -> list[tuple[int, int]]:
    if known and len(added) == 1 and known[-1][0] == added[0][0]:
        start, count = known[-1]
        return [*known[:-1], (start, count + added[0][1])]
    counts = dict(known)
    for start, count in added:
        counts[start] = counts.get(start, 0) + count
    return sorted(counts.items())


def _added(known: list[str], more: Iterable[str]) -> list[str] | None:
    # Known lists are short and bounded: looking through one is cheaper than hashing all of it.
    added = [name for name in more if name and name not in known]
    return [*known, *dict.fromkeys(added)] if added else None


def _first_and_latest(items: list[Sample], first: int, latest: int) -> list[Sample]:
    if len(items) <= first + latest:
        return items
    return items[:first] + items[len(items) - latest :]
