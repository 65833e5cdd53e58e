"""Answers that the client has already are not sent again, and large ones are sent compressed."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from tests.unit.api.conftest import make_incident


async def test_what_a_client_has_is_not_sent_again_until_it_changes(api: Any) -> None:
    await api.put(make_incident(1))
    url = f"/api/incidents/{make_incident(1).id}"
    async with api.client.get(url) as first:
        tag = first.headers["ETag"]
    for known in (tag, f'"other", {tag}', "*", tag.removeprefix("W/")):
        async with api.client.get(url, headers={"If-None-Match": known}) as again:
            assert (again.status, await again.read()) == (304, b""), known
            assert again.headers["ETag"] == tag
            assert again.headers["X-Content-Type-Options"] == "nosniff"
    await api.post(f"{url}/acknowledge")
    async with api.client.get(url, headers={"If-None-Match": tag}) as changed:
        assert (changed.status, (await changed.json())["status"]) == (200, "acknowledged")
        assert changed.headers["ETag"] != tag


async def test_an_answer_not_modified_still_has_the_next_page(api: Any) -> None:
    await api.put(make_incident(1), make_incident(2))
    async with api.client.get("/api/incidents?limit=1") as first:
        kept = {name: first.headers[name] for name in ("ETag", "Link", "Cache-Control", "Vary")}
    headers = {"If-None-Match": kept["ETag"]}
    async with api.client.get("/api/incidents?limit=1", headers=headers) as again:
        assert again.status == 304
        assert {name: again.headers[name] for name in kept} == kept


@pytest.mark.parametrize(
    ("accepted", "compressed"),
    [
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip; q=0.0, br", False),
        ("br", False),
        ("xgzip", False),
        ("identity", False),
    ],
)
async def test_a_large_answer_is_compressed_for_whoever_takes_gzip(
    api: Any, accepted: str, compressed: bool
) -> None:
    await api.put(*(make_incident(number) for number in range(1, 60)))
    url = "/api/incidents?limit=500"
    headers = {"Accept-Encoding": accepted}
    async with api.client.get(url, headers=headers, auto_decompress=False) as answer:
        raw = await answer.read()
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert answer.headers.get("Content-Encoding") == ("gzip" if compressed else None)
        assert int(answer.headers["Content-Length"]) == len(raw)
    body = gzip.decompress(raw) if compressed else raw
    assert len(json.loads(body)) == 59


async def test_small_answers_and_those_to_commands_stay_as_they_are(api: Any) -> None:
    await api.put(*(make_incident(number) for number in range(1, 60)))
    headers = {"Accept-Encoding": "gzip"}
    async with api.client.get("/health", headers=headers) as answer:
        assert "Content-Encoding" not in answer.headers
    body = {"ids": [make_incident(number).id for number in range(1, 60)], "action": "acknowledge"}
    url = "/api/v1/incidents/batch"
    async with api.client.post(url, json=body, headers=headers) as answer:
        assert answer.status == 200
        assert not {"Content-Encoding", "ETag"} & set(answer.headers)


async def test_a_head_has_the_headers_of_the_body_it_leaves_out(api: Any) -> None:
    async with api.client.get("/health") as whole, api.client.head("/health") as head:
        assert (head.status, await head.read()) == (200, b"")
        for name in ("ETag", "Content-Length"):
            assert head.headers[name] == whole.headers[name]
