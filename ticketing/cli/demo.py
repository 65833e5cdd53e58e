"""`ticketing demo`: the whole job on one machine."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ticketing.demo.totals import Totals


@click.command(epilog="\b\nExample: ticketing demo\nExample: ticketing demo --input logs.jsonl.gz")
@click.option(
    "--input",
    "recording",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A recording (JSON lines, plain or .gz) instead of made-up traffic; ends when delivered.",
)
@click.option("--json", "as_json", is_flag=True, help="With --input: print one JSON object only.")
@click.option(
    "--scoring",
    type=click.Choice(("upstream", "level")),
    default="upstream",
    help="With --input: `level` scores records without an anomaly_score by their level, from ERROR up.",
)
@click.option(
    "--port",
    type=int,
    help="Port of the page, without --input; by default 8080, or the next free one.",
)
def demo(recording: Path | None, as_json: bool, scoring: str, port: int | None) -> None:
    """Run the whole job on an embedded broker, with a sandbox in the platforms' place.

    Without --input: made-up traffic of a web shop with faults, and a page to look at, until Ctrl-C.
    """
    from ticketing import launch
    from ticketing.demo.run import DemoFailed

    launch.prepare()
    if as_json and recording is None:
        raise click.UsageError("--json needs --input: made-up traffic has no end to report")
    # Set explicitly, as a shell starts background commands with SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        if recording is None:
            asyncio.run(_live(port))
        else:
            _recording(recording, as_json, scoring)
    except KeyboardInterrupt:
        click.echo("stopped", err=True)
    except DemoFailed as error:
        click.echo(str(error), err=True)
        sys.exit(1)


def _say(text: str) -> None:
    click.echo(text, err=True)


def _recording(recording: Path, as_json: bool, scoring: str) -> None:
    from ticketing.cli.progress import bar
    from ticketing.cli.recording import warn_without_scores
    from ticketing.demo.run import run_recording
    from ticketing.kafka.feed import read_lines

    with bar() as progress:
        total = warn_without_scores(recording, by_level=scoring == "level")
        task = progress.add_task("feeding", total=total)

        def fed(done: int) -> None:
            progress.update(task, completed=done)

        result = asyncio.run(run_recording(read_lines(recording), _say, fed, scoring))
    if as_json:
        click.echo(json.dumps(result.public()))
    else:
        _table(result)


def _table(result: Totals) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="How the numbers add up", show_header=False)
    table.add_column(justify="left")
    table.add_column(justify="right")
    table.add_row("records in", f"{result.records:,}")
    table.add_row("  below the threshold", f"{result.below:,}")
    table.add_row("  counted in an incident", f"{result.counted:,}")
    table.add_row("  dead letters", f"{result.dead_letters:,}")
    difference = result.records - result.below - result.counted - result.dead_letters
    table.add_row("  unaccounted for", f"{difference:,}", end_section=True)
    table.add_row("incidents", f"{result.incidents:,}")
    for platform, count in sorted(result.tickets.items()):
        table.add_row(f"  tickets on {platform}", f"{count:,}")
    table.add_row("  undelivered", f"{result.undelivered:,}")
    Console().print(table)


async def _live(port: int | None) -> None:
    from ticketing.config import Config
    from ticketing.demo.run import DemoFailed, run_live
    from ticketing.kafka.free_port import free_ports, is_free

    if port and not is_free(port):
        raise DemoFailed(
            f"--port {port}: another program listens there; without it a free one is taken"
        )

    def status(now: Totals) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r{_line(now)}\033[K", err=True, nl=False)

    await run_live(_say, status, free_ports(Config().web.port) if port is None else port)


def _line(now: Totals) -> str:
    tickets = "  ".join(f"{platform} {count}" for platform, count in sorted(now.tickets.items()))
    return (
        f"{now.records:,} records  {now.below:,} below  {now.counted:,} counted"
        f"  {now.dead_letters} dead letters  |  {now.incidents} incidents  |  {tickets}"
    )
