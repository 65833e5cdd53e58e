"""Assumed answers of Zammad in a dry run."""

from __future__ import annotations

from typing import Any

from sinks.calls.dry_run import AssumedAnswers, DryRunRequest
from ticketing.config import Config

# Made-up ids of states and of their types.
_OPEN, _CLOSED = 1, 2


class ZammadAnswers:
    """A Zammad with the configured states, and with one ticket after its create."""

    def __init__(self, config: Config) -> None:
        states = config.zammad.states
        self._resolved = states.resolved
        self._names = dict.fromkeys((states.open, states.acknowledged, states.resolved))
        self._state_id = _OPEN
        self._fields: dict[str, Any] = {}

    def __call__(self, request: DryRunRequest) -> Any:
        """The answer to one request."""
        body = request.body if isinstance(request.body, dict) else {}
        if request.path.endswith("/ticket_states"):
            return [
                {
                    "id": _CLOSED if name == self._resolved else 10 * number + _OPEN,
                    "name": name,
                    "state_type_id": _CLOSED if name == self._resolved else _OPEN,
                }
                for number, name in enumerate(self._names)
            ]
        if request.path.endswith("/search") or "/by_ticket/" in request.path:
            return []
        if "state" in body:
            self._state_id = _CLOSED if body["state"] == self._resolved else _OPEN
        self._fields |= {name: value for name, value in body.items() if name != "article"}
        if request.path.endswith("/tags"):
            return {"tags": self._fields.get("tags", "").split(",")}
        return {**self._fields, "id": 1, "number": "(number)", "state_id": self._state_id}


def assumed_answers(config: Config) -> AssumedAnswers:
    """The answers to the requests of one drill."""
    return ZammadAnswers(config)
