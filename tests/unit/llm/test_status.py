"""How the models are doing, put together from the workers' numbers."""

from __future__ import annotations

import fakeredis
import pytest

from ticketing.config import Config
from ticketing.errors import Unavailable
from ticketing.llm.status import Board, circuit, document, lines

LLM = Config.model_validate(
    {
        "llm": {
            "providers": [
                {"provider": "openai", "model": "gpt-4", "apiKey": "k"},
                {"provider": "ollama", "model": "llama3"},
            ]
        }
    }
).llm
TEXT = """
# TYPE ticketing_llm_calls_total counter
ticketing_llm_calls_total{outcome="timeout",provider="openai/gpt-4"} 2.0
ticketing_llm_calls_total{outcome="resting",provider="openai/gpt-4"} 9.0
ticketing_llm_calls_total{outcome="answered",provider="ollama/llama3"} 11.0
# TYPE ticketing_llm_rests_until_seconds gauge
ticketing_llm_rests_until_seconds{provider="openai/gpt-4"} 1060.0
# TYPE ticketing_llm_cost_usd_total counter
ticketing_llm_cost_usd_total 0.25
# TYPE ticketing_summaries_total counter
ticketing_summaries_total{outcome="written"} 11.0
ticketing_records_total 5.0
"""


def test_calls_failures_circuit_and_cost_are_told_per_model_and_together() -> None:
    found = document(LLM, [TEXT, TEXT], now=1000.0)
    assert (found["provider"], found["model"], found["circuit"]) == ("openai", "gpt-4", "open")
    assert (found["calls"], found["failures"], found["cost"]) == (26, 4, 0.5)
    assert found["summaries"] == {"written": 22, "pending": 0}
    second = found["providers"][1]
    assert (second["calls"], second["failures"], second["circuit"]) == (22, 0, "closed")


def test_without_a_model_it_is_disabled() -> None:
    found = document(Config().llm, [""])
    assert (found["provider"], found["calls"], found["providers"]) == ("disabled", 0, [])


def test_a_circuit_closes_by_an_answer_only() -> None:
    assert [circuit(0.0, 5.0), circuit(9.0, 5.0), circuit(9.0, 10.0)] == [
        "closed",
        "open",
        "half-open",
    ]


async def test_workers_post_their_own_numbers_and_anybody_reads_them() -> None:
    server = fakeredis.FakeServer()
    worker = Board(fakeredis.FakeAsyncRedis(server=server), "t")
    await worker.post(TEXT)
    await worker.post(TEXT)
    reader = Board(fakeredis.FakeAsyncRedis(server=server), "t")
    assert await reader.read() == [lines(TEXT)]
    assert "ticketing_records_total" not in lines(TEXT)


async def test_redis_away_is_said_to_the_reader_and_nothing_to_the_worker() -> None:
    server = fakeredis.FakeServer()
    server.connected = False
    board = Board(fakeredis.FakeAsyncRedis(server=server), "t")
    await board.post(TEXT)
    with pytest.raises(Unavailable):
        await board.read()
