"""The command line: one file per group of commands."""

from __future__ import annotations

import importlib
import os
import sys

import click

from ticketing.errors import EXIT_MISCONFIGURED, Misconfigured, TicketingError

COMMANDS = {
    "act": "ticketing.cli.act:act",
    "config": "ticketing.cli.config:config",
    "dead-letters": "ticketing.cli.dead_letters:dead_letters",
    "demo": "ticketing.cli.demo:demo",
    "drill": "ticketing.cli.drill:drill",
    "evaluate": "ticketing.cli.evaluate:evaluate",
    "explain": "ticketing.cli.explain:explain",
    "incidents": "ticketing.cli.incidents:incidents",
    "pattern": "ticketing.cli.pattern:pattern",
    "replay": "ticketing.cli.replay:replay",
    "sandbox": "ticketing.cli.sandbox:sandbox",
    "status": "ticketing.cli.status:status",
    "test-connection": "ticketing.cli.test_connection:test_connection",
    "tickets": "ticketing.cli.tickets:tickets",
    "tokens": "ticketing.cli.tokens:tokens",
    "topics": "ticketing.cli.topics:topics",
    "worker": "ticketing.cli.worker:worker",
}


PREFIX_VARIABLE = "TICKETING_KAFKA__PREFIX"
"""Of ticketing.wire.topics, which must not be imported before it is set."""
SOURCES = ("TICKETING_CONFIG", "TICKETING_KAFKA", "TICKETING_SECRETS_DIR")
"""Variables without which nothing but the variable itself can set the prefix."""


class LazyGroup(click.Group):
    """Imports a command on use, so that `--help` need not wait for Kafka's libraries."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, sorted."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import a command by its name."""
        target = COMMANDS.get(name)
        if target is None:
            return None
        if name == "demo":
            # An installation of its own, with a configuration of its own.
            os.environ.pop(PREFIX_VARIABLE, None)
        else:
            _pass_prefix_on()
        module, attribute = target.split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


def _pass_prefix_on() -> None:
    """Copy `kafka.prefix` from wherever it is set to the environment, where names are made from.

    A variable set to nothing is unset, as for every setting. What can't be read is left to the
    command, which says so.
    """
    if os.environ.get(PREFIX_VARIABLE, "").strip():
        return
    if not any(os.environ.get(name) for name in SOURCES):
        return
    from ticketing.config.loading import given

    try:
        kafka = given(None, os.environ)[0].get("kafka")
    except Misconfigured:
        return
    prefix = kafka.get("prefix") if isinstance(kafka, dict) else None
    if isinstance(prefix, str) and prefix:
        os.environ[PREFIX_VARIABLE] = prefix


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: ticketing demo, then open the address it prints.",
)
@click.version_option(package_name="ticketing-agent")
def cli() -> None:
    """From a log stream to exactly one ticket per incident.

    The configuration is the JSON or YAML file named by TICKETING_CONFIG; each of its keys can also
    be set in the environment, e.g. TICKETING_ANOMALY__MINIMUM_SCORE=0.9.
    """


def main() -> None:
    """Run the command line; an expected error ends it with a message, without a stack trace."""
    try:
        cli()
    except Misconfigured as error:
        _tell(f"misconfigured:\n{error}")
        sys.exit(EXIT_MISCONFIGURED)
    except TicketingError as error:
        _tell(str(error))
        sys.exit(1)


def _tell(sentence: str) -> None:
    """Say why the command ends: a line of the log where that is JSON, else plain text."""
    from ticketing import log
    from ticketing.cli.output import echo

    if log.is_json():
        log.get("ticketing.cli").critical(sentence)
    else:
        echo(sentence, err=True)
