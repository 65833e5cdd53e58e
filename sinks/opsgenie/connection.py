"""The test of an OpsGenie connection: checks the needs of later calls, without side effects."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sinks.calls.outcome import Failed, Reason
from sinks.opsgenie.api import Api, Key
from sinks.opsgenie.payload import SOURCE
from sinks.opsgenie.settings import Settings
from sinks.platform import Connection

NO_ALERT = "ticketing-agent-connection-test"
"""An alias that no incident has."""
CATALOG_MAX = 50
"""Teams of the catalog that are looked up: each costs a request of the account's rate limit."""
WRONG_KIND = (
    "opsgenie.apiKey may not change alerts: it must be the key of an API integration, not one of "
    "API key management"
)


class ConnectionCheck:
    """Checks the settings one by one and collects the faults."""

    def __init__(self, settings: Settings, api: Api) -> None:
        self._settings = settings
        self._api = api
        self._faults: list[str] = []
        self._remarks: list[str] = []

    async def result(self) -> Connection:
        """The result of the test."""
        await self._writable()
        if not self._faults and self._settings.full:
            await self._readable()
        if not self._faults and self._settings.full:
            await self._names()
        if not self._faults and self._settings.full:
            await self._catalog()
        if self._faults:
            return Connection(ok=False, message="; ".join(self._faults))
        return Connection(ok=True, message="; ".join([self._well(), *self._remarks]))

    def _well(self) -> str:
        if self._settings.full:
            return "the key can open, change and close alerts"
        return (
            "the key can open and close alerts; to change and escalate them and to show who is on "
            "call, set opsgenie.cloudId, userEmail and apiToken"
        )

    async def _writable(self) -> None:
        endpoint = self._api.plain
        path, params = endpoint.of(Key(NO_ALERT))
        try:
            await self._api.write(endpoint, (f"{path}/acknowledge", params), {"source": SOURCE})
        except Failed as failed:
            self._faults.append(
                WRONG_KIND
                if failed.outcome.reason is Reason.CREDENTIALS
                else f"opsgenie.apiUrl: {failed}"
            )

    async def _readable(self) -> None:
        key = "cloudId, userEmail and apiToken" if self._settings.jsm else "apiKey"
        try:
            await self._api.readable()
        except Failed as failed:
            self._faults.append(f"opsgenie.{key} must allow alerts to be read: {failed}")

    async def _names(self) -> None:
        for name in self._settings.known_teams():
            key = "team" if name == self._settings.team else "teams"
            await self._known(key, "team", name)
        if self._settings.escalation:
            await self._known("escalation", "escalation", self._settings.escalation)
        if self._settings.schedule:
            await self._known("schedule", "schedule", self._settings.schedule)

    async def _catalog(self) -> None:
        """Remark the catalog's teams that are not there: their alerts have no responder of ours."""
        teams = self._settings.services.named("team")
        for name in teams[:CATALOG_MAX]:
            try:
                found = await self._api.lookup("team", name)
            except Failed as failed:
                self._remarks.append(f"catalog: teams could not be checked: {failed}")
                return
            if not found:
                self._remarks.append(f'catalog: there is no team "{name}"')
        if len(teams) > CATALOG_MAX:
            self._remarks.append(f"catalog: {CATALOG_MAX} of {len(teams)} teams are checked")

    async def _known(self, key: str, kind: str, name: str) -> None:
        lookup: Callable[[str, str], Awaitable[str]] = self._api.lookup
        try:
            found = await lookup(kind, name)
        except Failed as failed:
            if failed.outcome.reason is Reason.CREDENTIALS:
                said = "could not be checked: the key has no access to the configuration"
                self._remarks.append(f"opsgenie.{key} {said}")
            else:
                self._faults.append(f"opsgenie.{key}: {failed}")
            return
        if not found:
            self._faults.append(f'opsgenie.{key}: there is no {kind} "{name}"')
