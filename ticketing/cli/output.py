"""Output of text that others wrote: harmless on a terminal, as it is in a file or a pipe."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from ticketing.domain.text import escaped

if TYPE_CHECKING:
    from rich.text import Text


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


def cells(*texts: str) -> list[Text]:
    """The texts for a table or a line of rich: it reads no markup in them, and nothing acts."""
    from rich.text import Text

    return [Text(escaped(text)) for text in texts]
