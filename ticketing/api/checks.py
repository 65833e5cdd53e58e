"""Tries what the configuration names: platforms and language models, without side effects."""

from __future__ import annotations

import asyncio
from typing import Any

from sinks.platforms import create
from ticketing.config import Config
from ticketing.errors import Misconfigured
from ticketing.llm.checks import LlmChecks

GRACE_SECONDS = 5.0
"""What a test may take beyond the platform's own timeout, as it makes a few requests."""


class ConnectionChecks:
    """The checks of a configuration, as the API offers them."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._llm = LlmChecks(config)

    async def close(self) -> None:
        """Give the connections back."""
        await self._llm.close()

    async def test_connection(self, platform: str) -> dict[str, Any]:
        """`{status: "ok"|"error", platform, message}`."""
        section = self._config.platform(platform)
        if not section.enabled:
            return _said(platform, False, f"{platform} is not enabled: set {platform}.enabled")
        try:
            client = create(platform, self._config, lambda: None)
        except Misconfigured as error:
            return _said(platform, False, str(error))
        try:
            found = await asyncio.wait_for(
                client.test_connection(), section.timeout + GRACE_SECONDS
            )
        except asyncio.TimeoutError:
            return _said(platform, False, f"{platform} did not answer in time")
        finally:
            await client.close()
        return _said(platform, found.ok, found.message)

    async def test_llm(self) -> dict[str, Any]:
        """`{status: "ok"|"error", provider, model, message}`."""
        return await self._llm.test()

    async def llm_status(self) -> dict[str, Any]:
        """Provider, circuit, calls, failures and cost; raises Unavailable when Redis is away."""
        return await self._llm.status()


def _said(platform: str, ok: bool, message: str) -> dict[str, Any]:
    return {"status": "ok" if ok else "error", "platform": platform, "message": message}
