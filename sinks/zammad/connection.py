"""The test of a Zammad connection: checks the needs of later calls, without side effects."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sinks.calls.outcome import Failed, Reason
from sinks.platform import Connection
from sinks.zammad.api import Api
from sinks.zammad.settings import GUESS, Settings

NO_INCIDENT = "ticketing-agent-connection-test"
"""A tag and note that no ticket has."""
WELL = "the token is taken, and every configured name is known"
SHOWN_MAX = 10
"""Keeps the message readable."""


class ConnectionCheck:
    """Checks the settings one by one and collects the faults."""

    def __init__(self, settings: Settings, api: Api) -> None:
        self._settings = settings
        self._api = api
        self._faults: list[str] = []
        self._remarks: list[str] = []

    async def result(self) -> Connection:
        """The result of the test."""
        try:
            await self._api.own_id()
        except Failed as failed:
            wrong = failed.outcome.reason is Reason.CREDENTIALS
            key = "token" if wrong else "baseUrl"
            return Connection(ok=False, message=f"zammad.{key}: {failed}")
        await self._search()
        for examine in (self._groups, self._states, self._priorities, self._people):
            await self._guarded(examine)
        if self._faults:
            return Connection(ok=False, message="; ".join(self._faults))
        return Connection(ok=True, message="; ".join([WELL, *self._remarks]))

    async def _search(self) -> None:
        """Search as after a lost answer, for a ticket that does not exist."""
        try:
            await self._api.found(NO_INCIDENT)
        except Failed as failed:
            self._faults.append(f"zammad.baseUrl: tickets can't be searched: {failed}")

    async def _guarded(self, examine: Callable[[], Awaitable[None]]) -> None:
        try:
            await examine()
        except Failed as failed:
            self._faults.append(
                f"zammad.token must be that of an agent (permission ticket.agent): {failed}"
            )

    async def _groups(self) -> None:
        named = {
            "group": {self._settings.group},
            "groups": self._settings.groups.names(),
            "escalationGroup": {self._settings.escalation_group} - {""},
        }
        known = await self._known("groups", "group", named)
        missing = [one for one in self._settings.services.named("group") if one not in known]
        if missing:
            shown = ", ".join(f'"{one}"' for one in missing[:SHOWN_MAX])
            self._remarks.append(
                f"catalog: {len(missing)} groups are not active groups here ({shown}): their tickets "
                "are made in zammad.group"
            )

    async def _states(self) -> None:
        states = self._settings.states
        named = {
            "states.open": {states.open},
            "states.acknowledged": {states.acknowledged},
            "states.escalated": {states.escalated},
            "states.resolved": {states.resolved},
        }
        await self._known("ticket_states", "state", named)

    async def _priorities(self) -> None:
        named = {"priorityMapping": set(self._settings.priorities.values())}
        await self._known("ticket_priorities", "priority", named)

    async def _known(self, of: str, kind: str, named: dict[str, set[str]]) -> set[str]:
        """Check configured names, and return the active ones."""
        known = await self._api.names(of)
        there = ", ".join(sorted(known))
        for key, names in named.items():
            for name in sorted(names - known):
                self._faults.append(
                    f'zammad.{key}: there is no active {kind} "{name}"; active: {there}'
                )
        return known

    async def _people(self) -> None:
        customer = self._settings.customer
        guessed = customer.startswith(GUESS)
        if guessed and "@" not in customer:
            self._faults.append(f'zammad.customer: "{customer}" is not an email address')
        people = {"owner": self._settings.owner, "customer": "" if guessed else customer}
        for key, name in people.items():
            if name and not await self._api.has_user(name):
                self._faults.append(f'zammad.{key}: there is no user "{name}"')
