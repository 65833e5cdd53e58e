"""`ticketing incidents`: list, show, follow and handle incidents through the API."""

from __future__ import annotations

import asyncio
import getpass
import json
import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import click

from ticketing.cli.act import address_of, body_of, token_of
from ticketing.cli.output import echo
from ticketing.domain.events import Action
from ticketing.domain.text import escaped

if TYPE_CHECKING:
    from ticketing.client.client import Client

COLUMNS = ("id", "status", "severity", "service", "count", "title")
"""The fields of an incident that a line shows."""
TITLE_CHARS_MAX = 80
"""Leaves a line within common terminals."""

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, an object a line.")
_api = click.option(
    "--api", help="Address of the API.  [default: web.publicUrl, else web.host and port]"
)
_by = click.option(
    "--by", default=getpass.getuser, help="Your name, for the record  [default: your user name]"
)
_note = click.option("--note", help="A remark for the timeline.")
_key = click.option("--key", help="Makes a repetition harmless: the key that a failure named.")


@click.group(epilog="Example: ticketing incidents list --status open")
def incidents() -> None:
    """List, show, follow and handle incidents through the API.

    The token is that of TICKETING_API_TOKEN, else `web.token`. The exit status is 1 if the API
    refuses the request, if there is no such incident, or if the outcome is not known.
    """


@incidents.command("list", epilog="Example: ticketing incidents list --status open --json")
@click.option("--status", help="Only these, separated by commas.")
@click.option("--severity", help="Only these, separated by commas.")
@click.option("--service", help="Only incidents with an alert of this service.")
@click.option("--query", "q", help="Only incidents with all of these words.")
@click.option(
    "--undelivered", is_flag=True, help="Only those with a page that did not get through."
)
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@_json
@_api
def list_(limit: int, undelivered: bool, as_json: bool, api: str | None, **filters: Any) -> None:
    """List incidents, newest first."""
    given = {name: value for name, value in filters.items() if value}
    if undelivered:
        given["undelivered"] = "true"

    async def ask(client: Client) -> None:
        async for incident in client.incidents(limit, **given):
            _print(incident, as_json)

    _run(ask, api)


@incidents.command(epilog="Example: ticketing incidents show 5c09e1f2a3b4c5d6-0123456789abcdef")
@click.argument("id")
@_json
@_api
def show(id: str, as_json: bool, api: str | None) -> None:
    """Show the incident ID: its state, tickets and timeline."""

    async def ask(client: Client) -> None:
        found = await client.incident(id)
        if as_json:
            echo(json.dumps(found, ensure_ascii=False))
            return
        _print(found, as_json=False)
        for ticket in found.get("tickets", ()):
            words = (ticket["platform"], ticket["state"], ticket["key"], ticket["error"])
            echo("  ticket  " + _line(*words))
        for step in found.get("timeline", ()):
            words = (step["at"], step["kind"], step["by"], step["text"])
            echo("  " + _line(*words))

    _run(ask, api)


@incidents.command(epilog="Example: ticketing incidents tail --json | jq .title")
@_json
@_api
def tail(as_json: bool, api: str | None) -> None:
    """Print incidents as they change, until Ctrl-C; goes on after interruptions."""

    async def ask(client: Client) -> None:
        async for event in client.events():
            if event.name == "incidents":
                for incident in event.data["incidents"]:
                    _print(incident, as_json)

    try:
        _run(ask, api)
    except KeyboardInterrupt:
        return


def _action(name: str, action: str, text: str, *options: Any) -> None:
    """Add a command that does an action on one incident."""

    def run(id: str, api: str | None, key: str | None, as_json: bool, **fields: Any) -> None:
        given = body_of(Action(action), fields)

        async def ask(client: Client) -> None:
            answer = await client.act(id, action, key, **given)
            echo(json.dumps(answer, ensure_ascii=False) if as_json else _told(answer))

        _run(ask, api)

    run.__doc__ = text
    for option in (_api, _json, _key, _by, *reversed(options), click.argument("id")):
        run = option(run)
    example = f"Example: ticketing incidents {name} 5c09e1f2a3b4c5d6-0123456789abcdef"
    incidents.command(name, epilog=example)(run)


_to = click.option("--to", multiple=True, help="A platform, team or person. Repeatable.")
_action("ack", "acknowledge", "Acknowledge the incident ID: somebody is on it.", _note)
_action("resolve", "resolve", "Resolve the incident ID: it is over.", _note)
_action("escalate", "escalate", "Escalate the incident ID.", _to, _note)
_action("assign", "assign", "Assign the incident ID to people.", _to, _note)
_action(
    "note",
    "note",
    "Note a remark in the timeline of the incident ID.",
    click.option("--text", required=True, help="The remark."),
)
_action(
    "merge",
    "merge",
    "Merge the incident ID with another one; the earlier one stays.",
    click.option("--with", "with", required=True, help="The other incident."),
    _note,
)
_action(
    "split",
    "split",
    "Split alerts from the incident ID into a new one.",
    click.option("--alert", "alerts", multiple=True, required=True, help="A fingerprint."),
    _note,
)


def _run(ask: Callable[[Client], Awaitable[None]], api: str | None) -> None:
    from ticketing.client.client import Client
    from ticketing.config import load

    config = load(None, os.environ)

    async def run() -> None:
        async with Client(api or address_of(config), token_of(config)) as client:
            await ask(client)

    asyncio.run(run())


def _print(incident: dict[str, Any], as_json: bool) -> None:
    if as_json:
        echo(json.dumps(incident, ensure_ascii=False))
        return
    *texts, title = (str(incident.get(name, "")) for name in COLUMNS)
    echo(_line(*texts, title[:TITLE_CHARS_MAX]))


def _line(*texts: str) -> str:
    """Texts on one line, whatever is in them: those of log records are anybody's."""
    return "  ".join(escaped(" ".join(text.split())) for text in texts if text)


def _told(answer: dict[str, Any]) -> str:
    told = f"{answer['id']} is {answer['status']}"
    if answer.get("stillFiring"):
        told += "; an alert of it still fires and reopens it: `ticketing act snooze` for quiet"
    return _line(told)
