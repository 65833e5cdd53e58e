"""`ticketing evaluate`: judge incidents, pages and causes by labels of injected faults."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ticketing.config import Config
    from ticketing.evaluation.judging import Judgement
    from ticketing.evaluation.labels import Fault
    from ticketing.evaluation.recording import Line

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(
    epilog="\b\nExample: ticketing evaluate logs.jsonl.gz faults.json --json\n"
    "Example: ticketing evaluate logs.jsonl.gz faults.json --incidents incidents.json"
)
@click.argument("recording", type=_FILE)
@click.argument("labels", type=_FILE)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object only.")
@click.option(
    "--incidents",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write every incident of the run to this file, as a JSON array.",
)
@click.option(
    "--overlay", is_flag=True, help="Lay every two faults of the recording over one another."
)
def evaluate(
    recording: Path, labels: Path, as_json: bool, incidents: Path | None, overlay: bool
) -> None:
    """Run a RECORDING through the whole job in memory and hold its incidents against LABELS.

    RECORDING is JSON lines (plain or .gz) in the form of enriched-logs. LABELS is a JSON list of
    {injected_at, service, fault}; the job never sees it. A new ticket counts for a fault from 5 s
    before its injection to 180 s after. Nothing is started and no platform is asked; the same
    recording and configuration give the same output.
    """
    from agents.identities import reader_of
    from ticketing import worker
    from ticketing.cli.recording import NO_SCORES
    from ticketing.evaluation import judging, run
    from ticketing.evaluation.labels import read_faults

    _require_writable(incidents)
    config = run.configuration(os.environ)
    worker.configure_logging(config)
    faults = read_faults(labels)
    lines = run.recorded(recording, config)
    has_score = reader_of(config).has_score
    by_level = config.anomaly.scoring == "level"
    if not by_level and not any(has_score(line.value) for line in lines):
        click.echo(f"{recording}: {NO_SCORES}", err=True)
    _warn(faults, lines, labels)
    judgement, documents, apart = _run(lines, faults, config, overlay)
    if incidents is not None:
        text = json.dumps(documents, indent=1, ensure_ascii=False)
        incidents.write_text(text + "\n", encoding="utf-8")
    result = judging.result(judgement)
    if overlay:
        result |= {"pairs": len(apart), "keptApart": sum(apart)}
    if as_json:
        click.echo(json.dumps(result))
    else:
        _table(judgement, result)


def _require_writable(file: Path | None) -> None:
    """Refuse a file that can't be written before the run, not after it."""
    if file is not None:
        try:
            file.open("a").close()
        except OSError as error:
            why = f"{str(file)!r} can't be written: {error.strerror}"
            raise click.BadParameter(why, param_hint="--incidents") from None


def _run(
    lines: list[Line], faults: list[Fault], config: Config, overlay: bool
) -> tuple[Judgement, list[dict[str, Any]], list[bool]]:
    """The judgement, the incidents, and for each pair of faults whether both have a ticket."""
    from ticketing.cli.progress import bar
    from ticketing.evaluation import judging, run

    if not overlay:
        with bar() as progress:
            task = progress.add_task("running", total=len(lines))
            judgement, history = run.evaluated(
                lines, faults, config, lambda done: progress.update(task, completed=done)
            )
        return judgement, history.documents(), []
    judgements, documents, apart = [], [], []
    with bar() as progress:
        for pair in progress.track(run.overlays(lines, faults, config), description="pairs"):
            judgement, history = run.evaluated(pair.lines, pair.faults, config)
            judgements.append(judgement)
            documents += history.documents()
            apart.append(judging.kept_apart(judgement.faults))
    return run.together(judgements), documents, apart


def _warn(faults: list[Fault], lines: list[Line], labels: Path) -> None:
    from ticketing.view.times import iso

    for fault in faults:
        if not lines[0].at <= fault.at <= lines[-1].at:
            click.echo(
                f"{labels}: the fault of {iso(fault.at)} in {fault.service} lies outside of the"
                f" recording ({iso(lines[0].at)} to {iso(lines[-1].at)})",
                err=True,
            )


def _table(judgement: Judgement, result: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    from ticketing.cli.output import cells
    from ticketing.view.times import iso

    table = Table(title="Injected faults, their tickets, and the causes named")
    for column in (
        "injected",
        "service",
        "fault",
        "tickets",
        "first page names",
        "place",
        "ranking",
    ):
        table.add_column(column)
    for one in judgement.faults:
        page = one.first_page
        row = (
            iso(one.fault.at)[:19],
            one.fault.service,
            one.fault.kind,
            str(len(one.tickets)),
            page.cause if page else "-",
            str(one.place or "-"),
            ", ".join(one.ranking[:3]),
        )
        table.add_row(*cells(*row))
    console = Console()
    console.print(table)
    for name, value in result.items():
        console.print(*cells(f"{name}: {value}"))
