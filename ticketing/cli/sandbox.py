"""`ticketing sandbox`: a stand-in for every platform."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click


@click.command(epilog="Example: ticketing sandbox --port 8090 --record requests.jsonl")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8090, show_default=True, help="Port to listen on; 0 for any free.")
@click.option(
    "--record",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write each request as a JSON line, secrets masked.",
)
def sandbox(host: str, port: int, record: Path | None) -> None:
    """Stand in for every platform, PagerDuty and Jira among them, as strict as they are.

    Tickets are shown on the page at /; faults are injected by PUT /_sandbox/faults/PLATFORM, and what
    a vendor or an installation does is switched by PUT /_sandbox/behaviours/PLATFORM.
    """
    from ticketing.sandbox.server import serve

    asyncio.run(serve(host, port, record))
