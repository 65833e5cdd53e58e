"""Agents of batches: what is committed, and what is left to the next owner of a partition."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP
from support.records import Record

from ticketing.engine import agent as module
from ticketing.engine.agent import Abandoned, BatchAgent
from ticketing.engine.watchdog import Watchdog
from ticketing.wire.dead_letters import (
    VALUE_BYTES_MAX,
    dead_letter_of,
    decode_dead_letter,
    encode_dead_letter,
)


def event(offset: int, *, partition: int = 0, generation: int = 1) -> Any:
    tp = TP("t", partition)
    message = SimpleNamespace(
        tp=tp, offset=offset, timestamp=0.0, partition=partition, generation_id=generation
    )
    return SimpleNamespace(message=message, value=[offset])


class Stream:
    def __init__(self, events: list[Any]) -> None:
        self._events = events

    def noack(self) -> Stream:
        return self

    async def events(self) -> AsyncIterator[Any]:
        for one in self._events:
            yield one

    async def ack(self, event: Any) -> None:
        pass


class Picky(BatchAgent):
    """Abandons some offsets, fails on others."""

    name = "picky"

    def __init__(self, abandons: set[int], fails: set[int] = frozenset()) -> None:  # type: ignore[assignment]
        self.committed: list[tuple[int, int]] = []
        consumer = SimpleNamespace(
            begun=lambda _: None,
            handled=lambda m: self.committed.append((m.partition, m.offset)),
        )
        super().__init__(SimpleNamespace(consumer=consumer), Watchdog(), None)  # type: ignore[arg-type]
        self._abandons, self._fails = abandons, fails

    async def handle(self, records: list[Any], event: Any) -> None:
        if records[0] in self._abandons:
            raise Abandoned
        if records[0] in self._fails:
            raise OSError("disk full")


async def run(agent: Picky, *events: Any) -> list[tuple[int, int]]:
    async for _ in agent.run(Stream(list(events))):
        pass
    return agent.committed


async def test_what_follows_an_abandoned_batch_is_not_committed_over_it() -> None:
    committed = await run(
        Picky({2}),
        event(1),
        event(2),
        event(3),
        event(4, partition=1),
        event(5, generation=2),
    )
    assert committed == [(0, 1), (1, 4), (0, 5)]


async def test_a_failure_leaves_before_anything_is_committed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Left(BaseException):
        pass

    def leave(why: str) -> None:
        raise Left(why)

    monkeypatch.setattr(module, "leave", leave)
    agent = Picky(set(), {2})
    with pytest.raises(Left, match="picky: OSError: disk full"):
        await run(agent, event(1), event(2), event(3))
    assert agent.committed == [(0, 1)]


def test_a_dead_letter_is_bounded() -> None:
    record = Record(b"\xff" * 10_000_000, 7, 1500, b"k" * 10_000_000)
    encoded = encode_dead_letter(
        dead_letter_of(
            "t", 1, record, stage="incidents", reason="undecodable", detail="d" * 1_000_000
        )
    )
    assert len(encoded) < 262_144, "less than the smallest kafka.messageMaxBytes"
    letter = decode_dead_letter(encoded)
    assert (letter.topic, letter.partition, letter.offset, letter.timestamp) == ("t", 1, 7, 1.5)
    assert letter.value == b"\xff" * VALUE_BYTES_MAX
    assert letter.size == 10_000_000
