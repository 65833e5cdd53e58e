"""Assumed answers of Jira in a dry run: a project with the configured fields and workflow."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from sinks.calls.dry_run import AssumedAnswers, DryRunRequest
from ticketing.config import Config


class JiraAnswers:
    """A Jira with every project and issue type, text fields only, and the configured transitions."""

    def __init__(self, config: Config) -> None:
        self._config = config.jira
        self._labels: list[str] = []
        self._status = "new"

    def __call__(self, request: DryRunRequest) -> Any:
        """The answer to one request."""
        path = request.path.partition("/rest/api/")[2].partition("/")[2]
        parts = [unquote(part) for part in path.split("/") if part]
        if parts[:1] == ["serverInfo"]:
            host = urlsplit(self._config.base_url or "").hostname or ""
            cloud = self._config.user_email is not None or host.endswith(".atlassian.net")
            return {"deploymentType": "Cloud" if cloud else "Data Center"}
        if parts[:2] == ["issue", "createmeta"]:
            return self._types() if len(parts) == 4 else self._fields()
        if parts[:1] == ["search"]:
            return {"issues": [], "isLast": True}
        if parts == ["issue"]:
            self._labels = list(request.body.get("fields", {}).get("labels", []))
            project = request.body.get("fields", {}).get("project", {}).get("key", "")
            return {"id": "0", "key": f"{project}-(number)"}
        if parts[-1:] == ["transitions"]:
            return self._transitions() if request.method == "GET" else self._moved(request.body)
        if parts[-1:] == ["comment"] and request.method == "GET":
            return {"comments": []}
        if parts[:1] == ["issue"] and request.method == "GET":
            status = {"name": self._status, "statusCategory": {"key": self._status}}
            return {"id": "0", "key": "", "fields": {"status": status, "labels": self._labels}}
        return {"id": "0"}

    def _types(self) -> dict[str, Any]:
        names = [self._config.issue_type, *sorted(self._config.issue_types.names())]
        rows = [{"id": f"(id of {name})", "name": name} for name in dict.fromkeys(names)]
        return {"total": len(rows), "issueTypes": rows, "values": rows}

    def _fields(self) -> dict[str, Any]:
        known = ("summary", "description", "labels", "priority", "assignee")
        names = [*known, *self._config.custom_fields]
        rows = [
            {
                "fieldId": name,
                "key": name,
                "name": name,
                "schema": {"type": "string"} if name not in known else {"type": name},
                "allowedValues": [],
            }
            for name in names
        ]
        return {"total": len(rows), "fields": rows, "values": rows}

    def _transitions(self) -> dict[str, Any]:
        named = self._config.transitions
        ways = {
            named.reopen or "new": "new",
            named.acknowledge: "indeterminate",
            named.escalate or "indeterminate": "indeterminate",
            named.resolve or "done": "done",
        }
        given = {
            name: {"required": False, "name": name, "schema": {"type": "string"}}
            for name in named.fields
        }
        return {
            "transitions": [
                {
                    "id": f"(id of {way})",
                    "name": way,
                    "to": {"name": way, "statusCategory": {"key": category}},
                    "fields": given if category == "done" else {},
                }
                for way, category in ways.items()
            ]
        }

    def _moved(self, body: dict[str, Any]) -> None:
        way = str(body.get("transition", {}).get("id", ""))
        for one in self._transitions()["transitions"]:
            if one["id"] == way:
                self._status = one["to"]["statusCategory"]["key"]


def assumed_answers(config: Config) -> AssumedAnswers:
    """The answers to the requests of one drill."""
    return JiraAnswers(config)
