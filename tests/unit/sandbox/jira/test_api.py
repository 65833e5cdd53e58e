"""The stand-in for Jira is as strict as Jira Cloud and Jira Data Center."""

from __future__ import annotations

from typing import Any

import pytest

from ticketing.sandbox.jira import credentials

LABEL = "ticketing-abcdef0123456789-0123456789abcdef"
FIELDS: dict[str, Any] = {
    "project": {"key": credentials.PROJECT},
    "issuetype": {"name": "Incident"},
    "summary": "checkout fails",
    "labels": [LABEL],
}
JQL = f'project = {credentials.PROJECT} AND labels = "{LABEL}"'


def document(text: str) -> dict[str, Any]:
    paragraph = {"type": "paragraph", "content": [{"type": "text", "text": text}]}
    return {"type": "doc", "version": 1, "content": [paragraph]}


async def cloud(call: Any, headers: Any, method: str, path: str, body: Any = None) -> Any:
    return await call(method, f"/jira/rest/api/3/{path}", body, headers=headers["jira"])


async def own(call: Any, headers: Any, method: str, path: str, body: Any = None) -> Any:
    return await call(method, f"/jira/rest/api/2/{path}", body, headers=headers["jira-dc"])


async def opened(call: Any, headers: Any, **fields: Any) -> str:
    body = {"fields": {**FIELDS, **fields}}
    answer = await cloud(call, headers, "POST", "issue", body)
    assert answer.status == 201, answer.body
    return str(answer.body["key"])


async def test_an_issue_is_opened(call: Any, headers: Any) -> None:
    key = await opened(call, headers, description=document("why"))
    (ticket,) = call.sandbox.tickets("jira")
    assert (ticket["key"], ticket["state"]) == (key, "open")
    assert ticket["correlation"] == "abcdef0123456789-0123456789abcdef"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"summary": ""}, "summary"),
        ({"summary": "s" * 256}, "summary"),
        ({"summary": "two\nlines"}, "summary"),
        ({"labels": ["with space"]}, "labels"),
        ({"labels": "text"}, "labels"),
        ({"description": "plain text"}, "description"),
        ({"description": document("d" * 32_768)}, "description"),
        ({"priority": {"name": "Urgent"}}, "priority"),
        ({"project": {"key": "NONE"}}, "project"),
        ({"issuetype": {"name": "Epic"}}, "issuetype"),
        ({"assignee": {"accountId": "nobody"}}, "assignee"),
        ({"customfield_10010": {"value": "Moon"}}, "customfield_10010"),
        ({"customfield_10014": "3"}, "customfield_10014"),
        ({"customfield_99999": "x"}, "customfield_99999"),
    ],
)
async def test_a_bad_field_is_refused_by_its_name(
    call: Any, headers: Any, changes: dict[str, Any], field: str
) -> None:
    answer = await cloud(call, headers, "POST", "issue", {"fields": {**FIELDS, **changes}})
    assert answer.status == 400
    assert list(answer.body["errors"]) == [field]
    assert call.sandbox.tickets() == []


async def test_the_two_versions_want_their_own_kind_of_text(call: Any, headers: Any) -> None:
    plain, rich = {"description": "why"}, {"description": document("why")}
    for send, good, bad in ((cloud, rich, plain), (own, plain, rich)):
        right = await send(call, headers, "POST", "issue", {"fields": {**FIELDS, **good}})
        wrong = await send(call, headers, "POST", "issue", {"fields": {**FIELDS, **bad}})
        assert (right.status, wrong.status) == (201, 400)


async def test_a_status_changes_by_a_transition_only(call: Any, headers: Any) -> None:
    key = await opened(call, headers)
    body = {"fields": {"status": {"name": "Done"}}}
    assert (await cloud(call, headers, "PUT", f"issue/{key}", body)).status == 400
    assert (
        await cloud(call, headers, "PUT", f"issue/{key}", {"fields": {"summary": "worse"}})
    ).status == 204
    assert call.sandbox.tickets("jira")[0]["title"] == "worse"


