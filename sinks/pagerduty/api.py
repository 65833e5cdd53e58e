"""PagerDuty's REST API, for what events can't do: escalating, notes, priorities, addresses.

https://developer.pagerduty.com/api-reference
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sinks.calls.comparison import not_taken
from sinks.calls.decoding import Undecodable, decoded
from sinks.calls.http import Answer, Http
from sinks.calls.outcome import Failed, Reason, Unknown
from sinks.calls.references import reference

# Error codes: https://developer.pagerduty.com/docs/errors
ALREADY_RESOLVED, ALREADY_ACKNOWLEDGED, CANNOT_ESCALATE = 1001, 1002, 1006
DONE = frozenset({ALREADY_RESOLVED, ALREADY_ACKNOWLEDGED, CANNOT_ESCALATE})
"""Errors that leave nothing to do: the state is reached, or there is no higher level."""
PAGE_SIZE = 100
"""PagerDuty's largest page."""
PAGES_MAX = 50
"""5,000 services, more than an account has; bounds a server whose pages never end."""
JOINED_MAX = 10
"""An alert is in one incident at a time; each candidate costs a request for its alerts."""


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

    @property
    def rings(self) -> bool:
        """True for an incident that pages, as nobody has acknowledged it."""
        return self.status == "triggered"


@dataclass(frozen=True, slots=True)
class Service:
    """A service; `status` is active, warning, critical, maintenance or disabled."""

    name: str
    status: str
    routing_keys: list[str]

    @property
    def silent(self) -> bool:
        """True if events for the service page nobody."""
        return self.status in ("maintenance", "disabled")


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

    async def incident(self, key: str, known_id: str = "") -> Found | None:
        """The open incident with the alert of a deduplication key, else the newest one, or None.

        PagerDuty may have joined the alert to the incident of another key. `known_id` is the
        incident that had the alert before.
        """
        if known_id:
            known = await self._known(known_id)
            if known is not None and not known.resolved:
                return known
        asked = {"incident_key": key, "date_range": "all"}
        rows = await self._pages("/incidents", "incidents", asked)
        own = [_found(row) for row in rows if row.get("incident_key") in (key, None, "")]
        others = [_found(row) for row in rows if row.get("incident_key") not in (key, None, "")]
        newest_first = sorted(filter(None, others), key=_age, reverse=True)
        joined = [one for one in newest_first[:JOINED_MAX] if await self._has_alert(one, key)]
        return max([*filter(None, own), *joined], key=_age, default=None)

    async def _known(self, incident_id: str) -> Found | None:
        try:
            answer = await self.get(f"/incidents/{incident_id}")
        except Failed as failed:
            if failed.outcome.reason is Reason.NOT_FOUND:
                return None
            raise
        data = answer.data if isinstance(answer.data, dict) else {}
        return _found(data["incident"]) if isinstance(data.get("incident"), dict) else None

    async def _has_alert(self, incident: Found, key: str) -> bool:
        """True if an incident has the alert, since the list may be of another key's incidents."""
        answer = await self.get(f"/incidents/{incident.id}/alerts", {"alert_key": key})
        return any(row.get("alert_key") == key for row in _list(answer.data, "alerts"))

    async def services(self) -> list[Service]:
        """All services with their routing keys."""
        rows = await self._pages("/services", "services", {"include[]": "integrations"})
        return [_service(row) for row in rows]

    async def priorities(self) -> set[str]:
        """The ids of all priorities."""
        rows = await self._pages("/priorities", "priorities", {})
        return {str(row.get("id")) for row in rows}

    async def _pages(self, path: str, name: str, params: Mapping[str, str]) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for page in range(PAGES_MAX):
            place = {"limit": str(PAGE_SIZE), "offset": str(page * PAGE_SIZE)}
            data = (await self.get(path, {**params, **place})).data
            rows += _list(data, name)
            if data.get("more") is not True:
                break
        return rows

    async def notes(self, incident: Found) -> list[str]:
        """The contents of an incident's notes."""
        answer = await self.get(f"/incidents/{incident.id}/notes")
        rows = _list(answer.data, "notes")
        return [row["content"] for row in rows if isinstance(row.get("content"), str)]

    async def add_note(self, incident: Found, body: Mapping[str, Any]) -> None:
        """Add a note; not safe to repeat."""
        await self._call("POST", f"/incidents/{incident.id}/notes", body)

    async def change(self, incident: Found, body: Mapping[str, Any]) -> list[str]:
        """Change an incident; returns a sentence for each field that PagerDuty did not take.

        A refusal because nothing is left to do is a success.
        """
        try:
            answer = await self._call("PUT", f"/incidents/{incident.id}", body)
        except Failed as failed:
            if failed.status != 400 or _code(failed.body) not in DONE:
                raise
            return []
        data = answer.data if isinstance(answer.data, dict) else {}
        kept = data.get("incident")
        return not_taken(
            "PagerDuty", _ids(body["incident"]), _ids(kept if isinstance(kept, dict) else {})
        )

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


def _ids(incident: Mapping[str, Any]) -> dict[str, str]:
    """The ids of an incident's references."""
    return {
        name: str(incident[name].get("id"))
        for name in ("escalation_policy", "priority")
        if isinstance(incident.get(name), dict)
    }


def _age(incident: Found) -> tuple[bool, int]:
    """The key to order incidents by: open ones last, then by number."""
    return not incident.resolved, incident.number


def _service(row: dict[str, Any]) -> Service:
    integrations = row.get("integrations")
    keys = [
        str(one.get("integration_key"))
        for one in (integrations if isinstance(integrations, list) else [])
        if isinstance(one, dict)
    ]
    return Service(str(row.get("name")), str(row.get("status")), keys)


def _found(row: dict[str, Any]) -> Found | None:
    """A row as an incident."""
    if not isinstance(row.get("id"), str):
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
        code = decoded(body)["error"]["code"]
    except (Undecodable, KeyError, TypeError):
        return None
    return code if isinstance(code, int) else None
