"""Sends commands and waits for their outcomes in the view."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from ticketing.api.problems import Problem, unavailable
from ticketing.api.services import Services
from ticketing.domain.events import Command
from ticketing.errors import NotFound, Unavailable

POLL_SECONDS = 0.05
"""Adds little to a command's way through Kafka and back; one round trip to Redis a look."""
SENDING_MAX = 32
"""Commands of one request in flight to the broker: quick, and other requests get their turn."""


class Outcome(msgspec.Struct):
    """The outcome of a command in the view."""

    id: str
    applied: bool
    status: str
    at: str
    reason: str = ""


class Shown(msgspec.Struct, rename="camel"):
    """The part of an incident's document with the outcomes of commands."""

    id: str
    status: str
    commands: list[Outcome] = msgspec.field(default_factory=list)
    escalated_to: list[str] = msgspec.field(default_factory=list)

    def outcome_of(self, command_id: str) -> Outcome | None:
        """The outcome of a command; None before."""
        return next((outcome for outcome in self.commands if outcome.id == command_id), None)


_shown = msgspec.json.Decoder(Shown)


@dataclass(frozen=True)
class Ended:
    """A command with its outcome and the incident after it."""

    command: Command
    outcome: Outcome
    shown: Shown


Result = Ended | Exception
"""The outcome of a command, or the error in its place."""


async def perform(services: Services, commands: Sequence[Command]) -> dict[str, Result]:
    """Send commands, one per incident, and wait for all outcomes; the results by incident.

    Safe to repeat: a command whose outcome the incident already shows is not sent again.
    """
    results: dict[str, Result] = {}
    waiting = {command.incident_id: command for command in commands}
    revisions = await _look(services, waiting, dict.fromkeys(waiting, -1), results)
    await _send_all(services, waiting, results)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + services.command_seconds_max
    while waiting and loop.time() < deadline:
        await asyncio.sleep(POLL_SECONDS)
        revisions = await _look(services, waiting, revisions, results)
    for id, command in waiting.items():
        results[id] = _late(command, services.command_seconds_max)
    return results


async def _look(
    services: Services,
    waiting: dict[str, Command],
    seen: Mapping[str, int],
    results: dict[str, Result],
) -> dict[str, int]:
    """Settle commands with an outcome or an unknown incident; returns the revisions seen."""
    ids = list(waiting)
    now = dict(seen)
    for id, revision in zip(ids, await services.store.revisions(ids), strict=True):
        if revision is not None and revision == seen[id]:
            continue
        document = None if revision is None else await services.store.get(id)
        if document is None:
            results[id] = NotFound(f"There is no incident {id}.")
            del waiting[id]
            continue
        shown = _shown.decode(document)
        outcome = shown.outcome_of(waiting[id].id)
        if outcome is not None:
            results[id] = Ended(waiting.pop(id), outcome, shown)
        now[id] = revision or 0
    return now


async def _send_all(
    services: Services, waiting: dict[str, Command], results: dict[str, Result]
) -> None:
    gate = asyncio.Semaphore(SENDING_MAX)

    async def send(command: Command) -> None:
        async with gate:
            failure = await _send(services, command)
        if failure is not None:
            results[command.incident_id] = failure
            del waiting[command.incident_id]

    await asyncio.gather(*(send(command) for command in list(waiting.values())))


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


def _late(command: Command, seconds: float) -> Problem:
    return unavailable(
        f"The command was accepted, but its outcome is not known after {seconds:g} s; it may still"
        " apply. Look at the incident again, or repeat the command with the header Idempotency-Key"
        " set to commandId.",
        commandId=command.id,
    )
