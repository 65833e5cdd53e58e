"""Assumed answers of PagerDuty in a dry run."""

from __future__ import annotations

from typing import Any

from sinks.calls.dry_run import AssumedAnswers, DryRunRequest
from ticketing.config import Config


class PagerDutyAnswers:
    """A PagerDuty that takes every event and shows its incident at once."""

    def __init__(self, config: Config) -> None:
        self._status = "triggered"

    def __call__(self, request: DryRunRequest) -> Any:
        """The answer to one request."""
        body = request.body if isinstance(request.body, dict) else {}
        if request.path.endswith("/v2/enqueue"):
            action = body.get("event_action", "")
            self._status = {"acknowledge": "acknowledged", "resolve": "resolved"}.get(
                action, self._status
            )
            return {"status": "success", "dedup_key": body.get("dedup_key", "")}
        incident = {
            "id": "(incident id)",
            "incident_key": request.query.get("incident_key", ""),
            "status": self._status,
            "html_url": "",
        }
        return {"incidents": [incident], "incident": incident, "notes": [], "note": {}}


def assumed_answers(config: Config) -> AssumedAnswers:
    """The answers to the requests of one drill."""
    return PagerDutyAnswers(config)
