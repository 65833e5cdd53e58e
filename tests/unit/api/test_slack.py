"""A button pressed in Slack is a command, if Slack says so."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any
from urllib.parse import urlencode

import pytest
from slack_sdk.signature import SignatureVerifier

from sinks.slack.payload import parent
from sinks.text.writer import Writer
from tests.unit.api.conftest import make_incident
from ticketing.domain.events import Action

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


async def test_slack_needs_no_token_and_comes_by_any_name(start: Any) -> None:
    api = await start({**CONFIG, "web": {"host": "0.0.0.0", "token": "correct-horse-battery"}})
    await api.put(make_incident())
    assert await press(api, pressed(make_incident().id)) == 200
    api = await start(CONFIG)
    await api.put(make_incident())
    assert await press(api, pressed(make_incident().id), Host="tickets.example") == 200


async def test_without_a_signing_secret_there_is_nothing(api: Any) -> None:
    assert await press(api, pressed(make_incident().id)) == 404


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


BOT = {"slack": {**CONFIG["slack"], "botToken": "xoxb-1", "channel": "C0OPS"}}


def at(channel: Any, ts: Any) -> dict[str, Any]:
    return {"container": {"type": "message", "channel_id": channel, "message_ts": ts}}


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
