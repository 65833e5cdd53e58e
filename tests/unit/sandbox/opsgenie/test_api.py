"""The stand-in for OpsGenie, and for JSM operations, is as strict as they are."""

from __future__ import annotations

from typing import Any

import pytest

from ticketing.sandbox.opsgenie import credentials

ALIAS = "abcdef0123456789-0123456789abcdef"
ALERT = {"message": "checkout fails", "alias": ALIAS, "priority": "P1"}
JSM = f"/opsgenie/jsm/ops/api/{credentials.JSM_CLOUD_ID}/v1"
KEY_ONLY = "/opsgenie/jsm/ops/integration/v2/alerts"
BY_ALIAS = "?identifierType=alias"


@pytest.fixture(autouse=True)
def prompt(call: Any) -> None:
    """What is accepted is processed at once."""
    call.platform("opsgenie").outcomes.processing_seconds = 0.0


async def outcome(call: Any, headers: Any, accepted: Any, base: str = "/opsgenie/v2/alerts") -> Any:
    assert accepted.status == 202, accepted.body
    answer = await call("GET", f"{base}/requests/{accepted.body['requestId']}", headers=headers)
    assert answer.status == 200, answer.body
    return answer.body.get("data", answer.body)


async def write(call: Any, headers: Any, path: str, body: Any, method: str = "POST") -> Any:
    accepted = await call(method, f"/opsgenie/v2/alerts{path}", body, headers=headers["opsgenie"])
    return await outcome(call, headers["opsgenie"], accepted)


async def test_a_write_is_accepted_before_anything_is_known_of_it(call: Any, headers: Any) -> None:
    mine = headers["opsgenie"]
    call.platform("opsgenie").outcomes.processing_seconds = 3600.0
    accepted = await call("POST", "/opsgenie/v2/alerts", ALERT, headers=mine)
    assert accepted.body["result"] == "Request will be processed"
    path = f"/opsgenie/v2/alerts/requests/{accepted.body['requestId']}"
    assert (await call("GET", path, headers=mine)).status == 404


async def test_a_create_opens_one_alert(call: Any, headers: Any) -> None:
    done = await write(call, headers, "", ALERT)
    assert done["isSuccess"] is True
    (ticket,) = call.sandbox.tickets("opsgenie")
    assert (ticket["id"], ticket["key"]) == (done["alertId"], ALIAS)
    assert (ticket["correlation"], ticket["priority"]) == (ALIAS, "P1")


async def test_a_second_create_of_an_open_alias_is_counted_only(call: Any, headers: Any) -> None:
    first = await write(call, headers, "", ALERT)
    second = await write(call, headers, "", {**ALERT, "message": "again", "priority": "P5"})
    assert first["alertId"] == second["alertId"]
    path = f"/opsgenie/v2/alerts/{ALIAS}{BY_ALIAS}"
    alert = (await call("GET", path, headers=headers["opsgenie"])).body["data"]
    assert (alert["count"], alert["message"], alert["priority"]) == (2, "checkout fails", "P1")


async def test_a_closed_alias_is_free_for_another_alert(call: Any, headers: Any) -> None:
    first = await write(call, headers, "", ALERT)
    await write(call, headers, f"/{ALIAS}/close{BY_ALIAS}", {})
    second = await write(call, headers, "", ALERT)
    assert first["alertId"] != second["alertId"]
    states = [ticket["state"] for ticket in call.sandbox.tickets("opsgenie")]
    assert states == ["resolved", "open"]


@pytest.mark.parametrize(
    "changes",
    [
        {"message": ""},
        {"message": "m" * 131},
        {"alias": "a" * 513},
        {"description": "d" * 15_001},
        {"entity": "e" * 513},
        {"source": "s" * 101},
        {"priority": "high"},
        {"tags": ["t" * 51]},
        {"tags": [f"tag {n}" for n in range(21)]},
        {"details": {"count": 3}},
        {"details": {"log": "x" * 8_000}},
        {"responders": [{"name": "SRE"}]},
        {"responders": [{"type": "group", "name": "SRE"}]},
        {"responders": [{"type": "user", "name": "alice"}]},
        {"note": "n" * 25_001},
    ],
)
async def test_an_alert_beyond_the_limits_is_refused(
    call: Any, headers: Any, changes: dict[str, Any]
) -> None:
    body = {**ALERT, **changes}
    answer = await call("POST", "/opsgenie/v2/alerts", body, headers=headers["opsgenie"])
    assert answer.status == 422
    assert answer.body["errors"]
    assert call.sandbox.tickets() == []


