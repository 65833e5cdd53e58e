"""Faults, recording, a person's actions, bounds and the page."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ticketing.sandbox.credentials import sandbox_config
from ticketing.sandbox.pagerduty.credentials import API_TOKEN, ROUTING_KEYS
from ticketing.sandbox.platforms import PLATFORMS as STAND_INS
from ticketing.sandbox.slack.credentials import WEBHOOK_PATH
from ticketing.sandbox.tickets import Ticket, Tickets, correlation_of

PLATFORMS = ("pagerduty", "jira", "servicenow", "opsgenie", "slack", "zammad")
EVENT = {
    "routing_key": ROUTING_KEYS["critical"],
    "event_action": "trigger",
    "dedup_key": "abcdef0123456789-0123456789abcdef",
    "payload": {"summary": "s", "source": "s", "severity": "critical"},
}
GET_OF = {
    "pagerduty": "/pagerduty/abilities",
    "jira": "/jira/rest/api/3/myself",
    "servicenow": "/servicenow/api/now/table/incident",
    "opsgenie": "/opsgenie/v2/alerts",
    "slack": "/slack/api/auth.test",
    "zammad": "/zammad/api/v1/users/me",
}


async def trigger(call: Any) -> Any:
    return await call("POST", "/pagerduty/v2/enqueue", EVENT)


async def fault(call: Any, platform: str, **body: Any) -> Any:
    return await call("PUT", f"/_sandbox/faults/{platform}", body)


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_every_platform_answers_its_account(call: Any, headers: Any, platform: str) -> None:
    answer = await call("GET", GET_OF[platform], headers=headers[platform])
    assert answer.status == 200


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_every_platform_refuses_a_stranger(call: Any, platform: str) -> None:
    answer = await call("GET", GET_OF[platform])
    assert answer.status in (401, 403) or answer.body["error"] == "not_authed"


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_every_platform_rate_limits_in_its_own_way(
    call: Any, headers: Any, platform: str
) -> None:
    await fault(call, platform, mode="rate_limit", retry_after=2.5)
    answer = await call("GET", GET_OF[platform], headers=headers[platform])
    assert answer.status == 429
    name = "ratelimit-reset" if platform == "pagerduty" else "Retry-After"
    assert answer.headers[name] == "3"


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_every_platform_fails_and_recovers(call: Any, headers: Any, platform: str) -> None:
    await fault(call, platform, mode="server_error", status=502, count=1)
    first = await call("GET", GET_OF[platform], headers=headers[platform])
    second = await call("GET", GET_OF[platform], headers=headers[platform])
    assert (first.status, second.status) == (502, 200)


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_a_malformed_answer_is_no_json(call: Any, headers: Any, platform: str) -> None:
    await fault(call, platform, mode="malformed", count=1)
    answer = await call("GET", GET_OF[platform], headers=headers[platform])
    assert isinstance(answer.body, str)


async def test_a_timeout_after_accepting_takes_effect(call: Any) -> None:
    call.sandbox.set_fault("pagerduty", "timeout_after_accept", count=1)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await trigger(call)
    assert len(call.sandbox.tickets("pagerduty")) == 1


async def test_a_platform_that_is_down_takes_nothing(call: Any) -> None:
    call.sandbox.set_fault("pagerduty", "down", count=1)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await trigger(call)
    assert call.sandbox.tickets("pagerduty") == []


async def test_an_error_may_come_after_the_effect(call: Any) -> None:
    call.sandbox.set_fault("pagerduty", "server_error", count=1, after_accept=True)
    assert (await trigger(call)).status == 503
    assert len(call.sandbox.tickets("pagerduty")) == 1


async def test_a_late_answer_has_taken_effect_before(call: Any) -> None:
    call.sandbox.set_fault("pagerduty", "latency", seconds=60.0)
    with pytest.raises(asyncio.TimeoutError):
        await call(
            "POST",
            "/pagerduty/v2/enqueue",
            EVENT,
            timeout=aiohttp.ClientTimeout(total=0.2),
        )
    assert len(call.sandbox.tickets("pagerduty")) == 1


async def test_a_fault_of_one_platform_leaves_the_others_alone(call: Any, headers: Any) -> None:
    call.sandbox.set_fault("pagerduty", "server_error")
    assert (await call("GET", GET_OF["zammad"], headers=headers["zammad"])).status == 200


async def test_a_fault_strikes_as_often_as_its_probability_and_seed_say(call: Any) -> None:
    seen = []
    for _ in range(2):
        call.sandbox.set_fault("pagerduty", "server_error", probability=0.5, seed=7)
        seen.append([(await trigger(call)).status for _ in range(20)])
    assert seen[0] == seen[1]
    assert set(seen[0]) == {202, 503}


async def test_a_fault_can_be_narrowed_to_some_requests(call: Any, headers: Any) -> None:
    call.sandbox.set_fault("pagerduty", "server_error", method="POST", path="/v2/enqueue")
    assert (await trigger(call)).status == 503
    answer = await call("GET", GET_OF["pagerduty"], headers=headers["pagerduty"])
    assert answer.status == 200


@pytest.mark.parametrize(
    "body",
    [{}, {"mode": "sleepy"}, {"mode": "latency", "seconds": -1}, {"mode": "none", "colour": 1}],
)
async def test_an_impossible_fault_is_refused(call: Any, body: Any) -> None:
    assert (await fault(call, "pagerduty", **body)).status == 400


async def test_faults_can_be_looked_at(call: Any) -> None:
    call.sandbox.set_fault("jira", "latency", seconds=2.0)
    faults = (await call("GET", "/_sandbox/faults")).body
    assert (faults["jira"]["mode"], faults["slack"]["mode"]) == ("latency", "none")


def read(path: Path) -> str:
    return path.read_text()


async def test_a_recording_holds_every_request_and_no_secret(
    call: Any, headers: Any, record: Path
) -> None:
    await trigger(call)
    await call("GET", "/pagerduty/incidents?statuses[]=triggered", headers=headers["pagerduty"])
    await call("POST", f"/slack{WEBHOOK_PATH}", {"text": "x"})
    text = read(record)
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["status"] for line in lines] == [202, 200, 200]
    assert lines[0] == {
        "platform": "pagerduty",
        "method": "POST",
        "path": "/v2/enqueue",
        "query": {},
        "body": {**EVENT, "routing_key": "****"},
        "status": 202,
    }
    assert lines[1]["query"] == {"statuses[]": "triggered"}
    assert lines[2]["path"] == "/services/****/****/****"
    for secret in (EVENT["routing_key"], API_TOKEN, WEBHOOK_PATH):
        assert str(secret) not in text


async def test_a_person_closes_reopens_and_deletes(call: Any) -> None:
    await trigger(call)
    (ticket,) = call.sandbox.tickets("pagerduty")
    path = f"/_sandbox/tickets/pagerduty/{ticket['id']}"
    states = []
    for action in ("acknowledge", "close", "reopen", "delete"):
        states.append((await call("POST", path, {"action": action})).body["state"])
    assert states == ["acknowledged", "resolved", "open", "deleted"]
    assert (await call("POST", path, {"action": "close"})).status == 404


async def test_after_a_deletion_a_trigger_opens_another(call: Any) -> None:
    await trigger(call)
    call.sandbox.act("pagerduty", call.sandbox.tickets()[0]["id"], "delete")
    await trigger(call)
    states = [ticket["state"] for ticket in call.sandbox.tickets("pagerduty")]
    assert states == ["deleted", "open"]


async def test_an_action_nobody_has_is_refused(call: Any) -> None:
    await trigger(call)
    ticket = call.sandbox.tickets()[0]["id"]
    answer = await call("POST", f"/_sandbox/tickets/pagerduty/{ticket}", {"action": "paint"})
    assert answer.status == 400


async def test_tickets_can_be_forgotten(call: Any) -> None:
    await trigger(call)
    assert (await call("DELETE", "/_sandbox/tickets")).status == 204
    assert (await call("GET", "/_sandbox/tickets")).body == []
    await trigger(call)
    assert call.sandbox.tickets()[0]["repeats"] == 0


async def test_tickets_can_be_asked_for_by_platform_and_correlation(call: Any) -> None:
    await trigger(call)
    path = "/_sandbox/tickets?platform=pagerduty&correlation="
    assert len((await call("GET", f"{path}abcdef0123456789-0123456789abcdef")).body) == 1
    assert (await call("GET", f"{path}other")).body == []


async def test_the_page_is_served(call: Any) -> None:
    answer = await call("GET", "/")
    assert answer.status == 200
    assert "Platform sandbox" in answer.body


async def test_an_unknown_path_is_refused_in_the_vendors_form(call: Any) -> None:
    assert (await call("GET", "/pagerduty/nowhere")).body["error"]["code"] == 2100


def test_the_oldest_tickets_are_forgotten() -> None:
    forgotten: list[str] = []
    tickets = Tickets(clock=lambda: 0.0, limit=2)
    tickets.forgotten = lambda ticket: forgotten.append(ticket.id)
    for number in range(4):
        one = Ticket(platform="jira", id=str(number), key="", correlation="abcdef-0-1", title="")
        tickets.add(one, "created")
    assert [ticket["id"] for ticket in tickets.listed()] == ["2", "3"]
    assert forgotten == ["0", "1"]


def test_a_history_is_bounded() -> None:
    tickets = Tickets(clock=lambda: 0.0)
    ticket = Ticket(platform="jira", id="1", key="", correlation="", title="")
    tickets.add(ticket, "created")
    for number in range(500):
        tickets.note(ticket, str(number))
    assert len(ticket.history) == 200


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (("ticketing-abcdef0123456789-0123456789abcdef",), "abcdef0123456789-0123456789abcdef"),
        (
            ("checkout", "ticketing:abcdef0123456789-0123456789abcdef:x"),
            "abcdef0123456789-0123456789abcdef",
        ),
        (("", "ns-INC1"), "ns-INC1"),
        ((), ""),
    ],
)
def test_the_incident_id_is_found_in_keys_and_labels(texts: tuple[str, ...], found: str) -> None:
    assert correlation_of(*texts) == found


def test_the_configuration_points_every_platform_at_the_sandbox() -> None:
    config = sandbox_config("http://127.0.0.1:1/")
    assert set(config) == set(STAND_INS) >= set(PLATFORMS)
    for name, section in config.items():
        address = next(v for k, v in section.items() if k in ("apiUrl", "baseUrl", "instanceUrl"))
        assert address.startswith(f"http://127.0.0.1:1/{name}")


async def test_a_queued_request_takes_effect_later(call: Any) -> None:
    await fault(call, "pagerduty", mode="queued", seconds=5, count=1)
    answer = await trigger(call)
    assert (answer.status, answer.body) == (202, {})
    assert (await call("GET", "/_sandbox/tickets")).body == []
    call.clock.now += 5
    assert (await call("GET", "/_sandbox/summary")).body["counts"] == {"pagerduty": {"open": 1}}
    assert len((await call("GET", "/_sandbox/tickets")).body) == 1


async def test_a_reset_forgets_what_is_queued(call: Any) -> None:
    call.sandbox.set_fault("pagerduty", "queued", seconds=5, count=1)
    await trigger(call)
    call.sandbox.reset()
    call.clock.now += 5
    assert call.sandbox.tickets("pagerduty") == []


async def test_behaviours_are_shown_and_switched(call: Any) -> None:
    shown = (await call("GET", "/_sandbox/behaviours")).body
    assert set(shown) == set(PLATFORMS)
    assert shown["zammad"]["tag_new"] is True
    answer = await call("PUT", "/_sandbox/behaviours/zammad", {"tag_new": False})
    assert answer.body == {**shown["zammad"], "tag_new": False}


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("zammad", {"tag_old": True}, 400, "tag_old: one of search_answers_object, tag_new"),
        ("zammad", {"tag_new": 1}, 400, "tag_new: must be of type bool"),
        ("zammad", [], 400, "an object"),
        ("nothing", {}, 404, "platforms: "),
    ],
)
async def test_an_impossible_behaviour_is_refused(
    call: Any, path: str, body: Any, status: int, said: str
) -> None:
    answer = await call("PUT", f"/_sandbox/behaviours/{path}", body)
    assert answer.status == status
    assert said in answer.body["detail"]
