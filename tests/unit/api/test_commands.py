"""Commands over HTTP: truthful answers, whatever happens on the way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.configured import policy_with
from support.incident_writer import Answer
from support.incidents import SCOPE
from yarl import URL

from tests.unit.api.conftest import NOW, make_incident
from ticketing.domain.events import Action, Command
from ticketing.domain.incidents.commands import ACTION_RULES
from ticketing.domain.incidents.incident import CommandOutcome, Incident, Link, Status

AT = "2030-03-17T17:47:40.000Z"
NOBODY = f"{SCOPE}-{'f' * 16}"
ELSEWHERE = f"{'0' * 16}-{'f' * 16}"
"""An id of another tenant's incident."""


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
        {"id": one, "status": "resolved", "resolvedAt": AT, "stillFiring": True},
    )
    assert await api.post(path(2, "escalate")) == (
        200,
        {"id": two, "status": "escalated", "escalatedAt": AT, "escalatedTo": ["payments-team"]},
    )
    _, found = await api.get(f"/api/incidents/{one}")
    assert found["status"] == "resolved"


async def test_resolving_what_fires_no_more_says_so(api: Any) -> None:
    await api.put(make_incident(1, alerts_firing=0))
    assert (await api.post(path(1, "resolve")))[1]["stillFiring"] is False


async def test_escalating_with_nobody_to_tell_is_refused_with_the_fix(api: Any) -> None:
    api.writer.policy = policy_with()
    await api.put(make_incident(1))
    status, problem = await api.post(path(1, "escalate"))
    assert (status, problem["currentStatus"]) == (409, "open")
    assert "name platforms or teams in the command (`to`), or set" in problem["detail"]
    status, answer = await api.post(path(1, "escalate"), {"to": ["dba"]})
    assert (status, answer["escalatedTo"]) == (200, ["dba"])


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
    status, problem = await api.post(path(1, "unlink"), {"from": [NOBODY]})
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


async def test_the_other_incident_and_the_alerts_reach_the_command(api: Any) -> None:
    other = make_incident(2).id
    alerts = ["a" * 16, "b" * 16]
    await api.put(make_incident(1))
    api.writer.deaf = True
    for action, body, known in [
        ("merge", {"with": other}, {"target": other}),
        ("move", {"alerts": alerts, "into": other}, {"alerts": alerts, "target": other}),
        ("split", {"alerts": [*alerts, *alerts]}, {"alerts": alerts}),
        ("snooze", {"until": "2030-03-17T18:46:40Z"}, {"until": NOW + 3600}),
        ("snooze", {"until": 0}, {"until": 0.0}),
        ("assign", {"to": ["ada", "kim"]}, {"to": ["ada", "kim"]}),
        ("assign", {"to": []}, {"to": []}),
        ("note", {"text": "seen", "by": "kim"}, {"note": "seen", "by": "kim"}),
    ]:
        assert (await api.post(path(1, action), body))[0] == 202
        command = api.writer.received[-1]
        assert command.action == action
        assert {name: getattr(command, name) for name in known} == known


async def test_a_batch_says_which_incident_is_of_another_scope(api: Any) -> None:
    mine, other = make_incident(1), make_incident(2)
    await api.put(mine, other)
    api.writer.answers = {mine.id: merged(mine, other)}
    body = {"ids": [mine.id, ELSEWHERE], "action": "merge", "with": other.id}
    status, answer = await api.post("/api/v1/incidents/batch", body)
    assert (status, [one["ok"] for one in answer["results"]]) == (200, [True, False])
    assert answer["results"][1]["error"]["field"] == "with"
    assert [command.incident_id for command in api.writer.received] == [mine.id]


def merged(later: Incident, earlier: Incident) -> Answer:
    """What a writer publishes when it merges two, with the outcome in the one that stays."""

    def answer(command: Command) -> list[Incident]:
        outcome = CommandOutcome(id=command.id, applied=True, status=Status.OPEN, at=NOW + 60)
        return [
            replace(later, revision=2, status=Status.RESOLVED, merged_into=earlier.id),
            replace(earlier, revision=2, commands=[outcome]),
        ]

    return answer


async def test_the_outcome_of_a_merge_is_found_in_the_one_that_stays(api: Any) -> None:
    later, earlier = make_incident(2), make_incident(1)
    await api.put(later, earlier)
    api.writer.answers = {later.id: merged(later, earlier)}
    status, answer = await api.post(path(2, "merge"), {"with": earlier.id})
    assert (status, answer) == (
        200,
        {"id": later.id, "status": "open", "mergedAt": AT, "mergedInto": earlier.id},
    )


async def test_a_command_to_a_merged_incident_is_answered_by_the_one_that_took_it(
    api: Any,
) -> None:
    """Along a chain, too: the first was merged into the second, that one into the third."""
    first, second, third = (make_incident(number) for number in (1, 2, 3))
    first = replace(first, status=Status.RESOLVED, merged_into=second.id)
    second = replace(second, status=Status.RESOLVED, merged_into=third.id)
    await api.put(first, second, third)

    def answer(command: Command) -> list[Incident]:
        outcome = CommandOutcome(
            id=command.id, applied=True, status=Status.ACKNOWLEDGED, at=NOW + 60
        )
        return [replace(third, revision=2, status=Status.ACKNOWLEDGED, commands=[outcome])]

    api.writer.answers = {first.id: answer}
    headers = {"Idempotency-Key": "k-9"}
    status, found = await api.post(path(1, "acknowledge"), headers=headers)
    assert (status, found["id"], found["status"]) == (200, first.id, "acknowledged")
    assert await api.post(path(1, "acknowledge"), headers=headers) == (status, found)
    assert len(api.writer.received) == 1


