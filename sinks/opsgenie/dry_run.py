"""What OpsGenie is assumed to answer in a rehearsal."""

from __future__ import annotations

from typing import Any

from sinks.calls.dry_run import Call
from ticketing.config import Config


class Assumed:
    """Takes every request and has processed it when it is asked."""

    def __init__(self, config: Config) -> None:
        self._alias = ""

    def __call__(self, call: Call) -> Any:
        """The answer to one request."""
        body = call.body if isinstance(call.body, dict) else {}
        self._alias = str(body.get("alias", self._alias))
        if "/requests/" in call.path:
            done = {"success": True, "isSuccess": True, "status": "processed"}
            return {"data": {**done, "alertId": "(alert id)", "alias": self._alias}}
        if call.method != "GET":
            return {"result": "Request will be processed", "requestId": "(request id)"}
        return {"data": {"id": "(id)", "onCallRecipients": [], "onCallUsers": []}}
