"""`ticketing act`: the request that it sends, and how it ends."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from click.testing import CliRunner, Result
from support.incidents import ID

from ticketing.api.problems import Invalid, Problem, unavailable
from ticketing.cli import cli
from ticketing.cli.act import address_of, body_of
from ticketing.config import Config
from ticketing.domain.events import Action

AT = 1_900_000_000.0
OTHER = f"{ID[:16]}-{'f' * 16}"


async def run(answer: Any, *words: str, **environ: str) -> tuple[Result, list[Any]]:
    """Run the command against an API that gives one answer; the result, and what the API got."""
    got: list[Any] = []

    async def handle(request: web.Request) -> web.Response:
        got.append((request.path, await request.json(), dict(request.headers)))
        found: web.Response = answer.response() if isinstance(answer, Problem) else answer
        return found

    app = web.Application()
    app.router.add_post("/{tail:.*}", handle)
    async with TestServer(app) as server:
        address = str(server.make_url("/"))
        arguments = ["act", *words, "--api", address]
        result = await asyncio.to_thread(CliRunner().invoke, cli, arguments, env=environ)
    return result, got


async def test_the_answer_is_printed_and_the_request_names_who_asks() -> None:
    applied = web.json_response({"id": ID, "status": "acknowledged"})
    environ = {"TICKETING_WEB__TOKEN": "secret-token"}
    words = ("acknowledge", ID, "--by", "kim", "--key", "k-1")
    result, ((path, body, headers),) = await run(applied, *words, **environ)
    assert (result.exit_code, json.loads(result.stdout)["status"]) == (0, "acknowledged")
    assert (path, body) == (f"/api/incidents/{ID}/acknowledge", {"by": "kim"})
    assert headers["Authorization"] == "Bearer secret-token"
    assert headers["Idempotency-Key"] == "k-1"


async def test_a_token_of_ones_own_comes_before_the_configurations() -> None:
    environ = {"TICKETING_WEB__TOKEN": "shared", "TICKETING_API_TOKEN": "tka_own"}
    applied = web.json_response({"id": ID, "status": "acknowledged"})
    _, ((_, _, headers),) = await run(applied, "acknowledge", ID, **environ)
    assert headers["Authorization"] == "Bearer tka_own"


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (Problem(409, "Cannot resolve it.", currentStatus="resolved"), "Cannot resolve it."),
        (Invalid("with", "must be the id of an incident"), "with: must be the id"),
        (unavailable("Unknown.", commandId="k-7"), "Unknown.\nrepeat with --key k-7"),
    ],
)
async def test_a_refusal_is_told_in_the_words_of_the_api(problem: Problem, said: str) -> None:
    result, _ = await run(problem, "resolve", ID)
    assert result.exit_code == 1
    assert said in result.stderr
    assert result.stdout == ""


async def test_a_deletion_needs_a_yes() -> None:
    gone = web.json_response({"id": ID, "status": "deleted"})
    result, got = await run(gone, "delete", ID)
    assert (result.exit_code, got) == (1, [])
    assert "for good" in result.stderr
    result, got = await run(gone, "delete", ID, "--yes")
    assert (result.exit_code, len(got)) == (0, 1)


async def test_an_id_stays_one_part_of_the_path() -> None:
    _, ((path, *_),) = await run(Problem(404, "No."), "resolve", "../x?y")
    assert path.startswith("/api/incidents/")
    assert path.endswith("/resolve")


def test_an_api_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKETING_WEB__PORT", "1")
    result = CliRunner().invoke(cli, ["act", "resolve", ID])
    assert result.exit_code == 1
    assert f"http://127.0.0.1:1/api/incidents/{ID}/resolve" in str(result.exception)


def test_fields_have_the_names_of_the_api() -> None:
    given = {"with_": OTHER, "from_": (), "note": None, "by": "kim"}
    assert body_of(Action.MERGE, given) == {"with": OTHER, "by": "kim"}
    assert body_of(Action.MOVE, {"alerts": ("a", "b"), "into": OTHER}) == {
        "alerts": ("a", "b"),
        "into": OTHER,
    }
    assert body_of(Action.SNOOZE, {"for_": 3600.0}, AT) == {"until": AT + 3600.0}
    assert body_of(Action.ASSIGN, {"to": ()}) == {"to": ()}
    assert body_of(Action.ESCALATE, {"to": ()}) == {}


def test_a_length_that_is_none_is_refused() -> None:
    result = CliRunner().invoke(cli, ["act", "snooze", ID, "--for", "soon"])
    assert result.exit_code == 2
    assert "must be a duration" in result.stderr


def test_the_address_is_the_configured_one() -> None:
    assert address_of(Config()) == "http://127.0.0.1:8080"
    web_ = {"host": "::1", "port": 9}
    assert address_of(Config.model_validate({"web": web_})) == "http://[::1]:9"
    public = {"web": {"publicUrl": "https://ops.test/tickets"}}
    assert address_of(Config.model_validate(public)) == "https://ops.test/tickets"
