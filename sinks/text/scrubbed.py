"""A platform whose requests carry no secrets and no personal data of logs (`privacy.scrub`)."""

from __future__ import annotations

from dataclasses import replace

from sinks.calls.outcome import Outcome
from sinks.platform import Connection, Request, Sink
from ticketing.domain.incidents.incident import Incident
from ticketing.privacy import Scrubber, scrubbed


class ScrubbedSink:
    """Hands on every request with its texts scrubbed: once, and before anything is cut."""

    def __init__(self, platform: Sink, scrub: Scrubber) -> None:
        self.platform = platform
        self.name = platform.name
        self.traits = platform.traits
        self._scrub = scrub

    def account(self, want: Incident) -> str:
        """As the platform says."""
        return self.platform.account(want)

    async def perform(self, request: Request) -> Outcome:
        """Perform the request as the platform does; may raise `outcome.Failed`."""
        steps = [scrubbed(step, self._scrub) for step in request.steps]
        want = scrubbed(request.want, self._scrub)
        return await self.platform.perform(replace(request, want=want, steps=steps))

    async def test_connection(self) -> Connection:
        """As the platform does."""
        return await self.platform.test_connection()

    async def close(self) -> None:
        """Close what the platform has opened."""
        await self.platform.close()
