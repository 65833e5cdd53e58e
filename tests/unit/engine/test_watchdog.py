"""The watchdog: what hangs is said, what is merely slow or idle is left alone."""

from __future__ import annotations

import queue
from types import SimpleNamespace
from typing import Any

import pytest

from ticketing import worker
from ticketing.engine.watchdog import Watchdog


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watchdog(clock: Clock) -> Watchdog:
    return Watchdog(batch_seconds_max=60, clock=clock)


def test_a_batch_that_hangs_is_a_reason_to_leave(watchdog: Watchdog, clock: Clock) -> None:
    with watchdog.batch("detection"):
        clock.now = 60
        assert watchdog.verdict() is None
        clock.now = 61
        assert watchdog.verdict() == "detection has handled one batch for 61 s"
    assert watchdog.verdict() is None


def test_a_batch_that_says_it_is_alive_may_take_long(watchdog: Watchdog, clock: Clock) -> None:
    with watchdog.batch("view"):
        clock.now = 50
        watchdog.alive("view")
        clock.now = 100
        assert watchdog.verdict() is None


def test_batches_that_nobody_takes_are_a_reason_to_leave(watchdog: Watchdog, clock: Clock) -> None:
    waiting = True
    watchdog.add(watchdog.undelivered(lambda: waiting))
    clock.now = 59
    assert watchdog.verdict() is None
    clock.now = 61
    assert watchdog.verdict() == "batches have waited 61 s and no agent takes them"
    waiting = False
    assert watchdog.verdict() is None
    clock.now = 1000
    assert watchdog.verdict() is None, "nothing waits: idle is not stuck"


def test_batches_that_wait_behind_others_are_none(watchdog: Watchdog, clock: Clock) -> None:
    watchdog.add(watchdog.undelivered(lambda: True))
    for second in range(0, 300, 30):
        clock.now = second
        with watchdog.batch("detection"):
            pass
        assert watchdog.verdict() is None


def test_an_orphaned_worker_leaves_before_its_app_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: queue.Queue[tuple[str, str]] = queue.Queue()
    watchdog = Watchdog(leave=lambda *told: said.put(told))
    monkeypatch.setenv(worker.PARENT_VARIABLE, "0")
    unheard = SimpleNamespace(connect=lambda receiver, **_: receiver)
    app: Any = SimpleNamespace(
        watchdog=watchdog,
        task=lambda body: None,
        on_partitions_assigned=unheard,
        on_before_shutdown=unheard,
    )
    worker._attach(app, "traces")
    try:
        assert said.get(timeout=30) == ("the supervisor is gone", "orphaned")
    finally:
        watchdog.stop()
