"""The stream of events: where it begins, what is told after a gap, and to whom."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest
from support.access import ENFORCED, Keys

from tests.unit.api.conftest import make_incident
from ticketing.api import events
from ticketing.api.events import Scopes
from ticketing.domain.access.principal import Kind, Principal, Role

EVENTS = "/api/v1/events"


class Event(NamedTuple):
    name: str
    data: Any
    id: str | None


async def event(stream: Any) -> Event:
    """The next event of a stream."""
    name, id = "", None
    async for raw in stream:
        line = raw.decode().rstrip("\n")
        if line.startswith("event: "):
            name = line[7:]
        if line.startswith("id: "):
            id = line[4:]
        if line.startswith("data: "):
            return Event(name, json.loads(line[6:]), id)
    raise AssertionError("the stream ended")


async def begun(stream: Any) -> str | None:
    """The place of a new stream, once all of its first events have come."""
    first, second, third = [await event(stream) for _ in range(3)]
    assert (first.name, first.data["resumed"]) == ("position", False)
    assert second == ("reset", {}, None)
    assert third.name == "health"
    assert first.data["position"] == first.id
    return first.id


async def test_a_listener_hears_of_changes_and_removals(api: Any) -> None:
    await api.put(make_incident(1))
    async with api.client.get(EVENTS) as answer:
        assert answer.content_type == "text/event-stream"
        await begun(answer.content)
        await api.put(make_incident(2))
        name, data, _ = await event(answer.content)
        assert name == "incidents"
        assert [one["title"] for one in data["incidents"]] == ["payment failed 2"]
        await api.writer.store.write([(make_incident(2).id, None)])
        assert (await event(answer.content)).data == {
            "incidents": [],
            "removed": [make_incident(2).id],
        }


async def test_a_listener_that_comes_back_gets_what_it_missed(start: Any, api: Any) -> None:
    await api.put(make_incident(1))
    async with api.client.get(EVENTS) as answer:
        place = await begun(answer.content)
    await api.put(make_incident(2), make_incident(3))
    await api.writer.store.write([(make_incident(1).id, None)])
    async with api.client.get(EVENTS, headers={"Last-Event-ID": str(place)}) as answer:
        first = await event(answer.content)
        assert first == ("position", {"position": place, "resumed": True}, place)
        missed = await event(answer.content)
        assert [one["title"] for one in missed.data["incidents"]] == [
            "payment failed 2",
            "payment failed 3",
        ]
        assert missed.data["removed"] == [make_incident(1).id]
        assert (await event(answer.content)).name == "health"
        await api.put(make_incident(4))
        # What this process read meanwhile may come once more.
        while following := await event(answer.content):
            if following.data["incidents"][-1]["title"] == "payment failed 4":
                break
        assert following.id != missed.id


@pytest.mark.parametrize("place", ["0-1", "9-1", "1-99999", "", "nonsense", "1-2-3"])
async def test_a_place_that_nobody_can_go_on_from_is_a_gap(api: Any, place: str) -> None:
    await api.put(make_incident(1))
    async with api.client.get(EVENTS, headers={"Last-Event-ID": place}) as answer:
        await begun(answer.content)


async def test_who_missed_too_much_starts_over(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MISSED_MAX", 2)
    async with api.client.get(EVENTS) as answer:
        place = await begun(answer.content)
    await api.put(*(make_incident(number) for number in range(1, 5)))
    async with api.client.get(EVENTS, headers={"Last-Event-ID": str(place)}) as answer:
        await begun(answer.content)


async def test_who_finds_no_place_is_told_to_poll(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "LISTENERS_MAX", 1)
    async with api.client.get(EVENTS), api.client.get(EVENTS) as answer:
        problem = await answer.json(content_type=None)
        assert (answer.status, answer.headers["Retry-After"]) == (503, "10")
    assert "event streams are in use. Poll GET /api/incidents" in problem["detail"]


async def test_without_redis_there_is_no_stream(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "PLACED_SECONDS_MAX", 0.01)
    api.redis.connected = False
    async with api.client.get(EVENTS) as answer:
        assert answer.status == 503
        assert "Retry-After" in answer.headers


async def test_the_health_is_told_when_it_changes(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "HEALTH_SECONDS", 0.0)
    monkeypatch.setattr("ticketing.api.health.FRESH_SECONDS", 0.0)
    async with api.client.get(EVENTS) as answer:
        await begun(answer.content)
        api.redis.connected = False
        found = await event(answer.content)
        while found.name != "health" or found.data["view"] != "away":
            found = await event(answer.content)


OURS = Principal(name="token:o", role=Role.VIEWER, tenants=("ours",), kind=Kind.TOKEN)


def test_a_removed_incident_is_the_tenants_of_its_scope() -> None:
    scopes = Scopes()
    scopes.note("a-1", "ours")
    scopes.note("b-1", "theirs")
    scopes.note("c-1", "ours")
    scopes.note("c-2", "theirs")
    assert scopes.is_of(OURS, "a-9") is True
    assert scopes.is_of(OURS, "b-9") is False
    assert scopes.is_of(OURS, "c-9") is None, "the scope is several tenants'"
    assert scopes.is_of(OURS, "d-9") is None


async def test_whose_removed_incident_nobody_knows_is_a_reset_at_the_full_minute(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = Keys()
    api = await start(ENFORCED, door=keys.door())
    theirs = make_incident(2, tenant="theirs", id=f"{'e' * 16}-{'2' * 16}")
    await api.put(theirs)
    async with api.client.get(EVENTS, headers=keys.key("o", tenants=["ours"])) as answer:
        assert await begun(answer.content) is None, "the place counts the changes of all"
        await api.writer.store.write([(theirs.id, None)])
        await api.put(make_incident(3, tenant="ours"))
        assert (await event(answer.content)).name == "incidents", "the removal alone tells nothing"
        monkeypatch.setattr(events, "RESETS_SECONDS", 0.001)
        assert await event(answer.content) == ("reset", {}, None)
