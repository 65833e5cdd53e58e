"""Models over real HTTP: every way in which an endpoint of OpenAI's kind can fail."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from typing import Any

import pytest
from support.llm import (
    ANSWER,
    HUGE_CHARACTERS,
    answers,
    cut_off,
    drips,
    garbles,
    hangs,
    llm,
    refuses,
)
from support.waiting import until

from ticketing.config import Config
from ticketing.domain.summaries.answer import Answer, read
from ticketing.llm.models import Models, NoAnswer, Outcome, PaidAnswer

MESSAGES = ({"role": "system", "content": "s"}, {"role": "user", "content": "u"})
KEY = "sk-not-a-real-key-0123456789"
COST = 0.042
"""1,000 tokens of prompt and 200 of answer, by the price of gpt-4."""
DEADLINE_SECONDS = 60


def configured(*endpoints: str, timeout: float = 30.0, cooldown: float = 300.0) -> Config:
    providers = [
        {"provider": "openai", "model": "gpt-4", "apiKey": f"{KEY}-{n}", "endpoint": url}
        for n, url in enumerate(endpoints)
    ]
    return Config.model_validate(
        {"llm": {"providers": providers, "timeout": timeout, "cooldown": cooldown}}
    )


def models(*endpoints: str, **options: Any) -> Models:
    return Models(configured(*endpoints, **options).llm)


async def ask(asked: Models) -> PaidAnswer[Answer]:
    return await asyncio.wait_for(asked.ask(MESSAGES, read), DEADLINE_SECONDS)


async def outcomes(asked: Models) -> list[Outcome]:
    with pytest.raises(NoAnswer) as raised:
        await ask(asked)
    assert KEY not in str(raised.value)
    return [failure.outcome for failure in raised.value.failures]


async def test_a_model_answers_and_its_price_is_known() -> None:
    async with llm() as endpoint:
        told = await ask(models(endpoint.endpoint))
    assert told.value.title == ANSWER["title"]
    assert told.cost == pytest.approx(COST)
    assert told.failures == ()
    sent = endpoint.requests[0]
    assert sent["model"] == "gpt-4"
    assert sent["max_tokens"] == 1200
    assert sent["messages"] == list(MESSAGES)
    assert endpoint.keys == [f"Bearer {KEY}-0"]


async def test_a_model_without_a_price_costs_nothing() -> None:
    async with llm() as endpoint:
        section = {"provider": "openai", "model": "home-grown", "endpoint": endpoint.endpoint}
        told = await ask(Models(Config.model_validate({"llm": section}).llm))
    assert told.cost == 0.0
    assert endpoint.keys == ["Bearer none"]
    assert endpoint.requests[0]["response_format"] == {"type": "json_object"}


async def test_ollama_is_asked_at_its_own_address() -> None:
    async with llm() as endpoint:
        section = {"provider": "ollama_chat", "model": "llama3", "endpoint": endpoint.url}
        told = await ask(Models(Config.model_validate({"llm": section}).llm))
    assert told.value.title == ANSWER["title"]
    assert endpoint.requests[0]["model"] == "llama3"


FAILING = {
    "401": (refuses(401), Outcome.REFUSED),
    "404": (refuses(404), Outcome.REFUSED),
    "429": (refuses(429), Outcome.RATE_LIMITED),
    "429 for an hour": (refuses(429, retry_after=3600), Outcome.RATE_LIMITED),
    "500": (refuses(500), Outcome.ERROR),
    "503": (refuses(503), Outcome.ERROR),
    "hangs": (hangs, Outcome.TIMEOUT),
    "drips": (drips, Outcome.TIMEOUT),
    "no JSON": (garbles, Outcome.ERROR),
    "no object": (answers("I'd rather not."), Outcome.WRONG_ANSWER),
    "wrong form": (answers({"title": 7}), Outcome.WRONG_ANSWER),
    "huge": (answers({**ANSWER, "summary": "x" * HUGE_CHARACTERS}), Outcome.WRONG_ANSWER),
    "empty": (answers(""), Outcome.WRONG_ANSWER),
}


@pytest.mark.parametrize("mode", FAILING)
async def test_the_next_provider_takes_over_and_the_failed_one_rests(mode: str) -> None:
    behaviour, outcome = FAILING[mode]
    timeout = 1.0 if outcome is Outcome.TIMEOUT else 30.0
    async with llm(behaviour) as first, llm() as second:
        asked = models(first.endpoint, second.endpoint, timeout=timeout)
        told = await ask(asked)
        assert told.value.title == ANSWER["title"]
        assert [failure.outcome for failure in told.failures] == [outcome]
        again = await ask(asked)
        assert [failure.outcome for failure in again.failures] == [Outcome.RESTING]
    assert len(first.requests) == 1
    assert len(second.requests) == 2


@pytest.mark.parametrize("mode", FAILING)
async def test_an_only_provider_that_fails_rests_too(mode: str) -> None:
    behaviour, outcome = FAILING[mode]
    async with llm(behaviour) as only:
        asked = models(only.endpoint, timeout=1.0 if outcome is Outcome.TIMEOUT else 30.0)
        assert await outcomes(asked) == [outcome]
        assert await outcomes(asked) == [Outcome.RESTING]
    assert len(only.requests) == 1


async def test_an_endpoint_that_is_not_there_is_unreachable() -> None:
    assert await outcomes(models("http://127.0.0.1:9/v1")) == [Outcome.UNREACHABLE]


async def test_a_provider_that_rested_is_asked_again() -> None:
    async with llm(refuses(500)) as only:
        asked = models(only.endpoint, cooldown=0.5)
        assert await outcomes(asked) == [Outcome.ERROR]
        only.behaviour = answers()

        async def recovered() -> bool:
            try:
                await ask(asked)
            except NoAnswer:
                return False
            return True

        await until(recovered, "the end of its rest", DEADLINE_SECONDS)
    assert len(only.requests) == 2


async def test_wrong_answers_are_paid_for_too() -> None:
    async with llm(answers("no")) as first, llm() as second:
        told = await ask(models(first.endpoint, second.endpoint))
    assert told.cost == pytest.approx(2 * COST)


@pytest.mark.parametrize("content", [None, "", '{"title": "Payments ti'])
async def test_an_answer_that_was_cut_off_says_what_to_raise(content: str | None) -> None:
    async with llm(cut_off(content)) as endpoint:
        with pytest.raises(NoAnswer, match=r"raise llm\.maxAnswerTokens"):
            await models(endpoint.endpoint).ask(MESSAGES, read)


async def test_no_key_and_no_prompt_reaches_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with llm(refuses(401)) as first, llm(garbles) as second:
        await outcomes(models(first.endpoint, second.endpoint))
    assert KEY not in caplog.text
    assert "chat/completions" not in caplog.text


NO_CALLS = """
import asyncio, json, socket, sys
sys.path[:0] = {path!r}
connect = socket.socket.connect
def noting(self, address):
    print("connects", address, file=sys.stderr)
    return connect(self, address)
