"""The particulars of Zammad: tags, articles, names, and what people do to tickets."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from contract.platforms.zammad import SUBJECTS
from support.contract import Desk, Desks, requests
from support.incidents import id_of

from tables.deliveries import Operation
from ticketing.domain.events import Summary, TicketState
from ticketing.domain.incidents.incident import Incident, Status
from ticketing.domain.incidents.incident import Ticket as Held
from ticketing.sandbox.zammad import credentials, directory

HOUR = 3600.0
Opens = Callable[..., Desk]


@pytest.fixture
def desk_with(desks: Desks) -> Opens:
    """Opens a desk with settings of section `zammad`."""
    return partial(desks.open, replace(SUBJECTS[0], section=lambda base: {}))


def articles(desk: Desk) -> list[str]:
    return [one["body"] for one in desk.ticket().record["articles"]]


# What a ticket is made of


async def test_a_ticket_has_its_group_owner_customer_and_tags(desk_with: Opens) -> None:
    desk = desk_with(
        groups={"services": {"checkout": "Management"}},
        owner="owner@sandbox.example",
        customer="customer@sandbox.example",
        tags=["sre, first line", "team-a"],
    )
    await desk.life.want(desk.story.opened(), 60)
    kept = desk.ticket().record
    assert (kept["group"], kept["owner"]) == ("Management", "owner@sandbox.example")
    assert kept["customer_id"] == 10
    key = f"ticketing-{desk.story.incident.id}"
    assert kept["tags"] == [key, "sre first line", "team-a", "checkout"]
    assert kept["note"] == desk.story.incident.id


async def test_without_a_customer_it_is_the_tokens_own_user(desk_with: Opens, record: Path) -> None:
    desk = desk_with(customer=None)
    await desk.life.want(desk.story.opened(), 60)
    assert desk.ticket().record["customer_id"] == 2
    assert len(requests(record, "GET", "/users/me")) == 1


async def test_articles_are_internal_notes_in_plain_text(desk_with: Opens, record: Path) -> None:
    desk = desk_with()
    await desk.life.want(desk.story.opened(), 60)
    await desk.life.want(desk.story.commented(), 60)
    sent = [requests(record, "POST", "/tickets")[0]["body"]["article"]]
    sent += [row["body"] for row in requests(record, "POST", "/ticket_articles")]
    assert len(sent) == 2
    for one in sent:
        assert (one["internal"], one["type"], one["content_type"]) == (True, "note", "text/plain")


async def test_states_have_the_configured_names(desk_with: Opens) -> None:
    desk = desk_with(states={"open": "open", "acknowledged": "pending reminder"})
    await desk.life.want(desk.story.opened(), 60)
    assert desk.ticket().record["state"] == "open"
    await desk.life.want(desk.story.acknowledged(), 60)
    assert desk.ticket().record["state"] == "pending reminder"


async def test_the_group_of_its_opening_is_kept_for_a_repeat(desk_with: Opens) -> None:
    desk = desk_with(groups={"severities": {"high": "Management"}})
    desk.fault("down", count=1)
    await desk.life.want(desk.story.opened())
    await desk.life.want(desk.story.raised(), HOUR)
    assert desk.ticket().record["group"] == "Management"


# Escalating


async def test_escalating_moves_it_to_the_group(desk_with: Opens) -> None:
    desk = desk_with(escalationGroup="Management")
    await desk.life.want(desk.story.opened(), 60)
    await desk.life.want(desk.story.escalated("lead"), 60)
    assert desk.ticket().record["group"] == "Management"


async def test_without_a_group_the_priority_says_it(desk_with: Opens) -> None:
    desk = desk_with(priorityMapping={"high": "2 normal"})
    await desk.life.want(desk.story.opened(), 60)
    assert desk.ticket().priority == "2 normal"
    await desk.life.want(desk.story.escalated("lead"), 60)
    assert desk.ticket().priority == "3 high"


# What is told


def summarized(desk: Desk, text: str) -> Incident:
    return desk.story.changed(
        summary=Summary(
            incident_id=desk.story.incident.id,
            revision=desk.story.incident.revision,
            generated_by="rules",
            title="t",
            text=text,
        )
    )


async def test_a_summary_and_links_are_articles(desk_with: Opens) -> None:
    desk = desk_with()
    await desk.life.want(desk.story.opened(), 60)
    await desk.life.want(summarized(desk, "the pool is too small"), 60)
    assert "the pool is too small" in articles(desk)[-1]
    tickets = {"jira": Held(platform="jira", url="https://jira.example/browse/OPS-1", key="OPS-1")}
    await desk.life.want(desk.story.changed(tickets=tickets), 60)
    assert "https://jira.example/browse/OPS-1" in articles(desk)[-1]


async def test_an_article_of_unknown_outcome_is_written_once(desk_with: Opens) -> None:
    desk = desk_with()
    await desk.life.want(desk.story.opened(), 60)
    for fault in ("timeout_after_accept", "malformed"):
        desk.fault(fault, method="PUT", count=1)
        await desk.life.want(summarized(desk, f"words before {fault}"), HOUR)
        assert sum(f"words before {fault}" in one for one in articles(desk)) == 1


async def test_resolving_tells_the_final_numbers_once(desk_with: Opens) -> None:
    desk = desk_with()
    await desk.life.want(desk.story.opened(), 60)
    desk.fault("timeout_after_accept", method="PUT", count=1)
    await desk.life.want(desk.story.resolved(), HOUR)
    told = [one for one in desk.ticket().record["articles"] if one["subject"] == "Resolved"]
    assert len(told) == 1
    assert "How many" in told[0]["body"]


# Found again


async def test_what_may_be_there_is_looked_for_and_its_tags_are_checked(
    desk_with: Opens, record: Path
) -> None:
    desk = desk_with()
    desk.behaves(keeps_note=False)
    desk.fault("timeout_after_accept", method="POST", path="/tickets", count=1)
    await desk.life.want(desk.story.opened(), HOUR)
    assert desk.life.operations[:2] == [Operation.CREATE, Operation.LOOK_UP]
    search = requests(record, "POST", "/tickets/search")[0]
    assert "query" not in search["body"]
    asked = requests(record, "GET", "/tags")[0]
    assert asked["query"] == {"object": "Ticket", "o_id": desk.ticket().id}
    desk.is_true(Status.OPEN)


async def test_tickets_of_others_are_not_taken_for_ours(
    desk_with: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A condition that Zammad does not understand is answered with whatever there is."""
    monkeypatch.setattr("ticketing.sandbox.zammad.query.condition", lambda name, test: None)
    desk, other = desk_with(), desk_with()
    other.story.changed(id=id_of(7))
    await other.life.want(other.story.opened(), 60)
    desk.fault("down", method="POST", path="/tickets", count=1)
    await desk.life.want(desk.story.opened(), HOUR)
    found = {ticket.correlation for ticket in desk.tickets()}
    assert found == {desk.story.incident.id, other.story.incident.id}


