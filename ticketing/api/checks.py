"""Tests the configured platforms and language models, without side effects."""

from __future__ import annotations

from typing import Any

from sinks import connections
from ticketing.config import Config
from ticketing.connection_tests import Asker
from ticketing.llm.checks import LlmChecks


class ConnectionChecks:
    """The connection checks of the API, for a configuration."""

    def __init__(self, config: Config, asker: Asker | None = None) -> None:
        """Platforms are tested by `asker`, else here, where the secrets are."""
        self._config = config
        self._asker = asker
        self._llm = LlmChecks(config)

    async def close(self) -> None:
        """Close the connections."""
        await self._llm.close()
        if self._asker is not None:
            self._asker.close()

    async def test_connection(self, platform: str) -> dict[str, Any]:
        """`{status: "ok"|"error", platform, message}`."""
        if self._asker is not None:
            ok, message = await self._asker.test(platform)
        else:
            found = await connections.test(self._config, platform)
            ok, message = found.ok, found.message
        return {"status": "ok" if ok else "error", "platform": platform, "message": message}

    async def test_llm(self) -> dict[str, Any]:
        """`{status: "ok"|"error", provider, model, message}`."""
        return await self._llm.test()

    async def llm_status(self) -> dict[str, Any]:
        """Provider, circuit, calls, failures and cost; raises Unavailable without Redis."""
        return await self._llm.status()
