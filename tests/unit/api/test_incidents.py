"""Reading incidents over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.api.conftest import make_incident as incident
from ticketing.domain.events import TicketState
from ticketing.domain.incidents.incident import Status, Step, StepKind, Ticket
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Sample

CONTRACT = {
    "id",
    "severity",
    "status",
    "service",
    "title",
    "anomalyScore",
    "affectedServices",
    "traceId",
    "createdAt",
    "updatedAt",
    "platforms",
}


async def test_the_list_is_an_array_newest_first_with_the_contracts_fields(api: Any) -> None:
    await api.put(incident(1), incident(2, routes=["jira"]))
    status, found = await api.get("/api/incidents")
    assert status == 200
    assert [one["title"] for one in found] == ["payment failed 2", "payment failed 1"]
    assert set(found[0]) >= CONTRACT
    assert found[0]["createdAt"] == "2030-03-17T17:46:42.000Z"
    assert found[0]["platforms"] == ["jira"]


async def test_the_link_header_leads_through_all_pages(api: Any) -> None:
    await api.put(*(incident(n) for n in range(5)))
    seen, url = [], "/api/ticketing/api/incidents?limit=2&status=open"
    while url:
        async with api.client.get(url) as answer:
            seen += [one["title"] for one in await answer.json()]
            following = answer.links.get("next")
            url = following["url"].relative() if following else None
            assert url is None or url.path == "/api/ticketing/api/incidents"
    assert seen == [f"payment failed {n}" for n in (4, 3, 2, 1, 0)]


async def test_filters_reach_the_view(api: Any) -> None:
    await api.put(
        incident(1, status=Status.ACKNOWLEDGED),
        incident(2, severity=Severity.CRITICAL, service="a&b"),
        incident(3, tenant="zeta"),
    )
    for query, expected in {
        "status=acknowledged": [1],
        "status=acknowledged,open": [3, 2, 1],
        "status=acknowledged&status=open&severity=high": [3, 1],
        "service=a%26b": [2],
        "tenant_id=zeta": [3],
        "q=FAILED%202": [2],
        "from=2030-03-17T17:46:42Z&to=1900000003": [2],
        f"id={incident(1).id},ab-1-1,{incident(3).id}": [3, 1],
        f"id={incident(1).id},{incident(3).id}&tenant_id=zeta": [3],
        f"id={incident(1).id},{incident(3).id}&from=1900000003": [3],
        f"id={incident(1).id},{incident(3).id}&to=1900000003": [1],
        "id=ab-1-1": [],
        "q=&status=&from=": [3, 2, 1],
    }.items():
        status, found = await api.get(f"/api/incidents?{query}")
        assert status == 200
        assert [int(one["title"][-1]) for one in found] == expected, query


async def test_the_link_header_leads_through_incidents_asked_for_by_id(api: Any) -> None:
    await api.put(*(incident(n) for n in range(5)))
    ids = ",".join(incident(n).id for n in range(4))
    async with api.client.get(f"/api/incidents?id={ids}&limit=3") as answer:
        assert [one["title"][-1] for one in await answer.json()] == ["3", "2", "1"]
        following = answer.links["next"]["url"].relative()
    async with api.client.get(following) as answer:
        assert [one["title"][-1] for one in await answer.json()] == ["0"]
        assert "next" not in answer.links


async def test_an_incident_says_which_actions_its_status_allows(api: Any) -> None:
    await api.put(incident(1), incident(2, status=Status.RESOLVED, resolved_at=1_900_000_000.0))
    _, (resolved, opened) = await api.get("/api/incidents")
    assert opened["actions"] == [
        {"name": "acknowledge", "leadsTo": "acknowledged", "needs": None},
        {"name": "escalate", "leadsTo": "escalated", "needs": None},
        {"name": "resolve", "leadsTo": "resolved", "needs": None},
        {"name": "comment", "leadsTo": None, "needs": "text"},
        {"name": "forward", "leadsTo": None, "needs": "platform"},
        {"name": "unlink", "leadsTo": None, "needs": "from"},
    ]
    assert [one["name"] for one in resolved["actions"]] == ["reopen", "comment", "unlink"]
    _, found = await api.get(f"/api/incidents/{incident(1).id}")
    assert found["actions"] == opened["actions"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("id=nonsense", "id"),
        ("id=" + ",".join(f"ab-1-{n}" for n in range(51)), "id"),
        ("limit=abc", "limit"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=-1", "limit"),
        ("limit=1e2", "limit"),
        ("status=foo", "status"),
        ("severity=CRITICAL", "severity"),
        ("cursor=garbage", "cursor"),
        ("from=yesterday", "from"),
        ("to=nan", "to"),
        ("from=200&to=100", "from"),
        ("q=" + "x" * 201, "q"),
        ("serverity=high", "serverity"),
    ],
)
async def test_a_value_that_cannot_be_taken_is_named(api: Any, query: str, field: str) -> None:
    status, problem = await api.get(f"/api/incidents?{query}")
    assert (status, problem["field"]) == (400, field)


async def test_a_wrong_choice_is_told_what_it_could_be(api: Any) -> None:
    _, problem = await api.get("/api/incidents?status=closed")
    assert problem["allowed"] == ["open", "acknowledged", "escalated", "resolved"]
    _, problem = await api.get("/api/incidents?serverity=high")
    assert "did you mean severity?" in problem["detail"]


async def test_a_single_incident_has_timeline_tickets_trace_counts_and_evidence(api: Any) -> None:
    ticket = Ticket(
        platform="jira", state=TicketState.OPEN, key="OPS-1", url="https://jira.example/OPS-1"
    )
    one = incident(
        1,
        count=7,
        windows=[(1_900_000_000, 7)],
        timeline=[Step(seq=1, at=1_900_000_000.5, kind=StepKind.OPENED)],
        tickets={"jira": ticket},
        trace_ids=["ab", "cd"],
        samples=[Sample(at=1.0, message="<script>alert(1)</script>", trace_id="ab")],
    )
    await api.put(one)
    status, found = await api.get(f"/api/incidents/{one.id}")
    assert status == 200
    assert found["timeline"][0] == {
        "seq": 1,
        "at": "2030-03-17T17:46:40.500Z",
        "kind": "opened",
        "by": "",
        "text": "",
    }
    assert found["tickets"][0]["url"] == "https://jira.example/OPS-1"
    assert found["trace"]["ids"] == ["ab", "cd"]
    assert found["counts"] == {
        "total": 7,
        "windows": [{"start": "2030-03-17T17:46:40.000Z", "count": 7}],
    }
    assert found["evidence"][0]["message"] == "<script>alert(1)</script>"
    assert found["ticket_id"] == one.id


@pytest.mark.parametrize("id", ["aa-1-1", "nothing", "..%2f..", "a" * 3000, "AA-1-1", "%00"])
async def test_an_unknown_id_is_not_found(api: Any, id: str) -> None:
    status, problem = await api.get(f"/api/incidents/{id}")
    assert (status, problem["status"]) == (404, 404)
    status, problem = await api.post(f"/api/incidents/{id}/acknowledge")
    assert status == 404


async def test_times_out_of_any_calendar_are_shown_at_its_edge(api: Any) -> None:
    await api.put(incident(1, last_seen=1e18, first_seen=-5.0))
    _, found = await api.get("/api/incidents")
    assert found[0]["firstSeen"] == "1970-01-01T00:00:00.000Z"
    assert found[0]["lastSeen"].startswith("9999-12-31")


async def test_documents_stay_json_whatever_a_log_line_holds(api: Any) -> None:
    title = 'a"b\\c\n\u2028</script>\x00\x1f\U0001f600'
    await api.put(incident(1, title=title, service=title))
    async with api.client.get("/api/incidents") as answer:
        assert json.loads(await answer.read())[0]["title"] == title
    _, found = await api.get("/api/incidents", params={"service": title})
    assert len(found) == 1
