"""The stand-in for ServiceNow is as strict, and as forgiving, as ServiceNow."""

from __future__ import annotations

from typing import Any

import pytest

from ticketing.sandbox.servicenow import credentials

TABLE = "/servicenow/api/now/table"
KEY = "abcdef0123456789-0123456789abcdef"
INCIDENT = {
    "short_description": "checkout fails",
    "correlation_id": KEY,
    "impact": "1",
    "urgency": "2",
}
RESOLVED = {"state": "6", "close_code": "Solved (Permanently)", "close_notes": "restarted"}


async def send(call: Any, headers: Any, method: str, path: str, body: Any = None) -> Any:
    return await call(method, f"{TABLE}/{path}", body, headers=headers["servicenow"])


async def opened(call: Any, headers: Any, **changes: Any) -> dict[str, Any]:
    answer = await send(call, headers, "POST", "incident", {**INCIDENT, **changes})
    assert answer.status == 201, answer.body
    assert answer.headers["Location"].endswith(answer.body["result"]["sys_id"])
    found: dict[str, Any] = answer.body["result"]
    return found


async def sys_id(call: Any, headers: Any, table: str, name: str) -> str:
    path = f"{table}?sysparm_query=name={name}&sysparm_fields=sys_id&sysparm_limit=1"
    answer = await send(call, headers, "GET", path)
    return str(answer.body["result"][0]["sys_id"])


async def test_an_incident_is_opened_and_its_priority_derived(call: Any, headers: Any) -> None:
    row = await opened(call, headers, priority="5")
    assert (row["priority"], row["state"], row["active"]) == ("2", "1", "true")
    assert all(isinstance(value, str) for value in row.values())
    assert call.sandbox.tickets("servicenow")[0]["correlation"] == KEY


@pytest.mark.parametrize(
    ("impact", "urgency", "priority"),
    [("1", "1", "1"), ("1", "2", "2"), ("2", "2", "3"), ("2", "3", "4"), ("3", "3", "5")],
)
async def test_priority_follows_impact_and_urgency(
    call: Any, headers: Any, impact: str, urgency: str, priority: str
) -> None:
    row = await opened(call, headers, impact=impact, urgency=urgency)
    assert row["priority"] == priority


@pytest.mark.parametrize(
    "changes",
    [
        {"short_description": "s" * 161},
        {"description": "d" * 4001},
        {"correlation_id": "c" * 101},
        {"impact": "4"},
        {"state": "5"},
        {"state": "6", "close_code": "Fixed", "close_notes": "n"},
        {"description": {"text": "no"}},
    ],
)
async def test_a_value_that_does_not_fit_is_refused(
    call: Any, headers: Any, changes: dict[str, Any]
) -> None:
    answer = await send(call, headers, "POST", "incident", {**INCIDENT, **changes})
    assert (answer.status, answer.body["status"]) == (400, "failure")
    assert call.sandbox.tickets() == []


async def test_a_column_that_does_not_exist_is_ignored(call: Any, headers: Any) -> None:
    row = await opened(call, headers, u_unknown="x")
    assert "u_unknown" not in row


async def test_a_reference_by_name_needs_to_be_asked_for(call: Any, headers: Any) -> None:
    group = credentials.ASSIGNMENT_GROUP
    assert (await opened(call, headers, assignment_group=group))["assignment_group"] == ""
    known = await sys_id(call, headers, "sys_user_group", group)
    row = await opened(call, headers, assignment_group=known)
    assert row["assignment_group"]["value"] == known
    answer = await send(
        call,
        headers,
        "POST",
        "incident?sysparm_input_display_value=true",
        {**INCIDENT, "assignment_group": group},
    )
    assert answer.body["result"]["assignment_group"]["value"] == known


async def test_resolving_wants_a_code_and_notes(call: Any, headers: Any) -> None:
    path = f"incident/{(await opened(call, headers))['sys_id']}"
    for missing in ("close_code", "close_notes"):
        body = {name: value for name, value in RESOLVED.items() if name != missing}
        answer = await send(call, headers, "PATCH", path, body)
        assert answer.status == 403
        assert "Data Policy" in answer.body["error"]["detail"]
    assert (await send(call, headers, "PATCH", path, RESOLVED)).status == 200
    assert call.sandbox.tickets("servicenow")[0]["state"] == "resolved"


async def test_on_hold_wants_a_reason(call: Any, headers: Any) -> None:
    path = f"incident/{(await opened(call, headers))['sys_id']}"
    assert (await send(call, headers, "PATCH", path, {"state": "3"})).status == 403


async def test_what_is_closed_takes_notes_only(call: Any, headers: Any) -> None:
    path = f"incident/{(await opened(call, headers))['sys_id']}"
    await send(call, headers, "PATCH", path, {**RESOLVED, "state": "7"})
    assert (await send(call, headers, "PATCH", path, {"state": "1"})).status == 403
    assert (await send(call, headers, "PATCH", path, {"work_notes": "late"})).status == 200


async def test_work_notes_are_journal_entries(call: Any, headers: Any) -> None:
    row = await opened(call, headers)
    body = {"work_notes": "looking"}
    answer = await send(call, headers, "PATCH", f"incident/{row['sys_id']}", body)
    assert answer.body["result"]["work_notes"] == ""
    path = f"sys_journal_field?sysparm_query=element_id={row['sys_id']}^element=work_notes"
    (entry,) = (await send(call, headers, "GET", path)).body["result"]
    assert entry["value"] == "looking"