socket.socket.connect = noting
look_up = socket.getaddrinfo
def asking(host, *rest, **more):
    print("looks up", host, file=sys.stderr)
    return look_up(host, *rest, **more)
socket.getaddrinfo = asking
from ticketing.config import Config
from ticketing.domain.summaries.answer import read
from ticketing.llm.models import Models
section = {{"provider": "openai", "model": "gpt-4", "apiKey": "k", "endpoint": {url!r}}}
asked = Models(Config.model_validate({{"llm": section}}).llm)
asyncio.run(asked.ask([{{"role": "user", "content": "u"}}], read))
"""


async def test_litellm_talks_to_nobody_but_the_endpoint() -> None:
    async with llm() as endpoint:
        script = NO_CALLS.format(path=sys.path, url=endpoint.endpoint)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            script,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        said, errors = await asyncio.wait_for(process.communicate(), DEADLINE_SECONDS)
    assert process.returncode == 0, errors.decode()
    assert said == b""
    lines = [line for line in errors.decode().splitlines() if line]
    assert all("127.0.0.1" in line for line in lines), lines
    assert len(endpoint.requests) == 1


WITHOUT = """
import sys
sys.path[:0] = {path!r}
import ticketing.worker as worker
from ticketing.kafka.runtime import Runtime
from ticketing.config import validate
from ticketing.api.checks import ConnectionChecks
config = validate({{"dataDir": {data!r}, "faustWeb": {{"enabled": False}}, **{more!r}}})
runtime = Runtime.of(config)
for role in ("pipeline", "view", "traces", *{roles!r}):
    worker.build(role, runtime)
ConnectionChecks(config)
print(",".join(worker.default_roles(config)), "litellm" in sys.modules)
"""


@pytest.mark.parametrize(
    ("more", "roles", "said"),
    [
        ({}, (), "pipeline,view,traces False"),
        (
            {"llm": {"provider": "openai", "model": "gpt-4", "apiKey": "k"}},
            ("summaries",),
            "pipeline,view,traces,summaries False",
        ),
    ],
)
def test_a_worker_pays_for_litellm_only_when_it_asks(
    tmp_path: Any, more: dict[str, Any], roles: tuple[str, ...], said: str
) -> None:
    script = WITHOUT.format(path=sys.path, data=str(tmp_path), more=more, roles=roles)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, timeout=120, check=False
    )
    assert done.stdout.decode().strip() == said, done.stderr.decode()[-2000:]
