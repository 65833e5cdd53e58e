"""`ticketing tickets`: backfill of a platform that was enabled later."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

import click

from ticketing.cli import options
from ticketing.cli.output import echo

if TYPE_CHECKING:
    from ticketing.domain.incidents.incident import Incident
    from ticketing.kafka.runtime import Runtime


@click.group(epilog="Example: ticketing tickets backfill jira")
def tickets() -> None:
    """Tickets on platforms, beyond those that incidents make by themselves."""


@tickets.command(epilog="Example: ticketing tickets backfill jira --dry-run")
@click.argument("platform")
@click.option("--dry-run", is_flag=True, help="Only print the incidents; send nothing.")
@options.by
def backfill(platform: str, dry_run: bool, by: str) -> None:
    """Forward the open incidents to PLATFORM that have no ticket there.

    For a platform that is enabled while incidents are open: it gets new incidents by itself, and
    those before it only by this command. Forwarded are open incidents that have tickets and whose
    severity is routed to the platform. Safe to repeat.
    """
    from ticketing.kafka.runtime import Runtime

    runtime = Runtime.for_command()
    if platform not in runtime.config.enabled_platforms():
        raise click.BadParameter(f"{platform} is not enabled: set {platform}.enabled")
    runtime.reach()
    found = _without_ticket(runtime, platform)
    for incident in found:
        echo(f"{incident.id}  {incident.severity.value:<8}  {incident.service}")
    if not dry_run:
        asyncio.run(_forward(runtime, found, platform, by))
    echo(f"{len(found)} incidents {'would be ' if dry_run else ''}forwarded to {platform}")


def _without_ticket(runtime: Runtime, platform: str) -> list[Incident]:
    """The incidents to forward, from the topic of all incidents."""
    from sinks.backfill import without_ticket
    from ticketing.config.policy import policy
    from ticketing.domain.severity import Severity
    from ticketing.kafka.reader import TopicReader
    from ticketing.wire.incidents import read_incident
    from ticketing.wire.topics import INCIDENTS

    latest: dict[bytes, bytes] = {}
    with TopicReader(runtime) as reader:
        for partition in reader.partitions(INCIDENTS):
            low, high = reader.bounds(INCIDENTS, partition)
            for message in reader.between(INCIDENTS, partition, low, high):
                key, value = message.key(), message.value()
                if value is None:
                    latest.pop(key, None)
                elif key is not None:
                    latest[key] = value
    routing = policy(runtime.config, runtime.partitions).routing
    severities = [one for one in Severity if platform in routing.get(one, ())]
    return list(without_ticket(map(read_incident, latest.values()), platform, severities))


async def _forward(runtime: Runtime, found: list[Incident], platform: str, by: str) -> None:
    from ticketing.api.command_sender import CommandSender
    from ticketing.domain.events import Action, Command

    sender = CommandSender(runtime)
    await sender.start()
    try:
        for incident in found:
            await sender.send(
                Command(
                    id=uuid.uuid4().hex,
                    incident_id=incident.id,
                    action=Action.FORWARD,
                    by=by,
                    note="backfill",
                    to=[platform],
                )
            )
    finally:
        await sender.stop()
