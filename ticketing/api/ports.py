"""What the API needs of others, so that they can be swapped and it can be tested alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from aiohttp import web

from ticketing import metrics
from ticketing.config import Config
from ticketing.dead_letters.reading import Entry, Page, Wanted
from ticketing.dead_letters.redrive import Redriven
from ticketing.domain.signals import Command
from ticketing.view.store import ViewStore


class Commands(Protocol):
    """The way of a command to the incidents' writer."""

    async def send(self, command: Command) -> None:
        """Return once the command is durable.

        Raises ValueError for what is no incident id, Unavailable when it could not be sent.
        """


class Checks(Protocol):
    """Tries connections without side effects; answers are bodies of the API, ready to send."""

    async def test_connection(self, platform: str) -> dict[str, Any]:
        """`{status: "ok"|"error", platform, message}`."""

    async def test_llm(self) -> dict[str, Any]:
        """`{status: "ok"|"error", provider, model, message}`."""

    async def llm_status(self) -> dict[str, Any]:
        """`{provider, model, circuit, calls, failures, cost, ...}`; raises Unavailable."""


class DeadLetters(Protocol):
    """The dead letters and the way back; errors are those of ticketing.dead_letters.redrive."""

    async def page(self, wanted: Wanted, limit: int, cursor: str | None) -> Page:
        """Some of them, newest first; raises ValueError for a bad cursor."""

    async def get(self, id: str) -> tuple[Entry, Redriven | None]:
        """One of them, and what became of it."""

    async def redrive(self, id: str, by: str) -> Redriven:
        """Try it again."""


Readiness = Callable[[], "list[str] | Awaitable[list[str]]"]
"""Why the worker is not ready, a sentence each; empty when it is."""


Render = Callable[[], bytes]
"""The worker's metrics as Prometheus's text. May read files: call it in a thread."""


@dataclass(frozen=True)
class WorkerStatus:
    """The part that every listener answers for: is the worker well, and what are its figures."""

    config: Config
    readiness: Readiness
    render: Render = metrics.render


STATUS: web.AppKey[WorkerStatus] = web.AppKey("status", WorkerStatus)


def status(request: web.Request) -> WorkerStatus:
    """The worker's status, of the request's application."""
    return request.config_dict[STATUS]


@dataclass(frozen=True)
class Services:
    """Everything else a request handler of the API may reach."""

    config: Config
    store: ViewStore
    commands: Commands
    checks: Checks | None = None
    dead_letters: DeadLetters | None = None
    command_seconds_max: float = 10.0
    """How long a request waits for the outcome of its command."""


SERVICES: web.AppKey[Services] = web.AppKey("services", Services)


def services(request: web.Request) -> Services:
    """The services of a request's application."""
    return request.config_dict[SERVICES]
