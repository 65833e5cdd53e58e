"""The API's checks of the models: a test of the connection, and the status."""

from __future__ import annotations

import asyncio
from typing import Any

from ticketing.config import Config
from ticketing.errors import Misconfigured
from ticketing.llm import status
from ticketing.llm.ledger import open_redis
from ticketing.llm.models import Models, NoAnswer
from ticketing.llm.status import Board

QUESTION = ({"role": "user", "content": "This is a test of the connection. Answer with: pong"},)
ANSWER_TOKENS = 200
"""More than a word needs, as reasoning models spend tokens before the answer."""
DISABLED = "no language model is configured: set llm.provider and llm.model, or llm.providers"


class LlmChecks:
    """Asks the configured models a short question, and reads the workers' numbers."""

    def __init__(self, config: Config) -> None:
        self._llm = config.llm
        self._redis = open_redis(config)
        self._board = Board(self._redis, config.redis.prefix)
        # No cooldowns: a person who has just mended a key wants to know now.
        self._models = Models(config.llm, cooldowns=False)

    async def close(self) -> None:
        """Close the connections."""
        if self._redis is not None:
            await self._redis.aclose()

    async def test(self) -> dict[str, Any]:
        """`{status: "ok"|"error", provider, model, message}`; at the price of a short question."""
        if not self._llm.chain:
            return {"status": "error", "provider": "disabled", "model": None, "message": DISABLED}
        first = self._llm.chain[0]
        try:
            told = await self._models.ask(
                QUESTION, _anything, tokens_max=ANSWER_TOKENS, json_object=False
            )
        except (NoAnswer, Misconfigured) as error:
            named = {"provider": first.provider, "model": first.model}
            return {"status": "error", **named, "message": str(error)}
        message = f"answered in {told.seconds:.2f} s"
        if told.failures:
            message += "; failed before: " + "; ".join(map(str, told.failures))
        named = {"provider": told.provider.provider, "model": told.provider.model}
        return {"status": "ok", **named, "message": message}

    async def status(self) -> dict[str, Any]:
        """Provider, circuit, calls, failures, cost; raises Unavailable without Redis."""
        texts = await self._board.read()
        return status.document(self._llm, texts or [await asyncio.to_thread(status.own)])


def _anything(text: str | None) -> str:
    return text or ""
