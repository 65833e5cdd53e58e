"""The particulars of Jira: fields, screens, workflows, and what people do to issues."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from contract.platforms.jira import SUBJECTS
from support.configured import timing_with
from support.contract import Desk, Desks, Subject, requests
from support.incidents import id_of
from support.life import Clock, Life

from sinks.calls.outcome import Delivered
from sinks.jira.search import SEARCH_LAG_SECONDS
from tables.deliveries import Operation
from ticketing.domain.events import TicketState
from ticketing.domain.incidents.incident import Status
from ticketing.domain.incidents.incident import Ticket as Held
from ticketing.domain.severity import Severity
from ticketing.sandbox.jira import directory, workflow
from ticketing.sandbox.jira import fields as jira_fields
from ticketing.sandbox.server import STATE, start

HOUR = 3600.0
CLOUD, DATA_CENTER = SUBJECTS
Opens = Callable[..., Desk]


@pytest.fixture
def desk_with(desks: Desks) -> Opens:
    """Opens a desk with settings of section `jira`."""

    def opened(subject: Subject = CLOUD, **more: Any) -> Desk:
        return desks.open(subject, **more)

    return opened


def fields_of(desk: Desk) -> dict[str, Any]:
    return desk.ticket().record["fields"]


# Opening


async def test_an_issue_has_the_label_and_the_property_it_is_found_by(desk_with: Opens) -> None:
    desk = desk_with(labels=["sre"])
    await desk.life.want(desk.story.opened(), 60)
    assert fields_of(desk)["labels"] == [f"ticketing-{desk.story.incident.id}", "sre"]
    assert desk.ticket().record["properties"] == {
        "ticketing.incident": {"id": desk.story.incident.id}
    }


async def test_project_type_and_assignee_are_chosen(desk_with: Opens) -> None:
    account = next(iter(directory.ACCOUNTS))
    desk = desk_with(
        projects={"services": {"checkout": "SEC"}},
        issueTypes={"severities": {"high": "Bug"}},
        assignees={"tenants": {"acme": account}},
        assignee="-1",
    )
    await desk.life.want(desk.story.opened(), 60)
    assert desk.ticket().key.startswith("SEC-")
    assert fields_of(desk)["issuetype"] == {"id": directory.ISSUE_TYPES["Bug"]}
    assert fields_of(desk)["assignee"] == {"accountId": account}


async def test_on_data_center_an_assignee_is_a_user_name(desk_with: Opens) -> None:
    desk = desk_with(DATA_CENTER, assignee="bob")
    await desk.life.want(desk.story.opened(), 60)
    assert fields_of(desk)["assignee"] == {"name": "bob"}


async def test_custom_fields_are_rendered_and_typed(desk_with: Opens) -> None:
    desk = desk_with(
        customFields={
            "Environment": "{{ environment }}",
            "customfield_10011": "{{ service|upper }}",
            "Evidence": "{{ evidence|join('\n') }}",
            "On call": next(iter(directory.ACCOUNTS)),
            "Errors": "{{ count }}",
            "Teams": ["{{ tenant }}", "on call"],
            "Regions": "eu, us",
        }
    )
    desk.story.changed(environment="prod")
    await desk.life.want(desk.story.opened(), 60)
    given = fields_of(desk)
    assert given["customfield_10010"] == {"value": "Prod"}
    assert given["customfield_10011"] == "CHECKOUT"
    assert given["customfield_10012"]["type"] == "doc"
    assert given["customfield_10013"] == {"accountId": next(iter(directory.ACCOUNTS))}
    assert given["customfield_10014"] == 3
    assert given["customfield_10015"] == ["acme", "on-call"]
    assert given["customfield_10016"] == [{"value": "EU"}, {"value": "US"}]


async def test_a_field_that_can_not_be_set_is_left_out(desk_with: Opens) -> None:
    desk = desk_with(
        customFields={"Environment": "Moon", "Nowhere": "x"}, priorityMapping={"high": "Urgent"}
    )
    await desk.life.want(desk.story.opened(), 60)
    desk.is_true(Status.OPEN)
    assert "not allowed; allowed: Prod, Staging" in desk.texts()
    assert "Nowhere: is not a field of the create screen" in desk.texts()
    assert "not allowed; allowed: Highest" in desk.texts()


async def test_a_field_that_jira_refuses_is_left_out_and_said(desk_with: Opens) -> None:
    desk = desk_with(assignee="somebody-who-left")
    await desk.life.want(desk.story.opened(), 60)
    desk.is_true(Status.OPEN)
    assert "assignee" not in fields_of(desk)
    assert "assignee: User does not exist or cannot be assigned issues." in desk.texts()


def left_out(desk: Desk) -> list[str]:
    return [
        sentence
        for _, outcome in desk.life.platform.outcomes
        for sentence in getattr(outcome, "left_out", ())
    ]


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda one: one.name)
async def test_fields_that_are_refused_one_after_the_other_are_left_out(
    desk_with: Opens, subject: Subject
) -> None:
    desk = desk_with(subject, customFields={"Service": "{{ service }}", "Errors": "{{ count }}"})
    desk.behaves(refuses_in_turn="customfield_10011,priority,customfield_10014")
    await desk.life.want(desk.story.opened(), 60)
    desk.is_true(Status.OPEN)
    assert [one.partition(":")[0] for one in left_out(desk)] == [
        "customfield_10011",
        "priority",
        "customfield_10014",
    ]
    assert "priority: Field 'priority' is not valid here." in desk.texts()


async def test_a_refusal_that_names_no_field_leaves_what_is_indispensable(
    desk_with: Opens,
) -> None:
    desk = desk_with(customFields={"Service": "{{ service }}"})
    desk.behaves(refuses_unnamed="customfield_10011")
    await desk.life.want(desk.story.opened(), 60)
    desk.is_true(Status.OPEN)
    assert "Payment" in desk.texts()
    assert "customfield_10011: Jira refused the issue and named no field" in left_out(desk)
    assert "jira refused the issue" in desk.texts().lower()


async def test_an_issue_without_its_description_is_better_than_none(desk_with: Opens) -> None:
    desk = desk_with()
    desk.behaves(refuses_unnamed="description,priority")
    await desk.life.want(desk.story.opened(), 60)
    desk.is_true(Status.OPEN)
    assert {one.partition(":")[0] for one in left_out(desk)} == {"description", "priority"}


@pytest.mark.parametrize("subject", SUBJECTS, ids=["cloud", "datacenter"])
async def test_an_issue_without_its_label_is_better_than_none(
    desk_with: Opens, subject: Subject
) -> None:
    """A workflow's validator that takes no labels names no field."""
    desk = desk_with(subject)
    desk.behaves(refuses_unnamed="labels")
    await desk.life.want(desk.story.opened(), 60)
    assert len(desk.tickets()) == 1
    assert "labels" in {one.partition(":")[0] for one in left_out(desk)}
    await desk.life.want(desk.story.commented(), HOUR)
    await desk.life.want(desk.story.resolved(), HOUR)
    assert "the pool is exhausted" in desk.texts()
    assert desk.ticket().state == "resolved"


