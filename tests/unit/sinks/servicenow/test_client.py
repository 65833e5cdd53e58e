"""The particulars of ServiceNow: references, levels, closing, tokens, and a loose query."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from contract.platforms.servicenow import SUBJECTS
from hypothesis import given
from hypothesis import strategies as st
from support.contract import Desk, Desks, Subject, requests
from support.incidents import id_of
from support.life import Clock

from sinks.calls.outcome import Unknown
from sinks.servicenow import payload
from tables.deliveries import Operation
from ticketing.domain.events import TicketState
from ticketing.domain.incidents.incident import Status
from ticketing.domain.severity import Severity
from ticketing.sandbox.server import STATE, start
from ticketing.sandbox.servicenow import query, rules
from ticketing.sandbox.servicenow.access import Access
from ticketing.sandbox.servicenow.answers import refuse
from ticketing.sandbox.servicenow.api import ServiceNow
from ticketing.sandbox.servicenow.directory import TABLES
from ticketing.sandbox.servicenow.store import Incidents
from ticketing.sandbox.servicenow.tickets import IncidentCalls

HOUR = 3600.0
BASIC, OAUTH = SUBJECTS
Opens = Callable[..., Desk]
GROUPS = {row["name"]: row["sys_id"] for row in TABLES["sys_user_group"]}
SERVICES = {row["name"]: row for row in TABLES["cmdb_ci_service"]}
USERS = {row["user_name"]: row["sys_id"] for row in TABLES["sys_user"]}
HOST = TABLES["cmdb_ci"][-1]


@pytest.fixture
def desk_with(desks: Desks) -> Opens:
    """Opens a desk with settings of section `servicenow`."""

    def opened(subject: Subject = BASIC, **more: Any) -> Desk:
        return desks.open(subject, **more)

    return opened


def row_of(desk: Desk) -> dict[str, Any]:
    return desk.ticket().record


# References


async def test_the_configuration_item_is_found_by_the_services_name(desk_with: Opens) -> None:
    desk = desk_with()
    await desk.life.want(desk.story.opened(), 60)
    assert row_of(desk)["cmdb_ci"] == SERVICES["checkout"]["sys_id"]
    assert row_of(desk)["assignment_group"] == SERVICES["checkout"]["support_group"]
    assert row_of(desk)["journal"] == []


async def test_what_is_no_service_is_looked_for_among_all_items(desk_with: Opens) -> None:
    desk = desk_with()
    desk.story.changed(service="db-01")
    await desk.life.want(desk.story.opened(), 60)
    assert row_of(desk)["cmdb_ci"] == HOST["sys_id"]
    assert row_of(desk)["assignment_group"] == GROUPS["Site Reliability"]


@pytest.mark.parametrize(
    ("service", "said"),
    [
        ("twice", 'cmdb_ci is not set: more than one in cmdb_ci_service is named "twice"'),
        ("unheard", 'cmdb_ci is not set: nothing in cmdb_ci is named "unheard"'),
        ("check^out", 'cmdb_ci is not set: "check^out" is not allowed as a name'),
    ],
)
async def test_no_item_is_guessed(desk_with: Opens, service: str, said: str) -> None:
    desk = desk_with()
    desk.story.changed(service=service)
    await desk.life.want(desk.story.opened(), 60)
    assert row_of(desk)["cmdb_ci"] == ""
    assert row_of(desk)["assignment_group"] == GROUPS["Site Reliability"]
    assert said in desk.texts()


@pytest.mark.parametrize("answered", [lambda row: True, lambda row: row["name"] == "payment"])
async def test_an_ignored_query_finds_no_item(
    desk_with: Opens, monkeypatch: Any, answered: Any
) -> None:
    """ServiceNow answers a query that it does not understand with other rows."""
    monkeypatch.setattr(query, "parse", lambda text, columns: (answered, "", False))
    desk = desk_with()
    desk.story.changed(service="unheard")
    await desk.life.want(desk.story.opened(), 60)
    assert row_of(desk)["cmdb_ci"] == ""
    assert "nothing in cmdb_ci is named" in desk.texts()


async def test_a_cmdb_that_can_not_be_read_costs_no_record(
    desk_with: Opens, monkeypatch: Any
) -> None:
    table_of = Access.table_of

    def hidden(self: Any, call: Any, writes: bool = False) -> str:
        if call.params["table"].startswith("cmdb"):
            refuse(403, "Insufficient rights to query records", "ACL")
        return table_of(self, call, writes)

    monkeypatch.setattr(Access, "table_of", hidden)
    desk = desk_with()
    await desk.life.want(desk.story.opened(), 60)
    desk.is_true(Status.OPEN)
    assert "cmdb_ci is not set: cmdb_ci can't be read" in desk.texts()


async def test_without_a_look_up_nothing_is_said(desk_with: Opens) -> None:
    desk = desk_with(cmdbTable="off")
    await desk.life.want(desk.story.opened(), 60)
    assert row_of(desk)["cmdb_ci"] == ""
    assert row_of(desk)["journal"] == []


@pytest.mark.parametrize("chosen", ["Database", GROUPS["Database"]])
async def test_a_chosen_group_goes_before_that_of_the_item(desk_with: Opens, chosen: str) -> None:
    desk = desk_with(assignmentGroups={"tenants": {"acme": chosen}}, callerId="alice")
    await desk.life.want(desk.story.opened(), 60)
    assert row_of(desk)["assignment_group"] == GROUPS["Database"]
    assert row_of(desk)["caller_id"] == USERS["alice"]


async def test_what_was_found_is_kept(desk_with: Opens, record: Path) -> None:
    desk = desk_with()
    await desk.life.want(desk.story.opened(), 60)
    desk.story.changed(id=id_of(7))
    await desk.life.want(desk.story.opened(), 60)
    assert len(desk.tickets()) == 2
    assert len(requests(record, "GET", "/cmdb_ci_service")) == 1


# Levels


@pytest.mark.parametrize(
    ("severity", "priority"),
    [
        (Severity.CRITICAL, "1"),
        (Severity.HIGH, "2"),
        (Severity.MEDIUM, "3"),
        (Severity.LOW, "5"),
    ],
)
async def test_the_derived_priority_follows_the_severity(
    desk_with: Opens, severity: Severity, priority: str
) -> None:
    desk = desk_with()
    desk.story.changed(severity=severity)
    await desk.life.want(desk.story.opened(), 60)
    assert desk.ticket().priority == priority


async def test_a_persons_urgency_stays_until_the_severity_rises(desk_with: Opens) -> None:
    desk = desk_with()
    await desk.life.want(desk.story.opened(), 60)
    row_of(desk)["urgency"] = "3"
    await desk.life.want(desk.story.changed(title="Payment 18 timed out"), 60)
    assert "Payment 18" in desk.ticket().title
    assert row_of(desk)["urgency"] == "3"
    await desk.life.want(desk.story.raised(), 60)
    assert row_of(desk)["urgency"] == "1"


async def test_an_escalation_goes_to_the_group_for_it(desk_with: Opens) -> None:
    desk = desk_with(escalationGroup="Management")
    await desk.life.want(desk.story.opened(), 60)
    await desk.life.want(desk.story.escalated(), 60)
    assert row_of(desk)["assignment_group"] == GROUPS["Management"]
    assert desk.ticket().priority == "1"
    assert desk.life.receipts[-1].state is TicketState.ESCALATED


# Closing


async def test_a_resolution_has_a_code_and_notes(desk_with: Opens) -> None:
    desk = desk_with(
        closeCode="Solution provided", closeNotes="{{ service }} {{ resolution }} {{ count }}"
    )
    await desk.life.want(desk.story.opened(), 60)
    await desk.life.want(desk.story.resolved(), 60)
    assert row_of(desk)["close_code"] == "Solution provided"
    assert row_of(desk)["close_notes"] == "checkout rolled back (by ada) 3"


async def test_a_code_that_does_not_exist_is_a_dead_letter(desk_with: Opens) -> None:
    desk = desk_with(closeCode="Gone")
    await desk.life.want(desk.story.opened(), 60)
    await desk.life.want(desk.story.resolved(), 60)
    (letter,) = desk.life.dead_letters
    assert letter.reason == "invalid"
    assert "close_code is one of" in letter.detail


async def test_a_data_policy_is_no_question_of_rights(desk_with: Opens, monkeypatch: Any) -> None:
    """It would not pass by itself, so that it is not tried again as it is."""

    def policy(row: Any) -> None:
        if row["state"] == "6":
            refuse(403, "Operation Failed", "Data Policy Exception: Root cause is mandatory")

    monkeypatch.setattr(rules, "check_policy", policy)
    desk = desk_with()
    await desk.life.want(desk.story.opened(), 60)
    asked = desk.requests()
    await desk.life.want(desk.story.resolved(), 24 * HOUR)
    (letter,) = desk.life.dead_letters
    assert letter.reason == "invalid"
    assert "Root cause" in letter.detail
    # The resolution, the edit, and the comment that says what could not be done.
    assert desk.requests() - asked <= 3


async def test_reopening_clears_what_was_said_at_closing(desk_with: Opens) -> None:
    desk = desk_with()
    await desk.life.want(desk.story.opened(), 60)
    await desk.life.want(desk.story.resolved(), 60)
    await desk.life.want(desk.story.reopened(), 60)
    assert (row_of(desk)["state"], row_of(desk)["close_code"]) == ("1", "")


async def test_a_record_that_was_closed_for_good_gets_a_successor(desk_with: Opens) -> None:
    desk = desk_with()
    await desk.life.want(desk.story.opened(), 60)
    first = desk.ticket()
    await desk.life.want(desk.story.resolved(), 60)
    first.record["state"] = "7"
    desk.fault("timeout_after_accept", method="POST", count=1)
    await desk.life.want(desk.story.reopened(), HOUR)
    was, is_ = desk.tickets()
    assert (was.record["state"], is_.record["state"]) == ("7", "1")
    assert f"{first.key} was closed and can't be reopened" in desk.texts()
    assert desk.life.receipts[-1].key == is_.key
    await desk.life.want(desk.story.resolved(), HOUR)
    assert is_.state == "resolved"
    assert not desk.life.dead_letters


async def test_a_closed_record_is_left_alone_and_nothing_is_refused(desk_with: Opens) -> None:
    desk = desk_with()
    await desk.life.want(desk.story.opened(), 60)
    row_of(desk)["state"] = "7"
    for step in (desk.story.raised, desk.story.acknowledged, desk.story.escalated):
        await desk.life.want(step(), 60)
    await desk.life.want(desk.story.resolved(), 60)
    assert row_of(desk)["state"] == "7"
    assert desk.ticket().priority == "2"
    assert not desk.life.dead_letters
    assert desk.life.receipts[-1].state is TicketState.RESOLVED


async def test_a_record_that_a_person_put_on_hold_stays_so(desk_with: Opens) -> None:
    desk = desk_with()
    await desk.life.want(desk.story.opened(), 60)
    row_of(desk)["state"] = "3"
    await desk.life.want(desk.story.acknowledged(), 60)
    assert row_of(desk)["state"] == "3"


@pytest.mark.parametrize("mode", ["timeout_after_accept", "malformed"])
async def test_each_change_of_unknown_outcome_is_made_once(desk_with: Opens, mode: str) -> None:
    desk = desk_with()
    steps = (desk.story.opened, desk.story.acknowledged, desk.story.escalated)
    steps = (*steps, desk.story.resolved, desk.story.reopened)
    for step in steps:
        for method in ("POST", "PATCH"):
            desk.fault(mode, method=method, count=1)
        await desk.life.want(step(), HOUR)
        assert not desk.life.dead_letters
    desk.is_true(Status.OPEN)
    whats = [what for _, what in desk.ticket().history]
    assert sum("close_notes rolled back" in what or "state 6" in what for what in whats) == 1
    for said in ("Acknowledged by ada", "Escalated by ada", "Resolved by ada", "Reopened"):
        assert desk.texts().count(said) == 1


# Finding it again


async def test_a_second_record_is_resolved_and_names_the_first(desk_with: Opens) -> None:
    desk = desk_with()
    await desk.life.want(desk.story.opened(), 60)
    platform = desk.life.platform._platform
    request = desk.life.platform.requests[0]
    await platform.perform(request)
    first, second = desk.tickets()
    held = desk.life.delivery(desk.story.incident.id).have
    await platform.perform(replace(request, operation=Operation.DEDUPLICATE, have=held))
    assert (first.state, second.state) == ("open", "resolved")
    assert second.record["close_notes"] == f"Duplicate of {first.key}"
    changed = second.updated_at, len(second.history)
    await platform.perform(replace(request, operation=Operation.DEDUPLICATE, have=held))
    assert (second.updated_at, len(second.history)) == changed


async def test_a_table_that_ignores_the_key_is_not_trusted(
    desk_with: Opens, monkeypatch: Any
) -> None:
    """Somebody else's record is not taken for ours, and ours is made, marked."""
    desk = desk_with()
    await desk.life.want(desk.story.opened(), 60)
    other = desk.ticket()
    monkeypatch.setattr(query, "parse", lambda text, columns: (lambda row: True, "", False))
    desk.story.changed(id=id_of(7))
    desk.fault("server_error", method="POST", count=1)
    await desk.life.want(desk.story.opened(), HOUR)
    assert len(desk.tickets()) == 2
    assert desk.ticket().correlation == id_of(7)
    assert other.record["correlation_id"] != id_of(7)
    assert "This may be a second record" in desk.texts()


