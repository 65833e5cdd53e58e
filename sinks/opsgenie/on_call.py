"""The people on call, read at most once a minute and never waited for long."""

from __future__ import annotations

import asyncio

from sinks.calls.outcome import Failed
from sinks.opsgenie.api import Api
from ticketing.domain.text import cut, line

KEPT_SECONDS = 60.0
"""A change of shift shows within a minute; a burst of alerts costs one request."""
WAIT_SECONDS_MAX = 2.0
"""A page goes out without names rather than late."""
# One line at the top of an alert: a rotation rarely has more people, a name is rarely longer.
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
        """The names, or an empty string without a schedule or without an answer in time.

        After a failure the next question is a minute later, so that alerts are not held up.
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