async def test_a_refusal_of_what_is_indispensable_is_told_as_it_was(desk_with: Opens) -> None:
    desk = desk_with()
    desk.behaves(refuses_in_turn="priority,summary")
    await desk.life.want(desk.story.opened(), 60)
    assert desk.tickets() == []
    (letter,) = desk.life.dead_letters
    assert "priority" in letter.detail


async def test_an_edit_leaves_out_what_is_refused(desk_with: Opens) -> None:
    desk = desk_with()
    await desk.life.want(desk.story.opened(), 60)
    desk.behaves(refuses_in_turn="priority,description")
    await desk.life.want(desk.story.raised(), 60)
    assert "[CRITICAL]" in desk.ticket().title
    assert {one.partition(":")[0] for one in left_out(desk)} == {"priority", "description"}
    assert not desk.life.dead_letters


async def test_dates_and_objects_are_filled(desk_with: Opens) -> None:
    desk = desk_with(
        customFields={
            "Due date": "{{ since }}",
            "Began": "{{ since }}",
            "Affected services": [{"id": "{{ service }}"}],
        }
    )
    await desk.life.want(desk.story.opened(), 60)
    desk.is_true(Status.OPEN)
    given = fields_of(desk)
    assert given["duedate"] == given["customfield_10017"][:10]
    assert given["customfield_10018"] == [{"id": "checkout"}]
    assert left_out(desk) == []


