"""Exact counts: batches cut any way, any suffix replayed any number of times."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.configured import policy_with
from support.incidents import anomalies

from ticketing.domain.alerts.counting import fresh_above, merged
from ticketing.domain.incidents.incident import Incident
from ticketing.domain.incidents.lifecycle import joined, opened
from ticketing.domain.incidents.policy import Policy
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Anomalies, Sample


def signal(offsets: list[int], source: str = "x", **fields: Any) -> Anomalies:
    windows: dict[int, list[int]] = {}
    for offset in offsets:
        windows.setdefault(900 * (offset * 7 % 3), []).append(offset)
    known = {
        "source": source,
        "severity": Severity.LOW,
        "windows": windows,
        "first_seen": float(min(offsets)),
        "last_seen": float(max(offsets)),
    }
    return anomalies(**{**known, **fields})


def counted(incident: Incident | None, found: Anomalies, policy: Policy) -> Incident | None:
    mark = incident.watermarks.get(found.source, -1) if incident else -1
    fresh = fresh_above(found, mark)
    if not fresh.count:
        return incident
    if incident is None:
        return opened(found, fresh, 0.0, policy, id="aa-0-0", offset=0)
    return joined(incident, found, fresh, 0.0, policy)


@given(
    st.sets(st.integers(0, 200), min_size=1),
    st.lists(st.tuples(st.integers(0, 200), st.integers(1, 60)), max_size=20),
)
def test_each_offset_counts_once_however_it_is_cut_and_replayed(
    anomalous: set[int], jumps: list[tuple[int, int]]
) -> None:
    """Each jump goes back to any point that was reached and reads on in a batch of another size."""
    reached, incident = 0, None
    policy = policy_with()
    for back, size in [*jumps, (0, 300)]:
        first = min(back, reached)
        end = first + size
        offsets = sorted(offset for offset in anomalous if first <= offset < end)
        if offsets:
            incident = counted(incident, signal(offsets), policy)
        reached = max(reached, end)
    assert incident is not None
    assert incident.count == len(anomalous)
    assert sum(count for _, count in incident.windows) == len(anomalous)


def test_each_source_has_its_own_watermark() -> None:
    policy = policy_with()
    incident = counted(None, signal([5, 6]), policy)
    incident = counted(incident, signal([1, 2], source="y"), policy)
    assert incident is not None
    assert incident.watermarks == {"x": 6, "y": 2}
    assert incident.count == 4


def test_late_windows_are_sorted_in_and_the_oldest_dropped() -> None:
    policy = policy_with(windows_kept=2)
    incident = counted(None, signal([1], windows={900: [1]}), policy)
    incident = counted(incident, signal([2], windows={2700: [2]}), policy)
    incident = counted(incident, signal([3, 4], windows={1800: [3], 0: [4]}), policy)
    assert incident is not None
    assert incident.windows == [(1800, 1), (2700, 1)]
    assert incident.count == 4


def test_event_times_may_come_in_any_order() -> None:
    policy = policy_with()
    incident = counted(None, signal([1], first_seen=50.0, last_seen=60.0), policy)
    incident = counted(incident, signal([2], first_seen=10.0, last_seen=20.0), policy)
    assert incident is not None
    assert (incident.first_seen, incident.last_seen) == (10.0, 60.0)


def test_replayed_samples_are_kept_once_and_evidence_is_bounded() -> None:
    policy = policy_with(samples_first_kept=1, samples_latest_kept=1, trace_ids_kept=2)

    def sample(offset: int) -> Sample:
        return Sample(at=0.0, message="m", topic="x", partition=0, offset=offset)

    incident = counted(None, signal([1], samples=[sample(1)], trace_ids=["a"]), policy)
    incident = counted(
        incident, signal([1, 2], samples=[sample(1), sample(2)], trace_ids=["a", "b"]), policy
    )
    assert incident is not None
    assert [found.offset for found in incident.samples] == [1, 2]
    incident = counted(incident, signal([3], samples=[sample(3)], trace_ids=["c"]), policy)
    assert incident is not None
    assert [found.offset for found in incident.samples] == [1, 3]
    assert incident.trace_ids == ["b", "c"]


def test_signals_merged_hold_all_offsets_in_order_and_the_worst_of_everything() -> None:
    one = signal([1, 5], windows={0: [1, 5]}, max_score=0.9)
    two = signal([2, 6], windows={0: [2], 900: [6]}, severity=Severity.CRITICAL, max_score=0.99)
    both = merged([one, two])
    assert both.windows == {0: [1, 2, 5], 900: [6]}
    assert (both.fingerprint, both.severity, both.max_score) == (
        one.fingerprint,
        Severity.CRITICAL,
        0.99,
    )
    assert (both.first_seen, both.last_seen) == (1.0, 6.0)
