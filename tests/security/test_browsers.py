"""A page of another origin in the browser of somebody who may, and names that point here."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.unit.api.conftest import make_incident

TOKEN = "correct-horse-battery"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
WITH_TOKEN = {"web": {"host": "0.0.0.0", "token": TOKEN}}
SLACK = "/api/v1/slack/interactions"
FROM_ELSEWHERE = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://[evil.example]"},
    {"Origin": "http://127.0.0.1:1"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
]
LINK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@pytest.mark.parametrize("settings", [{}, WITH_TOKEN], ids=["loopback", "token"])
@pytest.mark.parametrize("host", ["[evil.example]", "[", "a b", "localhost:99999", "a@localhost"])
async def test_a_host_that_is_none_is_a_bad_request(
    start: Any, settings: dict[str, Any], host: str
) -> None:
    api = await start(settings)
    for path in ("/", "/health", "/api/incidents", "/nothing"):
        status, answer = await api.get(path, headers={"Host": host, **BEARER})
        assert (status, answer["field"]) == (400, "Host"), path
    status, _ = await api.post(SLACK, headers={"Host": host})
    assert status == 400


async def test_two_hosts_are_a_bad_request(api: Any) -> None:
    reader, writer = await asyncio.open_connection(api.client.host, api.client.port)
    writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n")
    assert b" 400 " in await asyncio.wait_for(reader.readline(), 10)
    writer.close()


@pytest.mark.parametrize("settings", [{}, WITH_TOKEN], ids=["loopback", "token"])
@pytest.mark.parametrize("sent", FROM_ELSEWHERE, ids=str)
async def test_a_request_of_another_origins_page_does_nothing(
    start: Any, settings: dict[str, Any], sent: dict[str, str]
) -> None:
    api = await start(settings)
    await api.put(make_incident(1))
    headers = {**sent, **BEARER}
    for path in ("/api/incidents", "/api/v1/events", "/api/v1/config", "/metrics", "/health"):
        status, _ = await api.get(path, headers=headers)
        assert status == 403, path
    status, _ = await api.post(f"/api/incidents/{make_incident(1).id}/resolve", headers=headers)
    assert status == 403
    assert api.writer.received == []


async def test_a_link_from_elsewhere_opens_the_console_alone(api: Any) -> None:
    for path, expected in {
        "/": 200,
        "/api/ticketing/": 200,
        "/api/incidents": 403,
        "/api/v1/config": 403,
    }.items():
        async with api.client.get(path, headers=LINK) as answer:
            assert answer.status == expected, path
    framed = {**LINK, "Sec-Fetch-Dest": "iframe"}
    async with api.client.get("/", headers=framed) as answer:
        assert answer.status == 403


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("ops.example", "https://ops.example"),
        ("ops.example:443", "https://ops.example"),
        ("127.0.0.1:9", "https://ops.example"),
        ("[::1]:8080", "http://[0:0::1]:8080"),
    ],
)
async def test_the_own_page_is_known_under_each_of_its_names(
    start: Any, host: str, origin: str
) -> None:
    api = await start({"web": {"publicUrl": "https://ops.example/tickets"}})
    status, _ = await api.get("/api/incidents", headers={"Host": host, "Origin": origin})
    assert status == 200