async def test_a_project_that_is_not_there_is_named(desk_with: Opens) -> None:
    desk = desk_with(projectKey="NONE")
    await desk.life.want(desk.story.opened(), 60)
    (letter,) = desk.life.dead_letters
    assert letter.reason == "not_found"
    assert "jira.projectKey: there is no project NONE" in letter.detail


async def test_a_type_that_is_not_there_is_named(desk_with: Opens) -> None:
    desk = desk_with(issueType="Outage")
    await desk.life.want(desk.story.opened(), 60)
    (letter,) = desk.life.dead_letters
    assert 'has no type "Outage"; types: Incident, Task, Bug' in letter.detail


async def test_fields_beyond_the_first_page_of_metadata_are_known(
    desk_with: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether or not Jira says how many there are."""
    monkeypatch.setattr("sinks.jira.screens.PAGE_SIZE", 5)
    monkeypatch.setattr("sinks.jira.answers.Page.total", 0, raising=False)
    desk = desk_with(customFields={"Regions": "EU"})
    await desk.life.want(desk.story.opened(), 60)
    assert fields_of(desk)["customfield_10016"] == [{"value": "EU"}]


async def test_create_metadata_is_asked_for_once(desk_with: Opens, record: Path) -> None:
    desk = desk_with()
    await desk.life.want(desk.story.opened(), 60)
    desk.story.changed(id=id_of(7))
    await desk.life.want(desk.story.opened(), 60)
    assert len(desk.tickets()) == 2
    assert len(requests(record, "GET", "/issue/createmeta/OPS/issuetypes")) == 1


async def test_a_question_that_fails_leaves_nothing_in_doubt(
    desk_with: Opens, record: Path
) -> None:
    desk = desk_with()
    desk.fault("timeout_after_accept", path="createmeta", count=1)
    await desk.life.want(desk.story.opened(), HOUR)
    desk.is_true(Status.OPEN)
    assert requests(record, "POST", "/search/jql") == []


# Finding it again


async def test_a_new_issue_that_the_search_does_not_show_yet_is_found(desk_with: Opens) -> None:
    desk = desk_with()
    desk.sandbox.app[STATE].platforms["jira"].search.lag_seconds = SEARCH_LAG_SECONDS - 1.0
    desk.fault("timeout_after_accept", method="POST", path="/issue", count=1)
    await desk.life.want(desk.story.opened(), HOUR)
    desk.is_true(Status.OPEN)


async def test_a_second_issue_is_closed_and_names_the_first(desk_with: Opens, record: Path) -> None:
    """The search was slower than it should be: a second issue was made, and is found later."""
    desk = desk_with()
    jira = desk.sandbox.app[STATE].platforms["jira"]
    jira.search.lag_seconds = HOUR
    desk.fault("timeout_after_accept", method="POST", path="/issue", count=1)
    await desk.life.want(desk.story.opened(), 30)
    assert len(desk.tickets()) == 2
    jira.search.lag_seconds = 0.0
    await desk.life.run(HOUR)
    first, second = desk.tickets()
    assert {first.state, second.state} == {"open", "resolved"}
    (closed,) = [one for one in (first, second) if one.state == "resolved"]
    (kept,) = [one for one in (first, second) if one.state == "open"]
    assert closed.record["resolution"] == {"name": "Duplicate"}
    assert f"Duplicate of {kept.key}" in json.dumps(closed.record["comments"])
    assert desk.life.receipts[-1].key == kept.key
    again = replace(desk.life.platform.requests[-1], operation=Operation.DEDUPLICATE)
    noted = len(closed.history)
    await desk.life.platform._platform.perform(again)
    assert len(closed.history) == noted
    search, *_ = [one for one in requests(record, "POST", "/search/jql") if _reconciles(one)]
    assert search["body"]["reconcileIssues"] == [int(kept.record["id"])]


def _reconciles(search: dict[str, Any]) -> bool:
    return "reconcileIssues" in search["body"]


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda one: one.name)
async def test_a_persons_copy_of_an_issue_is_none_of_ours(
    desk_with: Opens, subject: Subject
) -> None:
    """A clone has the labels of the original, and not its entity property."""
    desk = desk_with(subject)
    await desk.life.want(desk.story.opened(), 60)
    jira: Any = desk.sandbox.app[STATE].platforms["jira"]
    clone = jira.issues.add(desk.sandbox.url, {**fields_of(desk), "summary": "CLONE"}, {})
    have = desk.life.delivery(desk.story.incident.id).have
    request = replace(desk.life.platform.requests[-1], have=have)
    await desk.life.platform._platform.perform(replace(request, operation=Operation.DEDUPLICATE))
    assert clone.state == "open"
    found = await desk.life.platform._platform.perform(
        replace(request, operation=Operation.LOOK_UP)
    )
    if subject is CLOUD:
        assert isinstance(found, Delivered)
        assert have is not None
        assert found.external_id == have.external_id


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda one: one.name)
async def test_an_issue_is_found_by_its_description(desk_with: Opens, subject: Subject) -> None:
    desk = desk_with(subject, foundBy="description", labels=["sre"])
    desk.behaves(screen_without="labels")
    desk.fault("timeout_after_accept", method="POST", path="/issue", count=1)
    await desk.life.want(desk.story.opened(), HOUR)
    await desk.life.want(desk.story.raised(), HOUR)
    desk.is_true(Status.OPEN)
    assert desk.texts().count(f"ticketing-{desk.story.incident.id}") == 1
    assert fields_of(desk)["labels"] == []


async def test_a_description_with_another_key_is_not_taken(desk_with: Opens) -> None:
    desk, other = (desk_with(DATA_CENTER, foundBy="description") for _ in range(2))
    other.story.changed(id=id_of(7))
    await other.life.want(other.story.opened(), 60)
    desk.fault("down", method="POST", path="/issue", count=1)
    await desk.life.want(desk.story.opened(), HOUR)
    assert len(desk.tickets()) == 2


async def test_without_labels_on_the_screen_there_is_an_issue_all_the_same(
    desk_with: Opens,
) -> None:
    desk = desk_with()
    desk.behaves(screen_without="labels")
    await desk.life.want(desk.story.opened(), 60)
    desk.is_true(Status.OPEN)
    assert left_out(desk)[0].startswith("labels: ")
    tested = await desk.life.platform.test_connection()
    assert "the field labels is not on its create screen" in tested.message


# Its life


@pytest.mark.parametrize("key", ["resolve", "reopen"])
async def test_a_status_can_be_left_alone(desk_with: Opens, key: str) -> None:
    desk = desk_with(transitions={key: None})
    await desk.life.want(desk.story.opened(), 60)
    await desk.life.want(desk.story.resolved(), 60)
    assert desk.ticket().state == ("open" if key == "resolve" else "resolved")
    await desk.life.want(desk.story.reopened(), 60)
    assert desk.ticket().state == ("open" if key == "resolve" else "resolved")
    assert "Resolved by ada" in desk.texts()
    assert "Reopened" in desk.texts()
    assert not desk.life.dead_letters


async def test_an_issue_with_a_final_resolution_is_not_reopened(desk_with: Opens) -> None:
    desk = desk_with(transitions={"finalResolutions": ["won't do"]})
    await desk.life.want(desk.story.opened(), 60)
    await desk.life.want(desk.story.resolved(), 60)
    desk.ticket().record["resolution"] = {"name": "Won't Do"}
    await desk.life.want(desk.story.reopened(), 60)
    assert desk.ticket().state == "resolved"
    assert "Reopened" in desk.texts()
    (said,) = left_out(desk)
    assert 'the resolution "Won\'t Do" is final' in said


async def test_a_persons_priority_stays_until_the_severity_rises(desk_with: Opens) -> None:
    desk = desk_with()
    await desk.life.want(desk.story.opened(), 60)
    fields_of(desk)["priority"] = {"name": "Lowest"}
    await desk.life.want(desk.story.changed(title="Payment 18 timed out"), 60)
    assert "Payment 18" in desk.ticket().title
    assert fields_of(desk)["priority"] == {"name": "Lowest"}
    await desk.life.want(desk.story.raised(), 60)
    assert fields_of(desk)["priority"] == {"name": "Highest"}


async def test_what_was_escalated_stays_urgent_when_the_severity_rises(desk_with: Opens) -> None:
    desk = desk_with()
    desk.story.changed(severity=Severity.LOW)
    await desk.life.want(desk.story.opened(), 60)
    await desk.life.want(desk.story.escalated(), 60)
    await desk.life.want(desk.story.raised(Severity.MEDIUM), 60)
    assert fields_of(desk)["priority"] == {"name": "Highest"}


async def test_an_escalation_can_have_a_transition(desk_with: Opens) -> None:
    desk = desk_with(transitions={"escalate": "In Progress"})
    await desk.life.want(desk.story.opened(), 60)
    await desk.life.want(desk.story.escalated(), 60)
    assert desk.ticket().state == "acknowledged"
    assert desk.life.receipts[-1].state is TicketState.ESCALATED


async def test_without_a_transition_for_it_an_acknowledgement_is_a_comment(
    desk_with: Opens,
) -> None:
    desk = desk_with(transitions={"acknowledge": None})
    await desk.life.want(desk.story.opened(), 60)
    await desk.life.want(desk.story.acknowledged(), 60)
    assert desk.ticket().state == "open"
    assert "Acknowledged by ada" in desk.texts()
    assert desk.life.receipts[-1].state is TicketState.ACKNOWLEDGED


async def test_a_transition_that_does_not_exist_is_named(desk_with: Opens) -> None:
    desk = desk_with(transitions={"resolve": "Archive"})
    await desk.life.want(desk.story.opened(), 60)
    await desk.life.want(desk.story.resolved(), 60)
    (letter,) = desk.life.dead_letters
    assert "jira.transitions.resolve: no transition 'Archive' from status" in letter.detail
    assert "'Done' to 'Done'" in letter.detail


async def test_a_long_way_to_the_end_is_walked(desk_with: Opens, monkeypatch: Any) -> None:
    """A workflow in which nothing is done that was not begun."""
    ways = {
        "11": ("Back to do", "open", ()),
        "21": ("Start progress", "acknowledged", ()),
        "31": ("Done", "resolved", ("resolution",)),
    }
    monkeypatch.setattr(
        workflow,
        "available",
        lambda state: {
            number: way
            for number, way in ways.items()
            if way[1] != state and (state, way[1]) != ("open", "resolved")
        },
    )
    desk = desk_with()
    await desk.life.want(desk.story.opened(), 60)
    await desk.life.want(desk.story.resolved(), 60)
    desk.is_true(Status.RESOLVED)


async def test_fields_of_the_resolving_screen_come_from_the_configuration(
    desk_with: Opens,
) -> None:
    desk = desk_with(transitions={"fields": {"resolution": "Won't Do"}})
    await desk.life.want(desk.story.opened(), 60)
    await desk.life.want(desk.story.resolved(), 60)
    assert desk.ticket().record["resolution"] == {"name": "Won't Do"}


async def test_an_issue_that_a_person_closed_is_not_moved(desk_with: Opens) -> None:
    desk = desk_with()
    await desk.life.want(desk.story.opened(), 60)
    desk.person("close")
    await desk.life.want(desk.story.acknowledged(), 60)
    await desk.life.want(desk.story.escalated(), 60)
    assert desk.ticket().state == "resolved"
    assert "Escalated by ada" in desk.texts()
    assert not desk.life.dead_letters


async def test_a_link_that_fails_does_not_undo_the_edit(desk_with: Opens) -> None:
    desk = desk_with(remoteLinks=True)
    await desk.life.want(desk.story.opened(), 60)
    desk.fault("server_error", method="POST", path="remotelink", count=1)
    there = Held(platform="slack", key="s", url="https://slack.example/s")
    await desk.life.want(desk.story.changed(tickets={"slack": there}), HOUR)
    assert desk.life.operations.count(Operation.UPDATE) == 1
    assert "https://slack.example/s" in desk.texts()
    desk.is_true(Status.OPEN)


async def test_links_to_other_tickets_become_remote_links_if_wanted(desk_with: Opens) -> None:
    desk = desk_with(remoteLinks=True)
    await desk.life.want(desk.story.opened(), 60)
    held = Held(platform="slack", url="https://slack.example/p1")
    await desk.life.want(desk.story.changed(tickets={"slack": held}), 60)
    await desk.life.want(desk.story.changed(title="Another title"), 60)
    (link,) = desk.ticket().record["links"].values()
    assert link["object"]["url"] == "https://slack.example/p1"
    assert "https://slack.example/p1" in desk.texts()


async def test_many_updates_cost_one_request(desk_with: Opens) -> None:
    desk = desk_with()
    await desk.life.want(desk.story.opened(), 60)
    asked = desk.requests()
    for number in range(100):
        await desk.life.want(desk.story.counted(number))
    await desk.life.run(HOUR)
    assert desk.requests() - asked == 1


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda one: one.name)
@pytest.mark.parametrize("mode", ["timeout_after_accept", "malformed"])
async def test_each_change_of_unknown_outcome_is_made_once(
    desk_with: Opens, subject: Subject, mode: str
) -> None:
    desk = desk_with(subject)
    steps = (desk.story.opened, desk.story.acknowledged, desk.story.escalated)
    for step in (*steps, desk.story.resolved, desk.story.reopened):
        desk.fault(mode, method="POST", path="/issue", count=1)
        await desk.life.want(step(), HOUR)
        assert not desk.life.dead_letters
    desk.is_true(Status.OPEN)
    moves = [what for _, what in desk.ticket().history if what.startswith("transition")]
    assert moves == [
        "transition 'Start progress'",
        "transition 'Done'",
        "transition 'Back to do'",
    ]
    for said in ("Acknowledged by ada", "Escalated by ada", "Resolved by ada", "Reopened"):
        assert desk.texts().count(said) == 1


async def test_a_slow_jira_is_kept_true(
    desk_with: Opens,
) -> None:
    """Two answers never fit into the time of one request: what was learned has to count."""
    desk = desk_with(DATA_CENTER, timeout="1s")
    platform = desk.life.platform._platform
    life = Life(platform, clock=desk.life.clock, timing=timing_with(timeout=1.0))
    desk.fault("latency", seconds=0.6)
    await life.want(desk.story.opened(), 2 * HOUR)
    await life.want(desk.story.acknowledged(), 2 * HOUR)
    await life.want(desk.story.resolved(), 2 * HOUR)
    desk.fault("none")
    desk.is_true(Status.RESOLVED)
    assert life.receipts[-1].state is TicketState.RESOLVED


async def test_a_comment_of_unknown_outcome_is_made_once(desk_with: Opens) -> None:
    desk = desk_with()
    await desk.life.want(desk.story.opened(), 60)
    desk.fault("timeout_after_accept", path="/comment", count=1)
    await desk.life.want(desk.story.commented(), HOUR)
    assert desk.texts().count("the pool is exhausted") == 1


async def test_an_assignee_that_the_create_screen_lacks_is_set_afterwards(
    desk_with: Opens, monkeypatch: Any
) -> None:
    kept = {k: v for k, v in jira_fields.CREATE_FIELDS.items() if k != "assignee"}
    monkeypatch.setattr(jira_fields, "CREATE_FIELDS", kept)
    account = next(iter(directory.ACCOUNTS))
    desk = desk_with(assignee=account)
    await desk.life.want(desk.story.opened(), 60)
    assert fields_of(desk)["assignee"] == {"accountId": account}


# Which Jira


@pytest.mark.parametrize(
    ("subject", "flavour", "version"),
    [
        (CLOUD, "auto", "3"),
        (CLOUD, "cloud", "3"),
        (DATA_CENTER, "auto", "2"),
        (DATA_CENTER, "datacenter", "2"),
    ],
    ids=lambda one: getattr(one, "name", one),
)
async def test_each_flavour_is_spoken_to_in_its_version(
    desk_with: Opens, record: Path, subject: Subject, flavour: str, version: str
) -> None:
    desk = desk_with(subject, flavour=flavour)
    await desk.life.want(desk.story.opened(), 60)
    assert len(requests(record, "POST", f"/rest/api/{version}/issue")) == 1
    assert bool(requests(record, "GET", "/serverInfo")) == (flavour == "auto")


# Testing the connection


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"apiToken": "wrong-token-of-some-length"}, "jira.userEmail and jira.apiToken"),
        ({"projectKey": "NONE"}, "jira.projectKey: there is no project NONE"),
        ({"issueType": "Outage"}, 'jira.issueType: project OPS has no type "Outage"'),
        ({"priorityMapping": {"low": "Whatever"}}, "jira.priorityMapping.low"),
        ({"customFields": {"Nowhere": "x"}}, 'jira.customFields: "Nowhere" is not on'),
    ],
)
async def test_what_is_wrong_is_named(desk_with: Opens, wrong: Any, said: str) -> None:
    tested = await desk_with(**wrong).life.platform.test_connection()
    assert not tested.ok
    assert said in tested.message


async def test_a_search_that_fails_is_named(desk_with: Opens) -> None:
    desk = desk_with()
    desk.fault("malformed", path="/search/jql")
    tested = await desk.life.platform.test_connection()
    assert "jira.baseUrl: issues can't be searched" in tested.message


async def test_transitions_are_checked_on_an_issue_that_is_there(desk_with: Opens) -> None:
    desk = desk_with(transitions={"resolve": "Archive"})
    before = await desk.life.platform.test_connection()
    assert "has no issue yet" in before.message
    await desk.life.want(desk.story.opened(), 60)
    after = await desk.life.platform.test_connection()
    assert after.ok
    assert "jira.transitions.resolve: from status 'To Do'" in after.message


async def test_a_permission_that_is_missing_is_named(desk_with: Opens, monkeypatch: Any) -> None:
    def permissions(call: Any) -> Any:
        from aiohttp import web

        names = call.query["permissions"].split(",")
        given = {one: {"havePermission": one != "TRANSITION_ISSUES"} for one in names}
        return web.json_response({"permissions": given})

    monkeypatch.setattr(directory, "permissions", permissions)
    clock = Clock()
    sandbox = await start(clock=clock)
    desk = Desk(CLOUD, sandbox, clock, CLOUD.config(sandbox.url))
    tested = await desk.life.platform.test_connection()
    await desk.life.close()
    await sandbox.stop()
    assert not tested.ok
    assert "our account lacks TRANSITION_ISSUES" in tested.message
