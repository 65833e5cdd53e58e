"""Transports exchange a request for a platform's reply.

The network is one transport. A dry run has another, which sends nothing.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import aiohttp

from sinks.calls.outcome import Failed, Reason, Refused, RetryAfter, Unknown
from ticketing import outgoing

CONNECT_SECONDS_MAX = 5.0
"""Enough for a lost packet to be sent again; a platform that is down is found out sooner than by
the timeout of a request, and without an unknown outcome."""
REPLY_BYTES_MAX = 4 * 1024 * 1024
"""Far above the longest reply that a platform has reason to give; bounds memory."""
CHUNK_BYTES = 65536
"""Most replies are one chunk."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A platform's reply, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """Carries requests to one platform."""

    async def exchange(
        self,
        method: str,
        url: str,
        *,
        payload: bytes | None,
        headers: Mapping[str, str],
        params: Mapping[str, str] | None,
    ) -> Reply:
        """Send one request, once; raises Failed when there is no reply."""

    async def close(self) -> None:
        """Close what was opened; called once, after the last request."""


class Network:
    """The transport over HTTP. `timeout` bounds a whole request, in seconds.

    Redirects are not followed: a request with a secret goes only to the configured address.
    """

    def __init__(self, *, timeout: float, ca_bundle: Path | None = None) -> None:
        self._timeout = timeout
        self._ca_bundle = ca_bundle
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the session's connections."""
        if self._session is not None:
            await self._session.close()

    async def exchange(
        self,
        method: str,
        url: str,
        *,
        payload: bytes | None,
        headers: Mapping[str, str],
        params: Mapping[str, str] | None,
    ) -> Reply:
        """Send one request; raises Failed, as Unknown if the request may have arrived."""
        try:
            async with self._open().request(
                method, url, data=payload, headers=headers, params=params, **outgoing.options(url)
            ) as response:
                return Reply(response.status, response.headers, await _read(response))
        except aiohttp.ConnectionTimeoutError as error:
            raise Failed(RetryAfter(Reason.UNREACHABLE, None, "no connection in time")) from error
        except asyncio.TimeoutError as error:
            raise Failed(Unknown(Reason.TIMEOUT, detail="no answer in time")) from error
        except aiohttp.ClientConnectorError as error:
            # Nothing was sent: there was no connection to send it over.
            detail = f"no connection: {type(error).__name__}"
            raise Failed(RetryAfter(Reason.UNREACHABLE, None, detail)) from error
        except aiohttp.InvalidURL as error:
            raise Failed(Refused(Reason.INVALID, "the address is not an http(s) URL")) from error
        except (aiohttp.ClientError, OSError) as error:
            detail = type(error).__name__
            raise Failed(Unknown(Reason.CONNECTION_LOST, detail=detail)) from error

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            # A session must be made inside the event loop, which is not running in __init__.
            verify = ssl.create_default_context(cafile=self._ca_bundle) if self._ca_bundle else True
            self._session = aiohttp.ClientSession(
                # A session of the platform ties our requests together: ServiceNow, for one, works
                # on one request of a session at a time.
                cookie_jar=aiohttp.DummyCookieJar(),
                connector=aiohttp.TCPConnector(ssl=verify, limit=0),
                timeout=aiohttp.ClientTimeout(
                    total=self._timeout, connect=min(CONNECT_SECONDS_MAX, self._timeout)
                ),
            )
            # aiohttp by itself repeats a PUT whose connection ends without an answer. A PUT may add
            # a comment, so that only the adapter may decide on a repeat.
            self._session._retry_connection = False
        return self._session


async def _read(response: aiohttp.ClientResponse) -> bytes:
    raw = bytearray()
    async for chunk in response.content.iter_chunked(CHUNK_BYTES):
        raw += chunk
        if len(raw) > REPLY_BYTES_MAX:
            raise Failed(Unknown(Reason.MALFORMED, True, None, "the answer is too long"))
    return bytes(raw)