async def test_a_second_ticket_is_closed_with_a_word(desk_with: Opens) -> None:
    """The search misses the first one, which turns up after the second was made."""
    desk = desk_with()
    desk.fault("timeout_after_accept", method="POST", path="/tickets", count=1)
    await desk.life.want(desk.story.opened())
    (first,) = desk.tickets()
    tags, first.record["tags"], first.record["note"] = first.record["tags"], [], None
    while len(desk.tickets()) < 2:
        await desk.life.run(0.2)
    first.record["tags"] = tags
    await desk.life.run(HOUR)
    assert Operation.DEDUPLICATE in desk.life.operations
    assert [one.state for one in desk.tickets()] == ["resolved", "open"]
    assert desk.ticket().key in first.record["articles"][-1]["body"]


async def test_a_ticket_without_its_tag_is_found_by_its_note(desk_with: Opens) -> None:
    desk = desk_with()
    desk.behaves(tag_new=False)
    desk.fault("timeout_after_accept", method="POST", path="/tickets", count=1)
    await desk.life.want(desk.story.opened(), HOUR)
    (ticket,) = desk.tickets()
    assert ticket.record["tags"] == []


async def test_tags_that_zammad_drops_are_told(desk_with: Opens) -> None:
    desk = desk_with(tags=["team-a"])
    desk.behaves(tag_new=False)
    await desk.life.want(desk.story.opened(), 60)
    (told,) = left_out(desk)
    assert "tag_new" in told
    assert "team-a" in told


async def test_a_ticket_that_was_made_and_refused_is_adopted(desk_with: Opens) -> None:
    desk = desk_with()
    desk.behaves(refuses_after_create=True)
    await desk.life.want(desk.story.opened(), HOUR)
    await desk.life.want(desk.story.raised(), HOUR)
    assert len(desk.tickets()) == 1
    assert not desk.life.dead_letters


# Refused and ignored fields


def left_out(desk: Desk) -> tuple[str, ...]:
    return tuple(
        sentence
        for _, outcome in desk.life.platform.outcomes
        for sentence in getattr(outcome, "left_out", ())
    )


