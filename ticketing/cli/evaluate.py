"""`ticketing evaluate`: judge the likely causes by labels of injected faults."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ticketing.demo.judging import Verdict

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(epilog="Example: ticketing evaluate logs.jsonl.gz faults.json --json")
@click.argument("recording", type=_FILE)
@click.argument("labels", type=_FILE)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object only.")
def evaluate(recording: Path, labels: Path, as_json: bool) -> None:
    """Run a RECORDING through the whole job and hold its incidents against LABELS.

    RECORDING is JSON lines (plain or .gz) in the form of enriched-logs. LABELS is a JSON list of
    {injected_at, service, fault}; the job never sees it. A fault counts from its injection until
    the next one, ten minutes at most.
    """
    from ticketing.cli.progress import bar
    from ticketing.cli.recording import warn_without_scores
    from ticketing.demo import judging
    from ticketing.demo.run import DemoFailed, explained
    from ticketing.kafka.feed import read_lines

    faults = judging.read_faults(labels)
    try:
        with bar() as progress:
            task = progress.add_task("feeding", total=warn_without_scores(recording))
            incidents = asyncio.run(
                explained(
                    read_lines(recording),
                    lambda text: click.echo(text, err=True),
                    lambda done: progress.update(task, completed=done),
                )
            )
    except DemoFailed as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    found = judging.verdicts(faults, incidents)
    result = judging.summary(found, judging.tickets(incidents))
    if as_json:
        click.echo(json.dumps(result))
    else:
        _table(found, result)


def _table(found: list[Verdict], result: dict[str, float]) -> None:
    from datetime import datetime, timezone

    from rich.console import Console
    from rich.table import Table

    table = Table(title="Injected faults and the causes that incidents name")
    for column in ("injected", "service", "fault", "place", "incidents", "likeliest first"):
        table.add_column(column)
    for verdict in found:
        fault = verdict.fault
        table.add_row(
            datetime.fromtimestamp(fault.at, timezone.utc).strftime("%Y-%m-%d %H:%M:%S"),
            fault.service,
            fault.kind,
            str(verdict.place or "-"),
            str(verdict.incidents),
            ", ".join(verdict.ranking[:3]),
        )
    console = Console()
    console.print(table)
    console.print(
        f"{result['faults']} faults: {result['top1']:.0%} first, {result['top3']:.0%} among the"
        f" first three; {result['ticketsPerFault']:.2f} tickets per fault"
    )
