"""`ticketing pattern`: what detection makes of a message."""

from __future__ import annotations

import json
import sys

import click


@click.command(
    epilog="Example: echo 'user 17 timed out after 30 ms' | ticketing pattern",
)
def pattern() -> None:
    """Read lines or JSON documents, write each one's pattern and fingerprint as JSON.

    A line that is a JSON object with a message is taken as an enriched log; any other as a message.
    """
    from ticketing.cli.pattern_description import describe

    for line in sys.stdin.buffer:
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        sys.stdout.write(json.dumps(describe(text), ensure_ascii=False) + "\n")
