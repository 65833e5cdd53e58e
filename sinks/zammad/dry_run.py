"""What Zammad is assumed to answer in a rehearsal."""

from __future__ import annotations

from typing import Any

from sinks.calls.dry_run import Call
from ticketing.config import Config

_OPEN, _CLOSED = 1, 2


class Assumed:
    """Has the configured states; holds one ticket once it is made."""

    def __init__(self, config: Config) -> None:
        states = config.zammad.states
        self._resolved = states.resolved
        self._names = dict.fromkeys((states.open, states.acknowledged, states.resolved))
        self._state_id = _OPEN

    def __call__(self, call: Call) -> Any:
        """The answer to one request."""
        body = call.body if isinstance(call.body, dict) else {}
        if call.path.endswith("/ticket_states"):
            return [
                {
                    "id": _CLOSED if name == self._resolved else 10 * number + _OPEN,
                    "name": name,
                    "state_type_id": _CLOSED if name == self._resolved else _OPEN,
                }
                for number, name in enumerate(self._names)
            ]
        if call.path.endswith("/search") or "/by_ticket/" in call.path:
            return []
        if "state" in body:
            self._state_id = _CLOSED if body["state"] == self._resolved else _OPEN
        return {"id": 1, "number": "(number)", "state_id": self._state_id, "tags": []}
