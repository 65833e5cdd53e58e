"""The ticks of a keyed agent: one that Kafka refuses, or never answers, costs nothing."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError

from ticketing.engine.keyed_agent import KeyedAgent


class Producer:
    """Answers one send after the other with a time, or an error."""

    def __init__(self, *answers: float | KafkaError) -> None:
        self.answers = list(answers)

    async def send(self, *message: Any) -> asyncio.Future[Any]:
        answer = self.answers.pop(0)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if isinstance(answer, KafkaError):
            future.set_exception(answer)
        else:
            future.set_result(SimpleNamespace(timestamp=answer * 1000.0))
        return future


def agent_of(*answers: float | KafkaError) -> KeyedAgent[Any]:
    app: Any = SimpleNamespace(producer=Producer(*answers), consumer_generation_id=-1)
    absent: Any = None
    return KeyedAgent(
        app, absent, absent, name="alerts", topic="signals", table=absent, machine=absent
    )


@pytest.mark.parametrize("error", [MessageSizeTooLargeError(), KafkaTimeoutError()])
async def test_a_lost_tick_is_sent_again(error: KafkaError) -> None:
    agent = agent_of(error, 1_700_000_000.0)
    await agent._send_tick(0)
    assert agent._now(0) is None
    await agent._send_tick(0)
    assert agent._now(0) == pytest.approx(1_700_000_000.0, abs=60.0)
