"""An index that follows the view: filled, caught up, switched with the build, and made anew."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from typing import Any

import fakeredis
import pytest
from support.incidents import numbered
from support.view import complete
from support.waiting import until

from ticketing.errors import Rebuilding
from ticketing.view import following
from ticketing.view.query import INCIDENTS, Query
from ticketing.view.store import ViewStore

NOW = 1_900_000_000.0


def view(server: fakeredis.FakeServer) -> ViewStore:
    redis = fakeredis.FakeAsyncRedis(server=server)
    return ViewStore(redis, "t", retention=1000.0, clock=lambda: NOW)


@pytest.fixture
async def stores() -> AsyncIterator[tuple[ViewStore, ViewStore]]:
    """A writer's and a reader's store, as of two processes."""
    server = fakeredis.FakeServer()
    writer, reader = await complete(view(server)), view(server)
    yield writer, reader
    await writer.close()
    await reader.close()


async def put(store: ViewStore, *numbers: int, **changes: Any) -> None:
    incidents = [numbered(number, at=NOW, **changes) for number in numbers]
    await store.write([(one.id, one) for one in incidents])


async def number_of(store: ViewStore, **asked: Any) -> int:
    return len((await store.page(Query(**asked, limit=500))).documents)


async def test_another_process_sees_what_was_written_before_it_asks(stores: Any) -> None:
    writer, reader = stores
    for number in range(3):
        await put(writer, number)
        assert await number_of(reader) == number + 1
    await writer.write([(numbered(0).id, None)])
    assert await number_of(reader) == 2


async def test_an_index_that_is_being_filled_shows_no_part(
    stores: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, reader = stores
    monkeypatch.setattr(following, "FILL_CHUNK_ENTRIES", 2)
    monkeypatch.setattr(following, "CATCH_UP_MAX", 4)
    await put(writer, *range(5))
    with pytest.raises(Rebuilding):
        await reader.page(Query())
    assert await number_of(reader) == 5


async def test_a_whole_index_answers_though_it_is_behind(
    stores: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, reader = stores
    assert await number_of(reader) == 0
    monkeypatch.setattr(following, "CHUNK_ENTRIES", 2)
    monkeypatch.setattr(following, "CATCH_UP_MAX", 2)
    await put(writer, *range(5))
    assert await number_of(reader) == 2
    assert await number_of(reader) == 4
    assert await number_of(reader) == 5


async def test_a_build_is_followed_before_it_is_live(stores: Any) -> None:
    writer, reader = stores
    await put(writer, 1, title="stale")
    task = asyncio.create_task(reader.follow())
    rebuild = await writer.begin_rebuild()
    assert rebuild is not None
    await rebuild.write([(numbered(number).id, numbered(number, at=NOW)) for number in (2, 3)])
    await until(lambda: "2" in _builds(reader), "an index of the new build")
    assert await number_of(reader, search="stale") == 1
    await rebuild.finish()
    assert await number_of(reader) == 2
    await until(lambda: _builds(reader) == {"2"}, "the old index let go")
    assert not reader.is_filling
    task.cancel()


def _builds(store: ViewStore) -> set[str]:
    return set(store._followed[INCIDENTS]._filled)


async def test_following_goes_on_after_redis_was_away() -> None:
    server = fakeredis.FakeServer()
    reader = view(server)
    server.connected = False
    task = asyncio.create_task(reader.follow())
    await asyncio.sleep(0)
    server.connected = True
    await complete(reader)
    await put(reader, 1)
    await until(lambda: _builds(reader) == {"1"}, "an index")
    assert not task.done()
    task.cancel()
    await reader.close()


@pytest.mark.parametrize("at", ["apply", "page"])
async def test_an_index_that_fails_is_filled_anew(
    stores: Any, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    writer, reader = stores
    await put(writer, 1)
    assert await number_of(reader) == 1
    await put(writer, 2)

    def fails(*_: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(following.Index, at, fails)
        with pytest.raises(Rebuilding, match="filled anew"):
            await reader.page(Query())
    assert await number_of(reader) == 2
