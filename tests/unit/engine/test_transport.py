"""A heartbeat proves membership as of when it was asked, not of when its answer was read."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ticketing.engine import transport


async def test_an_answer_read_after_a_sleep_is_old(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0

    async def heartbeat() -> bool:
        nonlocal now
        now += 60.0  # stopped right here
        return True

    monkeypatch.setattr(transport.time, "monotonic", lambda: now)
    thread: Any = object.__new__(transport.BatchConsumerThread)
    coordinator = SimpleNamespace(_do_heartbeat=heartbeat)
    thread._consumer = SimpleNamespace(_coordinator=coordinator)
    thread._note_heartbeats()
    assert await coordinator._do_heartbeat()
    assert thread.heard_at == 100.0
