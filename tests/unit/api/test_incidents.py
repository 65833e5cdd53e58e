"""Reading incidents over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.incidents import SCOPE
from support.shown_alerts import alert, part

from tests.unit.api.conftest import NOW
from tests.unit.api.conftest import make_incident as incident
from ticketing.domain.alerts.alert import AlertState
from ticketing.domain.events import TicketState
from ticketing.domain.incidents.incident import Status, Step, StepKind, Ticket
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Sample
from ticketing.view.query import Place, Sort, encode_cursor

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


NOBODY = f"{SCOPE}-{'f' * 16}"
ALERT = "a" * 16
BY_CREATION = encode_cursor(Place(1.0, NOBODY), Sort.CREATED)


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
        incident(1, status=Status.ACKNOWLEDGED, alerts=[part(ALERT, service="payments")]),
        incident(2, severity=Severity.CRITICAL, service="a&b", title="refund failed 2"),
        incident(3, tenant="zeta"),
    )
    for query, expected in {
        "status=acknowledged": [1],
        "status=acknowledged,open": [3, 2, 1],
        "status=acknowledged&status=open&severity=high": [3, 1],
        "service=a%26b": [2],
        "tenant_id=zeta": [3],
        f"alert={ALERT}": [1],
        f"alert={ALERT}&status=open": [],
        "alert=ffffffffffffffff": [],
        "service=payments": [1],
        "service=payments&service=a%26b": [2, 1],
        "q=FAILED%20reFund": [2],
        "from=2030-03-17T17:46:42Z&to=1900000003": [2],
        f"id={incident(1).id},{NOBODY},{incident(3).id}": [3, 1],
        f"id={incident(1).id},{incident(3).id}&tenant_id=zeta": [3],
        f"id={incident(1).id},{incident(3).id}&from=1900000003": [3],
        f"id={incident(1).id},{incident(3).id}&to=1900000003": [1],
        f"id={NOBODY}": [],
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
        {"name": "note", "leadsTo": None, "needs": "text"},
        {"name": "assign", "leadsTo": None, "needs": "to"},
        {"name": "snooze", "leadsTo": None, "needs": "until"},
        {"name": "merge", "leadsTo": None, "needs": "with"},
        {"name": "split", "leadsTo": None, "needs": "alerts"},
        {"name": "move", "leadsTo": None, "needs": "alerts"},
        {"name": "delete", "leadsTo": None, "needs": None},
    ]
    assert {"reopen", "comment", "note", "delete"} <= {one["name"] for one in resolved["actions"]}
    assert "acknowledge" not in {one["name"] for one in resolved["actions"]}
    _, found = await api.get(f"/api/incidents/{incident(1).id}")
    assert found["actions"] == opened["actions"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("id=nonsense", "id"),
        ("alert=nonsense", "alert"),
        ("id=" + ",".join(f"{SCOPE}-{n:016x}" for n in range(51)), "id"),
        ("limit=abc", "limit"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=-1", "limit"),
        ("limit=1e2", "limit"),
        ("status=foo", "status"),
        ("severity=CRITICAL", "severity"),
        ("cursor=garbage", "cursor"),
        (f"sort=count&cursor={BY_CREATION}", "cursor"),
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


@pytest.mark.parametrize(
    "id", [NOBODY, "aa-1-1", "nothing", "..%2f..", "a" * 3000, NOBODY.upper(), "%00"]
)
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


async def test_an_incident_lists_its_alerts_with_counts_by_minute_and_reasons(api: Any) -> None:
    sample = Sample(at=1.0, message="refused", topic="enriched-logs", partition=1, offset=7)
    alerts = [
        part("a" * 16, minutes=[(1_900_000_000, 3)], reason="it opened the incident", config="c1"),
        part("b" * 16, service="cart", topic="enriched-logs", partition=1, offset=7, sample=sample),
    ]
    one = incident(1, alerts=alerts, alerts_total=5, alerts_firing=2)
    await api.put(one)
    status, found = await api.get(f"/api/incidents/{one.id}/alerts")
    assert status == 200
    assert [alert["fingerprint"] for alert in found] == ["a" * 16, "b" * 16]
    assert found[0]["minutes"] == [{"start": "2030-03-17T17:46:40.000Z", "count": 3}]
    assert (found[0]["reason"], found[0]["config"]) == ("it opened the incident", "c1")
    assert (found[1]["topic"], found[1]["partition"], found[1]["offset"]) == ("enriched-logs", 1, 7)
    assert found[1]["evidence"]["message"] == "refused"
    _, whole = await api.get(f"/api/incidents/{one.id}")
    assert whole["alerts"] == found
    assert (whole["alertsTotal"], whole["alertsFiring"]) == (5, 2)
    assert whole["alertServices"] == ["checkout", "cart"]
    assert (await api.get(f"/api/incidents/{NOBODY}/alerts"))[0] == 404


async def test_a_page_of_an_incidents_alerts_goes_on_though_its_last_one_has_moved(
    api: Any,
) -> None:
    first, last, other = (part(letter * 16, first_seen=NOW + n) for n, letter in enumerate("cba"))
    await api.put(incident(1, alerts=[first, last, other]))
    async with api.client.get(f"/api/incidents/{incident(1).id}/alerts?limit=2") as answer:
        assert [one["fingerprint"][0] for one in await answer.json()] == ["c", "b"]
        following = answer.links["next"]["url"].relative()
    await api.put(incident(1, alerts=[first, other], revision=2))
    status, found = await api.get(following)
    assert (status, [one["fingerprint"][0] for one in found]) == (200, ["a"])


async def test_alerts_are_listed_latest_episode_first_and_narrowed_by_every_filter(
    api: Any,
) -> None:
    await api.writer.store.write_alerts(
        (one.fingerprint, one)
        for one in (
            alert(1, tenant="zeta", environment="test"),
            alert(2, service="a&b", severity=Severity.CRITICAL),
            alert(3, state=AlertState.QUIET, quiet_at=NOW, title="refund failed 3"),
        )
    )
    for query, expected in {
        "": [3, 2, 1],
        "state=firing": [2, 1],
        "state=quiet,firing": [3, 2, 1],
        "severity=critical": [2],
        "service=a%26b": [2],
        "tenant_id=zeta": [1],
        "environment=test": [1],
        "environment=test&severity=critical": [],
        "q=reFund": [3],
        "q=": [3, 2, 1],
    }.items():
        status, found = await api.get(f"/api/v1/alerts?{query}")
        assert status == 200
        assert [int(one["fingerprint"], 16) for one in found] == expected, query
    async with api.client.get("/api/v1/alerts?limit=2") as answer:
        following = answer.links["next"]["url"].relative()
    _, rest = await api.get(str(following))
    assert [int(one["fingerprint"], 16) for one in rest] == [1]


@pytest.mark.parametrize(
    ("query", "field"),
    [("state=open", "state"), ("limit=0", "limit"), ("alert=a", "alert"), ("cursor=x", "cursor")],
)
async def test_a_query_of_alerts_that_cannot_be_taken_is_named(
    api: Any, query: str, field: str
) -> None:
    status, problem = await api.get(f"/api/v1/alerts?{query}")
    assert (status, problem["field"]) == (400, field)
