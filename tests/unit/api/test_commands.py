"""Commands over HTTP: truthful answers, whatever happens on the way."""

from __future__ import annotations

from typing import Any

import pytest
from support.configured import policy_with

from tests.unit.api.conftest import NOW, make_incident
from ticketing.domain.events import Action
from ticketing.domain.incidents.commands import ACTION_RULES
from ticketing.domain.incidents.incident import Link, Status

AT = "2030-03-17T17:47:40.000Z"


def path(number: int, action: str) -> str:
    return f"/api/incidents/{make_incident(number).id}/{action}"


async def test_acknowledge_resolve_and_escalate_answer_as_the_contract_says(api: Any) -> None:
    await api.put(make_incident(1), make_incident(2))
    one, two = make_incident(1).id, make_incident(2).id
    assert await api.post(path(1, "acknowledge")) == (
        200,
        {"id": one, "status": "acknowledged", "acknowledgedAt": AT},
    )
    assert await api.post(path(1, "resolve")) == (
        200,
        {"id": one, "status": "resolved", "resolvedAt": AT},
    )
    assert await api.post(path(2, "escalate")) == (
        200,
        {"id": two, "status": "escalated", "escalatedAt": AT, "escalatedTo": ["payments-team"]},
    )
    _, found = await api.get(f"/api/incidents/{one}")
    assert found["status"] == "resolved"


async def test_reopen_and_comment(api: Any) -> None:
    await api.put(make_incident(1, status=Status.RESOLVED, resolved_at=NOW))
    assert (await api.post(path(1, "reopen")))[1]["status"] == "open"
    status, _ = await api.post(path(1, "comment"), {"text": "  looking ", "by": "kim"})
    assert status == 200
    command = api.writer.received[-1]
    assert (command.action, command.note, command.by) == (Action.COMMENT, "looking", "kim")


async def test_texts_reach_the_command_without_what_nobody_sees(api: Any) -> None:
    await api.put(make_incident(1))
    dirty = {"text": "\x1b[31mred\x1b[0m\x00 \u202eand\u200b\r\n\tblue", "by": "\ufeffkim\x07"}
    assert (await api.post(path(1, "comment"), dirty))[0] == 200
    command = api.writer.received[-1]
    assert (command.note, command.by) == ("red and\n\tblue", "kim")
    longest = {"text": "😀" * 4_000, "by": "😀" * 100}
    assert (await api.post(path(1, "comment"), longest))[0] == 200
    assert api.writer.received[-1].note == "😀" * 4_000


@pytest.mark.parametrize(
    ("action", "body", "field"),
    [
        ("comment", {"text": "\x00\u200b\x1b[0m " * 400}, "text"),
        ("comment", {"text": "x" * 4_001}, "text"),
        ("comment", {"text": "a", "by": "x" * 101}, "by"),
        ("acknowledge", {"note": "\ud800"}, "note"),
        ("escalate", {"to": ["\u200b"]}, "to"),
    ],
)
async def test_a_text_that_says_nothing_or_too_much_is_refused_by_its_field(
    api: Any, action: str, body: dict[str, Any], field: str
) -> None:
    await api.put(make_incident(1))
    status, problem = await api.post(path(1, action), body)
    assert (status, problem["field"]) == (400, field)
    assert api.writer.received == []


async def test_who_and_what_reach_the_command(api: Any) -> None:
    await api.put(make_incident(1))
    await api.post(path(1, "escalate"), {"to": ["dba", "dba"], "note": "disk full"})
    command = api.writer.received[0]
    assert (command.to, command.note, command.by) == (["dba"], "disk full", "api")


async def test_forward_names_an_enabled_platform(start: Any) -> None:
    api = await start({"zammad": {"enabled": True, "baseUrl": "http://z.test", "token": "t" * 9}})
    api.writer.policy = policy_with(platforms=("zammad",))
    await api.put(make_incident(1))
    status, answer = await api.post(path(1, "forward"), {"platform": "zammad"})
    assert (status, answer["forwardedTo"]) == (200, ["zammad"])
    status, problem = await api.post(path(1, "forward"), {"platform": "jira"})
    assert (status, problem["field"], problem["allowed"]) == (400, "platform", ["zammad"])


async def test_a_wrong_link_is_undone(api: Any) -> None:
    other = make_incident(2)
    link = Link(fingerprint=other.fingerprint, service=other.service, id=other.id)
    await api.put(make_incident(1, links=[link]))
    status, answer = await api.post(path(1, "unlink"), {"from": [other.id]})
    assert (status, answer["unlinkedFrom"]) == (200, [other.id])
    (command,) = api.writer.received
    assert (command.action, command.to) == (Action.UNLINK, [other.id])
    status, problem = await api.post(path(1, "unlink"), {"from": ["ffffffffffffffff-0-1"]})
    assert (status, "not linked" in problem["detail"].lower()) == (409, True)


async def test_answers_name_the_moment_after_the_action(api: Any) -> None:
    other = make_incident(2)
    link = Link(fingerprint=other.fingerprint, service=other.service, id=other.id)
    await api.put(make_incident(1, links=[link]))
    for action, body, field in [
        ("comment", {"text": "looking"}, "commentedAt"),
        ("unlink", {"from": [other.id]}, "unlinkedAt"),
        ("resolve", {}, "resolvedAt"),
        ("reopen", {}, "reopenedAt"),
    ]:
        _, answer = await api.post(path(1, action), body)
        assert answer[field] == AT


@pytest.mark.parametrize("action", list(Action))
async def test_an_action_needs_what_its_rule_says(api: Any, action: Action) -> None:
    rule = ACTION_RULES[action]
    (status, *_) = rule.allowed_from
    await api.put(make_incident(1, status=status))
    code, answer = await api.post(path(1, action.value), {})
    if rule.needs is None:
        assert (code, answer["status"]) == (200, rule.leads_to or status)
        assert answer[f"{rule.done}At"] == AT
    else:
        assert (code, answer["field"]) == (400, rule.needs)


