"""A browser, and the console on a view that the test fills, once a module."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser
from support.browser import chromium
from support.console import Console
from support.redis import RedisServer


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for pages of their own sessions."""
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def console(redis_server: RedisServer) -> Iterator[Console]:
    """The console on an empty view; a test that stops it starts it again."""
    found = Console(redis_server.url, f"console-{uuid.uuid4().hex[:12]}")
    found.empty()
    found.start()
    yield found
    found.close()