async def test_a_record_whose_key_somebody_changed_is_left_alone(desk_with: Opens) -> None:
    desk = desk_with()
    await desk.life.want(desk.story.opened(), 60)
    row_of(desk)["correlation_id"] = "somebody else's"
    await desk.life.want(desk.story.acknowledged(), 60)
    assert row_of(desk)["state"] == "1"
    (letter,) = desk.life.dead_letters
    assert "another correlation_id" in letter.detail


# Tokens


async def test_a_token_is_asked_for_once(desk_with: Opens, record: Path) -> None:
    desk = desk_with(OAUTH)
    await desk.life.want(desk.story.opened(), 60)
    await desk.life.want(desk.story.resolved(), 60)
    (asked,) = requests(record, "POST", "/oauth_token.do")
    assert asked["body"]["grant_type"] == "password"


async def test_a_token_that_ended_is_refreshed(desk_with: Opens, record: Path) -> None:
    desk = desk_with(OAUTH)
    await desk.life.want(desk.story.opened(), 60)
    desk.sandbox.app[STATE].platforms["servicenow"].tokens.reset()  # type: ignore[attr-defined]
    await desk.life.want(desk.story.resolved(), 60)
    desk.is_true(Status.RESOLVED)
    asked = [one["body"]["grant_type"] for one in requests(record, "POST", "/oauth_token.do")]
    assert asked == ["password", "refresh_token"]


