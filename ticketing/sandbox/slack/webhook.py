"""The incoming webhook, which answers in plain text without the new message's timestamp.

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
"""

from __future__ import annotations

import json

from aiohttp import web

from ticketing.sandbox.platform import MALFORMED, Call
from ticketing.sandbox.slack import credentials
from ticketing.sandbox.slack.answers import Failure
from ticketing.sandbox.slack.behaviours import SlackBehaviours
from ticketing.sandbox.slack.rules import check_message
from ticketing.sandbox.slack.store import Messages


class Webhook:
    """Posts to the webhook's one channel."""

    def __init__(self, messages: Messages, behaviours: SlackBehaviours) -> None:
        self._messages = messages
        self._behaviours = behaviours

    def post(self, call: Call) -> web.Response:
        """POST services/{team}/{bot}/{token}."""
        if call.path != credentials.WEBHOOK_PATH:
            return web.Response(status=404, text="no_service")
        body = call.body
        if isinstance(body, dict) and isinstance(body.get("payload"), str):
            try:
                body = json.loads(body["payload"])
            except ValueError:
                body = MALFORMED
        if not isinstance(body, dict):
            return web.Response(status=400, text="invalid_payload")
        message = {**body, "metadata": None}
        try:
            check_message(message, self._behaviours)
        except Failure as failure:
            return web.Response(status=400, text=failure.code)
        ticket = self._messages.add(credentials.CHANNEL, message, "posted by the webhook")
        ticket.record["webhook"] = True
        return web.Response(text="ok")
