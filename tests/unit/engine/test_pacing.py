"""Fetches are spaced, unless there is more to read or something urgent is on its way."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from support.waiting import until

from ticketing.engine.pacing import Pace

LONG_SECONDS = 3600.0


class Fetcher:
    """Answers every fetch at once, and counts them."""

    def __init__(self) -> None:
        self.fetched = 0

    async def _proc_fetch_request(self, assignment: Any, node: int, request: Any) -> bool:
        self.fetched += 1
        return True

    async def fetch(self, *, position: int = 7, end: int | None = 7, node: int = 1) -> bool:
        """Fetch from a position of a partition that ends somewhere."""
        state = SimpleNamespace(highwater=end)
        request = SimpleNamespace(topics=[("logs", [(0, position, 1000)])])
        assignment = SimpleNamespace(state_value=lambda _: state)
        return await self._proc_fetch_request(assignment, node, request)


def paced(seconds: float = LONG_SECONDS) -> tuple[Pace, Fetcher]:
    pace, fetcher = Pace(seconds), Fetcher()
    pace.follow(fetcher)
    return pace, fetcher


async def waits(fetcher: Fetcher, **how: Any) -> asyncio.Future[bool]:
    """A fetch that waits; fails if it does not."""
    before = fetcher.fetched
    asked = asyncio.ensure_future(fetcher.fetch(**how))
    for _ in range(5):
        await asyncio.sleep(0)
    assert fetcher.fetched == before
    assert not asked.done()
    return asked


async def test_the_first_fetch_is_at_once_and_the_next_one_waits() -> None:
    pace, fetcher = paced()
    assert await fetcher.fetch()
    asked = await waits(fetcher)
    pace.hurry()
    assert await asked


async def test_a_fetch_waits_no_longer_than_the_pace() -> None:
    _, fetcher = paced(0.001)
    assert await fetcher.fetch()
    assert await asyncio.wait_for(fetcher.fetch(), 60.0)


async def test_without_a_pace_no_fetch_waits() -> None:
    _, fetcher = paced(0.0)
    for _ in range(3):
        assert await asyncio.wait_for(fetcher.fetch(), 60.0)


@pytest.mark.parametrize("end", [None, 8])
async def test_what_is_known_to_be_there_is_fetched_at_once(end: int | None) -> None:
    _, fetcher = paced()
    for _ in range(3):
        assert await asyncio.wait_for(fetcher.fetch(end=end), 60.0)


async def test_a_hurry_before_the_fetch_counts_and_one_before_the_last_fetch_does_not() -> None:
    pace, fetcher = paced()
    pace.hurry()
    assert await fetcher.fetch()
    pace.hurry()
    assert await asyncio.wait_for(fetcher.fetch(), 60.0)
    (await waits(fetcher)).cancel()


async def test_a_hurry_lets_the_fetches_of_all_brokers_begin() -> None:
    pace, fetcher = paced()
    assert await fetcher.fetch(node=1)
    assert await fetcher.fetch(node=2)
    asked = [await waits(fetcher, node=1), await waits(fetcher, node=2)]
    pace.hurry()
    assert await asyncio.wait_for(asyncio.gather(*asked), 60.0) == [True, True]


async def test_another_thread_may_hurry() -> None:
    pace, fetcher = paced()
    assert await fetcher.fetch()
    asked = await waits(fetcher)
    threading.Thread(target=pace.hurry).start()
    await until(asked.done, "the fetch")


async def test_a_fetch_that_is_cancelled_while_it_waits_has_no_records() -> None:
    """As aiokafka's own, whose end awaits each fetch that it has cancelled."""
    _, fetcher = paced()
    assert await fetcher.fetch()
    asked = await waits(fetcher)
    asked.cancel()
    assert await asked is False


def test_a_hurry_before_the_consumer_has_started_is_no_error() -> None:
    Pace(LONG_SECONDS).hurry()