async def test_a_deleted_incident_is_gone_and_a_second_deletion_finds_none(api: Any) -> None:
    one = make_incident(1)
    await api.put(one)
    api.writer.answers = {one.id: lambda command: [command.incident_id]}
    status, answer = await api.post(path(1, "delete"))
    assert (status, answer["id"], answer["status"]) == (200, one.id, "deleted")
    assert answer["deletedAt"]
    assert (await api.get(f"/api/incidents/{one.id}"))[0] == 404
    assert (await api.post(path(1, "delete")))[0] == 404
    assert len(api.writer.received) == 1


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
    for action, body in [("resolve", {}), ("note", {"text": "seen"}), ("assign", {"to": ["kim"]})]:
        status, problem = await api.post(path(1, action), body, headers=headers)
        assert (status, "acknowledge" in problem["detail"]) == (422, True)


@pytest.mark.parametrize("key", ["k-1", "a/b?c=%2F#d"])
@pytest.mark.parametrize("prefix", ["", "/api/ticketing"])
async def test_no_outcome_in_time_is_accepted_with_the_place_to_look_at(
    api: Any, prefix: str, key: str
) -> None:
    one = make_incident(1)
    await api.put(one)
    api.writer.deaf = True
    headers = {"Idempotency-Key": key}
    url = prefix + path(1, "acknowledge")
    async with api.client.post(url, headers=headers) as answer:
        accepted = await answer.json()
        assert answer.status == 202
        place = answer.headers["Location"]
    assert "accepted" in accepted["detail"]
    assert (accepted["id"], accepted["commandId"]) == (one.id, key)
    assert place.startswith(f"{prefix}/api/incidents/{one.id}/commands/")
    place = URL(place, encoded=True)
    assert (await api.get(place))[0] == 404
    (command,) = api.writer.received
    api.writer.deaf = False
    await api.writer.send(command)
    status, outcome = await api.get(place)
    assert status == 200
    assert outcome == {
        "id": key,
        "applied": True,
        "status": "acknowledged",
        "at": AT,
        "reason": "",
        "action": "acknowledge",
    }


async def test_an_outcome_is_found_in_the_incident_that_took_the_alerts(api: Any) -> None:
    later, earlier = make_incident(2), make_incident(1)
    await api.put(later, earlier)
    api.writer.answers = {later.id: merged(later, earlier)}
    headers = {"Idempotency-Key": "k-1"}
    await api.post(path(2, "merge"), {"with": earlier.id}, headers=headers)
    status, outcome = await api.get(f"/api/incidents/{later.id}/commands/k-1")
    assert (status, outcome["applied"]) == (200, True)
    assert (await api.get(f"/api/incidents/{NOBODY}/commands/k-1"))[0] == 404
    assert (await api.get("/api/incidents/nonsense/commands/k-1"))[0] == 404


async def test_merges_in_a_circle_end_a_look_for_an_outcome(api: Any) -> None:
    one, other = make_incident(1), make_incident(2)
    await api.put(replace(one, merged_into=other.id), replace(other, merged_into=one.id))
    assert (await api.get(f"/api/incidents/{one.id}/commands/k-1"))[0] == 404


@pytest.mark.parametrize("prefix", ["", "/api/ticketing"])
async def test_in_a_batch_no_outcome_in_time_is_accepted_with_its_place(
    api: Any, prefix: str
) -> None:
    await api.put(make_incident(1))
    api.writer.deaf = True
    body = {"ids": [make_incident(1).id, NOBODY], "action": "acknowledge"}
    status, answer = await api.post(f"{prefix}/api/v1/incidents/batch", body)
    result, unknown = answer["results"]
    (command,) = api.writer.received
    assert (status, result["ok"], unknown["ok"]) == (200, True, False)
    assert (result["id"], result["commandId"]) == (command.incident_id, command.id)
    assert "accepted" in result["detail"]
    assert "status" not in result
    assert result["location"].startswith(f"{prefix}/api/v1/incidents/")
    api.writer.deaf = False
    await api.writer.send(command)
    status, outcome = await api.get(result["location"])
    assert (status, outcome["applied"]) == (200, True)


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
        ("note", {"text": ""}, "text"),
        ("assign", {"to": "kim"}, "to"),
        ("assign", {"to": ["x"] * 21}, "to"),
        ("snooze", {"until": "soon"}, "until"),
        ("snooze", {"until": True}, "until"),
        ("merge", {"with": "nonsense"}, "with"),
        ("merge", {"with": ELSEWHERE}, "with"),
        ("split", {"alerts": []}, "alerts"),
        ("split", {"alerts": ["nonsense"]}, "alerts"),
        ("split", {"alerts": ["f" * 16] * 65}, "alerts"),
        ("move", {"alerts": ["f" * 16]}, "into"),
        ("move", {"alerts": ["f" * 16], "into": ELSEWHERE}, "into"),
        ("delete", {"until": 1}, "until"),
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
    ids = [make_incident(1).id, "nonsense", resolved.id, NOBODY, make_incident(3).id]
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
        ({"ids": NOBODY, "action": "resolve"}, "ids"),
        ({"ids": [NOBODY] * 501, "action": "resolve"}, "ids"),
        ({"ids": [NOBODY], "action": "close"}, "action"),
        ({"ids": [NOBODY]}, "action"),
        ({"ids": [NOBODY], "action": "resolve", "x": 1}, "x"),
    ],
)
async def test_a_batch_that_cannot_be_taken_names_its_field(
    api: Any, body: Any, field: str
) -> None:
    status, problem = await api.post("/api/v1/incidents/batch", body)
    assert (status, problem["field"]) == (400, field)
