"""`ticketing topics`: create and check the Kafka topics."""

from __future__ import annotations

import os
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
    from ticketing.engine.role_topics import look_at_all
    from ticketing.errors import TopicsRefused
    from ticketing.kafka.runtime import Runtime

    runtime = Runtime.for_command()
    _announce(runtime)
    runtime.reach()
    standing = look_at_all(runtime).verdict.standing
    if standing:
        # What is made now would be made with the wrong number of partitions, or beside it.
        raise TopicsRefused(standing)
    made = runtime.topics().create(runtime.topic_specs(), runtime.config.kafka.replication_factor)
    for name in made:
        click.echo(f"created {name}")
    if not made:
        click.echo("every topic exists")


@topics.command(epilog="Example: ticketing topics check || ticketing topics create")
def check() -> None:
    """Compare the topics with what they should be; exit 1 and say what differs."""
    from ticketing.engine.role_topics import look_at_all
    from ticketing.kafka.runtime import Runtime

    runtime = Runtime.for_command()
    _announce(runtime)
    runtime.reach()
    looked = look_at_all(runtime)
    for warning in looked.verdict.warnings:
        click.echo(f"warning: {warning}", err=True)
    for what, why in looked.unchecked.items():
        click.echo(f"not checked: {what}, as Kafka does not allow it ({why})", err=True)
    missing = [
        f"topic {name} is missing: run `ticketing topics create`" for name in looked.verdict.missing
    ]
    problems = missing + looked.verdict.problems
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        sys.exit(1)
    click.echo(f"{len(runtime.topic_specs())} topics match the configuration")


@topics.command(epilog="Example: ticketing topics adopt --yes")
@click.argument("topic", nargs=-1)
@click.option("--yes", is_flag=True, help="Adopt them; without it, only say what that means.")
def adopt(topic: tuple[str, ...], yes: bool) -> None:
    """Take topics that were made anew, or stand on another cluster, for the known ones.

    Incidents are kept as far as their changelogs have them. Offsets that were kept of the topics
    before are forgotten, and the ids of new incidents begin above those. Stop the workers first. A
    TOPIC is named only where Kafka gives no ids, or where a worker asks for it.
    """
    from ticketing.engine import adoption
    from ticketing.kafka.runtime import Runtime

    runtime = Runtime.for_command()
    _announce(runtime)
    runtime.reach()
    plan = adoption.planned(runtime, topic)
    if not plan.known:
        click.echo("every topic is the known one: there is nothing to adopt")
        return
    for sentence in plan.sentences:
        click.echo(sentence)
    if not yes:
        click.echo("nothing is changed yet: stop the workers and repeat with --yes", err=True)
        sys.exit(1)
    adoption.adopt(runtime, plan)
    click.echo(f"adopted {', '.join(sorted(plan.known))}: start the workers")


@topics.command(epilog="Example: ticketing topics acls --principal User:ticketing")
@click.argument("role", nargs=-1)
@click.option(
    "--principal",
    default="User:ticketing-{role}",
    show_default=True,
    help="Who gets the rights; {role} stands for the role's name.",
)
def acls(role: tuple[str, ...], principal: str) -> None:
    """Print the rights that each ROLE needs in Kafka, as arguments of kafka-acls.sh.

    Without a ROLE, those of every role of the configuration, and of `setup`: the user that runs
    `topics create`. Kafka is not asked.
    """
    from ticketing.config.loading import load
    from ticketing.kafka.access import arguments
    from ticketing.kafka.runtime import Runtime, require_prefix
    from ticketing.roles import access_of, access_of_setup
    from ticketing.worker import roles

    config = load(None, os.environ, without_secrets=True)
    require_prefix(config)
    # An embedded broker has no rights, and is not started for them.
    runtime = Runtime(config, config.kafka.brokers, embedded=False)
    known = ["setup", *roles(config)]
    unknown = [name for name in role if name not in known]
    if unknown:
        raise click.BadParameter(f"{unknown[0]!r} is not a role; roles: {', '.join(known)}")
    for name in role or known:
        grants = access_of_setup(runtime) if name == "setup" else access_of(name, runtime)
        for grant in grants:
            click.echo(arguments(grant, principal.replace("{role}", name)))


def _announce(runtime: Runtime) -> None:
    """Name the brokers: a wrong address shows by no answer alone, after half a minute."""
    click.echo(f"asking {runtime.brokers} ...", err=True)
