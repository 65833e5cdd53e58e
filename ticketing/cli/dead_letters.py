"""`ticketing dead-letters`: list, show and redrive dead letters."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from ticketing.cli import options
from ticketing.cli.output import echo

if TYPE_CHECKING:
    from ticketing.dead_letters.reading import Entry
    from ticketing.dead_letters.redrive import Redriver
    from ticketing.kafka.runtime import Runtime


@click.group("dead-letters", epilog="Example: ticketing dead-letters list --reason undecodable")
def dead_letters() -> None:
    """List, show and redrive the records and deliveries that could not be handled."""


_reason = click.option("--reason", default="", help="Only dead letters with this reason.")
_stage = click.option(
    "--stage",
    default="",
    help="Only dead letters of this stage: detection, alerts, incidents, delivery, ...",
)
_platform = click.option("--platform", default="", help="Only deliveries to this platform.")


@dead_letters.command("list", epilog="Example: ticketing dead-letters list --json | jq .reason")
@_reason
@_stage
@_platform
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True)
@click.option("--cursor", help="The cursor that the previous page printed.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line, with the record.")
def list_(
    reason: str, stage: str, platform: str, limit: int, cursor: str | None, as_json: bool
) -> None:
    """List dead letters, newest first: where each came from and why it could not be handled."""
    from ticketing.dead_letters.reading import Wanted, page

    wanted = Wanted(reason=reason, stage=stage, platform=platform)
    try:
        found = page(_runtime(), wanted, limit, cursor)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--cursor") from None
    for entry in found.entries:
        echo(_json(entry) if as_json else _line(entry))
    if not as_json:
        echo(f"{len(found.entries)} dead letters")
    if found.following:
        echo(f"next page: --cursor {found.following}", err=True)


@dead_letters.command(epilog="Example: ticketing dead-letters show 3-17")
@click.argument("id")
def show(id: str) -> None:
    """Show the dead letter ID with its record, or the request that a platform did not take."""
    from ticketing.dead_letters import reading
    from ticketing.dead_letters.redrive import Redriver
    from ticketing.errors import NotFound

    runtime = _runtime()
    try:
        entry = reading.get(runtime, id)
    except NotFound as error:
        raise click.ClickException(str(error)) from None
    letter = entry.letter
    echo(_line(entry))
    for label, value in (("incident", letter.incident_id), ("key", letter.key)):
        if value:
            echo(f"{label}: {value}")
    with Redriver(runtime) as redriver:
        done = redriver.done(id)
    if done is not None:
        echo(f"redriven by {done.by} to {done.to}")
    if letter.value is not None:
        kept = "" if letter.whole else f", the first {len(letter.value)}"
        echo(f"{letter.size} bytes{kept}:")
        echo(letter.value.decode("utf-8", "backslashreplace"))


@dead_letters.command(
    epilog="\b\nExample: ticketing dead-letters redrive 3-17 0-4\n"
    "Example: ticketing dead-letters redrive --all --platform jira --reason credentials"
)
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option(
    "--all", "all_", is_flag=True, help="Every dead letter that the other options select."
)
@_reason
@_stage
@_platform
@options.by
def redrive(
    ids: tuple[str, ...], all_: bool, reason: str, stage: str, platform: str, by: str
) -> None:
    """Try dead letters again: deliveries at their platform, records in the topic they came from.

    Safe to repeat: a letter that was redriven before is skipped and reported.
    """
    from ticketing.dead_letters import reading
    from ticketing.dead_letters.redrive import Redriver
    from ticketing.errors import NotFound

    if bool(ids) == all_:
        raise click.UsageError("name the IDs, or give --all")
    if ids and (reason or stage or platform):
        raise click.UsageError("--reason, --stage and --platform need --all")
    runtime = _runtime()
    runtime.ensure_topics()
    counts = {True: 0, False: 0}
    with Redriver(runtime) as redriver:
        if all_:
            wanted = reading.Wanted(reason=reason, stage=stage, platform=platform)
            entries = reading.every(runtime, wanted)
            for entry in entries:
                counts[_redriven(redriver, entry, by)] += 1
        for id in ids:
            try:
                counts[_redriven(redriver, reading.get(runtime, id), by)] += 1
            except NotFound as error:
                echo(str(error), err=True)
                counts[False] += 1
    echo(f"{counts[True]} redriven, {counts[False]} not")
    if ids and counts[False]:
        sys.exit(1)


def _redriven(redriver: Redriver, entry: Entry, by: str) -> bool:
    from ticketing.errors import Conflict, NotWhole

    try:
        done = redriver.redrive_entry(entry, by)
    except (Conflict, NotWhole) as error:
        echo(str(error), err=True)
        return False
    echo(f"{done.id} to {done.to}")
    return True


def _runtime() -> Runtime:
    from ticketing.kafka.runtime import Runtime

    runtime = Runtime.for_command()
    runtime.reach()
    return runtime


def _line(entry: Entry) -> str:
    letter = entry.letter
    source = letter.platform or f"{letter.topic}[{letter.partition}]@{letter.offset}"
    return f"{entry.id:>10}  {letter.stage:<10} {letter.reason:<20} {source}  {letter.detail}"


def _json(entry: Entry) -> bytes:
    from ticketing.wire.dead_letters import encode_dead_letter

    return b'{"id":"%b",%b' % (entry.id.encode(), encode_dead_letter(entry.letter)[1:])
