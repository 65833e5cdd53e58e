"""Notes if the work on an operation has sent anything that may have taken effect."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

READING = frozenset({"GET", "HEAD"})
"""Methods that change nothing on any platform."""


@dataclass(slots=True)
class Sending:
    """One operation; `changed` is true once a request that may change something was sent."""

    changed: bool = False


_current: ContextVar[Sending | None] = ContextVar("sending", default=None)


@contextmanager
def noting() -> Iterator[Sending]:
    """Note the requests that are sent inside, also by tasks that begin there."""
    sending = Sending()
    token = _current.set(sending)
    try:
        yield sending
    finally:
        _current.reset(token)


def note(method: str) -> None:
    """A request of this method is about to be sent."""
    sending = _current.get()
    if sending is not None and method not in READING:
        sending.changed = True
