"""OpsGenie's API in its flavours: writes and reads alerts, and follows the outcome of writes.

https://docs.opsgenie.com/docs/alert-api (OpsGenie),
https://developer.atlassian.com/cloud/jira/service-desk-ops/rest/v2/ (its successor).
Every write is answered with 202 before it is processed; its outcome is asked for afterwards.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from sinks.calls.http import Http
from sinks.calls.outcome import Failed, Reason, Refused, RetryAfter, Unknown
from sinks.opsgenie.settings import Settings

# The first question comes soon, so that a quick outcome costs no time. The pauses double, so that a
# slow one costs few requests of the account's rate limit.
POLL_SECONDS_FIRST = 0.05
POLL_SECONDS_MAX = 2.0
QUESTIONS_FAILED_MAX = 3
"""One lost answer is not worth an unknown outcome; three look like an outage."""
FINAL = frozenset({Reason.CREDENTIALS, Reason.RATE_LIMITED})
"""Reasons after which another question at once would fail as well."""
PAGE_SIZE_MAX = 100
"""The vendor's largest page."""
PAGES_MAX = 50
"""5,000 schedules, more than an account has; bounds a server whose pages never end."""
ACCOUNTS_MAX = 10
"""Jira's default page of users; more people than a line names."""
TEAMS_ASKED_MAX = 100
"""Each team costs a request; the configured teams are asked first."""
NO_STATUS = "opsgenie.apiKey may not read the status of requests: give the integration read access"