async def test_a_ticket_without_refused_fields_is_better_than_none(desk_with: Opens) -> None:
    desk = desk_with(owner="gone@sandbox.example", priorityMapping={"high": "9 gone"})
    await desk.life.want(desk.story.opened(), HOUR)
    (ticket,) = desk.tickets()
    assert (ticket.record["owner"], ticket.priority) == ("-", "2 normal")
    (told,) = left_out(desk)
    assert "owner, priority" in told
    assert "9 gone" in told


@pytest.mark.parametrize("name", ["state", "group"])
async def test_a_name_that_is_gone_leaves_no_ticket(desk_with: Opens, name: str) -> None:
    settings = {"state": {"states": {"open": "gone"}}, "group": {"group": "gone"}}
    desk = desk_with(**settings[name])
    await desk.life.want(desk.story.opened(), 60)
    assert desk.tickets() == []
    assert "gone" in desk.life.delivery(desk.story.incident.id).error


async def test_a_change_without_a_refused_priority_is_told_once(desk_with: Opens) -> None:
    desk = desk_with(priorityMapping={"critical": "9 gone"})
    await desk.life.want(desk.story.opened(), 60)
    await desk.life.want(desk.story.raised(), HOUR)
    assert "[CRITICAL]" in desk.ticket().title
    assert any("priority" in one for one in left_out(desk))
    assert not desk.life.dead_letters


@pytest.mark.parametrize("move", ["acknowledged", "resolved"])
async def test_a_state_that_a_workflow_keeps_is_not_reached(desk_with: Opens, move: str) -> None:
    desk = desk_with()
    await desk.life.want(desk.story.opened(), 60)
    desk.behaves(ignores="state")
    await desk.life.want(getattr(desk.story, move)(), 60)
    error = desk.life.delivery(desk.story.incident.id).error
    assert 'the state stays "new"' in error
    assert desk.life.receipts[-1].state is TicketState.OPEN
    assert 'the state stays "new"' in desk.life.receipts[-1].error


async def test_a_reopening_that_a_workflow_keeps_closed_is_not_reached(desk_with: Opens) -> None:
    desk = desk_with()
    await desk.life.want(desk.story.opened(), 60)
    await desk.life.want(desk.story.resolved(), 60)
    desk.behaves(ignores="state")
    await desk.life.want(desk.story.reopened(), 60)
    assert 'stays "closed"' in desk.life.delivery(desk.story.incident.id).error


async def test_a_group_that_a_workflow_keeps_is_told(desk_with: Opens) -> None:
    desk = desk_with(escalationGroup="Management")
    await desk.life.want(desk.story.opened(), 60)
    desk.behaves(ignores="group")
    await desk.life.want(desk.story.escalated("lead"), 60)
    assert left_out(desk) == ('group: asked for "Management", Zammad has "Operations"',)


# People


async def test_acknowledging_leaves_a_ticket_closed_that_a_person_closed(desk_with: Opens) -> None:
    desk = desk_with()
    await desk.life.want(desk.story.opened(), 60)
    desk.person("close")
    await desk.life.want(desk.story.acknowledged(), 60)
    await desk.life.want(desk.story.escalated("lead"), 60)
    assert desk.ticket().record["state"] == "closed"
    await desk.life.want(desk.story.resolved(), 60)
    await desk.life.want(desk.story.reopened(), 60)
    assert desk.ticket().record["state"] == "new"


async def test_a_priority_that_a_person_chose_stays_until_it_is_worse(desk_with: Opens) -> None:
    desk = desk_with()
    await desk.life.want(desk.story.opened(), 60)
    desk.ticket().record["priority"] = "1 low"
    await desk.life.want(desk.story.changed(title="another title"), 60)
    assert desk.ticket().record["priority"] == "1 low"
    await desk.life.want(desk.story.raised(), 60)
    assert desk.ticket().record["priority"] == "3 high"


async def test_a_deleted_ticket_is_told_as_rejected(desk_with: Opens) -> None:
    desk = desk_with()
    await desk.life.want(desk.story.opened(), 60)
    desk.person("delete")
    await desk.life.want(desk.story.resolved(), 24 * HOUR)
    assert desk.life.receipts[-1].state is TicketState.REJECTED
    assert [letter.reason for letter in desk.life.dead_letters] == ["not_found"]