async def test_an_incident_is_found_by_its_correlation_id(call: Any, headers: Any) -> None:
    mine = await opened(call, headers)
    await opened(call, headers, correlation_id="another")
    path = f"incident?sysparm_query=correlation_id={KEY}^active=true&sysparm_fields=sys_id"
    answer = await send(call, headers, "GET", path)
    assert answer.body["result"] == [{"sys_id": mine["sys_id"]}]


async def test_a_query_that_is_not_understood_finds_everything(call: Any, headers: Any) -> None:
    await opened(call, headers)
    await opened(call, headers, correlation_id="another")
    answer = await send(call, headers, "GET", f"incident?sysparm_query=u_key={KEY}")
    assert len(answer.body["result"]) == 2


async def test_a_limit_is_more_than_nothing(call: Any, headers: Any) -> None:
    assert (await send(call, headers, "GET", "incident?sysparm_limit=0")).status == 400
    assert (await send(call, headers, "GET", "incident?sysparm_limit=1")).status == 200


async def test_services_of_one_name_are_all_told(call: Any, headers: Any) -> None:
    for name, count in (("checkout", 1), ("twice", 2), ("none", 0)):
        answer = await send(call, headers, "GET", f"cmdb_ci_service?sysparm_query=name={name}")
        assert len(answer.body["result"]) == count


async def test_only_incidents_can_be_written(call: Any, headers: Any) -> None:
    assert (await send(call, headers, "POST", "sys_user_group", {"name": "Mine"})).status == 403
    assert (await send(call, headers, "GET", "no_such_table")).status == 400


async def test_an_incident_that_was_deleted_is_no_record(call: Any, headers: Any) -> None:
    row = await opened(call, headers)
    call.sandbox.act("servicenow", row["sys_id"], "delete")
    answer = await send(call, headers, "PATCH", f"incident/{row['sys_id']}", {"state": "2"})
    assert (answer.status, answer.body["error"]["message"]) == (404, "No Record found")


async def token(call: Any, **form: str) -> Any:
    given = {
        "client_id": credentials.CLIENT_ID,
        "client_secret": credentials.CLIENT_SECRET,
        **form,
    }
    return await call("POST", "/servicenow/oauth_token.do", data=given)


async def test_a_token_is_good_until_it_expires(call: Any) -> None:
    answer = await token(call, grant_type="client_credentials")
    assert "refresh_token" not in answer.body
    mine = {"Authorization": f"Bearer {answer.body['access_token']}"}
    assert (await call("GET", f"{TABLE}/incident", headers=mine)).status == 200
    call.clock.now += answer.body["expires_in"] + 1
    assert (await call("GET", f"{TABLE}/incident", headers=mine)).status == 401


async def test_a_password_grant_can_be_refreshed(call: Any) -> None:
    user = {"username": credentials.USER, "password": credentials.PASSWORD}
    first = await token(call, grant_type="password", **user)
    again = await token(call, grant_type="refresh_token", refresh_token=first.body["refresh_token"])
    assert (first.status, again.status) == (200, 200)
    wrong = await token(call, grant_type="password", **{**user, "password": "wrong"})
    assert (wrong.status, wrong.body["error"]) == (401, "access_denied")
    assert (await token(call, grant_type="password", client_secret="wrong")).status == 401


async def test_a_sleeping_instance_answers_with_a_page(call: Any, headers: Any) -> None:
    call.sandbox.set_fault("servicenow", "malformed", count=1)
    answer = await send(call, headers, "GET", "incident?sysparm_limit=1")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/html")


async def test_a_write_in_a_session_is_carried_out_later(call: Any, headers: Any) -> None:
    answer = await send(call, headers, "GET", "incident")
    cookie = answer.headers["Set-Cookie"].partition(";")[0]
    in_session = {**headers["servicenow"], "Cookie": cookie}
    written = await call("POST", f"{TABLE}/incident", INCIDENT, headers=in_session)
    assert written.status == 202
    assert call.sandbox.tickets("servicenow") == []
    call.clock.now += 20
    assert len(call.sandbox.tickets("servicenow")) == 1
    call.sandbox.set_behaviours("servicenow", sessions=False)
    written = await call("POST", f"{TABLE}/incident", INCIDENT, headers=in_session)
    assert written.status == 201


async def test_a_query_that_is_broken_off_is_a_200(call: Any, headers: Any) -> None:
    await opened(call, headers)
    call.sandbox.set_behaviours("servicenow", breaks_off_queries=True)
    answer = await send(call, headers, "GET", "incident")
    assert (answer.status, answer.body["result"]) == (200, [])
    assert answer.body["status"] == "failure"


async def test_a_rule_keeps_columns_and_says_nothing(call: Any, headers: Any) -> None:
    row = await opened(call, headers)
    call.sandbox.set_behaviours("servicenow", ignores="state,impact")
    changes = {"state": "2", "impact": "3", "urgency": "3"}
    answer = await send(call, headers, "PATCH", f"incident/{row['sys_id']}", changes)
    kept = answer.body["result"]
    assert answer.status == 200
    assert (kept["state"], kept["impact"], kept["urgency"]) == ("1", "1", "3")


async def test_a_data_policy_demands_columns(call: Any, headers: Any) -> None:
    call.sandbox.set_behaviours("servicenow", mandatory="category", mandatory_to_resolve="u_cause")
    refused = await send(call, headers, "POST", "incident", INCIDENT)
    assert refused.status == 403
    assert "mandatory: category" in refused.body["error"]["detail"]
    row = await opened(call, headers, category="software")
    path = f"incident/{row['sys_id']}"
    assert (await send(call, headers, "PATCH", path, RESOLVED)).status == 403
    answer = await send(call, headers, "PATCH", path, {**RESOLVED, "u_cause": "deploy"})
    assert answer.status == 200
