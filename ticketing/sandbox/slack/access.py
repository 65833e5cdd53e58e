"""Makes handlers of the Web API's methods: reads the arguments and checks the token."""

from __future__ import annotations

import json
from collections.abc import Callable

from aiohttp import web

from ticketing.sandbox.platform import MALFORMED, Call, Handler
from ticketing.sandbox.slack import credentials
from ticketing.sandbox.slack.answers import Arguments, Failure, failed

JSON_ARGUMENTS = ("blocks", "attachments", "metadata")
"""Arguments that a form or a query carries as JSON in a string."""

Method = Callable[[Arguments], Arguments]


def handler_of(method: Method) -> Handler:
    """The handler of a method, which answers with the method's result or Failure."""

    def handler(call: Call) -> web.Response:
        try:
            arguments = _arguments(call)
            _authorize(call, arguments)
            return web.json_response({"ok": True, **method(arguments)})
        except Failure as failure:
            return failed(failure)

    return handler


def is_true(arguments: Arguments, name: str) -> bool:
    """A boolean argument, in JSON, in a form or in a query."""
    return arguments.get(name) in (True, "true", "1")


def _arguments(call: Call) -> Arguments:
    if call.body is MALFORMED:
        raise Failure("invalid_json")
    arguments: Arguments = dict(call.query)
    if isinstance(call.body, dict):
        arguments.update(call.body)
    elif call.body is not None:
        raise Failure("invalid_post_type")
    for name in JSON_ARGUMENTS:
        if isinstance(arguments.get(name), str):
            try:
                arguments[name] = json.loads(arguments[name])
            except ValueError:
                raise Failure(f"invalid_{name}_format") from None
    return arguments


def _authorize(call: Call, arguments: Arguments) -> None:
    token = call.token("Bearer") or arguments.get("token")
    if not token:
        raise Failure("not_authed")
    if token != credentials.BOT_TOKEN:
        raise Failure("invalid_auth")
