"""Keeps answers of language models within bounds: one without an end, or a few packed kilobytes that
unfold into gigabytes, would take the memory of the process.

litellm makes clients of httpx for each provider, and httpx reads an answer to its end.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

ANSWER_BYTES_MAX = 4 * 1024 * 1024
"""Far above a summary with all that a provider says of it, as for platforms."""


def bound() -> None:
    """Let no client of httpx in this process read a longer answer. Safe to repeat."""
    import httpx

    if getattr(httpx.Response.iter_bytes, "bounded", False):
        return
    read, read_later = httpx.Response.iter_bytes, httpx.Response.aiter_bytes

    def iter_bytes(self: Any, chunk_size: int | None = None) -> Iterator[bytes]:
        size = 0
        for chunk in read(self, chunk_size):
            size = _within(size + len(chunk))
            yield chunk

    async def aiter_bytes(self: Any, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in read_later(self, chunk_size):
            size = _within(size + len(chunk))
            yield chunk

    def _within(size: int) -> int:
        if size > ANSWER_BYTES_MAX:
            raise httpx.DecodingError("the answer is too long")
        return size

    iter_bytes.bounded = True  # type: ignore[attr-defined]
    httpx.Response.iter_bytes = iter_bytes  # type: ignore[method-assign]
    httpx.Response.aiter_bytes = aiter_bytes  # type: ignore[method-assign]
