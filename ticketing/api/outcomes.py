"""Sends commands and waits for their outcomes in the view."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from ticketing.api.problems import unavailable
from ticketing.api.services import Services
from ticketing.domain.events import Action, Command
from ticketing.errors import NotFound, Unavailable
from ticketing.view.times import iso

POLL_SECONDS = 0.05
"""Adds little to a command's way through Kafka and back; one round trip to Redis a look."""
SENDING_MAX = 32
"""Commands of one request in flight to the broker: quick, and other requests get their turn."""
MERGES_MAX = 100
"""Bounds a chain of merges, far above what people do to one incident."""
DELETED = "deleted"
"""Stands for the status of an incident that is gone for good."""


class Outcome(msgspec.Struct):
    """The outcome of a command in the view."""

    id: str
    applied: bool
    status: str
    at: str
    reason: str = ""
    action: str | None = None
    """None where an older release decided."""


class Shown(msgspec.Struct, rename="camel"):
    """The part of an incident's document with the outcomes of commands."""

    id: str
    status: str
    tenant_id: str = ""
    merged_into: str | None = None
    alerts_firing: int = 0
    commands: list[Outcome] = msgspec.field(default_factory=list)
    escalated_to: list[str] = msgspec.field(default_factory=list)
    assignees: list[str] = msgspec.field(default_factory=list)
    snoozed_until: str | None = None

    def outcome_of(self, command_id: str) -> Outcome | None:
        """The outcome of a command; None before."""
        return next((outcome for outcome in self.commands if outcome.id == command_id), None)


_shown = msgspec.json.Decoder(Shown)


@dataclass
class _Waiting:
    """A command without a known outcome, and the incident that is to show the outcome."""

    command: Command
    at: str
    """The incident named, or the one that it was merged into."""
    seen: int = -1
    """The revision of that incident that was looked at."""
    sent: bool = False


@dataclass(frozen=True)
class Ended:
    """A command with its outcome and the incident after it."""

    command: Command
    outcome: Outcome
    shown: Shown


@dataclass(frozen=True)
class Late:
    """A command that Kafka holds, without a known outcome after some seconds."""

    command: Command
    seconds: float

    def body(self) -> dict[str, Any]:
        """The answer to the command."""
        detail = (
            f"The command was accepted, but its outcome is not known after {self.seconds:g} s; it"
            " may still apply. Look at the incident again, or repeat the command with the header"
            " Idempotency-Key set to commandId."
        )
        return {"id": self.command.incident_id, "commandId": self.command.id, "detail": detail}


Result = Ended | Late | Exception
"""The outcome of a command, or what is there in its place."""


async def perform(
    services: Services, commands: Sequence[Command], seconds: float
) -> dict[str, Result]:
    """Send commands, one per incident, and wait for all outcomes; the results by incident.

    Waits `seconds` at most once Kafka holds them. Safe to repeat: a command whose outcome the
    incident already shows is not sent again.
    """
    results: dict[str, Result] = {}
    waiting = {command.incident_id: _Waiting(command, command.incident_id) for command in commands}
    await _look(services, waiting, results)
    await _send_all(services, waiting, results)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while waiting and loop.time() < deadline:
        await asyncio.sleep(POLL_SECONDS)
        await _look(services, waiting, results)
    for id, one in waiting.items():
        results[id] = Late(one.command, seconds)
    return results


async def outcome_of(
    services: Services, incident_id: str, command_id: str, sees: Callable[[str], bool]
) -> Outcome:
    """The outcome of a command to an incident, wherever its alerts are now.

    `sees` says of a tenant whether the sender may know. Raises NotFound for an unknown incident or
    outcome.
    """
    at: str | None = incident_id
    for _ in range(MERGES_MAX):
        document = await services.store.get(at) if at else None
        shown = None if document is None else _shown.decode(document)
        if shown is None or not sees(shown.tenant_id):
            break
        outcome = shown.outcome_of(command_id)
        if outcome is not None:
            return outcome
        at = shown.merged_into
        if at is None:
            raise NotFound(
                "No outcome of this command is known: it is not decided yet, never came, or is not"
                " among the incident's latest any more."
            )
    raise NotFound(f"There is no incident {incident_id}.")


async def _look(
    services: Services, waiting: dict[str, _Waiting], results: dict[str, Result]
) -> None:
    """Settle commands with an outcome or an unknown incident.

    The outcome of a command to a merged incident stands in the one that took its alerts, perhaps
    along a chain.
    """
    looking = list(waiting.items())
    while looking:
        looking = await _look_once(services, looking, waiting, results)


async def _look_once(
    services: Services,
    looking: list[tuple[str, _Waiting]],
    waiting: dict[str, _Waiting],
    results: dict[str, Result],
) -> list[tuple[str, _Waiting]]:
    """As `_look`, one incident a command; returns the commands that were led to another one."""
    led = []
    revisions = await services.store.revisions([one.at for _, one in looking])
    for (id, one), revision in zip(looking, revisions, strict=True):
        if revision is not None and revision == one.seen:
            continue
        document = None if revision is None else await services.store.get(one.at)
        if document is None:
            results[id] = _gone(one)
            del waiting[id]
            continue
        shown = _shown.decode(document)
        if not one.command.sees(shown.tenant_id):
            results[id] = NotFound(f"There is no incident {id}.")
            del waiting[id]
            continue
        outcome = shown.outcome_of(one.command.id)
        if outcome is not None:
            results[id] = Ended(one.command, outcome, shown)
            del waiting[id]
        elif shown.merged_into:
            one.at, one.seen = shown.merged_into, -1
            led.append((id, one))
        else:
            one.seen = revision or 0
    return led


def _gone(one: _Waiting) -> Result:
    """The result of a command whose incident is not in the view: deleted as asked, or unknown."""
    command = one.command
    if command.action is not Action.DELETE or not one.sent:
        return NotFound(f"There is no incident {command.incident_id}.")
    done = Outcome(id=command.id, applied=True, status=DELETED, at=iso(time.time()))
    return Ended(command, done, Shown(id=command.incident_id, status=DELETED))


async def _send_all(
    services: Services, waiting: dict[str, _Waiting], results: dict[str, Result]
) -> None:
    gate = asyncio.Semaphore(SENDING_MAX)

    async def send(id: str, one: _Waiting) -> None:
        async with gate:
            failure = await _send(services, one.command)
        one.sent = failure is None
        if failure is not None:
            results[id] = failure
            del waiting[id]

    await asyncio.gather(*(send(id, one) for id, one in list(waiting.items())))


async def _send(services: Services, command: Command) -> Exception | None:
    try:
        await asyncio.wait_for(services.commands.send(command), services.command_seconds_max)
    except ValueError:
        return NotFound(f"There is no incident {command.incident_id}.")
    except Unavailable as error:
        return unavailable(
            f"{error}. The command may or may not have been sent: repeat it with the header"
            " Idempotency-Key set to commandId.",
            commandId=command.id,
        )
    except asyncio.TimeoutError:
        return unavailable(
            "The broker did not take the command in time. Repeat it with the header"
            " Idempotency-Key set to commandId.",
            commandId=command.id,
        )
    return None
