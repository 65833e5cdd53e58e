"""Buttons pressed in Slack: a signed request becomes a command, answered within Slack's limit.

https://docs.slack.dev/interactivity/handling-user-interaction
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web
from slack_sdk.signature import SignatureVerifier

from sinks.slack.payload import ACTION_PREFIX, BUTTONS
from ticketing.api.commands import ROLES
from ticketing.api.described import described, ok, refused
from ticketing.api.door import PRINCIPAL, SUBJECTS, require_role
from ticketing.api.parameters import INCIDENT_ID
from ticketing.api.problems import Invalid, Problem, unavailable
from ticketing.api.services import services
from ticketing.api.slack_origin import check_message, check_workspace
from ticketing.config.platforms.slack import Slack
from ticketing.domain.access.principal import NAME_CHARS_MAX, Kind, Principal, Role
from ticketing.domain.events import Action, Command
from ticketing.domain.text import cleaned
from ticketing.errors import Unavailable

_USER = re.compile(r"[UW][A-Z0-9]{2,30}")
SEND_SECONDS_MAX = 2.5
"""Slack waits three seconds for the answer, then shows its user an error."""


@described(
    ok("Kafka holds the commands"),
    refused(401, "the signature is wrong, or too old"),
    refused(404, "there is no `slack.signingSecret`"),
    refused(503, "Kafka does not take the commands in time"),
    summary="The buttons of Slack's messages: a signed form with a field `payload`",
)
async def interactions(request: web.Request) -> web.Response:
    """POST /api/v1/slack/interactions.

    200 once the commands are durable; their outcome shows in the message. Safe to repeat.
    """
    raw = await request.read()
    _verify(request, raw)
    payload = _payload(raw)
    sender = _sender(payload, services(request).config.slack)
    commands = list(_commands(payload, sender))
    if commands:
        request[PRINCIPAL] = sender
        request[SUBJECTS] = [command.incident_id for command in commands]
    check_workspace(services(request), payload)
    for command in commands:
        require_role(sender, ROLES[command.action])
        await check_message(services(request), payload, command.incident_id)
    send = services(request).commands.send
    try:
        await asyncio.wait_for(
            asyncio.gather(*(send(command) for command in commands)), SEND_SECONDS_MAX
        )
    except (asyncio.TimeoutError, Unavailable):
        raise unavailable("The command could not be sent in time.") from None
    return web.Response()


def _verify(request: web.Request, raw: bytes) -> None:
    """Verify Slack's signature, in place of a token; raises Problem."""
    secret = services(request).config.slack.signing_secret
    if secret is None:
        raise Problem(404, "Set slack.signingSecret to take buttons from Slack.")
    try:
        genuine = SignatureVerifier(secret.get_secret_value()).is_valid(
            raw,
            request.headers.get("X-Slack-Request-Timestamp"),
            request.headers.get("X-Slack-Signature"),
        )
    except (TypeError, ValueError):
        # A time that is not a number, or a body that is not UTF-8, is not from Slack.
        genuine = False
    if not genuine:
        raise Problem(
            401, "The signature does not match slack.signingSecret, or the request is too old."
        )


def _payload(raw: bytes) -> dict[str, Any]:
    try:
        form = parse_qs(raw.decode("utf-8", "replace"), max_num_fields=100)
        value = json.loads(form.get("payload", [""])[0])
    except (ValueError, RecursionError):
        raise Invalid("payload", "is not valid JSON") from None
    if not isinstance(value, dict):
        raise Invalid("payload", "must be a JSON object")
    return value


def _commands(payload: dict[str, Any], sender: Principal) -> Iterator[Command]:
    """The commands of the pressed buttons; other interactions of the app are ignored."""
    actions = payload.get("actions")
    if payload.get("type") != "block_actions" or not isinstance(actions, list):
        return
    for pressed in actions:
        action = _action(pressed)
        incident_id = pressed.get("value") if action else None
        if action and isinstance(incident_id, str) and INCIDENT_ID.fullmatch(incident_id):
            yield Command(
                id=_command_id(payload, pressed),
                incident_id=incident_id,
                action=action,
                by=sender.name,
            )


def _action(pressed: Any) -> Action | None:
    name = pressed.get("action_id") if isinstance(pressed, dict) else None
    if not isinstance(name, str) or not name.startswith(ACTION_PREFIX):
        return None
    wanted = name[len(ACTION_PREFIX) :]
    return next((action for action, *_ in BUTTONS if action.value == wanted), None)


def _command_id(payload: dict[str, Any], pressed: dict[str, Any]) -> str:
    """The id of a press: the same for each retry of its request."""
    pressing = [payload.get("trigger_id"), pressed.get("action_id"), pressed.get("action_ts")]
    digest = hashlib.sha256(json.dumps([*pressing, pressed.get("value")]).encode()).hexdigest()
    return f"slack-{digest[:24]}"


def _sender(payload: dict[str, Any], config: Slack) -> Principal:
    """The user who pressed, by the id in Slack's signed request: the name is anybody's to choose."""
    user = payload.get("user")
    user = user if isinstance(user, dict) else {}
    given = (user.get(key) for key in ("username", "name", "id"))
    clean = (cleaned(name).strip() for name in given if isinstance(name, str))
    name = next((name for name in clean if name), "somebody")
    given_id = user.get("id")
    id = given_id if isinstance(given_id, str) and _USER.fullmatch(given_id) else ""
    ending = f" ({id})" if id and name != id else ""
    role = config.users.get(id, config.default_role)
    signed = f"slack:{name}"[: NAME_CHARS_MAX - len(ending)] + ending
    return Principal(name=signed, role=Role(role), kind=Kind.SLACK)
