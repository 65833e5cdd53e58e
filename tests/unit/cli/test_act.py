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

from ticketing.api.problems import Invalid, Problem
from ticketing.cli import cli


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


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (Problem(409, "Cannot resolve it.", currentStatus="resolved"), "Cannot resolve it."),
        (Invalid("with", "must be the id of an incident"), "with: must be the id"),
        (Problem(403, "This needs the role admin."), "This needs the role admin."),
    ],
)
async def test_a_refusal_is_told_in_the_words_of_the_api(problem: Problem, said: str) -> None:
    result, _ = await run(problem, "resolve", ID)
    assert result.exit_code == 1
    assert said in str(result.exception)
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
