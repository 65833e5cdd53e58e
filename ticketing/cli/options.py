"""Options that several commands have."""

from __future__ import annotations

import getpass
import os
from typing import Any

import click


def user_name() -> str:
    """The name of the user that runs the command; its number where the system has no name for it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run as any number.
        return f"uid-{os.getuid()}"


class Length(click.ParamType):
    """A length of time such as 90m or 4h, as in the configuration."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Seconds."""
        from ticketing.config.values import seconds

        try:
            return float(seconds(value))
        except (TypeError, ValueError) as error:
            self.fail(str(error), param, ctx)


by = click.option(
    "--by", default=user_name, help="Your name, for the record  [default: your user name]"
)
api = click.option(
    "--api", help="Address of the API.  [default: web.publicUrl, else web.host and port]"
)
key = click.option(
    "--key", help="Makes a repetition harmless: the key that an unknown outcome named."
)