async def test_a_transition_wants_the_fields_of_its_screen(call: Any, headers: Any) -> None:
    key = await opened(call, headers)
    path = f"issue/{key}/transitions"
    listed = await cloud(call, headers, "GET", f"{path}?expand=transitions.fields")
    (done,) = [
        one for one in listed.body["transitions"] if one["to"]["statusCategory"]["key"] == "done"
    ]
    assert done["fields"]["resolution"]["required"] is True
    bare = {"transition": {"id": done["id"]}}
    assert (await cloud(call, headers, "POST", path, bare)).status == 400
    whole = {**bare, "fields": {"resolution": {"name": "Done"}}}
    assert (await cloud(call, headers, "POST", path, whole)).status == 204
    assert call.sandbox.tickets("jira")[0]["state"] == "resolved"
    assert (await cloud(call, headers, "POST", path, whole)).status == 400


async def test_a_field_that_is_not_on_the_screen_is_refused(call: Any, headers: Any) -> None:
    path = f"issue/{await opened(call, headers)}/transitions"
    body = {"transition": {"id": "21"}, "fields": {"resolution": {"name": "Done"}}}
    answer = await cloud(call, headers, "POST", path, body)
    assert (answer.status, list(answer.body["errors"])) == (400, ["resolution"])


async def test_a_comment_is_a_document_that_says_something(call: Any, headers: Any) -> None:
    path = f"issue/{await opened(call, headers)}/comment"
    for body, status in ((document("seen"), 201), (document(" "), 400), ("plain", 400)):
        assert (await cloud(call, headers, "POST", path, {"body": body})).status == status


async def test_the_removed_search_is_gone_on_cloud_and_the_only_one_elsewhere(
    call: Any, headers: Any
) -> None:
    await opened(call, headers)
    body = {"jql": JQL}
    assert (await cloud(call, headers, "POST", "search", body)).status == 410
    assert (await own(call, headers, "POST", "search", body)).body["total"] == 1
    assert (await own(call, headers, "POST", "search/jql", body)).status == 404


async def test_clouds_search_tells_ids_only_unless_asked(call: Any, headers: Any) -> None:
    key = await opened(call, headers)
    bare = (await cloud(call, headers, "POST", "search/jql", {"jql": JQL})).body
    assert list(bare["issues"][0]) == ["id"]
    assert (bare["isLast"], "total" in bare) == (True, False)
    asked = {"jql": JQL, "fields": ["status"]}
    (issue,) = (await cloud(call, headers, "POST", "search/jql", asked)).body["issues"]
    assert (issue["key"], list(issue["fields"])) == (key, ["status"])


async def test_clouds_search_lags_unless_told_to_reconcile(call: Any, headers: Any) -> None:
    call.platform("jira").search.lag_seconds = 60.0
    answer = await cloud(call, headers, "POST", "issue", {"fields": FIELDS})
    body = {"jql": JQL}
    assert (await cloud(call, headers, "POST", "search/jql", body)).body["issues"] == []
    known = {**body, "reconcileIssues": [int(answer.body["id"])]}
    assert len((await cloud(call, headers, "POST", "search/jql", known)).body["issues"]) == 1


async def test_a_search_is_in_the_order_asked_for(call: Any, headers: Any) -> None:
    made = [await opened(call, headers) for _ in range(2)]
    found: dict[str, list[str]] = {}
    for order in ("ASC", "DESC"):
        body = {"jql": f"{JQL} ORDER BY created {order}", "fields": ["status"]}
        rows = (await own(call, headers, "POST", "search", body)).body["issues"]
        found[order] = [row["key"] for row in rows]
    assert found == {"ASC": made, "DESC": made[::-1]}


@pytest.mark.parametrize("jql", ["", "labels =", "nonsense ~~ 3", "labels = a ORDER BY x", None])
async def test_a_search_that_is_unbounded_or_wrong_is_refused(
    call: Any, headers: Any, jql: str | None
) -> None:
    assert (await cloud(call, headers, "POST", "search/jql", {"jql": jql})).status == 400


async def test_properties_are_kept_and_bounded(call: Any, headers: Any) -> None:
    path = f"issue/{await opened(call, headers)}/properties/ticketing.incident"
    assert (await cloud(call, headers, "GET", path)).status == 404
    assert (await cloud(call, headers, "PUT", path, {"id": "one"})).status == 201
    assert (await cloud(call, headers, "PUT", path, {"id": "two"})).status == 200
    assert (await cloud(call, headers, "GET", path)).body["value"] == {"id": "two"}
    assert (await cloud(call, headers, "PUT", path, {"id": "x" * 32_768})).status == 400


