"""The way of commands to the API: its address, the token, the fields of an action."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ticketing.domain.events import Action
from ticketing.errors import Misconfigured

if TYPE_CHECKING:
    from ticketing.client.client import Client
    from ticketing.config import Config

TOKEN_VARIABLE = "TICKETING_API_TOKEN"
"""The variable with the token of the person or program that calls commands."""
TOKEN_FILE_VARIABLE = "TICKETING_API_TOKEN_FILE"
"""The variable with the path of a file that holds that token, and nothing else."""


def ask_api(ask: Callable[[Client], Awaitable[None]], address: str | None) -> None:
    """Run `ask` with a client of the API at `address`, or at that of the configuration."""
    from ticketing.client.client import Client
    from ticketing.config import load

    config = load(None, os.environ)

    async def run() -> None:
        async with Client(address or address_of(config), token_of(config)) as client:
            await ask(client)

    asyncio.run(run())


def token_of(config: Config) -> str | None:
    """The token for the API: that of the environment, of its file, or the configuration's, if any.

    Raises Misconfigured for a file that holds no token.
    """
    own = os.environ.get(TOKEN_VARIABLE, "").strip()
    file = os.environ.get(TOKEN_FILE_VARIABLE, "").strip()
    if own or file:
        return own or _held_by(file)
    shared = config.web.token
    return None if shared is None else shared.get_secret_value()


def _held_by(file: str) -> str:
    try:
        words = Path(file).read_text(encoding="utf-8").split()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise Misconfigured(f"{TOKEN_FILE_VARIABLE}: can't read {file}: {reason}") from None
    if len(words) != 1:
        raise Misconfigured(f"{TOKEN_FILE_VARIABLE}: {file} must hold a token and nothing else")
    return words[0]


def address_of(config: Config) -> str:
    """The address of the API as the configuration has it."""
    if config.web.public_url is not None:
        return str(config.web.public_url)
    host = f"[{config.web.host}]" if ":" in config.web.host else config.web.host
    return f"http://{host}:{config.web.port}"


def body_of(action: Action, fields: dict[str, Any], now: float | None = None) -> dict[str, Any]:
    """The body of an action's request: what was given, by the names of the API."""
    given = {name.rstrip("_"): value for name, value in fields.items() if value not in (None, ())}
    length = given.pop("for", None)
    if length is not None:
        given.setdefault("until", (time.time() if now is None else now) + length)
    if action is Action.ASSIGN:
        given.setdefault("to", ())
    return given
