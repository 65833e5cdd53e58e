"""Every answer of a platform is taken for what it means, and none of it tells a secret."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from support.contract import OUTCOMES, Desk, Subject

from sinks.calls.outcome import Delivered, RetryAfter
from ticketing.wire.dead_letters import encode_dead_letter

HOUR = 3600.0
Answering = Callable[[web.Request], Awaitable[web.Response]]


class Stub:
    """A server that answers everything the same way."""

    def __init__(self) -> None:
        self.url = ""
        self.answer: Answering = self._nothing

    async def _nothing(self, request: web.Request) -> web.Response:
        return web.Response(status=500)


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    made = Stub()

    async def handle(request: web.Request) -> web.Response:
        return await made.answer(request)

    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_route("*", "/{rest:.*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@pytest.mark.parametrize("status", OUTCOMES)
async def test_every_status_is_classified(
    open_desk: Any, subject: Subject, stub: Stub, status: int
) -> None:
    """By a bare answer: whatever stands in the body, the status has its meaning."""

    async def answer(request: web.Request) -> web.Response:
        headers = {"Retry-After": "7"} if status == 429 else {}
        return web.Response(
            status=status, text="{}", content_type="application/json", headers=headers
        )

    stub.answer = answer
    desk = open_desk(base=stub.url)
    await desk.life.want(desk.story.opened())
    _, outcome = desk.life.platform.outcomes[0]
    assert type(outcome) is subject.outcome_of(status)
    if status == 429:
        assert isinstance(outcome, RetryAfter)
        assert outcome.seconds == 7


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 500, 503])
async def test_an_error_in_the_platforms_own_form_is_classified(desk: Desk, status: int) -> None:
    desk.fault("server_error", status=status)
    await desk.life.want(desk.story.opened())
    _, outcome = desk.life.platform.outcomes[0]
    assert type(outcome) is desk.subject.outcome_of(status)


async def test_too_many_requests_are_waited_for(desk: Desk) -> None:
    desk.fault("rate_limit", retry_after=90, count=1)
    await desk.life.want(desk.story.opened())
    _, outcome = desk.life.platform.outcomes[0]
    assert isinstance(outcome, RetryAfter)
    if desk.subject.retry_after:
        await desk.life.run(85)
        assert desk.tickets() == []
    await desk.life.run(HOUR)
    assert len(desk.tickets()) == 1


async def test_replies_of_its_own(open_desk: Any, subject: Subject, stub: Stub) -> None:
    for reply in subject.replies:

        async def answer(request: web.Request, reply: Any = reply) -> web.Response:
            return web.Response(
                status=reply.status,
                body=reply.body.encode(),
                headers={"Content-Type": "application/json", **reply.headers},
            )

        stub.answer = answer
        desk = open_desk(base=stub.url)
        await desk.life.want(desk.story.opened())
        _, outcome = desk.life.platform.outcomes[0]
        assert type(outcome) is reply.outcome, reply


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"<html>", b"\xff\xfe", b'"x"', b"{}"])
async def test_an_answer_that_makes_no_sense_is_not_taken_for_success(
    open_desk: Any, stub: Stub, body: bytes
) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=200, body=body, content_type="application/json")

    stub.answer = answer
    desk = open_desk(base=stub.url)
    await desk.life.want(desk.story.opened())
    assert desk.life.platform.outcomes
    assert not any(isinstance(outcome, Delivered) for _, outcome in desk.life.platform.outcomes)
    assert not any(getattr(o, "reason", "") == "internal" for _, o in desk.life.platform.outcomes)


async def test_an_answer_that_is_late_is_an_unknown_outcome(open_desk: Any) -> None:
    desk = open_desk(timeout="1s")
    desk.fault("latency", seconds=30, count=1)
    await desk.life.want(desk.story.opened())
    _, outcome = desk.life.platform.outcomes[0]
    assert outcome.reason == "timeout"
    await desk.life.run(HOUR)
    assert len(desk.tickets()) == (2 if desk.subject.message_only else 1)


async def test_nobody_at_the_address_is_waited_for(open_desk: Any) -> None:
    desk = open_desk(base="http://127.0.0.1:9")
    await desk.life.want(desk.story.opened())
    _, outcome = desk.life.platform.outcomes[0]
    assert type(outcome) is RetryAfter


@pytest.mark.parametrize("status", [200, 400, 401, 404, 429, 503])
async def test_an_answer_that_repeats_our_secrets_does_not_spread_them(
    open_desk: Any, stub: Stub, status: int, caplog: Any, capfd: Any
) -> None:
    caplog.set_level(logging.DEBUG)

    async def answer(request: web.Request) -> web.Response:
        said = f"{dict(request.headers)} {request.path_qs} {await request.text()}"
        return web.Response(status=status, text=said)

    stub.answer = answer
    desk = open_desk(base=stub.url)
    assert desk.secrets
    await desk.life.want(desk.story.opened(), HOUR)
    tested = await desk.life.platform.test_connection()
    told = [
        *(encode_dead_letter(outcome).decode() for _, outcome in desk.life.platform.outcomes),
        *(encode_dead_letter(letter).decode() for letter in desk.life.dead_letters),
        *((letter.value or b"").decode() for letter in desk.life.dead_letters),
        *(encode_dead_letter(receipt).decode() for receipt in desk.life.receipts),
        *(row.decode() for row in desk.life.store.rows.values()),
        tested.message,
        caplog.text,
        "".join(capfd.readouterr()),
    ]
    for secret in desk.secrets:
        assert not any(secret in text for text in told)


async def test_a_test_of_the_connection_changes_nothing(desk: Desk) -> None:
    tested = await desk.life.platform.test_connection()
    assert tested.ok, tested.message
    assert tested.message
    assert desk.tickets() == []


@pytest.mark.only(lambda subject: subject.wrong)
async def test_a_test_of_the_connection_says_what_to_fix(open_desk: Any, subject: Subject) -> None:
    desk = open_desk(**subject.wrong)
    tested = await desk.life.platform.test_connection()
    assert not tested.ok
    assert f"{subject.platform}." in tested.message
    assert not any(secret in tested.message for secret in desk.secrets)


async def test_a_connection_to_nobody_is_told(open_desk: Any) -> None:
    desk = open_desk(base="http://127.0.0.1:9")
    tested = await desk.life.platform.test_connection()
    assert not tested.ok
