"""Waiting for a condition, with a deadline: tests never sleep for luck."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

T = TypeVar("T")

FIRST_PAUSE_SECONDS = 0.001
"""Unit tests must not be slowed down by looking: most conditions hold within milliseconds."""
PAUSE_SECONDS_MAX = 0.1
"""Kafka, Redis and the API, which many conditions ask, must not be kept busy by questions."""


def wait_for(
    condition: Callable[[], T], what: str | Callable[[], str], seconds: float = 120.0
) -> T:
    """The first true value of `condition`; AssertionError after the deadline.

    `what` names the awaited state for the error's text; a callable is asked for the text then.
    """
    found = None
    for pause in _pauses(seconds):
        found = condition()
        if found:
            return found
        time.sleep(pause)
    raise _late(found, what, seconds)


async def until(
    condition: Callable[[], Any], what: str | Callable[[], str], seconds: float = 90.0
) -> Any:
    """As `wait_for`, while the event loop goes on.

    The condition is called in a thread, since it may block; a coroutine function is awaited in the
    loop.
    """
    found = None
    in_loop = inspect.iscoroutinefunction(condition)
    for pause in _pauses(seconds):
        found = await condition() if in_loop else await asyncio.to_thread(condition)
        if found:
            return found
        await asyncio.sleep(pause)
    raise _late(found, what, seconds)


def _pauses(seconds: float) -> Iterator[float]:
    """How long to pause before each next look, ever longer, until the time is over."""
    deadline = time.monotonic() + seconds
    pause = FIRST_PAUSE_SECONDS
    while time.monotonic() <= deadline:
        yield pause
        pause = min(2 * pause, PAUSE_SECONDS_MAX)


def _late(found: object, what: str | Callable[[], str], seconds: float) -> AssertionError:
    said = what() if callable(what) else what
    return AssertionError(f"waited {seconds:g} s for {said}; last seen: {found!r}")
