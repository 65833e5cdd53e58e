"""OAuth tokens of a ServiceNow instance: kept while valid, then refreshed or requested anew.

https://www.servicenow.com/docs/r/platform-security/authentication/c_OAuthApplications.html
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

import msgspec

from sinks.calls.http import Http
from sinks.calls.outcome import Failed, Reason, Refused, RetryAfter, nothing_done
from sinks.servicenow.settings import Settings

MARGIN_SECONDS = 60.0
"""Longer than a request takes, so that no token ends while a request is under way."""
LIFE_SECONDS_DEFAULT = 1800.0
"""ServiceNow's own default, for an answer without a life."""


class Granted(msgspec.Struct):
    """The token endpoint's answer; only the password grant has a `refresh_token`."""

    access_token: str
    expires_in: float = LIFE_SECONDS_DEFAULT
    refresh_token: str = ""


class Tokens:
    """One access token at a time. A failure to get one leaves no change in doubt."""

    def __init__(
        self, http: Http, settings: Settings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._http = http
        self._settings = settings
        self._clock = clock
        self._token = ""
        self._refresh = ""
        self._until = 0.0
        self._asking = asyncio.Lock()

    async def current(self) -> str:
        """A token that is valid for a while; raises Failed."""
        async with self._asking:
            if not self._token or self._clock() >= self._until:
                self._keep(await self._granted())
            return self._token

    def forget(self, token: str) -> None:
        """Drop a token that the instance refused."""
        if token == self._token:
            self._token = ""

    def _keep(self, granted: Granted) -> None:
        self._token = granted.access_token
        self._refresh = granted.refresh_token or self._refresh
        margin = min(MARGIN_SECONDS, granted.expires_in / 2.0)
        self._until = self._clock() + granted.expires_in - margin
        self._http.redact.learn([*self._settings.secrets(), self._token, self._refresh])

    async def _granted(self) -> Granted:
        if self._refresh:
            try:
                return await self._ask(
                    {"grant_type": "refresh_token", "refresh_token": self._refresh}
                )
            except Failed as failed:
                if not isinstance(failed.outcome, Refused):
                    raise
                self._refresh = ""
        return await self._ask(self._grant())

    def _grant(self) -> dict[str, str]:
        settings = self._settings
        if not settings.user:
            return {"grant_type": "client_credentials"}
        return {
            "grant_type": "password",
            "username": settings.user,
            "password": settings.password,
        }

    async def _ask(self, grant: Mapping[str, str]) -> Granted:
        client = {
            "client_id": self._settings.client_id,
            "client_secret": self._settings.client_secret,
        }
        try:
            answer = await self._http.call(
                "POST", f"{self._settings.base_url}/oauth_token.do", form={**client, **grant}
            )
        except Failed as failed:
            if isinstance(failed.outcome, Refused) and failed.status in (400, 401, 403):
                # OAuth refuses credentials with 400 as often as with 401.
                detail = f"no token: {failed.outcome.detail}"
                raise Failed(Refused(Reason.CREDENTIALS, detail)) from failed
            raise nothing_done(failed) from failed
        try:
            return msgspec.convert(answer.data, Granted)
        except msgspec.ValidationError as error:
            detail = "the token endpoint does not answer with a token"
            raise Failed(RetryAfter(Reason.MALFORMED, None, detail)) from error