async def test_a_client_alone_has_a_grant_of_its_own(desk_with: Opens, record: Path) -> None:
    desk = desk_with(OAUTH, username=None, password=None)
    await desk.life.want(desk.story.opened(), 60)
    desk.is_true(Status.OPEN)
    (asked,) = requests(record, "POST", "/oauth_token.do")
    assert asked["body"]["grant_type"] == "client_credentials"


async def test_an_answer_that_repeats_a_token_does_not_spread_it(
    desk_with: Opens, monkeypatch: Any
) -> None:
    def repeated(self: Any, call: Any) -> web.Response:
        return web.Response(status=400, text=f"bad: {call.headers['Authorization']}")

    monkeypatch.setattr(IncidentCalls, "create", repeated)
    clock = Clock()
    sandbox = await start(clock=clock)
    desk = Desk(OAUTH, sandbox, clock, OAUTH.config(sandbox.url))
    await desk.life.want(desk.story.opened(), 60)
    (letter,) = desk.life.dead_letters
    await desk.life.close()
    await sandbox.stop()
    assert "bad: Bearer" in letter.detail
    assert "access-" not in letter.detail


# Testing the connection


@pytest.mark.parametrize(
    ("subject", "wrong", "said"),
    [
        (BASIC, {"password": "wrong-password"}, "servicenow.username and password"),
        (OAUTH, {"clientSecret": "wrong-secret"}, "servicenow.clientId and clientSecret"),
        (BASIC, {"table": "u_nothing"}, "servicenow.table u_nothing"),
        (BASIC, {"assignmentGroup": "Nobody"}, "servicenow.assignmentGroup: nothing in"),
        (BASIC, {"escalationGroup": "Nobody"}, "servicenow.escalationGroup: nothing in"),
        (BASIC, {"callerId": "nobody"}, "servicenow.callerId: nothing in sys_user"),
        (
            BASIC,
            {"closeCode": "Gone"},
            'servicenow.closeCode: "Gone" is not allowed; allowed: Solved',
        ),
        (BASIC, {"cmdbTable": "cmdb_ci_nothing"}, "servicenow.cmdbTable cmdb_ci_nothing"),
    ],
)
async def test_what_is_wrong_is_named(
    desk_with: Opens, subject: Subject, wrong: Any, said: str
) -> None:
    tested = await desk_with(subject, **wrong).life.platform.test_connection()
    assert not tested.ok
    assert said in tested.message


