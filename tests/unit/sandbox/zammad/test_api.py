"""The stand-in for Zammad is as strict as Zammad."""

from __future__ import annotations

from typing import Any

import pytest

from ticketing.sandbox.zammad import credentials

TAG = "abcdef0123456789-0123456789abcdef"
ARTICLE = {"subject": "s", "body": "checkout fails", "type": "note", "internal": True}
TICKET = {
    "title": "checkout fails",
    "group": credentials.GROUP,
    "customer_id": credentials.CUSTOMER,
    "state": "new",
    "priority": "3 high",
    "tags": f"{TAG},checkout",
    "article": ARTICLE,
}


async def send(call: Any, headers: Any, method: str, path: str, body: Any = None) -> Any:
    return await call(method, f"/zammad/api/v1/{path}", body, headers=headers["zammad"])


async def opened(call: Any, headers: Any, **changes: Any) -> int:
    answer = await send(call, headers, "POST", "tickets", {**TICKET, **changes})
    assert answer.status == 201, answer.body
    return int(answer.body["id"])


async def test_a_ticket_is_opened_with_its_article_and_tags(call: Any, headers: Any) -> None:
    number = await opened(call, headers)
    (ticket,) = call.sandbox.tickets("zammad")
    assert (ticket["correlation"], ticket["priority"], ticket["state"]) == (TAG, "3 high", "open")
    tags = await send(call, headers, "GET", f"tags?object=Ticket&o_id={number}")
    assert tags.body == {"tags": [TAG, "checkout"]}
    articles = await send(call, headers, "GET", f"ticket_articles/by_ticket/{number}")
    assert [one["body"] for one in articles.body] == ["checkout fails"]


@pytest.mark.parametrize(
    "changes",
    [
        {"title": ""},
        {"title": None},
        {"title": "t" * 251},
        {"group": "Nobody"},
        {"group": None},
        {"state": "done"},
        {"priority": "critical"},
        {"owner": "nobody@sandbox.example"},
        {"customer_id": "guess:nobody"},
        {"customer_id": None},
        {"customer_id": 999},
        {"customer_id": None, "customer": "nobody@sandbox.example"},
        {"article": None},
        {"article": {"subject": "no body"}},
        {"article": {**ARTICLE, "type": "letter"}},
        {"article": {**ARTICLE, "content_type": "text/markdown"}},
        {"article": {**ARTICLE, "internal": "yes"}},
        {"tags": [TAG]},
        {"severity": "high"},
    ],
)
async def test_a_bad_ticket_is_refused(call: Any, headers: Any, changes: dict[str, Any]) -> None:
    answer = await send(call, headers, "POST", "tickets", {**TICKET, **changes})
    assert answer.status == 422
    assert answer.body["error"] == answer.body["error_human"]
    assert call.sandbox.tickets() == []


async def test_a_number_is_taken_once(call: Any, headers: Any) -> None:
    await opened(call, headers, number="4711")
    answer = await send(call, headers, "POST", "tickets", {**TICKET, "number": "4711"})
    assert answer.status == 422


async def test_a_ticket_is_changed_and_told_in_one_step(call: Any, headers: Any) -> None:
    number = await opened(call, headers)
    body = {"state": "closed", "group": "Management", "article": {**ARTICLE, "body": "over"}}
    answer = await send(call, headers, "PUT", f"tickets/{number}", body)
    assert (answer.status, answer.body["article_count"]) == (200, 2)
    ticket = call.sandbox.ticket("zammad", str(number))
    assert (ticket.state, ticket.record["group"]) == ("resolved", "Management")


async def test_a_refused_change_changes_nothing(call: Any, headers: Any) -> None:
    number = await opened(call, headers)
    body = {"state": "closed", "article": {"subject": "no body"}}
    assert (await send(call, headers, "PUT", f"tickets/{number}", body)).status == 422
    assert call.sandbox.tickets("zammad")[0]["state"] == "open"


async def test_an_article_needs_its_ticket(call: Any, headers: Any) -> None:
    number = await opened(call, headers)
    good = {**ARTICLE, "ticket_id": number}
    assert (await send(call, headers, "POST", "ticket_articles", good)).status == 201
    assert (await send(call, headers, "POST", "ticket_articles", ARTICLE)).status == 422
    gone = {**ARTICLE, "ticket_id": 999}
    assert (await send(call, headers, "POST", "ticket_articles", gone)).status == 404


