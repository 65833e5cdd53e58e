"""`ticketing config`: look at a configuration without starting anything."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.group(epilog="Example: ticketing config check ticketing.yaml")
def config() -> None:
    """Look at a configuration without starting anything."""


@config.command(epilog="Example: ticketing config check ticketing.yaml")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check(file: Path) -> None:
    """Check FILE as a start would; exit 2 with every problem, its key and the nearest fix."""
    from ticketing.config.report import check as check_file

    problems, report = check_file(file)
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        sys.exit(2)
    click.echo(report)