async def test_an_instance_that_sleeps_is_named(desk_with: Opens) -> None:
    desk = desk_with()
    desk.fault("malformed")
    tested = await desk.life.platform.test_connection()
    assert "an instance that sleeps answers with a page" in tested.message


# Text as it is


@given(
    st.lists(st.sampled_from(["[code]", "[/CODE]", "[co", "de]", "[", "x", " "]), max_size=9).map(
        "".join
    )
)
def test_no_text_switches_html_on_in_a_journal(text: str) -> None:
    note = payload.work_notes([text])
    assert not re.search(r"\[/?code\]", note, re.IGNORECASE)
    assert note.replace("\u200b", "") == (text or "…")


# Sessions and queues


async def test_no_request_is_bound_to_a_session(desk_with: Opens, desks: Desks) -> None:
    """Cookies are only kept for names of hosts."""
    desk = desk_with(
        instanceUrl=desks.sandbox.url.replace("127.0.0.1", "localhost") + "/servicenow"
    )
    await desk.life.want(desk.story.opened(), 60)
    await desk.life.want(desk.story.acknowledged(), 60)
    await desk.life.want(desk.story.commented(), 60)
    assert not any(isinstance(outcome, Unknown) for _, outcome in desk.life.platform.outcomes)
    desk.is_true(Status.ACKNOWLEDGED)


