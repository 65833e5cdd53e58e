"""`ticketing config`: look at a configuration without starting anything."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click


@click.group(epilog="Example: ticketing config check ticketing.yaml")
def config() -> None:
    """Look at a configuration without starting anything."""


@config.command(
    epilog="\b\nExample: ticketing config check ticketing.yaml\n"
    "Example: ticketing config check --without-secrets values.yaml"
)
@click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "--without-secrets",
    is_flag=True,
    help="Let secrets be missing, and files that are mounted: for a check where neither is.",
)
def check(file: Path | None, without_secrets: bool) -> None:
    """Check FILE and the environment as a start would.

    Without FILE the file is the one that TICKETING_CONFIG names, if any. Exits with 2 and every
    problem, its key and the nearest fix.
    """
    from ticketing.config.report import check as check_file

    problems, report = check_file(file, without_secrets=without_secrets)
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        sys.exit(2)
    click.echo(report)


@config.command(epilog="Example: ticketing config schema > ticketing.schema.json")
def schema() -> None:
    """Print the JSON Schema of the configuration, for editors that complete and check while typing."""
    from ticketing.config.json_schema import document

    click.echo(json.dumps(document(), indent=2, ensure_ascii=False))
