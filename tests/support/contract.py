"""What the contract suite must be told about a platform, and the desk at which it is tested.

A platform joins by a file `tests/contract/platforms/<name>.py` with a list `SUBJECTS`.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.life import Clock, Life
from support.story import Story

from sinks.calls.outcome import Refused, RetryAfter, Unknown
from sinks.platforms import create
from tables.deliveries import Operation
from ticketing.config import Config, secrets_of
from ticketing.domain.incidents.incident import Status
from ticketing.sandbox.credentials import sandbox_config
from ticketing.sandbox.server import Sandbox, start
from ticketing.sandbox.tickets import Ticket

OUTCOMES: dict[int, type] = {
    302: Refused,
    400: Refused,
    401: Refused,
    402: Refused,
    403: Refused,
    404: Refused,
    405: Refused,
    408: RetryAfter,
    410: Refused,
    413: Refused,
    422: Refused,
    425: RetryAfter,
    429: RetryAfter,
    500: Unknown,
    502: Unknown,
    503: Unknown,
    504: Unknown,
}
"""What a status means on every platform that does not say otherwise."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer that the sandbox does not give, and what it must be taken for."""

    status: int
    body: str
    outcome: type
    operation: Operation = Operation.CREATE
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A platform in one of its shapes.

    `section` is laid over the sandbox's configuration of the platform; `states` says in which
    state of the sandbox a ticket is for each of ours; `texts` gives everything a reader sees of
    a ticket, its comments included.
    """

    name: str
    platform: str
    texts: Callable[[Ticket], list[str]]
    section: Callable[[str], dict[str, Any]] = lambda base: {}
    without: tuple[str, ...] = ()
    """Keys of the sandbox's section that are left out."""
    states: Mapping[Status, str] = field(
        default_factory=lambda: {
            Status.OPEN: "open",
            Status.ACKNOWLEDGED: "acknowledged",
            Status.ESCALATED: "escalated",
            Status.RESOLVED: "resolved",
        }
    )
    comments: bool = True
    """Whether what people say and do can be read on the ticket."""
    comments_unread: bool = False
    """Its comments can't be read: one of unknown outcome may stand there twice, the second marked."""
    raises: Callable[[Ticket], bool] | None = None
    """Whether a ticket shows that its severity is critical."""
    escalates: Callable[[Ticket], bool] | None = None
    """Whether a ticket was escalated, beyond its state."""
    reopens_anew: bool = False
    """A resolved ticket stays so: an incident that is reopened gets another."""
    pages_anew: bool = False
    """To page again about what was acknowledged needs another ticket."""
    recreates: bool = False
    """What a person closed or deleted is opened again by the next alarm."""
    message_only: bool = False
    """Every change is a message of its own, and an unknown outcome is repeated, marked."""
    marked: Callable[[Ticket], bool] = lambda ticket: False
    """Whether a message says that it may be a repeat."""
    person: frozenset[str] = frozenset({"close", "reopen", "delete"})
    """What a person can do to a ticket there."""
    queues: bool = False
    """Its good answer to a write is 202, so that the fault `queued` says nothing of its own."""
    outcomes: Mapping[int, type] = field(default_factory=dict)
    """Where this platform's statuses mean something else than elsewhere."""
    retry_after: bool = True
    """Whether its 429 says how long to wait."""
    replies: tuple[Reply, ...] = ()
    wrong: Mapping[str, Any] = field(default_factory=dict)
    """Settings with which a test of the connection must fail; none: it can't tell."""

    installations: tuple[Mapping[str, Any], ...] = ()
    """Switches of the stand-in under which an incident's ticket must be as true as without them."""

    prepare: Callable[[Any, Clock], None] = lambda platform, clock: None
    """Gives the platform the test's clock, if it looks at one."""

    def outcome_of(self, status: int) -> type:
        """What a status must be taken for."""
        return {**OUTCOMES, **self.outcomes}[status]

    def config(self, base: str, settings: Mapping[str, Any] | None = None, **more: Any) -> Config:
        """The configuration that points this platform at an address; None leaves a setting out.

        `settings` are those beside the platform's section, `more` those in it.
        """
        given = {**sandbox_config(base)[self.platform], **self.section(base)}
        kept = {key: value for key, value in given.items() if key not in self.without}
        section = {key: value for key, value in {**kept, **more}.items() if value is not None}
        return Config.model_validate({**(settings or {}), self.platform: section})