async def test_a_create_in_the_queue_is_looked_for_later(desk_with: Opens) -> None:
    desk = desk_with()
    desk.fault("queued", seconds=50, method="POST", count=1)
    await desk.life.want(desk.story.opened(), 55)
    assert desk.life.operations == [Operation.CREATE]
    await desk.life.run(HOUR)
    assert desk.life.operations[:2] == [Operation.CREATE, Operation.LOOK_UP]
    desk.is_true(Status.OPEN)


# Answers that say success


async def test_a_query_that_is_broken_off_finds_nothing_out(desk_with: Opens) -> None:
    desk = desk_with(cmdbTable="off", assignmentGroup=None)
    desk.fault("timeout_after_accept", method="POST", count=1)
    desk.behaves(breaks_off_queries=True)
    await desk.life.want(desk.story.opened(), 120)
    assert set(desk.life.operations[1:]) == {Operation.LOOK_UP}
    assert len(desk.tickets()) == 1
    desk.behaves(breaks_off_queries=False)
    await desk.life.run(HOUR)
    desk.is_true(Status.OPEN)


async def test_a_cmdb_whose_query_is_broken_off_costs_no_record(desk_with: Opens) -> None:
    desk = desk_with()
    desk.behaves(breaks_off_queries=True)
    await desk.life.want(desk.story.opened(), 60)
    assert "cmdb_ci is not set" in desk.texts()


@pytest.mark.parametrize("move", ["acknowledged", "resolved"])
async def test_a_state_that_is_kept_is_not_reached(desk_with: Opens, move: str) -> None:
    desk = desk_with()
    await desk.life.want(desk.story.opened(), 60)
    desk.behaves(ignores="state")
    await desk.life.want(getattr(desk.story, move)(), 60)
    assert "keeps the record's state: 1" in desk.life.delivery(desk.story.incident.id).error
    assert "keeps the record's state: 1" in desk.life.receipts[-1].error
    assert desk.life.receipts[-1].state is TicketState.OPEN
    assert desk.ticket().state == "open"


async def test_a_record_that_stays_resolved_is_not_reopened(desk_with: Opens) -> None:
    desk = desk_with()
    await desk.life.want(desk.story.opened(), 60)
    await desk.life.want(desk.story.resolved(), 60)
    desk.behaves(ignores="state,close_code,close_notes")
    await desk.life.want(desk.story.reopened(), 60)
    assert "keeps the record's state: 6" in desk.life.delivery(desk.story.incident.id).error