async def test_a_link_of_the_same_id_is_written_over(call: Any, headers: Any) -> None:
    path = f"issue/{await opened(call, headers)}/remotelink"
    link = {"globalId": "one", "object": {"url": "https://a.example", "title": "a"}}
    assert (await cloud(call, headers, "POST", path, link)).status == 201
    assert (await cloud(call, headers, "POST", path, link)).status == 200
    assert len((await cloud(call, headers, "GET", path)).body) == 1
    assert (await cloud(call, headers, "POST", path, {"object": {}})).status == 400


async def test_create_metadata_names_fields_and_their_kinds(call: Any, headers: Any) -> None:
    base = f"issue/createmeta/{credentials.PROJECT}/issuetypes"
    types = (await cloud(call, headers, "GET", base)).body["issueTypes"]
    number = next(one["id"] for one in types if one["name"] == "Incident")
    found = (await cloud(call, headers, "GET", f"{base}/{number}")).body["fields"]
    kinds = {one["fieldId"]: one["schema"]["type"] for one in found}
    assert (kinds["customfield_10014"], kinds["customfield_10010"]) == ("number", "option")
    elsewhere = await own(call, headers, "GET", f"{base}/{number}")
    assert len(elsewhere.body["values"]) == len(found)


async def test_a_page_of_create_metadata_has_an_end_on_cloud(call: Any, headers: Any) -> None:
    path = f"issue/createmeta/{credentials.PROJECT}/issuetypes?maxResults=1000"
    assert (await cloud(call, headers, "GET", path)).body["maxResults"] == 200
    assert (await own(call, headers, "GET", path)).body["maxResults"] == 1000


async def test_cloud_tells_the_permissions_asked_for_and_data_center_all(
    call: Any, headers: Any
) -> None:
    path = f"mypermissions?projectKey={credentials.PROJECT}"
    assert (await cloud(call, headers, "GET", path)).status == 400
    asked = f"{path}&permissions=EDIT_ISSUES"
    assert list((await cloud(call, headers, "GET", asked)).body["permissions"]) == ["EDIT_ISSUES"]
    assert "CREATE_ISSUES" in (await own(call, headers, "GET", path)).body["permissions"]
    assert "CREATE_ISSUES" in (await own(call, headers, "GET", asked)).body["permissions"]


async def test_data_center_knows_no_third_version(call: Any, headers: Any) -> None:
    answer = await call("GET", "/jira/rest/api/3/myself", headers=headers["jira-dc"])
    assert answer.status == 404


async def test_a_strangers_request_is_refused(call: Any) -> None:
    wrong = {"Authorization": "Bearer wrong"}
    assert (await call("GET", "/jira/rest/api/3/myself")).status == 401
    assert (await call("GET", "/jira/rest/api/2/myself", headers=wrong)).status == 401


async def test_an_issue_that_was_deleted_does_not_exist(call: Any, headers: Any) -> None:
    key = await opened(call, headers)
    call.sandbox.act("jira", key, "delete")
    assert (await cloud(call, headers, "GET", f"issue/{key}")).status == 404
    body = {"body": document("hello")}
    assert (await cloud(call, headers, "POST", f"issue/{key}/comment", body)).status == 404


async def refused(call: Any, headers: Any, **fields: Any) -> Any:
    answer = await cloud(call, headers, "POST", "issue", {"fields": {**FIELDS, **fields}})
    assert answer.status == 400
    return answer.body


async def test_a_field_that_is_on_no_screen_is_refused(call: Any, headers: Any) -> None:
    call.sandbox.set_behaviours("jira", screen_without="labels")
    assert set((await refused(call, headers))["errors"]) == {"labels"}
    types = await cloud(call, headers, "GET", "issue/createmeta/OPS/issuetypes")
    path = f"issue/createmeta/OPS/issuetypes/{types.body['issueTypes'][0]['id']}"
    screen = await cloud(call, headers, "GET", path)
    assert "labels" not in [one["fieldId"] for one in screen.body["fields"]]


async def test_validators_refuse_one_field_after_the_other(call: Any, headers: Any) -> None:
    call.sandbox.set_behaviours("jira", refuses_in_turn="priority,labels")
    both = {"priority": {"name": "High"}}
    assert set((await refused(call, headers, **both))["errors"]) == {"priority"}
    assert set((await refused(call, headers))["errors"]) == {"labels"}


async def test_a_validator_may_name_no_field(call: Any, headers: Any) -> None:
    call.sandbox.set_behaviours("jira", refuses_unnamed="labels")
    body = await refused(call, headers)
    assert body["errors"] == {}
    assert "validator" in body["errorMessages"][0]