def subjects() -> list[Subject]:
    """Every platform that has a file, in the order of the names."""
    found: list[Subject] = []
    folder = Path(__file__).parents[1] / "contract" / "platforms"
    for file in sorted(folder.glob("[a-z]*.py")):
        found += importlib.import_module(f"contract.platforms.{file.stem}").SUBJECTS
    return found


class Desk:
    """One platform, its adapter in memory, the sandbox, and an incident that lives through it."""

    def __init__(self, subject: Subject, sandbox: Sandbox, clock: Clock, config: Config) -> None:
        self.subject = subject
        self.sandbox = sandbox
        self.config = config
        self.secrets = secrets_of(config)
        self.story = Story(clock)
        platform = create(subject.platform, config, lambda: None)
        subject.prepare(getattr(platform, "platform", platform), clock)
        self.life = Life(platform, clock=clock)

    def tickets(self) -> list[Ticket]:
        """The platform's tickets for the incident, oldest first, without deleted ones."""
        shown = self.sandbox.tickets(self.subject.platform)
        found = [self.sandbox.ticket(self.subject.platform, one["id"]) for one in shown]
        return [one for one in found if one is not None and not one.deleted]

    def ticket(self) -> Ticket:
        """The newest."""
        return self.tickets()[-1]

    def texts(self) -> str:
        """Everything that can be read on the incident's tickets."""
        return "\n".join(text for one in self.tickets() for text in self.subject.texts(one))

    def fault(self, mode: str, **fields: Any) -> None:
        """From now on the platform misbehaves."""
        self.sandbox.set_fault(self.subject.platform, mode, **fields)

    def behaves(self, **switches: Any) -> None:
        """From now on the platform has other settings of its own."""
        self.sandbox.set_behaviours(self.subject.platform, **switches)

    def person(self, action: str) -> None:
        """A person does something to the ticket on the platform."""
        self.sandbox.act(self.subject.platform, self.ticket().id, action)

    def requests(self) -> int:
        """How many requests the platform has got."""
        return self.sandbox.requests(self.subject.platform)

    def is_true(self, status: Status, *, episodes: int = 1, pages: int = 0) -> None:
        """The platform shows the incident as it is: nothing twice, nothing refused or left over.

        `episodes`: how often it was opened or reopened; `pages`: how often people were paged again
        after an acknowledgement.
        """
        assert not self.life.dead_letters, self.life.dead_letters
        found = self.tickets()
        assert found, "there is no ticket"
        assert self.ticket().state == self.subject.states[status]
        if self.subject.message_only:
            return
        known = episodes if self.subject.reopens_anew else 1
        known += pages if self.subject.pages_anew else 0
        assert len(found) == known, [(one.id, one.state) for one in found]
        assert all(one.correlation == self.story.incident.id for one in found)
        assert all(one.state == self.subject.states[Status.RESOLVED] for one in found[:-1])


class Desks:
    """Desks for any subject, on one sandbox."""

    def __init__(self, sandbox: Sandbox, clock: Clock) -> None:
        self.sandbox = sandbox
        self._clock = clock
        self._open: list[Desk] = []

    def open(
        self,
        subject: Subject,
        *,
        base: str = "",
        settings: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Desk:
        """A desk with more settings, and at another address than the sandbox's if one is given."""
        config = subject.config(base or self.sandbox.url, settings, **more)
        self._open.append(Desk(subject, self.sandbox, self._clock, config))
        return self._open[-1]


@asynccontextmanager
async def desks_on_a_sandbox(clock: Clock, record: Path | None = None) -> AsyncIterator[Desks]:
    """Desks on a running sandbox that writes the requests into `record`."""
    sandbox = await start(clock=clock, record=record)
    desks = Desks(sandbox, clock)
    yield desks
    for desk in desks._open:
        await desk.life.close()
    await sandbox.stop()


def requests(record: Path, method: str, path: str = "") -> list[dict[str, Any]]:
    """The recorded requests of a method to paths that end so."""
    rows = [json.loads(row) for row in record.read_text().splitlines()]
    return [row for row in rows if row["method"] == method and row["path"].endswith(path)]
