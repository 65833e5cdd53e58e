"""The client against the API itself: pages, commands that are applied once, errors, the stream."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from support.access import ENFORCED, Keys

from tests.unit.api.conftest import make_incident
from ticketing.client.client import OUTCOME_LOOKS_MAX, TRIES_MAX, Client, Refused
from ticketing.domain.incidents.incident import Status
from ticketing.errors import Unavailable

ID = make_incident(1).id


class Pauses:
    """The pauses that a client made, at once."""

    def __init__(self) -> None:
        self.made: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.made.append(seconds)


def address(api: Any) -> str:
    return str(api.client.make_url("/"))


async def test_a_list_is_read_page_by_page_and_filtered(api: Any) -> None:
    await api.put(*(make_incident(number) for number in range(1, 8)))
    async with Client(address(api)) as client:
        found = [one["title"] async for one in client.incidents(5, limit="2")]
        assert found == [f"payment failed {number}" for number in (7, 6, 5, 4, 3)]
        assert len([one async for one in client.incidents(limit="3")]) == 7
        assert [one async for one in client.incidents(status="resolved")] == []


async def test_an_action_answers_once_it_is_applied_and_is_applied_once(api: Any) -> None:
    await api.put(make_incident(1))
    async with Client(address(api)) as client:
        answer = await client.act(ID, "acknowledge", "k-1", by="kim", note="on it")
        assert (answer["status"], answer) == (
            "acknowledged",
            await client.act(ID, "acknowledge", "k-1"),
        )
        assert (await client.incident(ID))["status"] == "acknowledged"
    assert len(api.writer.received) == 1


async def test_a_refusal_is_an_error_with_the_problem(api: Any) -> None:
    async with Client(address(api)) as client:
        with pytest.raises(Refused, match="no incident") as missing:
            await client.incident(ID)
        assert missing.value.status == 404
        with pytest.raises(Refused) as invalid:
            await client.act(ID, "note")
        assert (invalid.value.status, invalid.value.problem["field"]) == (400, "text")


async def test_an_outcome_that_is_late_is_waited_for(api: Any) -> None:
    await api.put(make_incident(1))
    api.writer.deaf = True
    pauses = Pauses()

    async def pause(seconds: float) -> None:
        await pauses(seconds)
        if len(pauses.made) == 3:
            api.writer.deaf = False
            await api.writer.send(api.writer.received[0])

    async with Client(address(api), pause=pause) as client:
        answer = await client.act(ID, "resolve", note="done")
    assert (answer["status"], answer["stillFiring"]) == ("resolved", True)
    assert len(pauses.made) == 3
    assert len({command.id for command in api.writer.received}) == 1


async def test_a_late_refusal_is_told_as_one(api: Any) -> None:
    await api.put(make_incident(1, status=Status.RESOLVED))
    api.writer.deaf = True

    async def pause(_: float) -> None:
        api.writer.deaf = False
        await api.writer.send(api.writer.received[0])

    async with Client(address(api), pause=pause) as client:
        with pytest.raises(Refused) as refused:
            await client.act(ID, "acknowledge")
    assert (refused.value.status, refused.value.problem["currentStatus"]) == (409, "resolved")


async def test_a_late_deletion_is_known_by_its_incident_being_gone(api: Any) -> None:
    await api.put(make_incident(1))
    api.writer.deaf = True

    async def pause(_: float) -> None:
        await api.writer.store.write([(ID, None)])

    async with Client(address(api), pause=pause) as client:
        assert await client.act(ID, "delete") == {"id": ID, "status": "deleted"}


async def test_an_outcome_that_stays_unknown_ends_with_the_key(api: Any) -> None:
    await api.put(make_incident(1))
    api.writer.deaf = True
    pauses = Pauses()
    async with Client(address(api), pause=pauses) as client:
        with pytest.raises(Unavailable, match="repeat it with the key client-"):
            await client.act(ID, "resolve")
    assert len(pauses.made) == OUTCOME_LOOKS_MAX
    assert len({command.id for command in api.writer.received}) == 1


async def test_a_broker_that_is_away_is_asked_again_under_the_same_key(api: Any) -> None:
    await api.put(make_incident(1))
    api.writer.unreachable = True
    pauses = Pauses()
    async with Client(address(api), pause=pauses) as client:
        with pytest.raises(Unavailable, match="repeat it with the key k-9"):
            await client.act(ID, "resolve", "k-9")
    assert len(pauses.made) == TRIES_MAX - 1


async def test_a_next_page_lies_at_the_address_of_the_first_one() -> None:
    """Whatever a proxy makes of paths, and whoever answers: the token goes nowhere else."""
    asked: list[str] = []

    async def page(request: web.Request) -> web.Response:
        asked.append(str(request.rel_url))
        more = {"Link": '<http://elsewhere.test/api/incidents?limit=1&cursor=a%3D>; rel="next"'}
        return web.json_response([{}], headers=more if len(asked) == 1 else {})

    app = web.Application()
    app.router.add_get("/tickets/api/incidents", page)
    async with TestServer(app) as server, Client(str(server.make_url("/tickets/"))) as client:
        assert [one async for one in client.incidents(limit="1")] == [{}, {}]
    assert asked == ["/tickets/api/incidents?limit=1", "/tickets/api/incidents?limit=1&cursor=a%3D"]


async def test_a_token_is_sent(start: Any) -> None:
    keys = Keys()
    api = await start(ENFORCED, door=keys.door())
    token = keys.key("viewer")["Authorization"].split()[1]
    async with Client(address(api), token) as client:
        assert [one async for one in client.incidents()] == []
    async with Client(address(api), "tka_wrong") as client:
        with pytest.raises(Refused):
            [one async for one in client.incidents()]


async def test_events_go_on_after_an_interruption_from_the_last_one(api: Any) -> None:
    asked: list[str | None] = []

    async def events(request: web.Request) -> web.Response:
        asked.append(request.headers.get("Last-Event-ID"))
        if len(asked) == 2:
            return web.json_response({}, status=503, headers={"Retry-After": "7"})
        body = f"id: 1-{len(asked)}\nevent: incidents\ndata: {{}}\n\n"
        return web.Response(text=body, content_type="text/event-stream")

    app = web.Application()
    app.router.add_get("/api/v1/events", events)
    pauses = Pauses()
    told: list[str] = []
    async with TestServer(app) as server, Client(str(server.make_url("/")), pause=pauses) as client:
        stream = client.events(interrupted=lambda error: told.append(str(error)))
        assert (await anext(stream)).id == "1-1"
        assert (await anext(stream)).id == "1-3"
        await stream.aclose()
    assert asked == [None, "1-1", "1-1"]
    assert 7.0 in pauses.made
    assert told == ["the API is not available"]


async def test_the_stream_of_the_api_is_understood(api: Any) -> None:
    async with Client(address(api)) as client:
        stream = client.events()
        names = [(await anext(stream)).name for _ in range(3)]
        await api.put(make_incident(1))
        assert (await anext(stream)).data["incidents"][0]["id"] == ID
        await stream.aclose()
    assert names == ["position", "reset", "health"]
