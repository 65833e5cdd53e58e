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

from ticketing.cli.output import echo

if TYPE_CHECKING:
    from sinks.drill import Row
    from ticketing.config import Config
    from ticketing.domain.incidents.incident import Incident

SEVERITIES = ("critical", "high", "medium", "low")


@click.command(
    epilog="\b\nExample: ticketing drill --platform slack --platform jira\n"
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
        sys.exit(0 if asyncio.run(_dry_run(config, chosen, severity, service, as_json)) else 1)
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
            echo(log.redact(json.dumps(asdict(row))))
        else:
            said = "ok" if row.ok else "FAILED"
            echo(log.redact(f"{row.platform}: {row.step}: {said}: {row.outcome}"), err=True)

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


async def _dry_run(
    config: Config, platforms: list[str], severity: str, service: str, as_json: bool
) -> bool:
    """Print every call; True if every step worked on every platform."""
    from sinks.drill import incident
    from ticketing.domain.severity import Severity

    tested = incident(Severity(severity), service, time.time())
    good = True
    for name in platforms:
        good = await _dry_run_of(config, name, tested, as_json) and good
    return good


async def _dry_run_of(config: Config, platform: str, tested: Incident, as_json: bool) -> bool:
    from sinks.drill import Drill
    from sinks.platforms import create, dry_run
    from ticketing import log

    at = {"platform": platform, "step": ""}

    def begins(step: str) -> None:
        at["step"] = step
        if not as_json:
            echo(f"# {platform}: {step}\n")

    def show(method: str, url: str, body: str) -> None:
        if as_json:
            echo(log.redact(json.dumps({**at, "method": method, "url": url, "body": body})))
        else:
            echo(log.redact(f"{method} {url}\n{_pretty(body)}"))

    def report(row: Row) -> None:
        if not row.ok:
            echo(log.redact(f"{row.platform}: {row.step}: {row.outcome}"), err=True)

    client = create(platform, config, lambda: None, dry_run(platform, config, show))
    try:
        drill = Drill(client, tested, config.platform(platform).timeout, begins=begins)
        return await drill.run(report)
    finally:
        await client.close()


def _pretty(body: str) -> str:
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False) + "\n"
    except ValueError:
        return f"{body}\n" if body else ""


def _table(rows: list[Row]) -> None:
    from rich.console import Console
    from rich.table import Table

    from ticketing import log
    from ticketing.domain.text import escaped

    table = Table(title="Drill")
    for column in ("step", "platform", "outcome", "seconds", "url"):
        table.add_column(
            column, overflow="fold", justify="right" if column == "seconds" else "left"
        )
    for row in sorted(rows, key=lambda row: row.platform):
        outcome = row.outcome if row.ok else f"FAILED: {row.outcome}"
        table.add_row(
            row.step,
            row.platform,
            escaped(log.redact(outcome)),
            f"{row.seconds:.2f}",
            escaped(log.redact(row.url)),
        )
    Console().print(table)
