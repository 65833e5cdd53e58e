"""`ticketing topics`: create and check the Kafka topics."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ticketing.kafka.runtime import Runtime


@click.group(epilog="Example: ticketing topics create")
def topics() -> None:
    """Make and check the Kafka topics."""


@topics.command(epilog="Example: TICKETING_CONFIG=ticketing.yaml ticketing topics create")
def create() -> None:
    """Create the topics that are missing; safe to repeat."""
    from ticketing.kafka.runtime import Runtime

    runtime = Runtime.from_environ()
    _announce(runtime)
    made = runtime.topics().create(runtime.topic_specs(), runtime.config.kafka.replication_factor)
    for name in made:
        click.echo(f"created {name}")
    if not made:
        click.echo("every topic exists")


@topics.command(epilog="Example: ticketing topics check || ticketing topics create")
def check() -> None:
    """Compare the topics with what they should be; exit 1 and say what differs."""
    from ticketing.kafka.runtime import Runtime

    runtime = Runtime.from_environ()
    _announce(runtime)
    problems = runtime.topics().check(runtime.topic_specs(), runtime.inputs)
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        sys.exit(1)
    click.echo(f"{len(runtime.topic_specs())} topics match the configuration")


def _announce(runtime: Runtime) -> None:
    """Name the brokers: a wrong address shows by no answer alone, after half a minute."""
    click.echo(f"asking {runtime.brokers} ...", err=True)
