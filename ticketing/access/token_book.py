"""The tokens as a process knows them: read again for requests, at most once a second.

A process that nobody asks with a named token never connects for them.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Protocol

from ticketing.domain.access.tokens import Token, Tokens
from ticketing.errors import Unavailable

FRESH_SECONDS = 1.0
"""A revoked token is refused so soon; Kafka gets one small request a second at most."""
WAIT_SECONDS = 1.0
"""Longest wait for news of a token that is known: it goes on while Kafka is away, where nobody can
revoke one either."""
AGAIN_SECONDS = 5.0
"""After no answer, so that not every request waits for Kafka."""


class TokenSource(Protocol):
    """The topic of the tokens; blocks."""

    def read(self) -> Tokens:
        """All tokens; raises Unavailable."""

    def close(self) -> None:
        """Disconnect."""


class TokenBook:
    """Finds the token of a secret. For the event loop of one thread."""

    def __init__(self, source: TokenSource, clock: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._clock = clock
        self._known: Tokens | None = None
        self._again_at = -1.0
        self._failed: Unavailable | None = None
        self._reading: asyncio.Task[None] | None = None

    async def find(self, secret: str) -> Token | None:
        """The token of a secret, valid or not; None for an unknown one.

        Raises Unavailable where it is not known and Kafka does not answer.
        """
        if self._reading is None and self._clock() >= self._again_at:
            self._reading = asyncio.ensure_future(self._read())
        found = None if self._known is None else self._known.bearing(secret)
        if self._reading is not None:
            # Waited for without an end where nothing is known yet; each look of Kafka has its own.
            limit = None if found is None else WAIT_SECONDS
            await asyncio.wait({self._reading}, timeout=limit)
            found = None if self._known is None else self._known.bearing(secret)
        if found is None and self._failed is not None:
            raise self._failed
        return found

    async def close(self) -> None:
        """Disconnect, once what is being read has been."""
        if self._reading is not None:
            with contextlib.suppress(Unavailable):
                await self._reading
        await asyncio.to_thread(self._source.close)

    async def _read(self) -> None:
        try:
            self._known = await asyncio.to_thread(self._source.read)
            self._failed, self._again_at = None, self._clock() + FRESH_SECONDS
        except Unavailable as error:
            self._failed, self._again_at = error, self._clock() + AGAIN_SECONDS
        finally:
            self._reading = None