def left_out(desk: Desk) -> list[str]:
    return [
        sentence
        for _, outcome in desk.life.platform.outcomes
        for sentence in getattr(outcome, "left_out", ())
    ]


async def test_columns_that_are_kept_are_told(desk_with: Opens) -> None:
    desk = desk_with(assignmentGroup="Database", cmdbTable="off")
    desk.behaves(ignores="impact,assignment_group")
    await desk.life.want(desk.story.opened(), 60)
    group = GROUPS["Database"]
    assert left_out(desk) == [
        'impact: asked for "2", ServiceNow has "3"',
        f'assignment_group: asked for "{group}", ServiceNow has nothing',
    ]


async def test_a_text_that_a_rule_changes_is_named_without_its_words(desk_with: Opens) -> None:
    desk = desk_with()
    await desk.life.want(desk.story.opened(), 60)
    desk.behaves(ignores="description")
    await desk.life.want(desk.story.changed(title="another"), HOUR)
    assert left_out(desk) == ["description: ServiceNow has another text"]


# Columns of one's own


async def test_columns_that_an_instance_demands_are_written(desk_with: Opens) -> None:
    desk = desk_with(
        fields={"category": "software", "subcategory": "{{ service }}"},
        resolveFields={"u_cause": "{{ resolution }}"},
    )
    desk.behaves(mandatory="category,subcategory", mandatory_to_resolve="u_cause")
    await desk.life.want(desk.story.opened(), 60)
    await desk.life.want(desk.story.resolved(), 60)
    row = row_of(desk)
    assert (row["category"], row["subcategory"]) == ("software", "checkout")
    assert "rolled back" in row["u_cause"]
    desk.is_true(Status.RESOLVED)


async def test_a_record_without_refused_columns_is_better_than_none(
    desk_with: Opens, monkeypatch: Any
) -> None:
    add = Incidents.add

    def strict(self: Any, base_url: str, given: dict[str, str]) -> Any:
        if given.get("category"):
            refuse(403, "Operation Failed", "Data Policy Exception: category is not allowed")
        return add(self, base_url, given)

    monkeypatch.setattr(Incidents, "add", strict)
    desk = desk_with(fields={"category": "software"})
    await desk.life.want(desk.story.opened(), HOUR)
    assert row_of(desk)["correlation_id"] == desk.story.incident.id
    (told,) = left_out(desk)
    assert "assignment_group, category, cmdb_ci" in told
    desk.is_true(Status.OPEN)


async def test_a_record_that_was_made_and_refused_is_adopted(
    desk_with: Opens, monkeypatch: Any
) -> None:
    add = Incidents.add

    def failing(self: Any, base_url: str, given: dict[str, str]) -> Any:
        add(self, base_url, given)
        refuse(403, "Operation Failed", "a business rule failed after the insert")

    monkeypatch.setattr(Incidents, "add", failing)
    desk = desk_with()
    await desk.life.want(desk.story.opened(), HOUR)
    desk.is_true(Status.OPEN)


async def test_a_policy_that_is_not_met_is_told(desk_with: Opens) -> None:
    desk = desk_with()
    desk.behaves(mandatory="u_cause")
    await desk.life.want(desk.story.opened(), 60)
    assert desk.tickets() == []
    (letter,) = desk.life.dead_letters
    assert "u_cause" in letter.detail


# The test of the connection


async def test_a_table_that_is_not_searched_by_its_key_is_told(
    desk_with: Opens, monkeypatch: Any
) -> None:
    desk = desk_with()
    await desk.life.want(desk.story.opened(), 60)
    monkeypatch.setattr(query, "parse", lambda text, columns: (lambda row: True, "", False))
    tested = await desk.life.platform.test_connection()
    assert "is not searched by correlation_id" in tested.message


async def test_a_search_that_is_broken_off_is_told(desk_with: Opens) -> None:
    desk = desk_with()
    desk.behaves(breaks_off_queries=True)
    tested = await desk.life.platform.test_connection()
    assert not tested.ok
    assert "broken off" in tested.message


# The catalog, and affected items


