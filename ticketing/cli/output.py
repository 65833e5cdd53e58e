"""Output of text that others wrote: harmless on a terminal, as it is in a file or a pipe."""

from __future__ import annotations

import sys

import click

from ticketing.domain.text import escaped


def echo(text: str | bytes, *, err: bool = False) -> None:
    """Print a line; on a terminal what would act on it is escaped, as `\\u001b` for an escape.

    Records, names of services and answers of platforms could else rewrite the screen, set its
    title, or turn the direction of writing.
    """
    if (sys.stderr if err else sys.stdout).isatty():
        text = escaped(
            text.decode("utf-8", "backslashreplace") if isinstance(text, bytes) else text
        )
    click.echo(text, err=err)
