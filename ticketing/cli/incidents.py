"""`ticketing incidents`: list, show, follow and handle incidents through the API."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from ticketing.cli import options
from ticketing.cli.output import echo
from ticketing.cli.remote import ask_api, body_of
from ticketing.domain.events import Action
from ticketing.domain.text import escaped

if TYPE_CHECKING:
    from ticketing.client.client import Client

COLUMNS = {"id": 33, "status": 12, "severity": 8, "count": 7, "service": 16, "title": 0}
"""The fields of an incident that a line shows, each with the width of its column."""
TITLE_CHARS_MAX = 80
"""Leaves a line within common terminals."""

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, an object a line.")
_note = click.option("--note", help="A remark for the timeline.")


@click.group(epilog="Example: ticketing incidents list --status open")
def incidents() -> None:
    """List, show, follow and handle incidents through the API.

    The token is that of TICKETING_API_TOKEN or TICKETING_API_TOKEN_FILE, else `web.token`. The exit
    status is 1 if the API refuses the request, if there is no such incident, or if the outcome is
    not known. `ticketing act` has the rest: unlink and delete.
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
@options.api
def list_(limit: int, undelivered: bool, as_json: bool, api: str | None, **filters: Any) -> None:
    """List incidents, newest first."""
    given = {name: value for name, value in filters.items() if value}
    if undelivered:
        given["undelivered"] = "true"

    async def ask(client: Client) -> None:
        if not as_json:
            echo(_row(name.upper() for name in COLUMNS))
        async for incident in client.incidents(limit, **given):
            _print(incident, as_json)

    ask_api(ask, api)


@incidents.command(epilog="Example: ticketing incidents show 5c09e1f2a3b4c5d6-0123456789abcdef")
@click.argument("id")
@_json
@options.api
def show(id: str, as_json: bool, api: str | None) -> None:
    """Show the incident ID: its state, what is known of it, its tickets and its timeline."""

    async def ask(client: Client) -> None:
        found = await client.incident(id)
        if as_json:
            echo(json.dumps(found, ensure_ascii=False))
            return
        _print(found, as_json=False)
        for fact in found.get("facts", ()):
            echo("  " + _line(f"{fact['label']}:", fact["text"]))
        for ticket in found.get("tickets", ()):
            words = (ticket["platform"], ticket["state"], ticket["key"], ticket["error"])
            echo("  ticket  " + _line(*words))
        for step in found.get("timeline", ()):
            words = (step["at"], step["kind"], step["by"], step["text"])
            echo("  " + _line(*words))

    ask_api(ask, api)


@incidents.command(epilog="Example: ticketing incidents tail --json | jq .title")
@_json
@options.api
def tail(as_json: bool, api: str | None) -> None:
    """Print incidents as they change, until Ctrl-C; goes on after interruptions."""

    async def ask(client: Client) -> None:
        async for event in client.events(interrupted=lambda error: echo(str(error), err=True)):
            if event.name == "incidents":
                for incident in event.data["incidents"]:
                    _print(incident, as_json)

    try:
        ask_api(ask, api)
    except KeyboardInterrupt:
        return


def _action(name: str, action: Action, text: str, *fields: Any) -> None:
    """Add a command that does an action on one incident."""

    def run(id: str, api: str | None, key: str | None, as_json: bool, **given: Any) -> None:
        body = body_of(action, given)

        async def ask(client: Client) -> None:
            answer = await client.act(id, action.value, key, **body)
            echo(json.dumps(answer, ensure_ascii=False) if as_json else _told(answer))

        ask_api(ask, api)

    run.__doc__ = text
    given = (*fields, options.by, options.key, _json, options.api)
    for option in (*reversed(given), click.argument("id")):
        run = option(run)
    example = f"Example: ticketing incidents {name} 5c09e1f2a3b4c5d6-0123456789abcdef"
    incidents.command(name, epilog=example)(run)


def _text(help: str) -> Any:
    return click.option("--text", required=True, help=help)


_alerts = click.option(
    "--alert", "alerts", multiple=True, required=True, help="A fingerprint. Repeatable."
)
_action("ack", Action.ACKNOWLEDGE, "Acknowledge the incident ID: somebody is on it.", _note)
_action("resolve", Action.RESOLVE, "Resolve the incident ID: it is over.", _note)
_action("reopen", Action.REOPEN, "Reopen the incident ID: it is not over.", _note)
_action(
    "escalate",
    Action.ESCALATE,
    "Escalate the incident ID.",
    click.option(
        "--to", multiple=True, help="A platform or team. Repeatable.  [default: escalation.to]"
    ),
    _note,
)
_action(
    "assign",
    Action.ASSIGN,
    "Assign the incident ID to people, or to nobody.",
    click.option("--to", multiple=True, help="A person. Repeatable.  [default: nobody]"),
    _note,
)
_action(
    "note", Action.NOTE, "Note a remark in the timeline of the incident ID.", _text("The remark.")
)
_action(
    "comment",
    Action.COMMENT,
    "Comment on the incident ID, in its timeline and its tickets.",
    _text("The remark."),
)
_action(
    "snooze",
    Action.SNOOZE,
    "Snooze the incident ID: firing again pages nobody until then, a rise of severity does.",
    click.option("--for", "for_", type=options.Length(), help="How long, such as 4h."),
    click.option("--until", help="Its end, such as 2030-01-31T08:00:00Z."),
    _note,
)
_action(
    "forward",
    Action.FORWARD,
    "Forward the incident ID to one more platform.",
    click.option("--platform", required=True, help="An enabled platform."),
)
_action(
    "merge",
    Action.MERGE,
    "Merge the incident ID with another one; the earlier one stays.",
    click.option("--with", "with_", required=True, help="The other incident."),
    _note,
)
_action("split", Action.SPLIT, "Split alerts from the incident ID into a new one.", _alerts)
_action(
    "move",
    Action.MOVE,
    "Move alerts of the incident ID to another one.",
    _alerts,
    click.option("--into", required=True, help="The incident that takes them."),
)


def _print(incident: dict[str, Any], as_json: bool) -> None:
    if as_json:
        echo(json.dumps(incident, ensure_ascii=False))
        return
    *texts, title = (_line(str(incident.get(name, ""))) for name in COLUMNS)
    echo(_row((*texts, title[:TITLE_CHARS_MAX])))


def _row(texts: Iterable[str]) -> str:
    """Texts in columns; a longer one moves those after it, and none is cut."""
    return "  ".join(map(str.ljust, texts, COLUMNS.values())).rstrip()


def _line(*texts: str) -> str:
    """Texts on one line, whatever is in them: those of log records are anybody's."""
    return "  ".join(escaped(" ".join(text.split())) for text in texts if text)


def _told(answer: dict[str, Any]) -> str:
    told = f"{answer['id']} is {answer['status']}"
    if answer.get("stillFiring"):
        told += (
            "; an alert of it still fires and reopens it: `ticketing incidents snooze` for quiet"
        )
    return _line(told)
