"""Waits between attempts: within their bounds, spread, and the same each time they are asked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sinks.calls.backoff import Backoff

BACKOFF = Backoff(first=1.0, cap=300.0, floor=0.2)


@given(failures=st.integers(0, 10**9), seed=st.text())
def test_a_wait_is_within_its_bounds_and_repeatable(failures: int, seed: str) -> None:
    wait = BACKOFF.seconds(failures, seed)
    assert 0.2 <= wait <= min(300.0, 2.0 ** min(max(failures - 1, 0), 10))
    assert BACKOFF.seconds(failures, seed) == wait


def test_waits_spread_below_a_bound_that_doubles() -> None:
    for failures, bound in ((1, 1.0), (4, 8.0), (9, 256.0), (10, 300.0), (99, 300.0)):
        waits = [BACKOFF.seconds(failures, f"incident-{number}") for number in range(2000)]
        assert 0.95 * bound < max(waits) <= bound
        assert sum(wait < bound / 2 for wait in waits) > 800, "full jitter: half of them come early"