async def test_a_forbidden_transition_is_a_conflict_with_the_current_state(api: Any) -> None:
    await api.put(make_incident(1, status=Status.RESOLVED, resolved_at=NOW))
    status, problem = await api.post(path(1, "acknowledge"))
    assert (status, problem["currentStatus"]) == (409, "resolved")


async def test_the_same_key_again_is_the_same_answer_and_sends_nothing(api: Any) -> None:
    await api.put(make_incident(1))
    headers = {"Idempotency-Key": "k-1"}
    first = await api.post(path(1, "acknowledge"), headers=headers)
    again = await api.post(path(1, "acknowledge"), headers=headers)
    assert first == again
    assert [command.id for command in api.writer.received] == ["k-1"]


async def test_a_key_of_another_action_is_refused_not_lied_about(api: Any) -> None:
    await api.put(make_incident(1))
    headers = {"Idempotency-Key": "k-1"}
    await api.post(path(1, "acknowledge"), headers=headers)
    status, _ = await api.post(path(1, "resolve"), headers=headers)
    assert status == 422


async def test_no_outcome_in_time_says_that_it_may_still_apply(api: Any) -> None:
    await api.put(make_incident(1))
    api.writer.deaf = True
    async with api.client.post(path(1, "acknowledge")) as answer:
        problem = await answer.json()
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "5"
    assert "accepted" in problem["detail"]
    assert problem["commandId"] == api.writer.received[0].id


async def test_a_broker_that_does_not_answer_is_unavailable(api: Any) -> None:
    await api.put(make_incident(1))
    api.writer.unreachable = True
    status, problem = await api.post(path(1, "acknowledge"))
    assert status == 503
    assert problem["commandId"]


async def test_an_incident_that_vanishes_meanwhile_is_not_found(api: Any) -> None:
    await api.put(make_incident(1))

    async def vanish(command: Any) -> None:
        await api.writer.store.write([(command.incident_id, None)])

    api.writer.send = vanish
    status, _ = await api.post(path(1, "acknowledge"))
    assert status == 404


@pytest.mark.parametrize(
    ("action", "body", "field"),
    [
        ("acknowledge", {"nots": "x"}, "nots"),
        ("acknowledge", {"note": 7}, "note"),
        ("acknowledge", {"note": "x" * 4001}, "note"),
        ("acknowledge", {"by": "\ud800"}, "by"),
        ("acknowledge", ["x"], "body"),
        ("escalate", {"to": "dba"}, "to"),
        ("escalate", {"to": [1]}, "to"),
        ("comment", {}, "text"),
        ("comment", {"text": "  "}, "text"),
        ("forward", {"platform": "fax"}, "platform"),
        ("unlink", {}, "from"),
    ],
)
async def test_a_body_that_cannot_be_taken_names_its_field(
    api: Any, action: str, body: Any, field: str
) -> None:
    await api.put(make_incident(1))
    status, problem = await api.post(path(1, action), body)
    assert (status, problem["field"]) == (400, field)
    assert api.writer.received == []


@pytest.mark.parametrize("raw", [b"{", b"\xff", b"[" * 50_000, b'{"a":NaN'])
async def test_a_body_that_is_no_json_is_refused(api: Any, raw: bytes) -> None:
    await api.put(make_incident(1))
    async with api.client.post(path(1, "acknowledge"), data=raw) as answer:
        assert answer.status == 400
        assert (await answer.json(content_type=None))["field"] == "body"


async def test_a_body_may_be_missing(api: Any) -> None:
    await api.put(make_incident(1))
    async with api.client.post(path(1, "acknowledge")) as answer:
        assert answer.status == 200


async def test_a_key_that_is_no_key_is_refused(api: Any) -> None:
    await api.put(make_incident(1))
    status, problem = await api.post(path(1, "resolve"), headers={"Idempotency-Key": "a b"})
    assert (status, problem["field"]) == (400, "Idempotency-Key")


async def test_a_batch_has_a_result_for_every_id_in_order(api: Any) -> None:
    resolved = make_incident(2, status=Status.RESOLVED, resolved_at=NOW)
    await api.put(make_incident(1), resolved, make_incident(3))
    ids = [make_incident(1).id, "nonsense", resolved.id, "ab-0-0", make_incident(3).id]
    status, answer = await api.post(
        "/api/v1/incidents/batch", {"ids": ids, "action": "acknowledge", "note": "all mine"}
    )
    assert status == 200
    results = answer["results"]
    assert [one["id"] for one in results] == ids
    assert [one["ok"] for one in results] == [True, False, False, False, True]
    assert results[0]["status"] == "acknowledged"
    assert [one["error"]["status"] for one in results if not one["ok"]] == [404, 409, 404]
    assert results[2]["error"]["currentStatus"] == "resolved"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"ids": [], "action": "resolve"}, "ids"),
        ({"ids": "ab-1-1", "action": "resolve"}, "ids"),
        ({"ids": ["ab-1-1"] * 501, "action": "resolve"}, "ids"),
        ({"ids": ["ab-1-1"], "action": "close"}, "action"),
        ({"ids": ["ab-1-1"]}, "action"),
        ({"ids": ["ab-1-1"], "action": "resolve", "x": 1}, "x"),
    ],
)
async def test_a_batch_that_cannot_be_taken_names_its_field(
    api: Any, body: Any, field: str
) -> None:
    status, problem = await api.post("/api/v1/incidents/batch", body)
    assert (status, problem["field"]) == (400, field)
