"""The channels of the team and the bot's own account, and the methods that show them."""

from __future__ import annotations

from typing import Any

from ticketing.sandbox.slack import credentials
from ticketing.sandbox.slack.answers import Arguments, Failure

CHANNELS: dict[str, dict[str, Any]] = {
    credentials.CHANNEL: {"name": credentials.CHANNEL_NAME},
    "C0SANDBOX2": {"name": "management"},
    "C0ARCHIVED": {"name": "archived", "is_archived": True},
    "C0PRIVATE1": {"name": "private", "is_member": False},
}
BOT_USER, BOT_ID, TEAM_ID = "U0SANDBOX", "B0SANDBOX", "T0SANDBOX"


def channel_of(arguments: Arguments, names: bool = False) -> str:
    """The id of a call's channel; only posting accepts its name."""
    wanted = arguments.get("channel")
    if not isinstance(wanted, str):
        raise Failure("channel_not_found")
    if names:
        for channel_id, channel in CHANNELS.items():
            if wanted.lstrip("#") == channel["name"]:
                wanted = channel_id
    if wanted not in CHANNELS:
        raise Failure("channel_not_found")
    return wanted


def writable_channel_of(arguments: Arguments, names: bool = False) -> str:
    """The id of a call's channel; raises Failure if the bot can't write there."""
    channel = channel_of(arguments, names)
    if CHANNELS[channel].get("is_archived"):
        raise Failure("is_archived")
    if CHANNELS[channel].get("is_member") is False:
        raise Failure("not_in_channel")
    return channel


def auth_test(arguments: Arguments) -> Arguments:
    """auth.test: the bot's account."""
    return {
        "url": f"{credentials.SITE}/",
        "team": "Sandbox",
        "user": "ticketing",
        "team_id": TEAM_ID,
        "user_id": BOT_USER,
        "bot_id": BOT_ID,
        "is_enterprise_install": False,
    }


def channel_info(arguments: Arguments) -> Arguments:
    """conversations.info."""
    return {"channel": _view(channel_of(arguments))}


def channels(arguments: Arguments) -> Arguments:
    """conversations.list."""
    found = [_view(channel) for channel in CHANNELS]
    return {"channels": found, "response_metadata": {"next_cursor": ""}}


def _view(channel: str) -> Arguments:
    base = {"id": channel, "is_channel": True, "is_archived": False, "is_member": True}
    return {**base, **CHANNELS[channel]}
