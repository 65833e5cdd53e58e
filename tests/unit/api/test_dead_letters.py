"""The dead letters over HTTP."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ticketing.dead_letters.reading import Entry, Page, Wanted, unknown
from ticketing.dead_letters.redrive import Redriven
from ticketing.errors import Conflict, NotWhole, Unavailable
from ticketing.wire.dead_letters import DeadLetter

RECORD = Entry(
    id="0-1",
    at=1_900_000_000.0,
    letter=DeadLetter(
        reason="no_score",
        stage="detection",
        topic="enriched-logs",
        partition=2,
        offset=0,
        value=b"{}",
        size=2,
    ),
)
REQUEST = Entry(
    id="1-0",
    at=1_900_000_000.0,
    letter=DeadLetter(
        reason="invalid",
        stage="delivery",
        platform="jira",
        incident_id="a-1-1",
        value=b"POST https://x\n{}",
        size=17,
    ),
)


FAILED: dict[str, Any] = {"reason": "failed", "stage": "incidents", "topic": "ticketing-events"}


class Letters:
    """Dead letters in a dict."""

    def __init__(self) -> None:
        self.entries: tuple[Entry, ...] = (RECORD, REQUEST)
        self.done: dict[str, Redriven] = {}
        self.asked: list[tuple[Wanted, int, str | None]] = []
        self.failure: Exception | None = None
        self.retried: list[tuple[str, str, str]] = []

    async def page(self, wanted: Wanted, limit: int, cursor: str | None) -> Page:
        if cursor == "bad":
            raise ValueError("is not a cursor of the dead letters; take it from the previous page")
        self.asked.append((wanted, limit, cursor))
        return Page([*self.entries], "0-1,1-0" if cursor is None else None)

    async def get(self, id: str) -> tuple[Entry, Redriven | None]:
        for entry in self.entries:
            if entry.id == id:
                return entry, self.done.get(id)
        raise unknown(id)

    async def redrive(self, id: str, by: str) -> Redriven:
        if self.failure is not None:
            raise self.failure
        await self.get(id)
        if id in self.done:
            raise Conflict("redriven", f"{id} was redriven before, by {by}, to t[0]@1")
        self.done[id] = Redriven(id=id, at=1_900_000_000.0, by=by, to="t[0]@1")
        return self.done[id]

    async def retry(self, incident_id: str, platform: str, by: str) -> str:
        if self.failure is not None:
            raise self.failure
        self.retried.append((incident_id, platform, by))
        return f"ticketing-{platform}[0]@1"


@pytest.fixture
def letters() -> Letters:
    return Letters()


@pytest.fixture
async def api(start: Any, letters: Letters) -> Any:
    return await start(dead_letters=letters)


async def test_a_list_has_filters_and_a_link_to_the_next_page(api: Any, letters: Letters) -> None:
    path = "/api/ticketing/api/v1/dead-letters?reason=invalid&platform=jira&limit=2"
    async with api.client.get(path) as answer:
        found = await answer.json()
        link = answer.headers["Link"]
    assert [each["id"] for each in found] == ["0-1", "1-0"]
    assert "value" not in found[0]
    assert link == f'<{path}&cursor=0-1,1-0>; rel="next"'
    status, _ = await api.get(f"{path}&cursor=0-1,1-0")
    assert status == 200
    wanted = Wanted(reason="invalid", platform="jira")
    assert letters.asked == [(wanted, 2, None), (wanted, 2, "0-1,1-0")]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("cursor=bad", "cursor"),
        ("raeson=x", "raeson"),
    ],
)
async def test_a_bad_query_is_named(api: Any, query: str, field: str) -> None:
    status, problem = await api.get(f"/api/v1/dead-letters?{query}")
    assert (status, problem["field"]) == (400, field)


async def test_one_shows_its_record_or_its_request(api: Any) -> None:
    _, record = await api.get("/api/v1/dead-letters/0-1")
    assert (record["value"], record["whole"], record["redriven"]) == ("{}", True, None)
    assert (record["topic"], record["partition"], record["offset"]) == ("enriched-logs", 2, 0)
    _, request = await api.get("/api/v1/dead-letters/1-0")
    assert request["request"] == "POST https://x\n{}"
    assert (request["platform"], request["incidentId"]) == ("jira", "a-1-1")
    status, _ = await api.get("/api/v1/dead-letters/9-9")
    assert status == 404


async def test_a_scrubbed_api_shows_no_secret_of_a_record(start: Any, letters: Letters) -> None:
    secret, id = "ghp_" + "a1B2" * 9, "5c09e1f2a3b4c5d6-9f617cf53f9d214c"
    letter = DeadLetter(
        reason="failed",
        stage="detection",
        topic="enriched-logs",
        key=f"user:{secret}",
        detail=f"ValueError: could not read 'token={secret}' of {id}",
        value=f"token={secret}".encode(),
        size=46,
    )
    leaking = Entry(id="2-0", at=1_900_000_000.0, letter=letter)
    letters.entries = (leaking, replace(leaking, id="2-1", letter=DeadLetter(key=id, **FAILED)))
    api = await start({"privacy": {"scrub": {"api": True}}}, dead_letters=letters)
    _, listed = await api.get("/api/v1/dead-letters")
    _, shown = await api.get("/api/v1/dead-letters/2-0")
    assert secret not in str([listed, shown])
    assert id in listed[0]["detail"]
    assert listed[1]["key"] == id


async def test_a_redrive_happens_once_and_the_second_is_told(api: Any) -> None:
    status, done = await api.post("/api/v1/dead-letters/0-1/redrive", {"by": "anna"})
    assert status == 200
    assert done == {
        "id": "0-1",
        "status": "redriven",
        "redrivenAt": "2030-03-17T17:46:40.000Z",
        "by": "anna",
        "to": "t[0]@1",
    }
    status, problem = await api.post("/api/v1/dead-letters/0-1/redrive")
    assert (status, problem["currentStatus"]) == (409, "redriven")
    _, shown = await api.get("/api/v1/dead-letters/0-1")
    assert shown["redriven"]["by"] == "anna"


@pytest.mark.parametrize(
    ("failure", "status"),
    [(NotWhole("holds 64000 of 64001 bytes"), 422), (Unavailable("Kafka does not answer"), 503)],
)
async def test_what_stands_in_the_way_is_said(
    api: Any, letters: Letters, failure: Exception, status: int
) -> None:
    letters.failure = failure
    answered, problem = await api.post("/api/v1/dead-letters/0-1/redrive")
    assert answered == status
    assert str(failure) in problem["detail"]


async def test_a_process_without_kafka_says_so(start: Any) -> None:
    api = await start()
    status, _ = await api.get("/api/v1/dead-letters")
    assert status == 501
