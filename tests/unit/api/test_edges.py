"""The edges of the API: tokens, origins, problems, operators' questions, live events."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.api.conftest import make_incident
from ticketing.config import PLATFORMS

TOKEN = "correct-horse-battery"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
WITH_TOKEN = {"web": {"host": "0.0.0.0", "token": TOKEN}}


async def test_with_a_token_everything_but_liveness_and_the_pages_files_needs_it(
    start: Any,
) -> None:
    api = await start(WITH_TOKEN)
    for path in ("/health", "/ready", "/", "/console/app.js", "/api/ticketing/health"):
        async with api.client.get(path) as answer:
            assert answer.status == 200, path
    for path in ("/metrics", "/api/incidents", "/api/v1/config", "/api/v1/events", "/nothing"):
        async with api.client.get(path) as answer:
            assert answer.status == 401, path
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            assert answer.content_type == "application/problem+json"
    async with api.client.get("/api/ticketing/api/incidents", headers=BEARER) as answer:
        assert answer.status == 200


@pytest.mark.parametrize(
    "sent", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer é"]
)
async def test_another_token_is_refused(start: Any, sent: str) -> None:
    api = await start(WITH_TOKEN)
    status, _ = await api.get("/api/incidents", headers={"Authorization": sent})
    assert status == 401


async def test_a_foreign_host_name_is_refused_on_loopback(api: Any) -> None:
    for host, expected in {
        "evil.example": 403,
        "evil.example:8080": 403,
        "localhost.evil.example": 403,
        "localhost:8080": 200,
        "127.0.0.1": 200,
        "[::1]:8080": 200,
    }.items():
        status, _ = await api.get("/api/incidents", headers={"Host": host})
        assert status == expected, host


async def test_the_public_url_is_an_own_name(start: Any) -> None:
    api = await start({"web": {"publicUrl": "https://ops.example"}})
    status, _ = await api.get("/api/incidents", headers={"Host": "ops.example"})
    assert status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_page_of_another_origin_changes_nothing(api: Any, headers: dict[str, str]) -> None:
    await api.put(make_incident(1))
    status, _ = await api.post(f"/api/incidents/{make_incident(1).id}/resolve", headers=headers)
    assert status == 403
    assert api.writer.received == []


async def test_the_own_page_may_post(api: Any) -> None:
    await api.put(make_incident(1))
    origin = f"http://{api.client.host}:{api.client.port}"
    status, _ = await api.post(
        f"/api/incidents/{make_incident(1).id}/resolve", headers={"Origin": origin}
    )
    assert status == 200


async def test_no_other_origin_is_ever_allowed_to_read(api: Any) -> None:
    async with api.client.get("/api/incidents", headers={"Origin": "https://a.test"}) as answer:
        assert not [name for name in answer.headers if name.startswith("Access-Control")]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    async with api.client.options("/api/incidents") as answer:
        assert answer.status == 405


async def test_unknown_paths_and_methods_are_problems(api: Any) -> None:
    for method, path, expected in [
        ("GET", "/nothing", 404),
        ("GET", "/console/../app.py", 404),
        ("GET", "/console/%2e%2e%2fapp.py", 404),
        ("DELETE", "/api/incidents", 405),
        ("POST", "/api/incidents", 405),
        ("GET", "/api/incidents/0123456789abcdef-0123456789abcdef/resolve", 405),
    ]:
        async with api.client.request(method, path) as answer:
            assert answer.status == expected
            assert answer.content_type == "application/problem+json"
            assert (await answer.json(content_type=None))["status"] == expected
            if expected == 405:
                assert answer.headers["Allow"]


async def test_a_body_beyond_the_limit_is_refused(api: Any) -> None:
    await api.put(make_incident(1))
    async with api.client.post(
        f"/api/incidents/{make_incident(1).id}/comment", data=b" " * 200_000
    ) as answer:
        assert answer.status == 413
        assert answer.content_type == "application/problem+json"


async def test_without_redis_every_answer_is_unavailable_and_says_when_to_come_back(
    api: Any,
) -> None:
    await api.put(make_incident(1))
    api.redis.connected = False
    id = make_incident(1).id
    for method, path in [
        ("GET", "/api/incidents"),
        ("GET", f"/api/incidents/{id}"),
        ("GET", "/api/v1/totals"),
        ("POST", f"/api/incidents/{id}/resolve"),
    ]:
        async with api.client.request(method, path) as answer:
            text = await answer.text()
            assert answer.status == 503
            assert answer.headers["Retry-After"] == "5"
            assert "Traceback" not in text
    async with api.client.get("/health") as answer:
        assert answer.status == 200


async def test_what_nobody_foresaw_is_an_answer_without_detail(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: Any) -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(api.writer.store, "page", fail)
    async with api.client.get("/api/incidents") as answer:
        assert answer.status == 500
        assert "hunter2" not in await answer.text()


async def test_ready_gives_its_reasons(start: Any) -> None:
    reasons = ["pipeline is recovering its tables"]
    api = await start(readiness=lambda: list(reasons))
    status, problem = await api.get("/ready")
    assert (status, problem["reasons"]) == (503, reasons)
    reasons.clear()
    assert (await api.get("/ready"))[0] == 200


async def test_metrics_are_prometheus_text_and_count_requests(api: Any) -> None:
    await api.get("/health")
    async with api.client.get("/metrics") as answer:
        assert answer.content_type == "text/plain"
        text = await answer.text()
    assert 'ticketing_http_requests_total{method="GET",status="200"}' in text
    assert "ticketing_records_total" in text


async def test_totals_count_the_incidents_by_status_and_severity(api: Any) -> None:
    await api.put(make_incident(1))
    _, found = await api.get("/api/v1/totals")
    assert found["incidents"] == 1
    assert found["byStatus"]["open"] == 1
    assert found["active"]["high"] == 1


async def test_the_configuration_is_shown_without_secrets(start: Any) -> None:
    api = await start(WITH_TOKEN)
    async with api.client.get("/api/v1/config", headers=BEARER) as answer:
        text = await answer.text()
    assert TOKEN not in text
    assert json.loads(text)["web"]["token"] == "****"


async def test_platforms_have_titles_and_say_if_they_are_enabled(start: Any) -> None:
    api = await start({"zammad": {"enabled": True, "baseUrl": "http://z.test", "token": "t" * 9}})
    status, found = await api.get("/api/v1/platforms")
    assert (status, [one["name"] for one in found]) == (200, list(PLATFORMS))
    assert found[0] == {"name": "pagerduty", "title": "PagerDuty", "enabled": False}
    assert [one["name"] for one in found if one["enabled"]] == ["zammad"]
    for one in found:
        assert one["title"].lower() == one["name"]


class Checks:
    async def test_connection(self, platform: str) -> dict[str, Any]:
        return {"status": "error", "platform": platform, "message": "no such project"}

    async def test_llm(self) -> dict[str, Any]:
        return {"status": "ok", "provider": "ollama", "model": "m", "message": "answers"}


async def test_connections_are_tested_by_whoever_can(start: Any) -> None:
    api = await start(checks=Checks())
    for prefix in ("", "/api/ticketing"):
        status, answer = await api.post(f"{prefix}/api/v1/test-connection", {"platform": "jira"})
        assert (status, answer["message"]) == (200, "no such project")
    assert (await api.post("/api/v1/test-llm"))[1]["provider"] == "ollama"
    status, problem = await api.post("/api/v1/test-connection", {"platform": "fax"})
    assert (status, problem["field"]) == (400, "platform")


async def test_a_process_that_cannot_test_connections_says_so(api: Any) -> None:
    status, problem = await api.post("/api/v1/test-connection", {"platform": "jira"})
    assert (status, problem["status"]) == (501, 501)


async def test_the_pages_files_are_known_by_their_content(api: Any) -> None:
    async with api.client.get("/console/app.js") as answer:
        etag = answer.headers["ETag"]
        assert answer.content_type == "text/javascript"
    async with api.client.get("/console/app.js", headers={"If-None-Match": etag}) as answer:
        assert answer.status == 304


async def event(stream: Any) -> tuple[str, Any]:
    name = ""
    async for raw in stream:
        line = raw.decode().rstrip("\n")
        if line.startswith("event: "):
            name = line[7:]
        if line.startswith("data: "):
            return name, json.loads(line[6:])
    raise AssertionError("the stream ended")


async def test_a_listener_hears_of_changes_and_removals(api: Any) -> None:
    await api.put(make_incident(1))
    async with api.client.get("/api/v1/events") as answer:
        assert answer.content_type == "text/event-stream"
        assert await event(answer.content) == ("reset", {})
        await api.put(make_incident(2))
        name, data = await event(answer.content)
        assert name == "incidents"
        assert [one["title"] for one in data["incidents"]] == ["payment failed 2"]
        await api.writer.store.write([(make_incident(2).id, None)])
        assert (await event(answer.content))[1] == {
            "incidents": [],
            "removed": [make_incident(2).id],
        }


async def test_there_is_an_end_to_listeners(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ticketing.api.events.LISTENERS_MAX", 1)
    async with api.client.get("/api/v1/events"):
        status, problem = await api.get("/api/v1/events")
    assert (status, "event streams are in use" in problem["detail"]) == (503, True)
