"""The origin of a press in Slack: its workspace, and the message that the button stands in.

A signature says only that Slack sent the request. Whoever knows an incoming webhook of the app can
post a message of his own with our buttons in it, for any incident.
https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
import structlog

from ticketing.api.problems import Problem
from ticketing.api.services import Services
from ticketing.config.platforms.slack import Slack
from ticketing.errors import Unavailable

log = structlog.get_logger(__name__)

_PLACE = re.compile(r"[A-Z][A-Z0-9]{1,30}:\d{1,20}\.\d{1,10}")
"""A message that a bot has posted: channel and timestamp."""


class _Ticket(msgspec.Struct, rename="camel"):
    platform: str
    external_id: str = ""


class _Shown(msgspec.Struct):
    tickets: list[_Ticket] = []


_shown = msgspec.json.Decoder(_Shown)


def check_workspace(services: Services, payload: dict[str, Any]) -> None:
    """Raise Problem 403 for a press from another workspace than `slack.team`, where it is set."""
    expected = services.config.slack.team
    if expected is not None and _text(payload.get("team"), "id") != expected:
        raise Problem(403, "The button was pressed in another workspace than slack.team.")


async def check_message(services: Services, payload: dict[str, Any], incident_id: str) -> None:
    """Raise Problem 403 unless the button stands in the message that shows its incident.

    Messages of a webhook have no known place. Without the view nothing is known of any message:
    the press counts then, as people must be able to acknowledge.
    """
    if _posts_by_webhook(services.config.slack):
        return
    try:
        document = await services.store.get(incident_id)
    except Unavailable as error:
        log.warning("slack_message_unchecked", incident=incident_id, why=str(error))
        return
    if document is None:
        return
    tickets = _shown.decode(document).tickets
    known = next((one.external_id for one in tickets if one.platform == "slack"), "")
    container = payload.get("container")
    place = f"{_text(container, 'channel_id')}:{_text(container, 'message_ts')}"
    if not _PLACE.fullmatch(known):
        raise Problem(403, "The incident's message is not known yet. Press the button again.")
    if place != known:
        raise Problem(403, "The button does not stand in the message of its incident.")


def _posts_by_webhook(slack: Slack) -> bool:
    """True without a bot. This process need not hold its token: a channel is a bot's."""
    if slack.bot_token is not None:
        return False
    return slack.webhook_url is not None or not (slack.channel or slack.channels.names())


def _text(value: Any, name: str) -> str:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""
