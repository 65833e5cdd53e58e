"""A webhook that is forged, replayed, or pressed where it does not belong."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import urlencode

import pytest
from support.access import Keys

from tests.unit.api.conftest import make_incident
from tests.unit.api.test_audit import Audit
from tests.unit.api.test_slack import BOT, CONFIG, PATH, at, press, pressed, signed
from ticketing.domain.access.audit import Outcome
from ticketing.domain.events import TicketState
from ticketing.domain.incidents.incident import Incident, Ticket

TEAM = {"slack": {**CONFIG["slack"], "team": "T0123ABCD"}}


def told(number: int, ts: str) -> Incident:
    ticket = Ticket(platform="slack", state=TicketState.OPEN, external_id=f"C0OPS:{ts}")
    return make_incident(number, tickets={"slack": ticket})


async def test_the_same_press_twice_is_one_command(start: Any) -> None:
    api = await start(CONFIG)
    incident = make_incident()
    await api.put(incident)
    await press(api, pressed(incident.id, "ticketing_escalate"))
    await press(api, pressed(incident.id, "ticketing_escalate"))
    first, second = api.writer.received
    assert first.id == second.id
    assert len(api.writer.incidents[incident.id].commands) == 1


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


async def test_a_process_without_the_bots_token_looks_at_the_message_too(start: Any) -> None:
    api = await start({"slack": {**CONFIG["slack"], "channel": "C0OPS"}})
    await api.put(told(1, "1700000000.000100"))
    assert await press(api, pressed(make_incident(1).id, **at("C0OPS", "1.2"))) == 403
    assert api.writer.received == []
