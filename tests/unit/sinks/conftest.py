"""Desks of any platform on a sandbox that records its requests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.contract import Desks, desks_on_a_sandbox
from support.life import Clock


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "requests.jsonl"


@pytest.fixture
async def desks(record: Path) -> AsyncIterator[Desks]:
    async with desks_on_a_sandbox(Clock(), record) as made:
        yield made