async def test_the_catalog_names_item_and_group(desk_with: Opens) -> None:
    entry = {"ci": "payment", "group": "Management"}
    desk = desk_with(settings={"catalog": {"services": {"checkout": entry}}})
    await desk.life.want(desk.story.opened(), 60)
    assert row_of(desk)["cmdb_ci"] == SERVICES["payment"]["sys_id"]
    assert row_of(desk)["assignment_group"] == GROUPS["Management"]


async def test_an_item_may_be_a_sys_id(desk_with: Opens, record: Path) -> None:
    entry = {"ci": HOST["sys_id"]}
    desk = desk_with(settings={"catalog": {"services": {"checkout": entry}}}, cmdbTable="off")
    await desk.life.want(desk.story.opened(), 60)
    assert row_of(desk)["cmdb_ci"] == HOST["sys_id"]
    assert not requests(record, "GET", "/cmdb_ci")


def affected(record: Path) -> list[dict[str, Any]]:
    return [row["body"] for row in requests(record, "POST", "/task_ci")]


async def test_affected_services_are_affected_items_once(desk_with: Opens, record: Path) -> None:
    desk = desk_with()
    desk.story.changed(affected_services=["checkout", "payment", "nowhere"])
    await desk.life.want(desk.story.opened(), 60)
    sys_id = desk.ticket().id
    assert affected(record) == [{"task": sys_id, "ci_item": SERVICES["payment"]["sys_id"]}]
    desk.life.clock.now += HOUR
    await desk.life.want(desk.story.counted(), HOUR)
    assert len(affected(record)) == 1
    desk.life.clock.now += HOUR
    desk.story.changed(affected_services=["checkout", "payment", "db-01"], count=99)
    await desk.life.want(desk.story.counted(), HOUR)
    assert affected(record)[1:] == [{"task": sys_id, "ci_item": HOST["sys_id"]}]


async def test_an_item_that_a_person_removed_stays_away(desk_with: Opens, record: Path) -> None:
    desk = desk_with()
    desk.story.changed(affected_services=["payment"])
    await desk.life.want(desk.story.opened(), 60)
    stand_in = desk.sandbox.app[STATE].platforms["servicenow"]
    assert isinstance(stand_in, ServiceNow)
    assert len(stand_in.affected.rows) == 1
    stand_in.affected.reset()
    desk.life.clock.now += HOUR
    desk.story.changed(affected_services=["payment", "db-01"], count=99)
    await desk.life.want(desk.story.counted(), HOUR)
    assert [row["ci_item"] for row in affected(record)] == [
        SERVICES["payment"]["sys_id"],
        HOST["sys_id"],
    ]


async def test_no_log_line_chooses_an_item_by_its_id(desk_with: Opens) -> None:
    desk = desk_with()
    desk.story.incident = desk.story.changed(service=HOST["sys_id"])
    await desk.life.want(desk.story.opened(), 60)
    assert not row_of(desk)["cmdb_ci"]


async def test_a_table_that_is_protected_costs_no_record(desk_with: Opens, record: Path) -> None:
    desk = desk_with()
    desk.behaves(protects_affected=True)
    desk.story.changed(affected_services=["payment"])
    await desk.life.want(desk.story.opened(), 60)
    desk.is_true(Status.OPEN)
    await desk.life.want(desk.story.commented(), HOUR)
    assert desk.texts().count("task_ci can't be written") == 1
    assert len(affected(record)) == 1


async def test_affected_items_can_be_switched_off(desk_with: Opens, record: Path) -> None:
    desk = desk_with(affectedCis=False)
    desk.story.changed(affected_services=["payment"])
    await desk.life.want(desk.story.opened(), 60)
    assert affected(record) == []


async def test_a_record_without_our_key_is_not_another_incidents(desk_with: Opens) -> None:
    """An ACL that keeps `correlation_id` empty must not make every later change a refusal."""
    desk = desk_with()
    desk.behaves(ignores="correlation_id")
    await desk.life.want(desk.story.opened(), 60)
    await desk.life.want(desk.story.acknowledged(), HOUR)
    await desk.life.want(desk.story.commented(), HOUR)
    await desk.life.want(desk.story.resolved(), HOUR)
    assert not desk.life.dead_letters
    assert "the pool is exhausted" in desk.texts()
    assert "correlation_id: asked for" in desk.texts()
    assert [one.state for one in desk.tickets()] == ["resolved"]
