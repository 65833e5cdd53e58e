"""PagerDuty's REST API, for what events can't do: escalating, notes, priorities, addresses.

https://developer.pagerduty.com/api-reference
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from sinks.calls.http import Answer, Http
from sinks.calls.outcome import Failed, Reason, Unknown
from sinks.calls.references import reference

# Error codes: https://developer.pagerduty.com/docs/errors
ALREADY_RESOLVED, ALREADY_ACKNOWLEDGED, CANNOT_ESCALATE = 1001, 1002, 1006
DONE = frozenset({ALREADY_RESOLVED, ALREADY_ACKNOWLEDGED, CANNOT_ESCALATE})
"""Errors that leave nothing to do: the state is reached, or there is no higher level."""
INCIDENTS_MAX = 100
"""A key has one incident for each time its alert was opened, rarely more than a few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An incident at PagerDuty."""

    id: str
    number: int
    url: str
    status: str

    @property
    def resolved(self) -> bool:
        """True for a resolved incident."""
        return self.status == "resolved"


class Rest:
    """Calls of the REST API with one token; each raises Failed."""

    def __init__(self, http: Http, url: str, token: str, from_email: str) -> None:
        self._http = http
        self._url = url
        self._account = reference(token)
        self._headers = {
            "Authorization": f"Token token={token}",
            "Accept": "application/vnd.pagerduty+json;version=2",
        }
        if from_email:
            self._headers["From"] = from_email

    async def incident(self, key: str) -> Found | None:
        """The newest incident of a deduplication key, or None."""
        answer = await self.get(
            "/incidents",
            {"incident_key": key, "date_range": "all", "limit": str(INCIDENTS_MAX)},
        )
        rows = _list(answer.data, "incidents")
        found = [one for row in rows if (one := _found(row, key)) is not None]
        return max(found, key=lambda one: one.number, default=None)

    async def notes(self, incident: Found) -> list[str]:
        """The contents of an incident's notes."""
        answer = await self.get(f"/incidents/{incident.id}/notes")
        rows = _list(answer.data, "notes")
        return [row["content"] for row in rows if isinstance(row.get("content"), str)]

    async def add_note(self, incident: Found, body: Mapping[str, Any]) -> None:
        """Add a note; not safe to repeat."""
        await self._call("POST", f"/incidents/{incident.id}/notes", body)

    async def change(self, incident: Found, body: Mapping[str, Any]) -> None:
        """Change an incident; a refusal because nothing is left to do is a success."""
        try:
            await self._call("PUT", f"/incidents/{incident.id}", body)
        except Failed as failed:
            if failed.status != 400 or _code(failed.body) not in DONE:
                raise

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Answer:
        """Read a resource."""
        return await self._http.call(
            "GET",
            f"{self._url}{path}",
            params=params,
            headers=self._headers,
            account=self._account,
        )

    async def _call(self, method: str, path: str, body: Mapping[str, Any]) -> Answer:
        return await self._http.call(
            method,
            f"{self._url}{path}",
            body=body,
            headers=self._headers,
            account=self._account,
        )


def _list(data: Any, name: str) -> list[dict[str, Any]]:
    rows = data.get(name) if isinstance(data, dict) else None
    if not isinstance(rows, list):
        raise Failed(Unknown(Reason.MALFORMED, True, None, f"the answer has no {name}"))
    return [row for row in rows if isinstance(row, dict)]


def _found(row: dict[str, Any], key: str) -> Found | None:
    """A row as an incident of the key. A row without a key was found by its alert's key."""
    if not isinstance(row.get("id"), str) or row.get("incident_key") not in (key, None, ""):
        return None
    number, url = row.get("incident_number"), row.get("html_url")
    return Found(
        id=row["id"],
        number=number if isinstance(number, int) else 0,
        url=url if isinstance(url, str) else "",
        status=str(row.get("status")),
    )


def _code(body: bytes) -> int | None:
    """PagerDuty's own number of an error."""
    try:
        code = msgspec.json.decode(body)["error"]["code"]
    except (msgspec.DecodeError, KeyError, TypeError):
        return None
    return code if isinstance(code, int) else None
