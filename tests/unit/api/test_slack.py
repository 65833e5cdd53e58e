"""A button pressed in Slack is a command, if Slack says so."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any
from urllib.parse import urlencode

import pytest
from slack_sdk.signature import SignatureVerifier
from support.access import Keys

from sinks.slack.payload import parent
from sinks.text.writer import Writer
from tests.unit.api.conftest import make_incident
from tests.unit.api.test_audit import Audit
from ticketing.domain.access.audit import Outcome
from ticketing.domain.events import Action, TicketState
from ticketing.domain.incidents.incident import Incident, Ticket

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
CONFIG = {"slack": {"signingSecret": SECRET}}
PATH = "/api/v1/slack/interactions"


def pressed(incident_id: str, action: str = "ticketing_acknowledge", **more: Any) -> dict[str, Any]:
    return {
        "type": "block_actions",
        "trigger_id": "13345224609.738474920.8088930838d88f008e0",
        "user": {"id": "U0ADA", "username": "ada"},
        "actions": [{"action_id": action, "value": incident_id, "action_ts": "1548426417.840180"}],
        **more,
    }


def signed(body: bytes, at: float | None = None, secret: str = SECRET) -> dict[str, str]:
    timestamp = str(int(time.time() if at is None else at))
    signature = SignatureVerifier(secret).generate_signature(timestamp=timestamp, body=body)
    return {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": str(signature),
    }


async def press(api: Any, payload: Any, path: str = PATH, **headers: str) -> int:
    body = urlencode({"payload": json.dumps(payload)}).encode()
    sent = {**signed(body), **headers}
    async with api.client.post(path, data=body, headers=sent) as answer:
        return int(answer.status)


@pytest.mark.parametrize("path", [PATH, f"/api/ticketing{PATH}"])
async def test_a_pressed_button_is_a_command_in_the_users_name(start: Any, path: str) -> None:
    api = await start(CONFIG)
    incident = make_incident()
    await api.put(incident)
    assert await press(api, pressed(incident.id), path) == 200
    (command,) = api.writer.received
    assert (command.action, command.incident_id) == (Action.ACKNOWLEDGE, incident.id)
    assert command.by == "slack:ada (U0ADA)"
    assert api.writer.incidents[incident.id].status == "acknowledged"


async def test_a_name_is_taken_without_what_nobody_sees(start: Any) -> None:
    api = await start(CONFIG)
    incident = make_incident()
    await api.put(incident)
    user = {"username": "\x00\u200b", "name": "\u202ead\x1b[1ma\ud83d", "id": "U0ADA"}
    assert await press(api, pressed(incident.id, user=user)) == 200
    (command,) = api.writer.received
    assert command.by == "slack:ada\ufffd (U0ADA)"


async def test_every_button_of_a_message_works(start: Any) -> None:
    api = await start(CONFIG)
    incident = make_incident()
    await api.put(incident)
    (actions,) = [
        block["elements"]
        for block in parent(incident, Writer("slack"), buttons=True)["blocks"]
        if block["type"] == "actions"
    ]
    for button in actions:
        assert await press(api, pressed(button["value"], button["action_id"])) == 200
    asked = [command.action for command in api.writer.received]
    assert asked == [Action.ACKNOWLEDGE, Action.ESCALATE, Action.RESOLVE]


async def test_the_same_press_twice_is_one_command(start: Any) -> None:
    api = await start(CONFIG)
    incident = make_incident()
    await api.put(incident)
    await press(api, pressed(incident.id, "ticketing_escalate"))
    await press(api, pressed(incident.id, "ticketing_escalate"))
    first, second = api.writer.received
    assert first.id == second.id
    assert len(api.writer.incidents[incident.id].commands) == 1


async def test_slack_needs_no_token_and_comes_by_any_name(start: Any) -> None:
    api = await start({**CONFIG, "web": {"host": "0.0.0.0", "token": "correct-horse-battery"}})
    await api.put(make_incident())
    assert await press(api, pressed(make_incident().id)) == 200
    api = await start(CONFIG)
    await api.put(make_incident())
    assert await press(api, pressed(make_incident().id), Host="tickets.example") == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Slack-Signature": "v0=" + "0" * 64},
        {"X-Slack-Signature": ""},
        {"X-Slack-Signature": "v0=é"},
        {"X-Slack-Request-Timestamp": "0"},
        {"X-Slack-Request-Timestamp": "soon"},
        {"X-Slack-Request-Timestamp": "9" * 5000},
    ],
)
async def test_what_is_not_signed_changes_nothing(start: Any, headers: dict[str, str]) -> None:
    api = await start(CONFIG)
    await api.put(make_incident())
    assert await press(api, pressed(make_incident().id), **headers) == 401
    assert api.writer.received == []


async def test_an_old_press_is_refused(start: Any) -> None:
    api = await start(CONFIG)
    body = urlencode({"payload": json.dumps(pressed(make_incident().id))}).encode()
    sent = signed(body, at=time.time() - 301)
    async with api.client.post(PATH, data=body, headers=sent) as answer:
        assert answer.status == 401


async def test_another_secret_is_refused(start: Any) -> None:
    api = await start(CONFIG)
    body = urlencode({"payload": json.dumps(pressed(make_incident().id))}).encode()
    async with api.client.post(PATH, data=body, headers=signed(body, secret="other")) as answer:
        assert answer.status == 401
    assert api.writer.received == []


async def test_without_a_signing_secret_there_is_nothing(api: Any) -> None:
    assert await press(api, pressed(make_incident().id)) == 404


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "view_submission"},
        pressed("../../etc/passwd"),
        pressed("1-1-1", "ticketing_reopen"),
        pressed("1-1-1", "somebody_elses_button"),
        pressed("1-1-1", actions=[None, 3, {"action_id": 5}, {"value": {}}]),
        pressed("1-1-1", actions="all"),
    ],
)
async def test_what_is_not_our_button_is_left_alone(start: Any, payload: Any) -> None:
    api = await start(CONFIG)
    assert await press(api, payload) == 200
    assert api.writer.received == []


@pytest.mark.parametrize(
    "body", [b"", b"payload=", b"payload={", b"payload=[]", b"\xff\xfe", b"x=1"]
)
async def test_a_signed_body_that_is_no_payload_is_named(start: Any, body: bytes) -> None:
    api = await start(CONFIG)
    headers = signed(body.decode("utf-8", "replace").encode())
    async with api.client.post(PATH, data=body, headers=headers) as answer:
        assert answer.status in (400, 401)
        assert answer.content_type == "application/problem+json"


async def test_slack_is_told_when_the_command_did_not_get_through(start: Any) -> None:
    api = await start(CONFIG)
    await api.put(make_incident())
    api.writer.unreachable = True
    assert await press(api, pressed(make_incident().id)) == 503


async def test_slack_is_answered_before_it_gives_up(start: Any, monkeypatch: Any) -> None:
    api = await start(CONFIG)
    monkeypatch.setattr("ticketing.api.slack.SEND_SECONDS_MAX", 0.05)

    async def never(command: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(api.writer, "send", never)
    assert await press(api, pressed(make_incident().id)) == 503


@pytest.mark.parametrize(
    ("settings", "status"),
    [
        ({}, 200),
        ({"users": {"U0ADA": "viewer"}}, 403),
        ({"defaultRole": "viewer"}, 403),
        ({"defaultRole": "viewer", "users": {"U0ADA": "responder"}}, 200),
    ],
)
async def test_a_user_presses_what_the_role_allows(
    start: Any, settings: dict[str, Any], status: int
) -> None:
    api = await start({"slack": {**CONFIG["slack"], **settings}})
    await api.put(make_incident())
    assert await press(api, pressed(make_incident().id)) == status
    assert len(api.writer.received) == (1 if status == 200 else 0)


TEAM = {"slack": {**CONFIG["slack"], "team": "T0123ABCD"}}


@pytest.mark.parametrize("team", [{"id": "T0EVIL000"}, {}, None, "T0123ABCD"])
async def test_a_press_in_another_workspace_is_refused(start: Any, team: Any) -> None:
    api = await start(TEAM)
    incident = make_incident()
    await api.put(incident)
    assert await press(api, pressed(incident.id, team=team)) == 403
    assert api.writer.received == []
    assert await press(api, pressed(incident.id, team={"id": "T0123ABCD"})) == 200


async def test_a_press_in_another_workspace_is_noted(start: Any) -> None:
    audit, door = Audit(), Keys().door(TEAM)
    door.audit = audit
    api = await start(TEAM, door=door)
    await api.put(make_incident())
    assert await press(api, pressed(make_incident().id, team={"id": "T0EVIL000"})) == 403
    assert [(one.who, one.outcome, one.subjects) for one in audit.entries] == [
        ("slack:ada (U0ADA)", Outcome.REFUSED, [make_incident().id])
    ]


async def test_a_form_of_too_many_fields_is_refused(start: Any) -> None:
    api = await start(CONFIG)
    body = b"a=1&" * 200
    async with api.client.post(PATH, data=body, headers=signed(body)) as answer:
        assert answer.status == 400


BOT = {"slack": {**CONFIG["slack"], "botToken": "xoxb-1", "channel": "C0OPS"}}


def at(channel: Any, ts: Any) -> dict[str, Any]:
    return {"container": {"type": "message", "channel_id": channel, "message_ts": ts}}


def told(number: int, ts: str) -> Incident:
    ticket = Ticket(platform="slack", state=TicketState.OPEN, external_id=f"C0OPS:{ts}")
    return make_incident(number, tickets={"slack": ticket})


async def test_a_button_acts_on_the_incident_of_its_message_alone(start: Any) -> None:
    api = await start(BOT)
    one, other = told(1, "1700000000.000100"), told(2, "1700000000.000200")
    await api.put(one, other)
    forged = [
        at("C0OPS", "1700000000.000200"),
        at("C0OTHER", "1700000000.000100"),
        at("C0OPS", None),
        at(7, []),
        {"container": "C0OPS:1700000000.000100"},
        {},
    ]
    for place in forged:
        assert await press(api, pressed(one.id, **place)) == 403
    assert api.writer.received == []
    assert await press(api, pressed(one.id, **at("C0OPS", "1700000000.000100"))) == 200
    assert [command.incident_id for command in api.writer.received] == [one.id]


async def test_a_message_that_is_not_known_yet_asks_for_another_press(start: Any) -> None:
    api = await start(BOT)
    await api.put(make_incident())
    assert await press(api, pressed(make_incident().id, **at("C0OPS", "1.2"))) == 403
    assert api.writer.received == []


async def test_people_can_acknowledge_without_the_view(start: Any) -> None:
    api = await start(BOT)
    await api.put(make_incident())
    api.redis.connected = False
    api.writer.deaf = True
    assert await press(api, pressed(make_incident().id, **at("C0OPS", "1.2"))) == 200
