"""The book of tokens: reads on demand, goes on without Kafka with what it knows."""

from __future__ import annotations

import asyncio

import pytest
from support.access import Keys

from ticketing.access.token_book import AGAIN_SECONDS, FRESH_SECONDS, TokenBook
from ticketing.domain.access.tokens import Tokens
from ticketing.errors import Unavailable


class Source(Keys):
    def __init__(self) -> None:
        super().__init__()
        self.reads = 0
        self.away = False

    def read(self) -> Tokens:
        self.reads += 1
        if self.away:
            raise Unavailable("Kafka does not answer")
        # As one that was read: later changes are not in it.
        found = Tokens()
        for token in self.tokens.by_id.values():
            found.take(token)
        return found

    def secret(self, name: str) -> str:
        return self.key(name)["Authorization"].removeprefix("Bearer ")


async def test_tokens_are_read_for_requests_once_in_a_while() -> None:
    source, now = Source(), 0.0
    book = TokenBook(source, clock=lambda: now)
    assert source.reads == 0
    secret = source.secret("a")
    found = await asyncio.gather(*(book.find(secret) for _ in range(5)))
    assert [one is not None and one.name for one in found] == ["a"] * 5
    assert source.reads == 1
    now = FRESH_SECONDS
    await book.find(secret)
    assert source.reads == 2
    await book.close()


async def test_a_new_and_a_revoked_token_count_without_a_restart() -> None:
    source, now = Source(), 0.0
    book = TokenBook(source, clock=lambda: now)
    secret = source.secret("a")
    await book.find(secret)
    later = source.secret("b")
    assert await book.find(later) is None
    await source.revoke("a", "test")
    now = FRESH_SECONDS
    assert await book.find(later) is not None
    revoked = await book.find(secret)
    assert revoked is not None
    assert revoked.revoked_at


async def test_without_kafka_known_tokens_go_on_and_others_are_unknown_for_now() -> None:
    source, now = Source(), 0.0
    book = TokenBook(source, clock=lambda: now)
    secret, other = source.secret("a"), source.secret("b")
    source.away = True
    with pytest.raises(Unavailable):
        await book.find(secret)
    source.away, now = False, AGAIN_SECONDS
    assert await book.find(secret) is not None
    source.away, now = True, now + FRESH_SECONDS
    assert await book.find(secret) is not None
    with pytest.raises(Unavailable):
        await book.find("tka_" + other[4:][::-1])
    reads = source.reads
    assert await book.find(secret) is not None
    assert source.reads == reads
