"""The Faust web view: an index, keys by their beginning, readable records, behind the API's door."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import BaseRequest
from faust.types import TP
from rocksdict import Options, Rdict

from ticketing.api.door import Door
from ticketing.api.faust_door import close_door
from ticketing.config.model import Config
from ticketing.engine.app import create_app
from ticketing.engine.row import MARK_KEY
from ticketing.engine.row_index import INDEX_KEY

HTML = {"Accept": "text/html,application/xhtml+xml"}
EVIL = "<script>alert(1)</script>"
OFFSET_KEY = b"__faust\0offset__"


def app_for(directory: Path, door: Door | None = None, **web: Any) -> Any:
    config = Config.model_validate({"dataDir": str(directory), "web": web})
    app: Any = create_app("an-app", config, batched=[], brokers="127.0.0.1:9", partitions=2)
    held = {}
    for number in (0, 1):
        held[number] = Rdict(str(directory / f"db{number}"), Options(raw_mode=True))
        held[number][MARK_KEY] = b"1"
        for entry in (b"\0due:12345678a-1", b"\0open:a-1"):
            held[number][entry] = b""
        held[number][INDEX_KEY] = b"1 0 2"
    for number, key, value in ((0, "a-1", EVIL), (0, "a-2", "x"), (1, "a-3", "y"), (1, "b", "z")):
        held[number][key.encode()] = msgspec.json.encode({"title": value})
    data = SimpleNamespace(_dbs=held, offset_key=OFFSET_KEY)
    app.tables.data["incidents"] = SimpleNamespace(data=data)
    close_door(app.web.web_app, config, door or Door(config))
    app.web.init_server()
    return app


async def client_of(app: Any) -> TestClient[Any, Any]:
    found = TestClient(TestServer(app.web.web_app))
    await found.start_server()
    return found


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[TestClient[Any, Any]]:
    found = await client_of(app_for(tmp_path))
    yield found
    await found.close()


async def text_of(client: TestClient[Any, Any], path: str) -> str:
    answer = await client.get(path, headers=HTML)
    assert answer.status == 200, path
    assert answer.content_type == "text/html"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    return await answer.text()


async def test_the_index_lists_tables_with_their_sizes(tmp_path: Path) -> None:
    app = app_for(tmp_path)
    client = await client_of(app)
    starting = await (await client.get("/")).json()
    assert (starting["state"], starting["partitions"]) == ("starting", [])
    app.consumer.assignment = lambda: {TP("in", 0)}
    found = await (await client.get("/")).json()
    assert found["app"] == "an-app"
    assert (found["state"], found["partitions"]) == ("ready", ["in[0]"])
    (table,) = found["tables"]
    assert (table["name"], table["partitions"]) == ("incidents", [0, 1])
    assert table["rows"] == 8, "with the engine's own, but without the entries of the index"
    page = await text_of(client, "/")
    assert '<a href="/table/incidents/">incidents</a>' in page
    await client.close()


async def test_keys_are_searched_by_their_beginning_page_by_page(
    client: TestClient[Any, Any],
) -> None:
    pages, address = [], "/table/incidents/?key=a-&limit=2"
    while address:
        found = await (await client.get(address)).json()
        pages.append([one["key"] for one in found["keys"]])
        address = found["next"]
    assert pages == [["a-1", "a-2"], ["a-3"]]
    page = await text_of(client, "/table/incidents/?key=a-&limit=2")
    assert "key=a-" in page.split("more</a>")[0]
    assert "No such key" in await text_of(client, "/table/incidents/?key=zzz")


async def test_a_record_is_shown_as_text_and_never_as_markup(client: TestClient[Any, Any]) -> None:
    page = await text_of(client, "/table/incidents/a-1/")
    assert "&lt;script&gt;" in page
    assert EVIL not in page
    hostile = await text_of(client, "/table/incidents/?key=%22%3E%3Cscript%3E")
    assert "<script>" not in hostile


async def test_a_record_that_can_not_be_read_is_shown_as_it_is(tmp_path: Path) -> None:
    app = app_for(tmp_path)
    app.tables.data["incidents"].data._dbs[0][b"torn"] = b'[1,{"title": "x\xff'
    client = await client_of(app)
    found = await (await client.get("/table/incidents/torn/")).json()
    assert found["value"] == '[1,{"title": "x\ufffd'
    await client.close()


async def test_what_does_not_exist_is_404(client: TestClient[Any, Any]) -> None:
    for path in ("/table/nothing/", "/table/incidents/nothing/"):
        assert (await client.get(path)).status == 404


@pytest.mark.parametrize("wrong", ["9" * 4300, "0", "-1", "x", "", "1001", "\u0661"])
async def test_a_limit_that_is_none_is_refused_by_its_name(
    client: TestClient[Any, Any], wrong: str
) -> None:
    answer = await client.get("/table/incidents/", params={"limit": wrong})
    assert answer.status == 400
    assert "limit: must be a whole number from 1 to 1000" in await answer.text()


@pytest.mark.parametrize("wrong", ["9" * 4300 + ":a", "a-1", "x:a-1", ""])
async def test_a_place_that_is_none_is_refused_by_its_name(
    client: TestClient[Any, Any], wrong: str
) -> None:
    answer = await client.get("/table/incidents/", params={"after": wrong})
    assert answer.status == 400
    assert "after: must be a partition and a key" in await answer.text()


async def test_a_foreign_host_is_refused(client: TestClient[Any, Any]) -> None:
    answer = await client.get("/", headers={"Host": "evil.example"})
    assert answer.status == 403


async def test_a_browser_may_send_the_search(client: TestClient[Any, Any]) -> None:
    answer = await client.get("/table/incidents/", headers=HTML)
    assert '<form action="/table/incidents/">' in await answer.text()
    assert "form-action 'self'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("remote", "status"), [("10.0.0.7", 403), ("::ffff:10.0.0.7", 403), ("::ffff:127.0.0.1", 200)]
)
async def test_without_a_token_another_machine_is_refused_under_any_host(
    client: TestClient[Any, Any], monkeypatch: pytest.MonkeyPatch, remote: str, status: int
) -> None:
    monkeypatch.setattr(BaseRequest, "remote", remote)
    for path in ("/", "/table/incidents/", "/style.css", "/router/"):
        answer = await client.get(path, headers={"Host": "localhost"})
        assert answer.status == status, path


async def test_with_a_token_every_page_asks_for_it(tmp_path: Path) -> None:
    token = "t" * 32
    client = await client_of(app_for(tmp_path, token=token))
    try:
        for path in ("/", "/table/", "/style.css", "/router/"):
            assert (await client.get(path)).status == 401, path
        answer = await client.get("/", headers={"Authorization": f"Bearer {token}"})
        assert answer.status == 200
    finally:
        await client.close()


async def test_the_engines_own_rows_are_not_shown(client: TestClient[Any, Any]) -> None:
    for key in ("%00mark", "%00index", "%00open:a-1"):
        assert (await client.get(f"/table/incidents/{key}/")).status == 404
    found = await (await client.get("/table/incidents/")).json()
    assert [one["key"] for one in found["keys"]] == ["a-1", "a-2", "a-3", "b"]