async def test_an_unknown_team_is_told_after_the_request_was_accepted(
    call: Any, headers: Any
) -> None:
    done = await write(
        call, headers, "", {**ALERT, "responders": [{"type": "team", "name": "Nobody"}]}
    )
    assert done["isSuccess"] is False
    assert "Nobody" in done["status"]
    assert call.sandbox.tickets() == []


@pytest.mark.parametrize(
    ("action", "body", "state"),
    [
        ("acknowledge", {"note": "seen"}, "acknowledged"),
        ("close", {}, "resolved"),
        ("notes", {"note": "looking"}, "open"),
        ("escalate", {"escalation": {"type": "escalation", "name": "SRE escalation"}}, "open"),
        ("escalate", {"escalation": {"id": "e-0001"}}, "open"),
        ("assign", {"owner": {"username": "alice@sandbox.example"}}, "open"),
        ("responders", {"responder": {"type": "team", "name": "Management"}}, "open"),
        ("tags", {"tags": ["late"]}, "open"),
        ("details", {"details": {"region": "eu"}}, "open"),
    ],
)
async def test_an_action_is_carried_out(
    call: Any, headers: Any, action: str, body: Any, state: str
) -> None:
    await write(call, headers, "", ALERT)
    done = await write(call, headers, f"/{ALIAS}/{action}{BY_ALIAS}", body)
    assert done["isSuccess"] is True, done
    assert call.sandbox.tickets("opsgenie")[0]["state"] == state


@pytest.mark.parametrize(
    ("field", "value"), [("message", "worse"), ("description", "more"), ("priority", "P2")]
)
async def test_a_field_is_written_again(call: Any, headers: Any, field: str, value: str) -> None:
    await write(call, headers, "", ALERT)
    done = await write(call, headers, f"/{ALIAS}/{field}{BY_ALIAS}", {field: value}, "PUT")
    assert done["isSuccess"] is True
    path = f"/opsgenie/v2/alerts/{done['alertId']}"
    answer = await call("GET", path, headers=headers["opsgenie"])
    assert answer.body["data"][field] == value


async def test_what_is_closed_can_only_be_annotated(call: Any, headers: Any) -> None:
    opened = (await write(call, headers, "", ALERT))["alertId"]
    await write(call, headers, f"/{opened}/close", {})
    note = await write(call, headers, f"/{opened}/notes", {"note": "afterwards"})
    changed = await write(call, headers, f"/{opened}/priority", {"priority": "P1"}, "PUT")
    assert (note["isSuccess"], changed["isSuccess"]) == (True, False)


async def test_an_action_on_no_alert_is_accepted_and_fails(call: Any, headers: Any) -> None:
    done = await write(call, headers, f"/{ALIAS}/close{BY_ALIAS}", {})
    assert (done["isSuccess"], done["status"]) == (False, "Alert does not exist")


async def test_an_alias_is_not_taken_for_an_id(call: Any, headers: Any) -> None:
    await write(call, headers, "", ALERT)
    done = await write(call, headers, f"/{ALIAS}/close", {})
    assert done["isSuccess"] is False
    answer = await call("GET", f"/opsgenie/v2/alerts/{ALIAS}", headers=headers["opsgenie"])
    assert answer.status == 404


async def test_a_key_is_wanted(call: Any) -> None:
    wrong = {"Authorization": "GenieKey wrong"}
    assert (await call("POST", "/opsgenie/v2/alerts", ALERT)).status == 401
    assert (await call("POST", "/opsgenie/v2/alerts", ALERT, headers=wrong)).status == 401


async def test_who_is_on_call_is_told_by_the_schedules_name(call: Any, headers: Any) -> None:
    path = "/opsgenie/v2/schedules/SRE%20schedule/on-calls"
    query = "?scheduleIdentifierType=name&flat=true"
    answer = await call("GET", path + query, headers=headers["opsgenie"])
    assert answer.body["data"]["onCallRecipients"] == ["alice@sandbox.example"]
    assert (await call("GET", path, headers=headers["opsgenie"])).status == 404


async def test_an_integrations_key_can_do_four_things_in_jsm(call: Any, headers: Any) -> None:
    mine = headers["opsgenie"]
    accepted = await call("POST", KEY_ONLY, ALERT, headers=mine)
    assert (await outcome(call, mine, accepted, KEY_ONLY))["isSuccess"] is True
    for action, body in (("acknowledge", {}), ("notes", {"note": "seen"}), ("close", {})):
        accepted = await call("POST", f"{KEY_ONLY}/{ALIAS}/{action}{BY_ALIAS}", body, headers=mine)
        assert (await outcome(call, mine, accepted, KEY_ONLY))["isSuccess"] is True
    for method, path in (("GET", f"/{ALIAS}"), ("POST", f"/{ALIAS}/escalate"), ("GET", "")):
        answer = await call(method, KEY_ONLY + path, headers=mine)
        assert answer.status in (404, 405)


