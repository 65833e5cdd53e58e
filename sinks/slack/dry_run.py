"""What Slack is assumed to answer in a rehearsal."""

from __future__ import annotations

from typing import Any

from sinks.calls.dry_run import Call
from ticketing.config import Config


class Assumed:
    """Takes every message; finds none of its own in a channel."""

    def __init__(self, config: Config) -> None:
        self._posted = 0

    def __call__(self, call: Call) -> Any:
        """The answer to one request."""
        body = call.body if isinstance(call.body, dict) else {}
        given = {**call.query, **body}
        if call.path.endswith("/chat.postMessage"):
            self._posted += 1
        channel = str(given.get("channel", ""))
        return {
            "ok": True,
            "channel": {"id": channel, "name": channel}
            if "conversations" in call.path
            else channel,
            "ts": given.get("ts") or f"(ts {self._posted})",
            "messages": [],
            "permalink": "",
        }
