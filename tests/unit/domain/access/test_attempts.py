"""Failed attempts: a few are free, then the pause doubles; memory is bounded."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ticketing.domain.access.attempts import (
    FORGOTTEN_SECONDS,
    FREE_FAILURES,
    PAUSE_SECONDS_MAX,
    Attempts,
    address_key,
    pause_after,
)


def failing(attempts: Attempts, times: int, at: float = 0.0, key: str = "k") -> float:
    return [attempts.failed([key], at) for _ in range(times)][-1]


def test_the_first_failures_are_free() -> None:
    attempts = Attempts()
    assert failing(attempts, FREE_FAILURES - 1) == 0
    assert attempts.wait(["k"], 0.0) == 0


def test_the_pause_doubles_up_to_its_longest() -> None:
    attempts, waits, now = Attempts(), [], 0.0
    failing(attempts, FREE_FAILURES - 1)
    for _ in range(12):
        wait = attempts.failed(["k"], now)
        waits.append(wait)
        now += wait
    assert waits[:5] == [1, 2, 4, 8, 16]
    assert waits[-1] == PAUSE_SECONDS_MAX


def test_keys_wait_for_themselves_alone() -> None:
    attempts = Attempts()
    failing(attempts, FREE_FAILURES)
    assert attempts.wait(["other"], 0.0) == 0
    assert attempts.wait(["other", "k"], 0.0) == 1
    assert attempts.wait(["k"], 1.0) == 0


def test_an_old_series_is_forgotten() -> None:
    attempts = Attempts()
    failing(attempts, FREE_FAILURES)
    assert attempts.failed(["k"], FORGOTTEN_SECONDS + 2) == 0


def test_memory_is_bounded_and_the_latest_failures_are_kept() -> None:
    attempts = Attempts(kept_max=3)
    for number in range(50):
        failing(attempts, FREE_FAILURES, key=str(number))
    assert len(attempts) == 3
    assert attempts.wait(["49"], 0.0) == 1


@given(st.integers(0, 10**6))
def test_no_pause_is_longer_than_the_longest(failures: int) -> None:
    assert 0 <= pause_after(failures) <= PAUSE_SECONDS_MAX


def test_an_address_is_that_of_its_owner() -> None:
    assert address_key("::ffff:10.0.0.1") == address_key("10.0.0.1") == "address:10.0.0.1"
    assert (
        address_key("2001:db8::1") == address_key("2001:db8::ffff:1") != address_key("2001:db9::1")
    )
    assert address_key(None) == address_key("") == "address:"
