"""Assumed answers of ServiceNow in a dry run."""

from __future__ import annotations

from typing import Any

from sinks.calls.dry_run import AssumedAnswers, DryRunRequest
from ticketing.config import Config


class ServiceNowAnswers:
    """A ServiceNow that has a row for every name, and no incident before the create."""

    def __init__(self, config: Config) -> None:
        self._incident: dict[str, Any] = {}
        self._table = config.servicenow.table

    def __call__(self, request: DryRunRequest) -> Any:
        """The answer to one request."""
        body = request.body if isinstance(request.body, dict) else {}
        if request.path.endswith("/oauth_token.do"):
            return {"access_token": "(token)", "expires_in": 1800}
        parts = request.path.partition("/table/")[2].split("/")
        if parts[0] == self._table and request.method == "POST":
            fixed = {"sys_id": "(sys_id)", "number": "(number)", "state": "1"}
            self._incident = {**body, **fixed}
            return {"result": self._incident}
        if parts[0] == self._table and len(parts) == 2:
            self._incident = {**self._incident, **body}
            return {"result": self._incident}
        if parts[0] == self._table:
            return {"result": []}
        asked = request.query.get("sysparm_query", "").partition("^")[0]
        column, _, name = asked.partition("=")
        found = {"sys_id": f"(sys_id of {name})", column: name}
        return {"result": [found] if (name and column == "name") or "user" in column else []}


def assumed_answers(config: Config) -> AssumedAnswers:
    """The answers to the requests of one drill."""
    return ServiceNowAnswers(config)