@dataclass(frozen=True, slots=True)
class Key:
    """The names of an alert: the alias finds an open alert, the id also a closed one."""

    alias: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Processed:
    """The result of a write. `status` is the reason in the vendor's words."""

    success: bool
    status: str
    alert_id: str


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as OpsGenie shows it."""

    id: str
    closed: bool
    acknowledged: bool


@dataclass(frozen=True, slots=True)
class AlertEndpoint:
    """An address for alerts with its credentials, its way to name alerts, and its verb for changes."""

    url: str
    headers: Mapping[str, str]
    by_alias: bool
    change: str

    def of(self, key: Key, by_id: bool = False) -> tuple[str, dict[str, str]]:
        """The path and parameters of an alert."""
        if not self.by_alias:
            return f"{self.url}/{quote(key.id, safe='')}", {}
        if by_id and key.id:
            return f"{self.url}/{quote(key.id, safe='')}", {"identifierType": "id"}
        return f"{self.url}/{quote(key.alias, safe='')}", {"identifierType": "alias"}


class Api:
    """The alerts of one account, by which requests are counted.

    The endpoint `plain` takes the writes that an integration's key may do; `full`, where there is
    one, takes all others.
    """

    def __init__(
        self,
        settings: Settings,
        http: Http,
        account: str,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._http = http
        self._account = account
        self._sleep = sleep
        self.clock = clock
        self.plain, self.full = _doors(settings)
        self.root, self._root_headers = _root(settings)

    async def write(
        self,
        endpoint: AlertEndpoint,
        where: tuple[str, dict[str, str]],
        body: Mapping[str, Any] | None,
        method: str = "POST",
    ) -> str:
        """Send a write, with or without a body; returns its request id."""
        path, params = where
        # aiohttp would declare an empty body as an octet-stream.
        kind = {"Content-Type": "application/json"} if body is None else {}
        answer = await self._http.call(
            method,
            path,
            body=body,
            headers={**endpoint.headers, **kind},
            params=params,
            accepted=True,
            account=self._account,
        )
        return _text(answer.data, "requestId")

    async def processed(self, endpoint: AlertEndpoint, request_id: str, until: float) -> Processed:
        """The result of a write; raises Failed with Unknown if there is none by `until`."""
        wait, failures = POLL_SECONDS_FIRST, 0
        while self.clock() + wait <= until:
            await self._sleep(wait)
            wait = min(wait * 2, POLL_SECONDS_MAX)
            try:
                data = await self._status(
                    f"{endpoint.url}/requests/{quote(request_id, safe='')}", endpoint
                )
            except Failed as failed:
                failures += failed.outcome.reason is not Reason.NO_ROOM
                if failed.outcome.reason in FINAL or failures >= QUESTIONS_FAILED_MAX:
                    raise
                # Another question costs less than a repeat of the write.
                data = None
            if data is not None:
                return data
        raise Failed(Unknown(Reason.TIMEOUT, detail="accepted, but not processed in time"))

    async def _status(self, url: str, endpoint: AlertEndpoint) -> Processed | None:
        try:
            answer = await self._http.call(
                "GET", url, headers=endpoint.headers, account=self._account
            )
        except Failed as failed:
            outcome = failed.outcome
            if outcome.reason is Reason.NOT_FOUND:
                return None
            if outcome.reason is Reason.CREDENTIALS:
                raise Failed(Refused(Reason.CREDENTIALS, NO_STATUS)) from failed
            # The write was taken and may be carried out, however the question fails.
            seconds = outcome.seconds if isinstance(outcome, RetryAfter | Unknown) else None
            raise Failed(Unknown(outcome.reason, True, seconds, outcome.detail)) from failed
        data = _unwrapped(answer.data)
        success = data.get("isSuccess", data.get("success"))
        if not isinstance(success, bool):
            raise Failed(Unknown(Reason.MALFORMED, True, None, "the answer does not say success"))
        return Processed(success, str(data.get("status", "")), str(data.get("alertId") or ""))

    async def alert(self, key: Key) -> Alert | None:
        """The alert, open or closed; None if there is none. Needs the full endpoint."""
        assert self.full is not None, "only the full API can be read"
        path, params = self.full.of(key, by_id=True)
        data = await self._found(path, self.full.headers, params)
        if data is None:
            return None
        found = _unwrapped(data)
        return Alert(
            _text(found, "id"),
            found.get("status") == "closed",
            found.get("acknowledged") is True,
        )

    async def notes(self, key: Key) -> list[str]:
        """The alert's latest notes; none if there is no alert. Needs the full endpoint."""
        assert self.full is not None, "only the full API can be read"
        path, params = self.full.of(key, by_id=True)
        if not self.full.by_alias:
            # JSM promises no order of notes.
            rows = await self._pages(f"{path}/notes")
        else:
            params = {**params, "limit": str(PAGE_SIZE_MAX), "order": "desc"}
            rows = _rows(await self._found(f"{path}/notes", self.full.headers, params))
        return [str(one.get("note", "")) for one in rows]

    async def _pages(self, path: str) -> list[dict[str, Any]]:
        """All rows of a list of JSM operations; none if there is no such list.

        Each page tells the parameters of the next, an offset or a cursor.
        """
        rows: list[dict[str, Any]] = []
        asked = {"size": str(PAGE_SIZE_MAX)}
        for _ in range(PAGES_MAX):
            data = await self._found(path, self._root_headers, asked)
            rows += _rows(data)
            asked = _next_page(data)
            if not asked:
                break
        return rows

    async def lookup(self, kind: str, name: str) -> str:
        """The id of the named team, schedule or escalation; empty if there is none."""
        if not self._settings.jsm:
            path = f"{self.root}/{kind}s/{quote(name, safe='')}"
            data = await self._found(path, self._root_headers, {"identifierType": "name"})
            return "" if data is None else _text(_unwrapped(data), "id")
        if kind == "escalation":
            return await self._escalation_of_teams(name)
        rows = await (self._teams() if kind == "team" else self._pages(f"{self.root}/{kind}s"))
        return _named(rows, name)

    async def _teams(self) -> list[dict[str, Any]]:
        """All teams of JSM, which that list has on one page."""
        return _rows(await self._found(f"{self.root}/teams", self._root_headers, {}))

    async def _escalation_of_teams(self, name: str) -> str:
        """The id of an escalation in JSM, where it belongs to a team: configured teams go first."""
        teams = await self._teams()
        named = set(self._settings.known_teams())
        teams.sort(key=lambda one: one.get("teamName") not in named)
        for team in teams[:TEAMS_ASKED_MAX]:
            path = f"{self.root}/teams/{quote(str(team.get('teamId')), safe='')}/escalations"
            found = _named(await self._pages(path), name)
            if found:
                return found
        return ""

    async def on_call(self, schedule: str) -> list[str]:
        """The people on call: user names, in JSM display names, or account ids without them."""
        if self._settings.jsm:
            wanted = await self.lookup("schedule", schedule)
            params = {"flat": "true"}
        else:
            wanted, params = schedule, {"scheduleIdentifierType": "name", "flat": "true"}
        path = f"{self.root}/schedules/{quote(wanted, safe='')}/on-calls"
        data = await self._found(path, self._root_headers, params) if wanted else None
        found = {} if data is None else _unwrapped(data)
        people = found.get("onCallRecipients", found.get("onCallUsers", []))
        if not isinstance(people, list):
            raise Failed(Unknown(Reason.MALFORMED, True, None, "nobody on call is named"))
        named = [str(one) for one in people]
        return await self._displayed(named) if self._settings.jsm else named

    async def _displayed(self, accounts: list[str]) -> list[str]:
        """The display names of accounts, from the Jira to which JSM belongs."""
        cloud = quote(self._settings.cloud_id, safe="")
        asked = "&".join(f"accountId={quote(one, safe='')}" for one in accounts[:ACCOUNTS_MAX])
        url = f"{self._settings.api_url}/ex/jira/{cloud}/rest/api/3/user/bulk?{asked}"
        try:
            answer = await self._http.call(
                "GET", url, headers=self._root_headers, account=self._account
            )
        except Failed:
            # The account may lack the right to browse users. Ids are better than nothing.
            return accounts
        names = {one.get("accountId"): one.get("displayName") for one in _rows(answer.data)}
        return [str(names.get(one) or one) for one in accounts]

    async def readable(self) -> None:
        """Raise Failed unless alerts may be read."""
        endpoint = self.full or self.plain
        limit = "limit" if endpoint.by_alias else "size"
        await self._http.call(
            "GET",
            endpoint.url,
            headers=endpoint.headers,
            params={limit: "1"},
            account=self._account,
        )

    async def _found(self, path: str, headers: Mapping[str, str], params: Mapping[str, str]) -> Any:
        """The data at an address, None for a 404."""
        try:
            answer = await self._http.call(
                "GET", path, headers=headers, params=params, account=self._account
            )
        except Failed as failed:
            if failed.outcome.reason is Reason.NOT_FOUND:
                return None
            raise
        return answer.data


