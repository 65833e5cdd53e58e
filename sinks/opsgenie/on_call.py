"""Who is on call: asked at most once a minute, and never waited for long."""

from __future__ import annotations

import asyncio

from sinks.calls.outcome import Failed
from sinks.opsgenie.api import Api
from ticketing.domain.text import cut, line

KEPT_SECONDS = 60.0
WAIT_SECONDS_MAX = 2.0
PEOPLE_MAX = 5
CHARS_MAX = 200


class OnCall:
    """The people on call of one schedule, as one line."""

    def __init__(self, api: Api, schedule: str) -> None:
        self._api = api
        self._schedule = schedule
        self._asking = asyncio.Lock()
        self._known = ""
        self._until = -1.0

    async def people(self) -> str:
        """Names, or nothing if there is no schedule or it can't be read now.

        An alert is not kept back for it: what was not answered in time is asked again a minute on.
        """
        if not self._schedule:
            return ""
        async with self._asking:
            if self._api.clock() >= self._until:
                self._known = await self._asked()
                self._until = self._api.clock() + KEPT_SECONDS
        return self._known

    async def _asked(self) -> str:
        try:
            people = await asyncio.wait_for(self._api.on_call(self._schedule), WAIT_SECONDS_MAX)
        except (Failed, asyncio.TimeoutError):
            return ""
        named = ", ".join(line(one) for one in people[:PEOPLE_MAX])
        more = len(people) - PEOPLE_MAX
        said = f"{named} and {more} more" if more > 0 else named
        return cut(said or "nobody", CHARS_MAX)
