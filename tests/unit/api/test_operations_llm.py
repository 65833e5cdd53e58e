"""Testing the language model, and how it has been doing, over HTTP on both sides."""

from __future__ import annotations

from typing import Any

import pytest
from support.llm import answers, hangs, llm, refuses

from ticketing.api.checks import ConnectionChecks
from ticketing.config import Config

KEY = "sk-secret-of-ours-0123456789"


def config(*endpoints: str) -> dict[str, Any]:
    one = {"provider": "openai", "apiKey": KEY}
    providers = [{**one, "model": f"gpt-4-{n}", "endpoint": url} for n, url in enumerate(endpoints)]
    return {"llm": {"providers": providers, "timeout": 1.0}}


@pytest.fixture
def api_for(start: Any) -> Any:
    async def made(given: dict[str, Any]) -> Any:
        return await start(checks=ConnectionChecks(Config.model_validate(given)))

    return made


async def test_a_model_that_answers_is_ok(api_for: Any) -> None:
    async with llm(answers("pong")) as endpoint:
        api = await api_for(config(endpoint.endpoint))
        for prefix in ("", "/api/ticketing"):
            status, answer = await api.post(f"{prefix}/api/v1/test-llm")
            assert status == 200
            assert answer["status"] == "ok"
            assert (answer["provider"], answer["model"]) == ("openai", "gpt-4-0")
            assert answer["message"].startswith("answered in ")


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [(refuses(401), "HTTP 401"), (hangs, "no answer in time"), (refuses(500), "HTTP 500")],
)
async def test_what_is_wrong_is_said_without_the_key(
    api_for: Any, behaviour: Any, said: str
) -> None:
    async with llm(behaviour) as endpoint:
        api = await api_for(config(endpoint.endpoint))
        status, answer = await api.post("/api/v1/test-llm")
    assert (status, answer["status"], answer["provider"]) == (200, "error", "openai")
    assert said in answer["message"]
    assert KEY not in str(answer)


async def test_a_second_model_that_stands_in_is_named(api_for: Any) -> None:
    async with llm(refuses(500)) as first, llm(answers("pong")) as second:
        api = await api_for(config(first.endpoint, second.endpoint))
        _, answer = await api.post("/api/v1/test-llm")
        assert (answer["status"], answer["model"]) == ("ok", "gpt-4-1")
        assert "before it failed: openai/gpt-4-0: HTTP 500" in answer["message"]
        # Nobody who has just mended something waits for a cooldown.
        first.behaviour = answers("pong")
        _, answer = await api.post("/api/v1/test-llm")
        assert answer["model"] == "gpt-4-0"


async def test_the_status_counts_what_happened(api_for: Any) -> None:
    async with llm(answers("pong")) as endpoint:
        api = await api_for(config("http://127.0.0.1:9/v1", endpoint.endpoint))
        _, before = await api.get("/api/v1/llm-status")
        await api.post("/api/v1/test-llm")
        status, after = await api.get("/api/ticketing/api/v1/llm-status")
    assert status == 200
    first, second = after["providers"]
    assert (first["provider"], first["circuit"]) == ("openai", "open")
    assert second["circuit"] == "closed"
    assert after["calls"] == before["calls"] + 2
    assert after["failures"] == before["failures"] + 1


async def test_without_a_model_both_say_so(api_for: Any) -> None:
    api = await api_for({})
    _, answer = await api.post("/api/v1/test-llm")
    assert (answer["status"], answer["provider"]) == ("error", "disabled")
    assert "llm.provider" in answer["message"]
    _, answer = await api.get("/api/v1/llm-status")
    assert (answer["provider"], answer["calls"]) == ("disabled", 0)


async def test_a_platform_that_is_off_is_not_tested(api_for: Any) -> None:
    api = await api_for({})
    _, answer = await api.post("/api/v1/test-connection", {"platform": "jira"})
    assert answer == {
        "status": "error",
        "platform": "jira",
        "message": "jira is not enabled: set jira.enabled",
    }