async def test_tags_are_added_and_removed(call: Any, headers: Any) -> None:
    number = await opened(call, headers)
    tag = {"item": "late", "object": "Ticket", "o_id": number}
    assert (await send(call, headers, "POST", "tags/add", tag)).status == 201
    assert (await send(call, headers, "DELETE", "tags/remove", tag)).status == 200
    assert (await send(call, headers, "POST", "tags/add", {"item": "late"})).status == 422


async def search(call: Any, headers: Any, **body: Any) -> list[int]:
    answer = await send(call, headers, "POST", "tickets/search?expand=true", body)
    assert answer.status == 200
    return [row["id"] for row in answer.body]


async def test_a_condition_finds_the_newest_ticket_at_once(call: Any, headers: Any) -> None:
    call.platform("zammad").search.lag_seconds = 60.0
    mine, other = await opened(call, headers), await opened(call, headers, tags="other")
    condition = {"ticket.tags": {"operator": "contains all", "value": TAG}}
    assert await search(call, headers, condition=condition) == [mine]
    assert await search(call, headers, query=f"tags:{TAG}") == []
    call.clock.now += 61.0
    assert await search(call, headers, query=f"tags:{TAG}") == [mine]
    assert other not in await search(call, headers, query=f"tags:{TAG}")


async def test_a_malformed_condition_finds_everything(call: Any, headers: Any) -> None:
    both = [await opened(call, headers), await opened(call, headers, tags="other")]
    condition = {"ticket.tags": {"operator": "contains most", "value": TAG}}
    assert sorted(await search(call, headers, condition=condition)) == both


async def test_a_deleted_ticket_is_unknown(call: Any, headers: Any) -> None:
    number = await opened(call, headers)
    call.sandbox.act("zammad", str(number), "delete")
    for method, body in (("GET", None), ("PUT", {"state": "closed"})):
        assert (await send(call, headers, method, f"tickets/{number}", body)).status == 404


async def test_a_missing_token_is_forbidden_and_a_wrong_one_unauthorized(call: Any) -> None:
    path = "/zammad/api/v1/users/me"
    assert (await call("GET", path)).status == 403
    wrong = {"Authorization": "Token token=wrong"}
    assert (await call("GET", path, headers=wrong)).status == 401


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("groups", credentials.GROUP),
        ("ticket_states", "closed"),
        ("ticket_priorities", "3 high"),
    ],
)
async def test_the_lists_of_names_can_be_read(
    call: Any, headers: Any, path: str, name: str
) -> None:
    answer = await send(call, headers, "GET", path)
    assert name in [row["name"] for row in answer.body]


async def test_a_search_for_ids_is_answered_with_an_object(call: Any, headers: Any) -> None:
    number = await opened(call, headers)
    body = {"condition": {"ticket.tags": {"operator": "contains all", "value": TAG}}}
    answer = await send(call, headers, "POST", "tickets/search", body)
    assert (answer.body["tickets"], answer.body["tickets_count"]) == ([number], 1)
    call.sandbox.set_behaviours("zammad", search_answers_object=False)
    answer = await send(call, headers, "POST", "tickets/search", body)
    assert [row["id"] for row in answer.body] == [number]


async def test_without_tag_new_tags_are_dropped_in_silence(call: Any, headers: Any) -> None:
    call.sandbox.set_behaviours("zammad", tag_new=False)
    number = await opened(call, headers)
    tags = await send(call, headers, "GET", f"tags?object=Ticket&o_id={number}")
    assert tags.body == {"tags": []}


async def test_a_create_may_be_refused_after_it_was_done(call: Any, headers: Any) -> None:
    call.sandbox.set_behaviours("zammad", refuses_after_create=True)
    answer = await send(call, headers, "POST", "tickets", TICKET)
    assert answer.status == 422
    assert len(call.sandbox.tickets("zammad")) == 1


async def test_a_workflow_keeps_a_column_and_says_nothing(call: Any, headers: Any) -> None:
    number = await opened(call, headers, note=TAG)
    call.sandbox.set_behaviours("zammad", ignores="state", keeps_note=False)
    changes = {"state": "closed", "note": "n", "title": "t"}
    answer = await send(call, headers, "PUT", f"tickets/{number}?expand=true", changes)
    kept = answer.body
    assert (answer.status, kept["state"], kept["title"], kept["note"]) == (200, "new", "t", TAG)
