"""`ticketing test-connection`: test the connections to platforms."""

from __future__ import annotations

import asyncio
import os
import sys

import click


@click.command(
    "test-connection",
    epilog="\b\nExample: ticketing test-connection pagerduty\n"
    "Example: ticketing test-connection --all",
)
@click.argument("platforms", nargs=-1, metavar="[PLATFORM]...")
@click.option("--all", "all_", is_flag=True, help="Every enabled platform.")
def test_connection(platforms: tuple[str, ...], all_: bool) -> None:
    """Test the connection to each PLATFORM: address, credentials, and what tickets will need there.

    Nothing is changed on the platform. The exit status is 1 if something has to be fixed; the line
    of the platform says what.
    """
    from sinks import connections
    from ticketing import log
    from ticketing.config import PLATFORMS, load, secrets_of
    from ticketing.config.handover import received
    from ticketing.config.loading import apply_changes

    handed = received(os.environ)
    if handed is None:
        config = load(None, os.environ)
    else:
        given, changed = handed
        # The supervisor has found them valid together, and withheld other secrets.
        config = apply_changes(given, changed.get("changes", {}), lambda _: ())
    log.configure("error", config.log.format, secrets_of(config))
    if bool(platforms) == all_:
        raise click.UsageError("name the platforms, or give --all")
    unknown = [name for name in platforms if name not in PLATFORMS]
    if unknown:
        raise click.BadParameter(
            f"{unknown[0]!r} is not a platform; platforms: {', '.join(PLATFORMS)}"
        )
    good = True
    for name in dict.fromkeys(platforms or config.enabled_platforms()):
        found = asyncio.run(connections.test(config, name))
        good = good and found.ok
        click.echo(f"{name}: {'ok' if found.ok else 'error'}: {log.redact(found.message)}")
    if not good:
        sys.exit(1)
