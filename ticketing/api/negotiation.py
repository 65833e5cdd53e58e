"""Conditional and compressed answers: `ETag`, `If-None-Match`, gzip (RFC 9110)."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import re

from aiohttp import ETag, web
from aiohttp.typedefs import Handler

from ticketing.api.rules import SAFE_METHODS

TAG_BYTES = 12
"""Two bodies of one address share a tag by chance never."""
COMPRESSED_BYTES_MIN = 1024
"""Less fits into a packet anyway."""
IN_THREAD_BYTES_MIN = 64 * 1024
"""About two milliseconds of work: more would hold up other requests."""
LEVEL = 5
"""JSON of incidents becomes a tenth at twice the speed of zlib's default, which gains little more."""
KEPT_HEADERS = ("ETag", "Vary", "Cache-Control", "Link")
_ANY = "*"
_GZIP = re.compile(
    r"(?:^|,)\s*(?:gzip|\*)\s*(?:;\s*q=(?P<share>[0-9.]+)\s*)?(?=,|$)", re.IGNORECASE
)


@web.middleware
async def negotiated(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tag what was read, answer 304 to whoever has it, and compress it for whoever takes gzip.

    Only what reads is compressed: no secret stands beside the sender's own text there.
    """
    response = await handler(request)
    if request.method not in SAFE_METHODS or response.status != 200:
        return response
    if not isinstance(response, web.Response) or not isinstance(response.body, bytes):
        return response
    tag = hashlib.blake2b(response.body, digest_size=TAG_BYTES).hexdigest()
    # Weak, as the same body may come compressed or not.
    response.etag = ETag(value=tag, is_weak=True)
    response.headers["Vary"] = "Accept-Encoding"
    if any(one.value in (_ANY, tag) for one in request.if_none_match or ()):
        given = response.headers
        headers = {name: given[name] for name in KEPT_HEADERS if name in given}
        return web.Response(status=304, headers=headers)
    if len(response.body) >= COMPRESSED_BYTES_MIN and _takes_gzip(request):
        response.body = await _compressed(response.body)
        response.headers["Content-Encoding"] = "gzip"
    return response


def _takes_gzip(request: web.Request) -> bool:
    found = _GZIP.search(request.headers.get("Accept-Encoding", ""))
    return found is not None and found["share"] not in ("0", "0.0", "0.00", "0.000")


async def _compressed(body: bytes) -> bytes:
    if len(body) < IN_THREAD_BYTES_MIN:
        return gzip.compress(body, LEVEL, mtime=0)
    return await asyncio.to_thread(gzip.compress, body, LEVEL, mtime=0)
