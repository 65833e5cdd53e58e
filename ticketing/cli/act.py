"""`ticketing act`: any action on an incident, through the API."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from ticketing.cli import options
from ticketing.cli.output import echo
from ticketing.cli.remote import ask_api, body_of
from ticketing.domain.events import Action

if TYPE_CHECKING:
    from ticketing.client.client import Client


@click.command(
    epilog="\b\nExample: ticketing act acknowledge 5c09e1f2a3b4c5d6-0123456789abcdef --note 'on it'\n"
    "Example: ticketing act snooze 5c09e1f2a3b4c5d6-0123456789abcdef --for 4h"
)
@click.argument("action", type=click.Choice([action.value for action in Action]))
@click.argument("id")
@click.option("--note", help="A remark for the timeline.")
@click.option("--text", help="The text of a comment (goes to the tickets) or a note (does not).")
@click.option(
    "--to", multiple=True, help="Of escalate: a platform or team. Of assign: a person. Repeatable."
)
@click.option("--platform", help="Of forward: an enabled platform.")
@click.option("--from", "from_", multiple=True, help="Of unlink: an incident. Repeatable.")
@click.option("--with", "with_", help="Of merge: the other incident; the earlier one stays.")
@click.option(
    "--alert", "alerts", multiple=True, help="Of split and move: a fingerprint. Repeatable."
)
@click.option("--into", help="Of move: the incident that takes the alerts.")
@click.option("--until", help="Of snooze: its end, such as 2030-01-31T08:00:00Z.")
@click.option("--for", "for_", type=options.Length(), help="Of snooze: its length, such as 4h.")
@options.by
@options.key
@options.api
@click.option("--yes", is_flag=True, help="Of delete: do it; without it, only say what that means.")
def act(action: str, id: str, key: str | None, api: str | None, yes: bool, **fields: Any) -> None:
    """Do ACTION on the incident ID, and wait for the outcome.

    The token is that of TICKETING_API_TOKEN or TICKETING_API_TOKEN_FILE, else `web.token`: its name
    is the author, and --by counts for an admin's only. The fields that an action takes are those of
    the API; assign without --to leaves nobody assigned. The exit status is 1 if the incident's
    state forbids the action, if there is no such incident, or if the outcome is not known.
    """
    if action == Action.DELETE.value and not yes:
        echo(f"this deletes {id} for good, and its tickets stay: repeat with --yes", err=True)
        sys.exit(1)
    body = body_of(Action(action), fields)

    async def ask(client: Client) -> None:
        answer = await client.act(id, action, key, **body)
        echo(json.dumps(answer, ensure_ascii=False))

    ask_api(ask, api)
