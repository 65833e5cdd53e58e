"""The interfaces that the API depends on, so that tests can replace them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from aiohttp import web

from ticketing import metrics
from ticketing.api.balance import Records
from ticketing.api.fleet import FleetSeen
from ticketing.config import Config
from ticketing.dead_letters.reading import Entry, Page, Wanted
from ticketing.dead_letters.redrive import Redriven
from ticketing.domain.events import Command
from ticketing.view.store import ViewStore


class Commands(Protocol):
    """The sender of commands to the incidents' writer."""

    async def send(self, command: Command) -> None:
        """Send a command; returns once it is durable.

        Raises ValueError for an invalid incident id, Unavailable when the broker does not take it.
        """


class Checks(Protocol):
    """Tests connections without side effects; returns bodies of the API, ready to send."""

    async def test_connection(self, platform: str) -> dict[str, Any]:
        """`{status: "ok"|"error", platform, message}`."""

    async def test_llm(self) -> dict[str, Any]:
        """`{status: "ok"|"error", provider, model, message}`."""

    async def llm_status(self) -> dict[str, Any]:
        """`{provider, model, circuit, calls, failures, cost, ...}`; raises Unavailable."""


class DeadLetters(Protocol):
    """Reads and redrives dead letters; raises the errors of ticketing.dead_letters.redrive."""

    async def page(self, wanted: Wanted, limit: int, cursor: str | None) -> Page:
        """A page of letters, newest first; raises ValueError for a bad cursor."""

    async def get(self, id: str) -> tuple[Entry, Redriven | None]:
        """A letter, and its redrive if any."""

    async def redrive(self, id: str, by: str) -> Redriven:
        """Redrive a letter."""

    async def retry(self, incident_id: str, platform: str, by: str) -> str:
        """Let a platform try the ticket of an incident again; returns the place of the wish."""


class Balance(Protocol):
    """The balance of the records over all workers."""

    async def read(self) -> Records | None:
        """The records by what became of them; None while Kafka does not answer."""


class Fleet(Protocol):
    """The roles of the whole installation."""

    async def read(self) -> FleetSeen:
        """The fleet as it is now."""


Readiness = Callable[[], "list[str] | Awaitable[list[str]]"]
"""Returns the reasons why the worker is not ready, a sentence each; empty for a ready worker."""


Render = Callable[[], bytes]
"""The worker's metrics as Prometheus's text. May read files: call it in a thread."""


@dataclass(frozen=True)
class WorkerStatus:
    """The status of a worker: its configuration, readiness and metrics."""

    config: Config
    readiness: Readiness
    render: Render = metrics.render


STATUS: web.AppKey[WorkerStatus] = web.AppKey("status", WorkerStatus)


def status(request: web.Request) -> WorkerStatus:
    """The worker's status, from the request's application."""
    return request.config_dict[STATUS]


@dataclass(frozen=True)
class Services:
    """The services of the API's request handlers."""

    config: Config
    store: ViewStore
    commands: Commands
    checks: Checks | None
    dead_letters: DeadLetters | None
    balance: Balance | None
    command_seconds_max: float
    """Limit of a request's wait for the outcome of its command."""


SERVICES: web.AppKey[Services] = web.AppKey("services", Services)


def services(request: web.Request) -> Services:
    """The services of a request's application."""
    return request.config_dict[SERVICES]
