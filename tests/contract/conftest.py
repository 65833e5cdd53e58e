"""Every platform that joined, and a desk for each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from support.contract import Desk, Subject, subjects
from support.life import Clock

from sinks.calls.limits import Limits
from ticketing.sandbox.server import start

SUBJECTS = subjects()
OpenDesk = Callable[..., Awaitable[Desk]]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "only(predicate): for the platforms of which it is true")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Once for every platform, or for those that the mark `only` chooses."""
    if "subject" in metafunc.fixturenames:
        mark = metafunc.definition.get_closest_marker("only")
        chosen = [one for one in SUBJECTS if mark is None or mark.args[0](one)]
        metafunc.parametrize("subject", chosen, ids=[one.name for one in chosen], scope="function")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time of everything, the pauses that platforms ask for included."""
    made = Clock()
    monkeypatch.setattr(
        "sinks.calls.http.limits_for",
        lambda config, name: Limits(name, "1000000/second", clock=made),
    )
    return made


@pytest.fixture
async def open_desk(subject: Subject, clock: Clock) -> AsyncIterator[OpenDesk]:
    """Opens desks with other settings of the platform, or at another address than the sandbox's."""
    sandbox = await start(clock=clock)
    desks: list[Desk] = []

    async def opened(*, base: str = "", **more: Any) -> Desk:
        desk = Desk(subject, sandbox, clock, subject.config(base or sandbox.url, **more))
        desks.append(desk)
        return desk

    yield opened
    for desk in desks:
        await desk.life.close()
    await sandbox.stop()


@pytest.fixture
async def desk(open_desk: OpenDesk) -> Desk:
    return await open_desk()