def _doors(settings: Settings) -> tuple[AlertEndpoint, AlertEndpoint | None]:
    genie = {"Authorization": f"GenieKey {settings.api_key}"}
    if not settings.jsm:
        endpoint = AlertEndpoint(f"{settings.api_url}/v2/alerts", genie, True, "PUT")
        return endpoint, endpoint
    plain = AlertEndpoint(f"{settings.api_url}/jsm/ops/integration/v2/alerts", genie, True, "PUT")
    if not settings.full:
        return plain, None
    root, headers = _root(settings)
    return plain, AlertEndpoint(f"{root}/alerts", headers, False, "PATCH")


def _root(settings: Settings) -> tuple[str, Mapping[str, str]]:
    if not settings.jsm:
        return f"{settings.api_url}/v2", {"Authorization": f"GenieKey {settings.api_key}"}
    basic = {"Authorization": f"Basic {settings.basic}"}
    return f"{settings.api_url}/jsm/ops/api/{quote(settings.cloud_id, safe='')}/v1", basic


def _unwrapped(data: Any) -> dict[str, Any]:
    """The content of an answer, which OpsGenie wraps in `data` and JSM does not."""
    found = data.get("data", data) if isinstance(data, dict) else None
    if not isinstance(found, dict):
        raise Failed(Unknown(Reason.MALFORMED, True, None, "the answer is not an object"))
    return found


def _rows(data: Any) -> list[dict[str, Any]]:
    """The rows of a list, wrapped or not; empty for None."""
    if isinstance(data, dict):
        data = next((data[n] for n in ("data", "values", "platformTeams") if n in data), data)
    if data is None:
        return []
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise Failed(Unknown(Reason.MALFORMED, True, None, "the answer is not a list"))
    return list(data)


def _next_page(data: Any) -> dict[str, str]:
    """The parameters of the page after this one; empty for the last."""
    links = data.get("links") if isinstance(data, dict) else None
    address = links.get("next") if isinstance(links, dict) else None
    return dict(parse_qsl(urlsplit(address).query)) if isinstance(address, str) else {}


def _named(rows: list[dict[str, Any]], name: str) -> str:
    for row in rows:
        if name in (row.get("name"), row.get("teamName")):
            return str(row.get("id") or row.get("teamId") or "")
    return ""


def _text(data: Any, name: str) -> str:
    value = data.get(name) if isinstance(data, dict) else None
    if not isinstance(value, str) or not value:
        raise Failed(Unknown(Reason.MALFORMED, True, None, f"the answer has no {name}"))
    return value
