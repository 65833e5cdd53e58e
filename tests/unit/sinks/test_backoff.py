"""Waits grow, stay inside their bounds, and are the same for the same seed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sinks.backoff import Backoff

BACKOFF = Backoff(first=1.0, cap=120.0, floor=0.2)


@given(failures=st.integers(-5, 10**6), seed=st.text(max_size=20))
def test_a_wait_is_inside_its_bounds(failures: int, seed: str) -> None:
    assert 0.2 <= BACKOFF.seconds(failures, seed) <= 120.0


@given(failures=st.integers(1, 6), seed=st.text(max_size=20))
def test_the_bound_doubles_with_every_failure(failures: int, seed: str) -> None:
    assert BACKOFF.seconds(failures, seed) <= 2.0 ** (failures - 1)


def test_the_same_seed_waits_as_long() -> None:
    assert BACKOFF.seconds(5, "incident:3") == BACKOFF.seconds(5, "incident:3")


def test_many_that_fail_together_do_not_come_back_together() -> None:
    waits = {round(BACKOFF.seconds(8, f"incident-{number}")) for number in range(200)}
    assert len(waits) > 50
