"""`ticketing dead-letters`: what could not be handled, and why."""

from __future__ import annotations

import click


@click.group("dead-letters", epilog="Example: ticketing dead-letters list --reason undecodable")
def dead_letters() -> None:
    """Look at what could not be handled."""


@dead_letters.command("list", epilog="Example: ticketing dead-letters list --json | jq .reason")
@click.option("--reason", help="Only those with this reason.")
@click.option("--stage", help="Only those of this stage: detection, incidents or delivery.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, with the value.")
def list_(reason: str | None, stage: str | None, as_json: bool) -> None:
    """List dead letters: where each came from and why it could not be handled."""
    from ticketing.dead_letters import read_all
    from ticketing.models import encode
    from ticketing.runtime import Runtime

    runtime = Runtime.from_environ()
    found = 0
    for identity, letter in read_all(runtime):
        if (reason and letter.reason != reason) or (stage and letter.stage != stage):
            continue
        found += 1
        if as_json:
            click.echo(b'{"id":"%b",%b' % (identity.encode(), encode(letter)[1:]))
            continue
        source = letter.platform or f"{letter.topic}[{letter.partition}]@{letter.offset}"
        click.echo(
            f"{identity:>10}  {letter.stage:<10} {letter.reason:<20} {source}  {letter.detail}"
        )
    if not as_json:
        click.echo(f"{found} dead letters")
