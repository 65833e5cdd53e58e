"""Attackers with no token, a lesser one, an old one, or many guesses; and what each listener says."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.access import ENFORCED, Keys, bearer
from support.requirements import free_port

from tests.unit.api.conftest import make_incident
from tests.unit.api.test_events import begun, event
from tests.unit.api.test_listener import get
from ticketing.api.listener import Listener
from ticketing.api.services import WorkerStatus
from ticketing.config import Config
from ticketing.domain.access.attempts import FREE_FAILURES
from ticketing.domain.access.tokens import new_secret
from ticketing.errors import Unavailable

ID = make_incident(1).id
ADMINS_WORK = [
    ("POST", f"/api/incidents/{ID}/delete", {}),
    ("POST", "/api/v1/incidents/batch", {"ids": [ID], "action": "delete"}),
    ("GET", "/api/v1/tokens", None),
    ("POST", "/api/v1/tokens", {"name": "mine", "role": "admin"}),
    ("POST", "/api/v1/tokens/root/rotate", None),
    ("DELETE", "/api/v1/tokens/root", None),
    ("GET", "/api/v1/audit", None),
    ("POST", "/api/v1/test-connection", {"platform": "jira"}),
]


@pytest.mark.parametrize("role", ["viewer", "responder"])
@pytest.mark.parametrize("prefix", ["", "/api/ticketing"])
async def test_nobody_raises_their_own_role(start: Any, role: str, prefix: str) -> None:
    keys = Keys()
    api = await start(ENFORCED, door=keys.door(), desk=keys)
    await api.put(make_incident(1))
    root, mine = keys.key("root", "admin"), keys.key("attacker", role)
    for method, path, body in ADMINS_WORK:
        async with api.client.request(method, prefix + path, json=body, headers=mine) as answer:
            assert answer.status == 403, path
    assert api.writer.received == []
    assert [token.name for token in await keys.all()] == ["root", "attacker"]
    assert (await api.get("/api/v1/me", headers=root))[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1"},
        {"Authorization": "Basic YWRtaW46YWRtaW4="},
        {"Authorization": "Bearer null"},
        {"Cookie": "ticketing-session=x.y.z"},
        {"X-HTTP-Method-Override": "GET"},
    ],
)
@pytest.mark.parametrize(
    "path", ["/api/incidents", "/metrics", "/api/v1/tokens", "/api/ticketing/metrics"]
)
async def test_no_header_stands_for_a_credential(
    start: Any, headers: dict[str, str], path: str
) -> None:
    api = await start(ENFORCED, door=Keys().door())
    async with api.client.get(path, headers=headers) as answer:
        assert answer.status == 401


async def test_guesses_from_one_address_are_few(start: Any) -> None:
    api = await start(ENFORCED, door=Keys().door(steady=lambda: 0.0))
    found = [
        (await api.get("/api/v1/me", headers=bearer(new_secret())))[0]
        for _ in range(FREE_FAILURES * 5)
    ]
    assert found == [401] * FREE_FAILURES + [429] * (FREE_FAILURES * 4)


def test_the_listener_of_the_metrics_has_the_same_door() -> None:
    keys, port = Keys(), free_port()
    config = Config.model_validate({"metrics": {"port": port}, **ENFORCED})
    with Listener(WorkerStatus(config, list), keys.door()):
        for path in ("/metrics", "/nothing", "/api/ticketing/metrics"):
            assert get(port, path)[0] == 401
        limited = keys.key("limited", "admin", ["ours"])
        assert get(port, "/metrics", **limited)[0] == 403
        assert get(port, "/metrics", **keys.key("prometheus"))[0] == 200
        assert get(port, "/health")[0] == 200


async def test_a_stream_ends_with_its_token(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ticketing.api.events.CHECK_SECONDS", 0.0)
    keys = Keys()
    api = await start(ENFORCED, door=keys.door())
    await api.put(make_incident(1))
    async with api.client.get("/api/v1/events", headers=keys.key("leaked")) as answer:
        await begun(answer.content)
        await api.put(make_incident(3))
        assert (await event(answer.content))[0] == "incidents"
        await keys.revoke("leaked", "test")
        await api.put(make_incident(2, title="after-the-end"))
        assert b"after-the-end" not in await asyncio.wait_for(answer.content.read(), 30)


async def test_a_stream_goes_on_while_nobody_can_say_whether_its_token_ended(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ticketing.api.events.CHECK_SECONDS", 0.0)
    keys = Keys()
    api = await start(ENFORCED, door=(door := keys.door()))
    await api.put(make_incident(1))

    async def silent(request: Any) -> Any:
        raise Unavailable("Kafka does not answer")

    async with api.client.get("/api/v1/events", headers=keys.key("v")) as answer:
        await begun(answer.content)
        monkeypatch.setattr(door, "principal", silent)
        await api.put(make_incident(2))
        assert (await asyncio.wait_for(event(answer.content), 30))[0] == "incidents"
