"""Calls of Jira's REST API: finds out the dialect and interprets failures.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/,
https://docs.atlassian.com/software/jira/docs/api/REST/latest/
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from sinks.calls.http import Http
from sinks.calls.outcome import Failed, Reason, Refused, RetryAfter, nothing_done
from sinks.jira.answers import Issue, ServerInfo, Transition, Transitions, read_as
from sinks.jira.dialect import CLOUD, DATA_CENTER, Dialect
from sinks.jira.settings import Settings

T = TypeVar("T")

CLOUD_SITES = ".atlassian.net"
GATEWAY = "api.atlassian.com"
"""The host for scoped tokens; no page for people is there."""
CONFLICT = 409


@dataclass(frozen=True, slots=True)
class Site:
    """A Jira that answered: its dialect, and its address for people."""

    dialect: Dialect
    address: str

    def link(self, key: str) -> str:
        """The address of an issue's page."""
        return f"{self.address}/browse/{key}"


class Api:
    """One Jira. Every method raises Failed."""

    def __init__(self, http: Http, settings: Settings) -> None:
        self._http = http
        self._settings = settings
        self._headers = {
            "Authorization": settings.authorization,
            "Accept": "application/json",
        }
        self._site: Site | None = None
        self._asking = asyncio.Lock()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def site(self) -> Site:
        """The dialect and address of this Jira; found out once."""
        async with self._asking:
            if self._site is None:
                self._site = await self._ask()
            return self._site

    async def _ask(self) -> Site:
        settings = self._settings
        host = urlsplit(settings.base_url).hostname or ""
        by_name = host == GATEWAY or host.endswith(CLOUD_SITES)
        if settings.flavour == "datacenter":
            return Site(DATA_CENTER, settings.base_url)
        if host != GATEWAY and (settings.flavour == "cloud" or by_name):
            return Site(CLOUD, settings.base_url)
        info = await self.server_info()
        cloud = by_name or settings.flavour == "cloud" or info.deployment_type == "Cloud"
        address = info.base_url.rstrip("/") if host == GATEWAY else settings.base_url
        return Site(CLOUD if cloud else DATA_CENTER, address)

    async def server_info(self) -> ServerInfo:
        """The server's description of itself, by the API version that it has."""
        versions = ("3", "2") if self._settings.user else ("2", "3")
        try:
            return read_as(ServerInfo, await self._get(f"/rest/api/{versions[0]}/serverInfo"))
        except Failed as failed:
            if failed.outcome.reason is not Reason.NOT_FOUND:
                raise nothing_done(failed) from failed
        try:
            return read_as(ServerInfo, await self._get(f"/rest/api/{versions[1]}/serverInfo"))
        except Failed as failed:
            raise nothing_done(failed) from failed

    async def read(self, kind: type[T], path: str, params: Mapping[str, str] | None = None) -> T:
        """Read an answer of type `kind`. No failure leaves a change in doubt."""
        url = await self._path(path)
        try:
            return read_as(kind, await self._get(url, params))
        except Failed as failed:
            raise nothing_done(failed) from failed

    async def query(self, kind: type[T], path: str, body: Any) -> T:
        """`read` for a query that is sent by POST."""
        url = await self._path(path)
        try:
            answer = await self._http.call(
                "POST", self._settings.base_url + url, body=body, headers=self._headers
            )
            return read_as(kind, answer.data)
        except Failed as failed:
            raise nothing_done(failed) from failed

    async def write(self, method: str, path: str, body: Any) -> None:
        """Send a change whose answer has no content."""
        await self._send(method, path, body, text=True)

    async def make(self, kind: type[T], path: str, body: Any) -> T:
        """Create an object and read it from the answer."""
        return read_as(kind, await self._send("POST", path, body, text=False))

    async def issue(self, issue_id: str, params: Mapping[str, str] | None = None) -> Issue:
        """An issue with its status."""
        asked = {"fields": "status,labels,resolution", **(params or {})}
        return await self.read(Issue, f"/issue/{issue_id}", asked)

    async def transitions(self, issue_id: str) -> list[Transition]:
        """The transitions from an issue's status that our account may take."""
        path = f"/issue/{issue_id}/transitions"
        found = await self.read(Transitions, path, {"expand": "transitions.fields"})
        return found.transitions

    async def _path(self, path: str) -> str:
        return f"/rest/api/{(await self.site()).dialect.version}{path}"

    async def _get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        answer = await self._http.call(
            "GET", self._settings.base_url + path, params=params, headers=self._headers
        )
        return answer.data

    async def _send(self, method: str, path: str, body: Any, text: bool) -> Any:
        url = self._settings.base_url + await self._path(path)
        try:
            answer = await self._http.call(method, url, body=body, headers=self._headers, text=text)
        except Failed as failed:
            if failed.status != CONFLICT:
                raise
            # Somebody else changed the issue at the same time: nothing was done, a repeat may work.
            was = failed.outcome
            passing = RetryAfter(Reason.SERVER_ERROR, None, was.detail, was.request)
            raise Failed(passing, status=failed.status) from failed
        return answer.data


def rejected(reason: Reason, detail: str) -> Failed:
    """A refusal by us, before anything was sent."""
    return Failed(Refused(reason, detail))
