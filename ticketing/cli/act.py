"""`ticketing act`: an action on an incident, through the API."""

from __future__ import annotations

import asyncio
import getpass
import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from ticketing.cli.output import echo
from ticketing.domain.events import Action

if TYPE_CHECKING:
    from ticketing.config import Config

TOKEN_VARIABLE = "TICKETING_API_TOKEN"
"""The variable with the token of the person or program that calls commands."""
ANSWER_SECONDS_MAX = 30.0
"""Longer than the API waits for Kafka, 10 seconds, and for the outcome, 2."""


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
@click.option("--for", "for_", type=Length(), help="Of snooze: its length, such as 4h.")
@click.option(
    "--by", default=getpass.getuser, help="Your name, for the record  [default: your user name]"
)
@click.option("--key", help="Makes a repetition harmless: the key that an unknown outcome named.")
@click.option("--api", help="Address of the API.  [default: web.publicUrl, else web.host and port]")
@click.option("--yes", is_flag=True, help="Of delete: do it; without it, only say what that means.")
def act(action: str, id: str, key: str | None, api: str | None, yes: bool, **fields: Any) -> None:
    """Do ACTION on the incident ID, and wait for the outcome.

    The token is that of TICKETING_API_TOKEN, else `web.token`: its name is the author, and --by
    counts for an admin's only. The fields that an action takes are those of the API; assign without
    --to leaves nobody assigned. The exit status is 1 if the incident's state forbids the action, if
    there is no such incident, or if the outcome is not known.
    """
    from ticketing.config import load

    if action == Action.DELETE.value and not yes:
        echo(f"this deletes {id} for good, and its tickets stay: repeat with --yes", err=True)
        sys.exit(1)
    config = load(None, os.environ)
    address = (api or address_of(config)).rstrip("/")
    url = f"{address}/api/incidents/{quote(id, safe='')}/{action}"
    token = token_of(config)
    status, answer = asyncio.run(_post(url, body_of(Action(action), fields), token, key))
    if status != 200:
        echo(answer.get("detail") or f"{url} answered {status}", err=True)
        if "commandId" in answer:
            echo(f"repeat with --key {answer['commandId']}", err=True)
        sys.exit(1)
    echo(json.dumps(answer, ensure_ascii=False))


def body_of(action: Action, fields: dict[str, Any], now: float | None = None) -> dict[str, Any]:
    """The body of the request: what was given, by the names of the API."""
    given = {name.rstrip("_"): value for name, value in fields.items() if value not in (None, ())}
    length = given.pop("for", None)
    if length is not None:
        given.setdefault("until", (time.time() if now is None else now) + length)
    if action is Action.ASSIGN:
        given.setdefault("to", ())
    return given


def token_of(config: Config) -> str | None:
    """The token for the API: that of the environment, else the configuration's, if any."""
    own = os.environ.get(TOKEN_VARIABLE, "").strip()
    shared = config.web.token
    return own or (None if shared is None else shared.get_secret_value())


def address_of(config: Config) -> str:
    """The address of the API as the configuration has it."""
    if config.web.public_url is not None:
        return str(config.web.public_url)
    host = f"[{config.web.host}]" if ":" in config.web.host else config.web.host
    return f"http://{host}:{config.web.port}"


async def _post(
    url: str, body: dict[str, Any], token: str | None, key: str | None
) -> tuple[int, dict[str, Any]]:
    import aiohttp

    from ticketing.errors import Unavailable

    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if key is not None:
        headers["Idempotency-Key"] = key
    limit = aiohttp.ClientTimeout(total=ANSWER_SECONDS_MAX)
    try:
        async with (
            aiohttp.ClientSession(timeout=limit, headers=headers) as session,
            session.post(url, json=body, allow_redirects=False) as answer,
        ):
            found = await answer.json(content_type=None)
            return answer.status, found if isinstance(found, dict) else {}
    except (aiohttp.ClientError, asyncio.TimeoutError, ValueError) as error:
        why = type(error).__name__
        raise Unavailable(f"no answer of the API from {url} ({why}); --api names another") from None
