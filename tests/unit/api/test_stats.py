"""Statistics, and similar incidents, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from support.access import ENFORCED, Keys

from tests.unit.api.conftest import NOW
from tests.unit.api.conftest import make_incident as incident
from ticketing.domain.incidents.incident import Resolution, Status, Step, StepKind, Ticket

DAY = 86_400.0
PERIOD = f"from={NOW - DAY}&to={NOW + DAY}"
PAGED = incident(
    1,
    count=120,
    ticketed=True,
    page=3,
    paged_at=NOW + 900.0,
    acknowledged_at=NOW + 61.0,
    timeline=[
        Step(seq=1, at=NOW + 1.0, kind=StepKind.TICKETED),
        Step(seq=2, at=NOW + 900.0, kind=StepKind.REPAGED),
    ],
    tickets={"opsgenie": Ticket(platform="opsgenie", on_call="Ada, Bob")},
)
ENDED = incident(
    2,
    count=30,
    service="cart",
    status=Status.RESOLVED,
    resolved_at=NOW + 302.0,
    resolution=Resolution.COMMAND,
)


async def test_figures_of_a_time_are_told_by_service_severity_person_and_part(api: Any) -> None:
    merged = incident(3, status=Status.RESOLVED, resolved_at=NOW + 9.0, merged_into=PAGED.id)
    await api.put(PAGED, ENDED, merged)
    status, found = await api.get(f"/api/stats?{PERIOD}")
    assert status == 200
    assert (found["incidents"], found["anomalies"], found["pages"]) == (3, 153, 3)
    assert (found["noiseReduction"], found["pagesPerDay"]) == (51.0, 1.5)
    assert (found["mttaSeconds"], found["acknowledged"]) == (60.0, 1)
    assert (found["mttrSeconds"], found["resolved"]) == (300.0, 1)
    assert [(one["service"], one["pages"]) for one in found["services"]] == [
        ("checkout", 3),
        ("cart", 0),
    ]
    assert [(one["name"], one["pages"], one["pagesPerDay"]) for one in found["people"]] == [
        ("Ada", 3, 1.5),
        ("Bob", 3, 1.5),
    ]
    assert [one["severity"] for one in found["severities"]] == ["critical", "high", "medium", "low"]
    assert [(one["start"], one["pages"]) for one in found["buckets"]] == [
        ("2030-03-16T00:00:00.000Z", 0),
        ("2030-03-17T00:00:00.000Z", 3),
        ("2030-03-18T00:00:00.000Z", 0),
    ]


async def test_mean_times_to_acknowledge_and_to_resolve(api: Any) -> None:
    await api.put(PAGED, ENDED)
    status, found = await api.get(f"/api/v1/metrics/mttr?{PERIOD}&bucket=week&service=cart")
    assert status == 200
    assert (found["mttaSeconds"], found["mttrSeconds"], found["incidents"]) == (None, 300.0, 1)
    assert "pages" not in found
    assert [one["mttrSeconds"] for one in found["buckets"]] == [300.0, None]


async def test_a_month_until_now_is_the_default(api: Any) -> None:
    status, found = await api.get("/api/stats")
    assert (status, found["incidents"], len(found["buckets"])) == (200, 0, 31)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("bucket=month", "bucket"),
        (f"from=0&to={NOW}&bucket=hour", "bucket"),
        ("from=2&to=1", "from"),
        ("from=90000000000", "from"),
        ("severity=loud", "severity"),
        ("status=open", "status"),
    ],
)
async def test_what_cannot_be_measured_is_named(api: Any, query: str, field: str) -> None:
    status, problem = await api.get(f"/api/stats?{query}")
    assert (status, problem["field"]) == (400, field)


async def test_figures_and_similar_incidents_are_of_ones_own_tenants(start: Any) -> None:
    keys = Keys()
    api = await start(ENFORCED, door=keys.door(), desk=keys)
    ours, theirs = (keys.key(name, tenants=[name]) for name in ("acme", "theirs"))
    resolved = {"status": Status.RESOLVED, "resolved_at": NOW + 60.0}
    await api.put(PAGED, incident(2, **resolved), incident(3, tenant="theirs", **resolved))
    for query in (PERIOD, f"{PERIOD}&tenant_id=acme"):
        _, found = await api.get(f"/api/stats?{query}", headers=theirs)
        assert found["people"] == []
        assert (found["incidents"], found["pages"]) == (0 if "tenant" in query else 1, 0)
    _, found = await api.get(f"/api/incidents/{PAGED.id}/similar", headers=ours)
    assert [one["id"] for one in found] == [incident(2).id]
    status, _ = await api.get(f"/api/incidents/{PAGED.id}/similar", headers=theirs)
    assert status == 404


async def test_similar_incidents_tell_how_they_ended(api: Any) -> None:
    ended = incident(
        2,
        status=Status.RESOLVED,
        opened_at=NOW - 500.0,
        resolved_at=NOW - 200.0,
        resolution=Resolution.COMMAND,
        timeline=[
            Step(seq=1, at=NOW, kind=StepKind.RESOLVED, by="ada", text="restarted the pool"),
            Step(seq=2, at=NOW, kind=StepKind.RESOLVED, by="policy", text="quiet"),
        ],
    )
    other = incident(3, status=Status.RESOLVED, resolved_at=NOW, pattern="disk is full")
    await api.put(incident(1), ended, other, incident(4))
    status, found = await api.get(f"/api/incidents/{incident(1).id}/similar")
    assert status == 200
    (one,) = found
    assert (one["id"], one["resolution"], one["seconds"]) == (ended.id, "command", 300.0)
    assert [note["text"] for note in one["notes"]] == ["restarted the pool"]
    assert 0.4 <= one["likeness"] <= 1.0


async def test_without_a_view_nothing_is_measured(api: Any) -> None:
    await api.writer.store.redis.flushall()
    for path in ("/api/stats", "/api/v1/metrics/mttr", "/api/incidents", "/api/v1/totals"):
        async with api.client.get(path) as answer:
            assert (answer.status, (await answer.json())["rebuilding"]) == (503, True)
            assert int(answer.headers["Retry-After"]) > 0
