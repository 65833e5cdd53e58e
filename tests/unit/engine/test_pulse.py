"""The pulse of a process: what it says, and that nobody waits for it."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
import structlog
from support.waiting import until

from ticketing.engine import pulse as pulses
from ticketing.engine.pulse import PulseSender, undescribed
from ticketing.wire.pulses import Circuit, Pulse, decode_pulse
from ticketing.wire.topics import PULSES


class Signal:
    def __init__(self) -> None:
        self.handlers: list[Any] = []

    def connect(self, handler: Any, *, weak: bool) -> None:
        assert not weak
        self.handlers.append(handler)

    async def fire(self) -> None:
        for handler in self.handlers:
            await handler(None)


class Producer:
    """A producer that takes messages, refuses them, or never answers."""

    def __init__(self) -> None:
        self.taken: list[Pulse] = []
        self.fails = False
        self.silent = False

    async def send(self, topic: str, key: bytes, value: bytes, partition: int, *_: Any) -> Any:
        assert (topic, partition) == (PULSES, 0)
        if self.fails:
            raise ConnectionError("no broker")
        sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not self.silent:
            found = decode_pulse(value)
            assert found is not None
            assert found.role == key.decode()
            self.taken.append(found)
            sent.set_result(None)
        return sent


class App:
    def __init__(self) -> None:
        self.producer = Producer()
        self.should_stop = False
        self.described: Any = undescribed
        self.on_partitions_assigned, self.on_before_shutdown = Signal(), Signal()
        self.running: list[asyncio.Future[None]] = []

    def add_future(self, coroutine: Any) -> None:
        self.running.append(asyncio.ensure_future(coroutine))

    async def sleep(self, _: float) -> None:
        await asyncio.sleep(0)


def sender(app: App, ready: list[bool]) -> PulseSender:
    return PulseSender(app, "slack", lambda: ready[-1], clock=lambda: 5.0)


async def test_a_pulse_tells_the_readiness_and_what_the_role_adds() -> None:
    app, ready = App(), [False]
    app.described = lambda pulse: msgspec.structs.replace(pulse, circuit=Circuit(3.0, "timeout"))
    one = sender(app, ready)
    await one.send()
    ready.append(True)
    await one.send()
    first, second = app.producer.taken
    assert (first.ready, second.ready) == (False, True)
    assert first.circuit == Circuit(3.0, "timeout")
    assert first.worker == second.worker
    assert first.started_at == 5.0


async def test_pulses_begin_once_with_the_first_partitions_and_the_last_says_that_it_ends() -> None:
    app = App()
    sender(app, [True]).attach()
    await app.on_before_shutdown.fire()
    assert app.producer.taken == [], "it never began"
    await app.on_partitions_assigned.fire()
    await app.on_partitions_assigned.fire()
    assert len(app.running) == 1
    await until(lambda: len(app.producer.taken) > 2, "a few pulses")
    app.should_stop = True
    await app.running[0]
    await app.on_before_shutdown.fire()
    last = app.producer.taken[-1]
    assert (last.ends, last.ready) == (True, False)


async def test_a_failure_is_logged_once_in_a_row_and_ends_nothing() -> None:
    app = App()
    one = sender(app, [True])
    app.producer.fails = True
    with structlog.testing.capture_logs() as logs:
        await one.send()
        await one.send()
        app.producer.fails = False
        await one.send()
        app.producer.fails = True
        await one.send()
    assert [entry["event"] for entry in logs] == ["pulse_not_sent"] * 2


async def test_a_process_that_stops_waits_for_no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulses, "LAST_SECONDS_MAX", 0.01)
    app = App()
    sender(app, [True]).attach()
    await app.on_partitions_assigned.fire()
    app.should_stop = True
    await app.running[0]
    app.producer.silent = True
    await asyncio.wait_for(app.on_before_shutdown.fire(), 5.0)


@pytest.mark.parametrize("value", [None, b"", b"\xff", b"{}", b'{"role": 1}'])
def test_what_is_no_pulse_is_none(value: bytes | None) -> None:
    assert decode_pulse(value) is None