# The test of the connection


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("token", "wrong"),
        ("group", "Nobody"),
        ("groups", {"services": {"checkout": "Nobody"}}),
        ("escalationGroup", "Nobody"),
        ("owner", "nobody@sandbox.example"),
        ("customer", "nobody@sandbox.example"),
        ("customer", "guess:nobody"),
    ],
)
async def test_what_is_wrong_is_named(desk_with: Opens, key: str, value: Any) -> None:
    tested = await desk_with(**{key: value}).life.platform.test_connection()
    assert not tested.ok
    assert f"zammad.{key}" in tested.message


async def test_every_wrong_name_is_told_at_once(desk_with: Opens) -> None:
    desk = desk_with(states={"resolved": "done"}, priorityMapping={"low": "4 idle"}, group="X")
    tested = await desk.life.platform.test_connection()
    for said in ('states.resolved: there is no active state "done"', '"4 idle"', '"X"; active: '):
        assert said in tested.message


async def test_names_beyond_the_first_page_are_known(
    desk_with: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = {f"Group {number}": number for number in range(250)}
    for name, number in many.items():
        monkeypatch.setitem(directory.GROUPS, name, number)
    tested = await desk_with(group="Group 249").life.platform.test_connection()
    assert tested.ok, tested.message


async def test_a_search_that_fails_is_told(desk_with: Opens) -> None:
    desk = desk_with()
    desk.fault("malformed", path="/tickets/search")
    tested = await desk.life.platform.test_connection()
    assert "tickets can't be searched" in tested.message


async def test_403_says_what_else_it_can_mean(desk_with: Opens) -> None:
    desk = desk_with()
    desk.fault("server_error", status=403)
    tested = await desk.life.platform.test_connection()
    assert "maintenance" in tested.message


# Nothing outside


def certified(folder: Path) -> tuple[Path, Path]:
    key, certificate = folder / "key.pem", folder / "ca.pem"
    command = [
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
        *("-subj", "/CN=zammad", "-addext", "subjectAltName=IP:127.0.0.1"),
        *("-keyout", str(key), "-out", str(certificate)),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return key, certificate


async def test_a_certificate_authority_of_ones_own_is_trusted_and_no_other(
    desk_with: Opens, tmp_path: Path
) -> None:
    key, certificate = certified(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)

    async def ticket(request: web.Request) -> web.Response:
        return web.json_response({"id": 7, "number": "10007"}, status=201)

    app = web.Application()
    app.router.add_post("/api/v1/tickets", ticket)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    base = f"https://127.0.0.1:{runner.addresses[0][1]}"
    trusting = desk_with(baseUrl=base, caBundle=str(certificate))
    await trusting.life.want(trusting.story.opened())
    doubting = desk_with(baseUrl=base)
    await doubting.life.want(doubting.story.opened())
    await runner.cleanup()
    assert trusting.life.receipts[-1].key == "10007"
    assert doubting.life.platform.outcomes[0][1].reason == "unreachable"


# Attributes of one's own, and the catalog


async def test_attributes_of_ones_own_are_written(desk_with: Opens) -> None:
    desk = desk_with(fields={"incident_id": "{{ service }}/{{ severity }}"})
    await desk.life.want(desk.story.opened(), 60)
    assert desk.ticket().record["incident_id"] == "checkout/high"


@pytest.mark.parametrize("fields", [{"incident_id": "x" * 200}, {"no_such": "x"}])
@pytest.mark.parametrize("drops", [False, True], ids=["refused", "dropped"])
async def test_an_attribute_that_is_not_taken_costs_no_ticket_and_is_told(
    desk_with: Opens, fields: dict[str, str], drops: bool
) -> None:
    desk = desk_with(fields=fields)
    desk.behaves(drops_unknown=drops)
    await desk.life.want(desk.story.opened(), 60)
    desk.is_true(Status.OPEN)
    await desk.life.want(desk.story.commented(), HOUR)
    assert f"{next(iter(fields))}" in desk.texts()


async def test_the_catalog_names_the_group(desk_with: Opens) -> None:
    catalog = {"services": {"checkout": {"group": "Management"}}}
    desk = desk_with(settings={"catalog": catalog}, groups={"tenants": {"acme": "Users"}})
    await desk.life.want(desk.story.opened(), 60)
    assert desk.ticket().record["group"] == "Management"


async def test_a_group_that_is_servicenows_alone_costs_no_ticket(desk_with: Opens) -> None:
    catalog = {"services": {"checkout": {"group": "Payments Ops"}}}
    desk = desk_with(settings={"catalog": catalog})
    await desk.life.want(desk.story.opened(), 60)
    (ticket,) = desk.tickets()
    assert ticket.record["group"] == credentials.GROUP
    assert any('group: Zammad refused "Payments Ops"' in one for one in left_out(desk))
