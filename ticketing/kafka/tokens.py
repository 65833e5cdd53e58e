"""Tokens of SASL OAUTHBEARER for aiokafka; librdkafka fetches its own."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable

import aiohttp
import msgspec
from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import KafkaConnectionError

from ticketing import outgoing

FETCH_SECONDS_MAX = 10.0
"""A provider answers at once; a connection to Kafka waits for it."""
KEPT_SHARE = 0.8
"""Of a token's life: what is left covers a slow login and clocks that differ."""
LIFE_SECONDS = 60.0
"""Assumed of a token that comes without `expires_in`."""


class _Answer(msgspec.Struct):
    access_token: str
    expires_in: float = LIFE_SECONDS


class ClientTokens(AbstractTokenProvider):  # type: ignore[misc]
    """Gives a token for a client's id and secret, and keeps the token for most of its life.

    https://www.rfc-editor.org/rfc/rfc6749#section-4.4
    """

    def __init__(
        self,
        url: str,
        client_id: str,
        client_secret: str,
        scope: str | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` is in seconds."""
        self._url = url
        # As it is, which is how librdkafka and Kafka's own clients send it, too.
        login = f"{client_id}:{client_secret}".encode()
        self._headers = {"Authorization": f"Basic {base64.b64encode(login).decode()}"}
        self._form = {"grant_type": "client_credentials", **({"scope": scope} if scope else {})}
        self._clock = clock
        self._kept: tuple[str, float] | None = None
        """The last token, and when another one is fetched."""

    async def token(self) -> str:
        """A token that is valid; raises KafkaConnectionError where none is given."""
        if self._kept is not None and self._clock() < self._kept[1]:
            return self._kept[0]
        began = self._clock()
        answer = await self._fetched()
        self._kept = answer.access_token, began + KEPT_SHARE * answer.expires_in
        return answer.access_token

    async def _fetched(self) -> _Answer:
        timeout = aiohttp.ClientTimeout(total=FETCH_SECONDS_MAX)
        try:
            # Clients live in several event loops, so that no session could be kept.
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(
                    self._url,
                    data=self._form,
                    headers=self._headers,
                    **outgoing.options(self._url),
                ) as response,
            ):
                if response.status != 200:
                    raise KafkaConnectionError(
                        f"kafka.tokenUrl: HTTP {response.status}: check kafka.username and"
                        " kafka.password"
                    )
                return msgspec.json.decode(await response.read(), type=_Answer)
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:
            raise KafkaConnectionError(f"kafka.tokenUrl: {type(error).__name__}") from None
        except msgspec.MsgspecError:
            raise KafkaConnectionError("kafka.tokenUrl: the answer holds no access_token") from None
