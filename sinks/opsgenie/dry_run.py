"""Assumed answers of OpsGenie in a dry run."""

from __future__ import annotations

from typing import Any

from sinks.calls.dry_run import AssumedAnswers, DryRunRequest
from ticketing.config import Config


class OpsGenieAnswers:
    """An OpsGenie that takes every request and has processed it by the next question."""

    def __init__(self, config: Config) -> None:
        self._alias = ""

    def __call__(self, request: DryRunRequest) -> Any:
        """The answer to one request."""
        body = request.body if isinstance(request.body, dict) else {}
        self._alias = str(body.get("alias", self._alias))
        if "/requests/" in request.path:
            done = {"success": True, "isSuccess": True, "status": "processed"}
            return {"data": {**done, "alertId": "(alert id)", "alias": self._alias}}
        if request.method != "GET":
            return {"result": "Request will be processed", "requestId": "(request id)"}
        return {"data": {"id": "(id)", "onCallRecipients": [], "onCallUsers": []}}


def assumed_answers(config: Config) -> AssumedAnswers:
    """The answers to the requests of one drill."""
    return OpsGenieAnswers(config)
