"""What PagerDuty is assumed to answer in a rehearsal."""

from __future__ import annotations

from typing import Any

from sinks.calls.dry_run import Call
from ticketing.config import Config


class Assumed:
    """Takes every event; its incident is there at once."""

    def __init__(self, config: Config) -> None:
        self._status = "triggered"

    def __call__(self, call: Call) -> Any:
        """The answer to one request."""
        body = call.body if isinstance(call.body, dict) else {}
        if call.path.endswith("/v2/enqueue"):
            action = body.get("event_action", "")
            self._status = {"acknowledge": "acknowledged", "resolve": "resolved"}.get(
                action, self._status
            )
            return {"status": "success", "dedup_key": body.get("dedup_key", "")}
        incident = {
            "id": "(incident id)",
            "incident_key": call.query.get("incident_key", ""),
            "status": self._status,
            "html_url": "",
        }
        return {"incidents": [incident], "incident": incident, "notes": [], "note": {}}
