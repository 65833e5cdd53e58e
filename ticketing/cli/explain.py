"""`ticketing explain`: the reasons for an incident, its alerts, pages and tickets."""

from __future__ import annotations

import click

from ticketing.cli.output import echo


@click.command(epilog="Example: ticketing explain 5c09e1f2a3b4c5d6-0123456789abcdef")
@click.argument("id")
def explain(id: str) -> None:
    """Explain the incident ID: why it exists, why these alerts, pages and tickets.

    Each answer names its source: topic, partition and offset of the records, and the version of the
    configuration that decided. Kafka is read and nothing is changed; neither Redis nor the API is
    needed. The exit status is 1 if there is no such incident, with the reason.
    """
    from ticketing.errors import NotFound
    from ticketing.kafka.runtime import Runtime
    from ticketing.view.explanation import explained
    from ticketing.view.published import published

    runtime = Runtime.for_command()
    runtime.reach()
    echo(f"asking {runtime.brokers} ...", err=True)
    try:
        found = published(runtime, id)
    except NotFound as error:
        raise click.ClickException(str(error)) from None
    for line in explained(found):
        echo(line)
