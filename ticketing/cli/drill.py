"""`ticketing drill`: a test incident on the real platforms, from creation to resolution."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sinks.drill import Row
    from ticketing.config import Config

SEVERITIES = ("critical", "high", "medium", "low")


@click.command(
    epilog="Example: ticketing drill --platform slack --platform jira          "
    "Example: ticketing drill --severity critical --dry-run"
)
@click.option(
    "--platform",
    "platforms",
    multiple=True,
    help="An enabled platform; may be repeated.  [default: all]",
)
@click.option(
    "--severity",
    type=click.Choice(SEVERITIES),
    default="low",
    show_default=True,
    help="Critical is routed as a real page is, and may wake people.",
)
@click.option(
    "--service", default="ticketing-drill", show_default=True, help="The incident's service."
)
@click.option("--dry-run", is_flag=True, help="Print the requests, send none.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per step.")
def drill(
    platforms: tuple[str, ...], severity: str, service: str, dry_run: bool, as_json: bool
) -> None:
    """Walk a clearly marked test incident through the enabled platforms, by the real configuration.

    It is created, acknowledged and resolved on each of them; resolved also after a failure or
    Ctrl-C. The exit status is 1 if a step failed. Kafka and Redis are not needed.

    With --dry-run nothing is sent: method, address and body of every call are printed, secrets
    masked; (ids) that only the platform can give stand in parentheses, numbers as 0 or 1.
    """
    from ticketing import log
    from ticketing.config import load, secrets_of

    config = load(None, os.environ)
    log.configure("error", config.log.format, secrets_of(config))
    enabled = config.enabled_platforms()
    for name in platforms:
        if name not in enabled:
            raise click.BadParameter(
                f"{name!r} is not enabled; enabled: {', '.join(enabled) or 'none'}"
            )
    chosen = list(dict.fromkeys(platforms or enabled))
    if not chosen:
        raise click.UsageError("no platform is enabled: set its `enabled`, such as slack.enabled")
    if dry_run:
        sys.exit(0 if asyncio.run(_rehearse(config, chosen, severity, service, as_json)) else 1)
    rows = asyncio.run(_drill(config, chosen, severity, service, as_json))
    if not as_json:
        _table(rows)
    if not all(row.ok for row in rows):
        sys.exit(1)


async def _drill(
    config: Config, platforms: list[str], severity: str, service: str, as_json: bool
) -> list[Row]:
    from sinks.drill import Drill, incident
    from sinks.platforms import create
    from ticketing import log
    from ticketing.domain.severity import Severity

    rows: list[Row] = []
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)

    def told(row: Row) -> None:
        rows.append(row)
        if as_json:
            click.echo(log.redact(json.dumps(asdict(row))))
        else:
            said = "ok" if row.ok else "FAILED"
            click.echo(log.redact(f"{row.platform}: {row.step}: {said}: {row.outcome}"), err=True)

    tested = incident(Severity(severity), service, time.time())
    clients = {name: create(name, config, lambda: None) for name in platforms}
    try:
        await asyncio.gather(
            *(
                Drill(client, tested, config.platform(name).timeout, stopping).run(told)
                for name, client in clients.items()
            )
        )
    finally:
        for client in clients.values():
            await client.close()
    return rows


async def _rehearse(
    config: Config, platforms: list[str], severity: str, service: str, as_json: bool
) -> bool:
    """Print every call; whether all steps could be gone through."""
    from sinks.calls.dry_run import Rehearsal, rehearsing
    from sinks.drill import Drill, incident
    from sinks.platforms import create
    from ticketing import log
    from ticketing.domain.severity import Severity

    good, at = True, {"platform": "", "step": ""}

    def begins(step: str) -> None:
        at["step"] = step
        if not as_json:
            click.echo(f"# {at['platform']}: {step}\n")

    def shown(method: str, url: str, body: str) -> None:
        if as_json:
            click.echo(log.redact(json.dumps({**at, "method": method, "url": url, "body": body})))
        else:
            click.echo(log.redact(f"{method} {url}\n{_pretty(body)}"))

    def told(row: Row) -> None:
        if not row.ok:
            click.echo(log.redact(f"{row.platform}: {row.step}: {row.outcome}"), err=True)

    tested = incident(Severity(severity), service, time.time())
    for name in platforms:
        at["platform"] = name
        rehearsing.set(Rehearsal(name, config, shown))
        client = create(name, config, lambda: None)
        timeout = config.platform(name).timeout
        good = await Drill(client, tested, timeout, begins=begins).run(told) and good
        await client.close()
    return good


def _pretty(body: str) -> str:
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False) + "\n"
    except ValueError:
        return f"{body}\n" if body else ""


def _table(rows: list[Row]) -> None:
    from rich.console import Console
    from rich.table import Table

    from ticketing import log

    table = Table(title="Drill")
    for column in ("step", "platform", "outcome", "seconds", "url"):
        table.add_column(
            column, overflow="fold", justify="right" if column == "seconds" else "left"
        )
    for row in sorted(rows, key=lambda row: row.platform):
        outcome = row.outcome if row.ok else f"FAILED: {row.outcome}"
        table.add_row(
            row.step, row.platform, log.redact(outcome), f"{row.seconds:.2f}", log.redact(row.url)
        )
    Console().print(table)
