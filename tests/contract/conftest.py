"""Every platform that joined, and a desk for each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial

import pytest
from support.contract import Desk, Subject, desks_on_a_sandbox, subjects
from support.life import Clock

from sinks.calls.limits import Limits

SUBJECTS = subjects()
OpenDesk = Callable[..., Desk]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "only(predicate): for the platforms of which it is true")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Once for every platform, or for those that the mark `only` chooses."""
    if "subject" in metafunc.fixturenames:
        mark = metafunc.definition.get_closest_marker("only")
        chosen = [one for one in SUBJECTS if mark is None or mark.args[0](one)]
        if "switches" in metafunc.fixturenames:
            pairs = [(one, switches) for one in chosen for switches in one.installations]
            names = [f"{one.name}-{'-'.join(switches)}" for one, switches in pairs]
            metafunc.parametrize(("subject", "switches"), pairs, ids=names, scope="function")
            return
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
    async with desks_on_a_sandbox(clock) as desks:
        yield partial(desks.open, subject)


@pytest.fixture
def desk(open_desk: OpenDesk) -> Desk:
    return open_desk()
