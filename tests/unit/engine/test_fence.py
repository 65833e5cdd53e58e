"""A worker that slept for longer than its session writes no more, whatever it slept by."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ticketing.engine import boottime as module
from ticketing.engine.boottime import boottime
from ticketing.engine.fence import Fence


class Machine:
    """The clocks of a machine that may be suspended."""

    def __init__(self) -> None:
        self.running = self.suspended = 0.0

    def monotonic(self) -> float:
        return self.running

    def clock_gettime(self, which: int) -> float:
        assert which == self.CLOCK_BOOTTIME
        return self.running + self.suspended

    CLOCK_BOOTTIME = 7


def fenced(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> tuple[Fence, list[str]]:
    monkeypatch.setattr(module, "time", machine)
    left: list[str] = []
    fence = Fence(10.0, leave=lambda why, reason: left.append(reason))
    heard_at = boottime()
    fence._heard_at = lambda: heard_at
    return fence, left


@pytest.mark.parametrize(("running", "suspended"), [(10.1, 0.0), (0.0, 10.1), (5.0, 5.1)])
def test_a_session_that_is_over_ends_the_process(
    running: float, suspended: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine()
    fence, left = fenced(machine, monkeypatch)
    machine.running, machine.suspended = running, suspended
    fence.check()
    assert left == ["asleep"]


def test_within_the_session_nothing_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine()
    fence, left = fenced(machine, monkeypatch)
    machine.running, machine.suspended = 4.0, 5.9
    fence.check()
    assert left == []


def test_a_system_without_that_clock_has_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    lacking: Any = SimpleNamespace(monotonic=lambda: 5.0)
    monkeypatch.setattr(module, "time", lacking)
    assert boottime() == 5.0


async def test_no_request_of_the_producer_passes_the_fence(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine()
    fence, left = fenced(machine, monkeypatch)
    sent: list[str] = []

    async def send(what: str) -> None:
        assert not left, "it has left by then"
        sent.append(what)

    client = SimpleNamespace(send=send)
    consumer = SimpleNamespace(heard_at=boottime())
    app = SimpleNamespace(
        consumer=consumer, producer=SimpleNamespace(_producer=SimpleNamespace(client=client))
    )
    fence.attach(app)
    await client.send("in time")
    machine.suspended = 60.0
    with pytest.raises(AssertionError):
        await client.send("late")
    assert sent == ["in time"]
