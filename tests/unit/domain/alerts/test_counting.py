"""Exact counts: runs cut any way, any suffix replayed any number of times."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.alerts import alert_policy_with, anomalies

from ticketing.domain.alerts.alert import Alert
from ticketing.domain.alerts.counting import HOUR_SECONDS, fresh_above
from ticketing.domain.alerts.episodes import counted
from ticketing.domain.signals import Anomalies, Sample

POLICY = alert_policy_with(lookback_window=900.0)


def signal(offsets: list[int], **fields: Any) -> Anomalies:
    buckets: dict[int, list[int]] = {}
    for offset in offsets:
        buckets.setdefault(900 * (offset * 7 % 3), []).append(offset)
    return anomalies("aa", **{"offsets": buckets, **fields})


def added(alert: Alert | None, found: Anomalies, mark: int = -1, policy: Any = POLICY) -> Alert:
    fresh = fresh_above(found, mark)
    assert fresh.count
    return counted(alert, found, fresh, 0.0, policy)


@given(
    st.sets(st.integers(0, 200), min_size=1),
    st.lists(st.tuples(st.integers(0, 200), st.integers(1, 60)), max_size=20),
)
def test_each_offset_counts_once_however_it_is_cut_and_replayed(
    anomalous: set[int], jumps: list[tuple[int, int]]
) -> None:
    """Each jump goes back to any point that was reached and reads on in a batch of another size."""
    reached, mark, alert = 0, -1, None
    for back, size in [*jumps, (0, 300)]:
        first = min(back, reached)
        end = first + size
        found = signal(sorted(offset for offset in anomalous if first <= offset < end))
        if fresh_above(found, mark).count:
            alert = added(alert, found, mark)
        reached, mark = max(reached, end), max(mark, end - 1)
    assert alert is not None
    assert alert.count == len(anomalous)
    assert sum(count for _, count in alert.windows) == len(anomalous)


def test_frames_count_and_stand_in_no_window() -> None:
    alert = added(None, signal([1], frames=[2, 3]))
    alert = added(alert, signal([1, 5], frames=[2, 3, 4, 6]), 3)
    assert (alert.count, alert.frames, alert.occurrences) == (6, 4, 2)
    assert sum(count for _, count in alert.windows) == 2
    assert sum(count for _, count in alert.minutes) == 2


def test_buckets_of_a_window_add_up_in_it() -> None:
    alert = added(None, anomalies("aa", offsets={880: [1], 900: [2], 960: [3, 4], 1799: [5]}))
    assert alert.windows == [(0, 1), (900, 4)]
    assert alert.minutes == [(840, 1), (900, 1), (960, 2), (1740, 1)]


def test_late_windows_are_sorted_in_and_the_oldest_dropped() -> None:
    policy = alert_policy_with(lookback_window=900.0, windows_kept=2)
    alert = added(None, anomalies("aa", offsets={900: [1]}), policy=policy)
    alert = added(alert, anomalies("aa", offsets={2700: [2]}), policy=policy)
    alert = added(alert, anomalies("aa", offsets={1800: [3], 0: [4]}), policy=policy)
    assert alert.windows == [(1800, 1), (2700, 1)]
    assert alert.count == 4


def test_minutes_are_those_of_the_first_hour() -> None:
    alert = added(None, anomalies("aa", offsets={600: [1]}))
    alert = added(alert, anomalies("aa", offsets={600 + HOUR_SECONDS: [2], 660: [3]}))
    assert alert.minutes == [(600, 1), (660, 1)]
    # A late record moves the beginning.
    alert = added(alert, anomalies("aa", offsets={0: [4]}))
    alert = added(alert, anomalies("aa", offsets={HOUR_SECONDS: [5]}))
    assert alert.minutes == [(0, 1), (600, 1), (660, 1)]


def test_event_times_may_come_in_any_order() -> None:
    alert = added(None, signal([1], first_seen=50.0, last_seen=60.0))
    alert = added(alert, signal([2], first_seen=10.0, last_seen=20.0))
    assert (alert.first_seen, alert.last_seen) == (10.0, 60.0)


def test_replayed_samples_are_kept_once_and_evidence_is_bounded() -> None:
    policy = alert_policy_with(samples_first_kept=1, samples_latest_kept=1, trace_ids_kept=2)

    def sample(offset: int) -> Sample:
        return Sample(at=0.0, message="m", topic="x", partition=0, offset=offset)

    alert = added(None, signal([1], samples=[sample(1)], trace_ids=["a"]), policy=policy)
    again = signal([1, 2], samples=[sample(1), sample(2)], trace_ids=["a", "b"])
    alert = added(alert, again, 1, policy)
    assert [found.offset for found in alert.samples] == [1, 2]
    alert = added(alert, signal([3], samples=[sample(3)], trace_ids=["c"]), 2, policy)
    assert [found.offset for found in alert.samples] == [1, 3]
    assert alert.trace_ids == ["b", "c"]
