"""Assumed answers of Slack in a dry run."""

from __future__ import annotations

from typing import Any

from sinks.calls.dry_run import AssumedAnswers, DryRunRequest
from ticketing.config import Config


class SlackAnswers:
    """A Slack that takes every message and shows none in a channel's history."""

    def __init__(self, config: Config) -> None:
        self._posted = 0
        self._webhook = config.slack.bot_token is None

    def __call__(self, request: DryRunRequest) -> Any:
        """The answer to one request."""
        if self._webhook:
            return b"ok"
        body = request.body if isinstance(request.body, dict) else {}
        given = {**request.query, **body}
        if request.path.endswith("/chat.postMessage"):
            self._posted += 1
        channel = str(given.get("channel", ""))
        return {
            "ok": True,
            "channel": {"id": channel, "name": channel}
            if "conversations" in request.path
            else channel,
            "ts": given.get("ts") or f"(ts {self._posted})",
            "messages": [],
            "permalink": "",
        }


def assumed_answers(config: Config) -> AssumedAnswers:
    """The answers to the requests of one drill."""
    return SlackAnswers(config)