async def test_jsm_operations_want_the_users_token(call: Any, headers: Any) -> None:
    for path in ("/alerts", "/schedules", "/teams"):
        assert (await call("GET", JSM + path, headers=headers["jira"])).status == 200
        assert (await call("GET", JSM + path, headers=headers["opsgenie"])).status == 401
    elsewhere = JSM.replace(credentials.JSM_CLOUD_ID, "another")
    assert (await call("GET", f"{elsewhere}/alerts", headers=headers["jira"])).status == 404


async def test_jsm_escalates_by_id(call: Any, headers: Any) -> None:
    mine = headers["jira"]
    opened = (await write(call, headers, "", ALERT))["alertId"]
    teams = (await call("GET", f"{JSM}/teams", headers=mine)).body["platformTeams"]
    path = f"{JSM}/teams/{teams[0]['teamId']}/escalations"
    known = (await call("GET", path, headers=mine)).body["values"]
    body = {"escalationId": known[0]["id"]}
    accepted = await call("POST", f"{JSM}/alerts/{opened}/escalate", body, headers=mine)
    done = await outcome(call, mine, accepted, f"{JSM}/alerts")
    assert done["isSuccess"] is True
    named = {"escalation": {"name": "SRE escalation"}}
    refused = await call("POST", f"{JSM}/alerts/{opened}/escalate", named, headers=mine)
    assert refused.status == 422


async def test_jsm_changes_a_state_without_a_body(call: Any, headers: Any) -> None:
    mine, path = (
        headers["jira"],
        f"{JSM}/alerts/{(await write(call, headers, '', ALERT))['alertId']}",
    )
    for action in ("acknowledge", "unacknowledge", "close"):
        refused = await call("POST", f"{path}/{action}", {}, headers=mine)
        assert refused.status == 422
        accepted = await call("POST", f"{path}/{action}", headers=mine)
        assert (await outcome(call, mine, accepted, f"{JSM}/alerts"))["isSuccess"] is True


async def test_jsm_writes_a_note_at_once(call: Any, headers: Any) -> None:
    mine, path = (
        headers["jira"],
        f"{JSM}/alerts/{(await write(call, headers, '', ALERT))['alertId']}",
    )
    written = await call("POST", f"{path}/notes", {"note": "seen"}, headers=mine)
    assert (written.status, written.body["note"]) == (200, "seen")
    listed = await call("GET", f"{path}/notes", headers=mine)
    assert [one["note"] for one in listed.body["values"]] == ["seen"]
    missing = await call("POST", f"{JSM}/alerts/none/notes", {"note": "seen"}, headers=mine)
    assert missing.status == 404


async def test_a_page_is_as_long_as_was_asked(call: Any, headers: Any) -> None:
    opened = (await write(call, headers, "", ALERT))["alertId"]
    for text in ("one", "two"):
        await write(call, headers, f"/{opened}/notes", {"note": text})
    jsm = await call("GET", f"{JSM}/alerts/{opened}/notes?size=1", headers=headers["jira"])
    path = f"/opsgenie/v2/alerts/{opened}/notes?limit=1&order=asc"
    own = await call("GET", path, headers=headers["opsgenie"])
    assert [one["note"] for one in jsm.body["values"]] == ["one"]
    following = jsm.body["links"]["next"].rpartition("?")[2]
    path_of_next = f"{JSM}/alerts/{opened}/notes?{following}"
    last = await call("GET", path_of_next, headers=headers["jira"])
    assert ([one["note"] for one in last.body["values"]], last.body["links"]) == (["two"], {})
    assert [one["note"] for one in own.body["data"]] == ["one"]


@pytest.mark.parametrize("path", ["alerts", "schedules", "teams/t-0001/escalations", "notes"])
async def test_jsm_lists_a_hundred_at_most(call: Any, headers: Any, path: str) -> None:
    opened = (await write(call, headers, "", ALERT))["alertId"]
    path = f"alerts/{opened}/notes" if path == "notes" else path
    for size, status in ((100, 200), (101, 422), (0, 422)):
        answer = await call("GET", f"{JSM}/{path}?size={size}", headers=headers["jira"])
        assert answer.status == status


async def test_jira_names_the_accounts_of_jsm(call: Any, headers: Any) -> None:
    path = "/opsgenie/ex/jira/cloud/rest/api/3/user/bulk?accountId=u-0001&accountId=u-0009"
    answer = await call("GET", path, headers=headers["jira"])
    (found,) = answer.body["values"]
    assert found == {"accountId": "u-0001", "displayName": "alice@sandbox.example"}
    assert (await call("GET", path)).status == 401
