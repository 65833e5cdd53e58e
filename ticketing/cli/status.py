"""`ticketing status`: the fleet in the terminal."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import click

from ticketing.errors import Unavailable

if TYPE_CHECKING:
    from ticketing.cli.fleet import Fleet
    from ticketing.config import Config
    from ticketing.kafka.runtime import Runtime

LOOK_EVERY_SECONDS = 2.0
"""Workers commit every second."""


@click.command(
    epilog="\b\nExample: ticketing status\n"
    "Example: ticketing status --watch --worker http://pipeline:9464 --worker http://view:8080"
)
@click.option(
    "--worker",
    "workers",
    multiple=True,
    help="Address of a worker's metrics; may be repeated.  [default: this machine's, by the"
    " configuration]",
)
@click.option("--no-workers", is_flag=True, help="Ask Kafka alone.")
@click.option("--watch", is_flag=True, help="Look again every two seconds, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, a line a look.")
def status(workers: tuple[str, ...], no_workers: bool, watch: bool, as_json: bool) -> None:
    """Show the roles, their partitions and lag, tables, circuits and dead letters.

    Kafka is asked for the roles, members, partitions and lag of the whole fleet, the workers for
    what only they know. Nothing is changed. The exit status is 1 if something is wrong, which is
    said in a sentence each.
    """
    from ticketing.cli.fleet import as_json as document
    from ticketing.cli.fleet import problems, rendered
    from ticketing.cli.remote import token_of
    from ticketing.kafka.runtime import Runtime

    runtime = Runtime.for_command()
    runtime.reach()
    config = runtime.config
    chosen = workers or (() if no_workers else _of_this_machine(config))
    token = token_of(config)
    look = _looker(runtime, chosen, token, named=bool(workers))
    # Before a watch begins, too, a broker that does not answer ends the command.
    fleet = look()
    if not watch:
        if as_json:
            click.echo(json.dumps(document(fleet), ensure_ascii=False))
        else:
            _print(rendered(fleet))
        sys.exit(1 if any(problems(fleet)) else 0)
    try:
        if as_json:
            for found in _looks(fleet, look):
                told = {"problems": [found]} if isinstance(found, str) else document(found)
                click.echo(json.dumps(told, ensure_ascii=False))
        else:
            _watch(_looks(fleet, look))
    except KeyboardInterrupt:
        return


def _looks(first: Fleet, look: Callable[[], Fleet]) -> Iterator[Fleet | str]:
    """The first look and all further ones, for good; a sentence for one without an answer of Kafka."""
    yield first
    while True:
        time.sleep(LOOK_EVERY_SECONDS)
        try:
            yield look()
        except Unavailable as error:
            yield str(error)


def _looker(
    runtime: Runtime, addresses: Sequence[str], token: str | None, *, named: bool
) -> Callable[[], Fleet]:
    """A function that looks at the fleet. Without `named`, silent workers are left out."""
    from ticketing.cli.fleet import Fleet
    from ticketing.cli.worker_figures import ask
    from ticketing.kafka.consumers import Consumers
    from ticketing.roles import app_of, committed_by
    from ticketing.wire.topics import DEAD_LETTERS
    from ticketing.worker import default_roles

    consumers = Consumers(runtime)
    roles = default_roles(runtime.config)
    groups = {app_of(role): committed_by(role, runtime) for role in roles}
    plain = [address.rstrip("/") for address in addresses]

    def look() -> Fleet:
        seen = consumers.look(groups)
        told = asyncio.run(ask(plain, token))
        return Fleet(
            {role: seen[app_of(role)] for role in roles},
            [one for one in told if named or one.answers],
            consumers.kept(DEAD_LETTERS),
        )

    return look


def _of_this_machine(config: Config) -> tuple[str, ...]:
    """The addresses at which a worker of this configuration serves its metrics on this machine."""
    listeners = [(config.web.host, config.web.port)]
    if config.metrics.enabled:
        listeners.append((config.metrics.host, config.metrics.port))
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}
    hosts = [(everywhere.get(host.strip("[]"), host.strip("[]")), port) for host, port in listeners]
    return tuple(
        f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        for host, port in hosts
        if port
    )


def _print(shown: object) -> None:
    from rich.console import Console

    Console().print(shown)


def _watch(looks: Iterator[Fleet | str]) -> None:
    from rich.live import Live

    from ticketing.cli.fleet import rendered
    from ticketing.cli.output import cells

    shown = (cells(f"PROBLEM {one}")[0] if isinstance(one, str) else rendered(one) for one in looks)
    if not sys.stdout.isatty():
        # Nothing can be written over: one look below the other.
        for one in shown:
            _print(one)
        return
    with Live(auto_refresh=False, screen=True) as live:
        for one in shown:
            live.update(one, refresh=True)
