"""Tests the configured platforms and language models, without side effects."""

from __future__ import annotations

from typing import Any

from sinks import connections
from ticketing.config import Config
from ticketing.llm.checks import LlmChecks


class ConnectionChecks:
    """The connection checks of the API, for a configuration."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._llm = LlmChecks(config)

    async def close(self) -> None:
        """Close the connections."""
        await self._llm.close()

    async def test_connection(self, platform: str) -> dict[str, Any]:
        """`{status: "ok"|"error", platform, message}`."""
        found = await connections.test(self._config, platform)
        status = "ok" if found.ok else "error"
        return {"status": status, "platform": platform, "message": found.message}

    async def test_llm(self) -> dict[str, Any]:
        """`{status: "ok"|"error", provider, model, message}`."""
        return await self._llm.test()

    async def llm_status(self) -> dict[str, Any]:
        """Provider, circuit, calls, failures and cost; raises Unavailable without Redis."""
        return await self._llm.status()
