"""What is particular to OpsGenie: outcomes asked for, aliases, people on call, two more doors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from contract.platforms.opsgenie import SUBJECTS
from support.contract import Desk, Desks, Subject, requests

from sinks.calls.outcome import Delivered, Failed, Reason, Unknown
from sinks.opsgenie.api import Api
from sinks.opsgenie.payload import SOURCE
from sinks.opsgenie.settings import Settings
from sinks.platforms import create
from tables.deliveries import Operation
from ticketing.config import Config
from ticketing.domain.events import TicketState
from ticketing.domain.incidents.incident import NamedCause, Status
from ticketing.domain.severity import Severity
from ticketing.sandbox.opsgenie import credentials, directory
from ticketing.sandbox.server import STATE

HOUR = 3600.0
OPSGENIE, JSM, JSM_KEY = SUBJECTS
SCHEDULE = {"schedule": credentials.SCHEDULE}
ON_CALL = "alice@sandbox.example"
Opens = Callable[..., Desk]


@pytest.fixture
def desk_with(desks: Desks) -> Opens:
    """Opens a desk with settings of section `opsgenie`; None leaves one out."""

    def opened(subject: Subject = OPSGENIE, **more: Any) -> Desk:
        return desks.open(subject, **more)

    return opened


def slow(desk: Desk, seconds: float) -> None:
    desk.sandbox.app[STATE].platforms["opsgenie"].outcomes.processing_seconds = seconds  # type: ignore[attr-defined]


# Accepted is not done


async def test_what_is_not_processed_in_time_is_an_unknown_outcome(desk_with: Opens) -> None:
    desk = desk_with()
    slow(desk, 3600.0)
    settings = Settings.of(desk.config.opsgenie)
    now = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    http = create("opsgenie", desk.config, lambda: None).platform._http  # type: ignore[attr-defined]
    api = Api(settings, http, "account", sleep=sleep, clock=lambda: now)
    sent = await api.write(api.plain, (api.plain.url, {}), {"message": "m", "alias": "a"})
    with pytest.raises(Failed) as failed:
        await api.processed(api.plain, sent, until=9.0)
    await http.close()
    assert isinstance(failed.value.outcome, Unknown)
    assert failed.value.outcome.reason is Reason.TIMEOUT
    assert not failed.value.outcome.over
    assert now <= 9.0


async def test_a_question_that_fails_leaves_the_outcome_open(desk_with: Opens) -> None:
    desk = desk_with()
    desk.fault("rate_limit", path="/requests/", count=1, retry_after=5)
    await desk.life.want(desk.story.opened())
    _, outcome = desk.life.platform.outcomes[0]
    assert (type(outcome), outcome.reason) == (Unknown, Reason.RATE_LIMITED)
    desk.fault("none")
    await desk.life.run(1)
    assert len(desk.tickets()) == 1


@pytest.mark.parametrize("failures", [1, 2])
async def test_a_question_is_asked_again_rather_than_the_alert_opened_again(
    desk_with: Opens, failures: int
) -> None:
    desk = desk_with()
    desk.fault("server_error", path="/requests/", count=failures)
    await desk.life.want(desk.story.opened(), 60)
    desk.is_true(Status.OPEN)
    assert len(desk.life.operations) == 1
    assert desk.ticket().repeats == 0


async def test_a_refusal_after_the_acceptance_is_a_dead_letter(desk_with: Opens) -> None:
    desk = desk_with(escalation="Nobody")
    await desk.life.want(desk.story.opened(), 60)
    await desk.life.want(desk.story.escalated(), HOUR)
    (letter,) = desk.life.dead_letters
    assert letter.reason == "invalid"
    assert "Nobody" in letter.detail
    assert b'"escalation"' in (letter.value or b"")
    assert desk.life.operations.count(Operation.ESCALATE) == 1


async def test_a_key_that_may_not_read_outcomes_says_so(desk_with: Opens) -> None:
    desk = desk_with()
    desk.fault("server_error", status=403, path="/requests/")
    await desk.life.want(desk.story.opened())
    assert "read access" in desk.life.dead_letters[0].detail


# What an alert is made of


async def test_an_alert_has_its_team_tags_entity_and_lasting_facts(desk_with: Opens) -> None:
    desk = desk_with(teams={"services": {"checkout": "Management"}}, tags=["sre"])
    await desk.life.want(desk.story.opened(), 60)
    record = desk.ticket().record
    assert record["responders"] == [{"type": "team", "name": "Management"}]
    assert record["tags"][:2] == ["sre", "checkout"]
    assert record["entity"] == "checkout"
    assert record["details"]["Incident"] == desk.story.incident.id
    assert desk.ticket().key == desk.story.incident.id


async def test_the_team_follows_the_severity_where_no_service_is_named(desk_with: Opens) -> None:
    desk = desk_with(teams={"severities": {"high": "Management"}})
    await desk.life.want(desk.story.opened(), 60)
    assert desk.ticket().record["responders"][0]["name"] == "Management"


async def test_without_a_team_the_integration_decides(desk_with: Opens, record: Path) -> None:
    desk = desk_with(team=None)
    await desk.life.want(desk.story.opened(), 60)
    assert "responders" not in requests(record, "POST", "/alerts")[0]["body"]


async def test_only_what_changed_is_written_again(desk_with: Opens, record: Path) -> None:
    desk = desk_with()
    await desk.life.want(desk.story.opened(), 60)
    await desk.life.want(desk.story.counted(), HOUR)
    assert [row["path"].rpartition("/")[2] for row in requests(record, "PUT")] == ["description"]
    await desk.life.want(desk.story.raised(), 60)
    written = [row["path"].rpartition("/")[2] for row in requests(record, "PUT")][1:]
    assert sorted(written) == ["description", "message", "priority"]


async def test_a_cause_that_is_found_stands_in_the_message(desk_with: Opens) -> None:
    desk = desk_with()
    await desk.life.want(desk.story.opened(), 60)
    cause = NamedCause(service="payment", strength=9.0, at=desk.life.clock.now)
    await desk.life.want(desk.story.changed(cause=cause), HOUR)
    assert "began in payment" in desk.ticket().title


async def test_a_repeated_create_shows_the_severity_of_now(desk_with: Opens) -> None:
    desk = desk_with()
    desk.fault("timeout_after_accept", method="POST", path="/v2/alerts", count=1)
    await desk.life.want(desk.story.opened())
    await desk.life.want(desk.story.raised(), HOUR)
    assert len(desk.tickets()) == 1
    assert desk.ticket().priority == "P1"
    assert desk.ticket().title.startswith("[CRITICAL]")


# Escalating


async def test_escalating_goes_to_the_escalation_and_to_named_teams(desk_with: Opens) -> None:
    desk = desk_with(teams={"tenants": {"other": "Management"}})
    await desk.life.want(desk.story.opened(), 60)
    await desk.life.want(desk.story.escalated("Management", "pagerduty"), 60)
    said = [what for _, what in desk.ticket().history]
    assert f"escalated to {credentials.ESCALATION}" in said
    assert {"type": "team", "name": "Management"} in desk.ticket().record["responders"]


async def test_on_jsm_named_teams_are_added_by_their_ids(desk_with: Opens) -> None:
    desk = desk_with(JSM, teams={"tenants": {"other": "Management", "more": "Nobody"}})
    await desk.life.want(desk.story.opened(), 60)
    await desk.life.want(desk.story.escalated("Management", "Nobody"), 60)
    assert {"type": "team", "id": "t-0002"} in desk.ticket().record["responders"]
    assert left_out(desk) == ['responders: there is no team "Nobody"']
    assert not desk.life.dead_letters


def left_out(desk: Desk) -> list[str]:
    return [
        sentence
        for _, outcome in desk.life.platform.outcomes
        for sentence in getattr(outcome, "left_out", ())
    ]


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
async def test_a_page_without_a_team_that_is_gone_is_better_than_none(
    desk_with: Opens, subject: Subject
) -> None:
    desk = desk_with(subject, team="Gone")
    await desk.life.want(desk.story.opened(), 60)
    desk.is_true(Status.OPEN)
    (told,) = left_out(desk)
    assert told.startswith("responders: OpsGenie refused them (")
    assert "Gone" in told


async def test_without_an_escalation_the_priority_says_it(desk_with: Opens) -> None:
    desk = desk_with(escalation=None)
    await desk.life.want(desk.story.opened(), 60)
    assert desk.ticket().priority == "P2"
    await desk.life.want(desk.story.escalated("lead"), 60)
    assert desk.ticket().priority == "P1"


# Who is on call


async def test_who_is_on_call_stands_on_the_alert_and_in_the_receipt(desk_with: Opens) -> None:
    desk = desk_with(**SCHEDULE)
    await desk.life.want(desk.story.opened(), 60)
    record = desk.ticket().record
    assert record["details"]["On call"] == ON_CALL
    assert record["description"].startswith(f"On call ({credentials.SCHEDULE}): {ON_CALL}")
    assert desk.life.receipts[-1].on_call == ON_CALL


async def test_people_on_call_are_asked_for_once_a_minute_at_most(
    desk_with: Opens, record: Path
) -> None:
    desk = desk_with(**SCHEDULE)
    await desk.life.want(desk.story.opened(), 60)
    await desk.life.want(desk.story.raised(), 60)
    assert len(requests(record, "GET", "/on-calls")) == 1


@pytest.mark.parametrize("schedule", ["nobody's", credentials.SCHEDULE])
async def test_a_page_goes_out_without_knowing_who_is_on_call(
    desk_with: Opens, schedule: str
) -> None:
    desk = desk_with(schedule=schedule)
    if schedule == credentials.SCHEDULE:
        desk.fault("server_error", status=503, path="/on-calls")
    await desk.life.want(desk.story.opened(), 60)
    desk.is_true(Status.OPEN)
    assert "On call" not in desk.ticket().record["details"] or schedule == "nobody's"


async def test_jsm_tells_who_is_on_call_by_name(desk_with: Opens) -> None:
    desk = desk_with(JSM, **SCHEDULE)
    await desk.life.want(desk.story.opened(), 60)
    assert desk.life.receipts[-1].on_call == ON_CALL


async def test_without_names_jsm_tells_accounts(desk_with: Opens) -> None:
    desk = desk_with(JSM, **SCHEDULE)
    desk.fault("server_error", status=403, path="/user/bulk")
    await desk.life.want(desk.story.opened(), 60)
    assert desk.life.receipts[-1].on_call == "u-0001"


@pytest.mark.parametrize("kind", ["schedule", "escalation"])
async def test_names_beyond_jsms_first_page_are_known(
    desk_with: Opens, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    for number in range(250):
        monkeypatch.setitem(directory.KNOWN[kind], f"{kind} {number}", f"x-{number}")
    tested = await desk_with(JSM, **{kind: f"{kind} 249"}).life.platform.test_connection()
    assert tested.ok, tested.message


async def test_a_note_beyond_jsms_first_page_is_not_told_again(desk_with: Opens) -> None:
    desk = desk_with(JSM)
    await desk.life.want(desk.story.opened(), 60)
    notes = desk.ticket().record["notes"]
    notes += [{"note": "lunch", "createdAt": "", "owner": "ada"}] * 120
    desk.fault("timeout_after_accept", path="/notes", method="POST", count=1)
    await desk.life.want(desk.story.commented(), HOUR)
    assert desk.texts().count("the pool is exhausted") == 1


# People


async def test_jsm_is_asked_for_its_longest_lists(desk_with: Opens, record: Path) -> None:
    desk = desk_with(JSM)
    for snapshot in (desk.story.opened(), desk.story.escalated("lead"), desk.story.commented()):
        desk.fault("timeout_after_accept", count=1)
        await desk.life.want(snapshot, 600)
    for path in ("/notes", "/escalations"):
        asked = [one["query"] for one in requests(record, "GET", path)]
        assert asked
        assert all(query == {"size": "100"} for query in asked)


async def test_a_risen_severity_opens_another_alert_after_a_person_closed_the_first(
    desk_with: Opens,
) -> None:
    desk = desk_with()
    await desk.life.want(desk.story.opened(), 60)
    desk.person("close")
    await desk.life.want(desk.story.raised(), HOUR)
    assert [one.state for one in desk.tickets()] == ["resolved", "open"]
    assert desk.life.receipts[-1].external_id == desk.ticket().id
    desk.person("close")
    asked = desk.requests()
    await desk.life.want(desk.story.counted(), 24 * HOUR)
    assert desk.requests() - asked <= 4
    assert len(desk.tickets()) == 2


async def test_an_acknowledgement_of_a_person_is_not_done_again(desk_with: Opens) -> None:
    desk = desk_with()
    await desk.life.want(desk.story.opened(), 60)
    desk.person("acknowledge")
    await desk.life.want(desk.story.acknowledged(), HOUR)
    desk.is_true(Status.ACKNOWLEDGED)
    assert desk.life.receipts[-1].state is TicketState.ACKNOWLEDGED


async def test_resolving_what_a_person_deleted_is_told_once(desk_with: Opens) -> None:
    desk = desk_with()
    await desk.life.want(desk.story.opened(), 60)
    desk.person("delete")
    await desk.life.want(desk.story.resolved(), 24 * HOUR)
    assert desk.tickets() == []
    assert [letter.reason for letter in desk.life.dead_letters] == ["not_found"]


@pytest.mark.parametrize(
    ("subject", "body"), [(OPSGENIE, {"source": SOURCE}), (JSM, None)], ids=["opsgenie", "jsm"]
)
async def test_a_resolve_that_did_not_happen_does_not_leave_an_old_acknowledgement(
    desk_with: Opens, record: Path, subject: Subject, body: Any
) -> None:
    """Resolving fails and the incident fires again: the open alert is taken up, not acknowledged."""
    desk = desk_with(subject)
    await desk.life.want(desk.story.opened(), 60)
    await desk.life.want(desk.story.acknowledged(), 60)
    desk.fault("down")
    await desk.life.want(desk.story.resolved())
    desk.fault("none")
    await desk.life.want(desk.story.reopened(), HOUR)
    desk.is_true(Status.OPEN)
    (asked,) = requests(record, "POST", "/unacknowledge")
    assert (asked["body"], asked["status"]) == (body, 202)


# The key alone


async def test_with_a_key_alone_a_risen_severity_is_told_in_a_note(desk_with: Opens) -> None:
    desk = desk_with(JSM_KEY)
    await desk.life.want(desk.story.opened(), 60)
    await desk.life.want(desk.story.raised(), 60)
    await desk.life.want(desk.story.escalated("lead"), 60)
    assert desk.ticket().priority == "P2"
    notes = "\n".join(note["note"] for note in desk.ticket().record["notes"])
    assert "Severity raised" in notes
    assert "Escalated" in notes


async def test_with_a_key_alone_only_integration_paths_are_called(
    desk_with: Opens, record: Path
) -> None:
    desk = desk_with(JSM_KEY)
    for snapshot in (desk.story.opened, desk.story.raised, desk.story.resolved):
        await desk.life.want(snapshot(), 60)
    paths = {row["path"] for row in requests(record, "POST") + requests(record, "GET")}
    assert len(paths) > 3
    assert all(path.startswith("/jsm/ops/integration/v2/alerts") for path in paths)


# The test of the connection


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
async def test_a_wrong_key_is_named(desk_with: Opens, subject: Subject) -> None:
    tested = await desk_with(subject, apiKey="wrong").life.platform.test_connection()
    assert not tested.ok
    assert "opsgenie.apiKey" in tested.message
    assert "API key management" in tested.message


@pytest.mark.parametrize("subject", [OPSGENIE, JSM], ids=lambda subject: subject.name)
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("team", "Nobody"),
        ("teams", {"services": {"checkout": "Nobody"}}),
        ("escalation", "Nobody"),
        ("schedule", "Nobody"),
    ],
)
async def test_every_name_is_checked(
    desk_with: Opens, subject: Subject, key: str, value: Any
) -> None:
    desk = desk_with(subject, **{key: value})
    tested = await desk.life.platform.test_connection()
    assert not tested.ok
    assert f"opsgenie.{key}: " in tested.message
    assert '"Nobody"' in tested.message


async def test_a_wrong_token_of_jsm_is_named(desk_with: Opens) -> None:
    tested = await desk_with(JSM, apiToken="wrong").life.platform.test_connection()
    assert not tested.ok
    assert "apiToken" in tested.message


async def test_a_key_without_access_to_the_configuration_is_no_fault(desk_with: Opens) -> None:
    desk = desk_with()
    desk.fault("server_error", status=403, path="/v2/teams")
    tested = await desk.life.platform.test_connection()
    assert tested.ok
    assert "could not be checked" in tested.message


async def test_a_key_alone_says_what_it_can_do(desk_with: Opens) -> None:
    tested = await desk_with(JSM_KEY).life.platform.test_connection()
    assert tested.ok
    assert "cloudId" in tested.message


# Where people read it


@pytest.mark.parametrize(
    ("region", "page"),
    [("us", "https://app.opsgenie.com/"), ("eu", "https://app.eu.opsgenie.com/")],
)
def test_the_link_follows_the_region(region: str, page: str) -> None:
    config = Config.model_validate({"opsgenie": {"region": region, "apiKey": "k"}})
    assert Settings.of(config.opsgenie).page("id").startswith(page)


def test_an_unknown_address_has_no_link() -> None:
    config = Config.model_validate({"opsgenie": {"flavour": "jsm", "apiKey": "k"}})
    assert Settings.of(config.opsgenie).page("id") == ""


async def test_nothing_is_looked_up_or_deduplicated(desk_with: Opens) -> None:
    desk = desk_with()
    desk.fault("timeout_after_accept", method="POST", count=1)
    await desk.life.want(desk.story.opened(), HOUR)
    assert {one.value for one in desk.life.operations} == {"create"}
    assert isinstance(desk.life.platform.outcomes[-1][1], Delivered)
    assert desk.story.incident.severity is Severity.HIGH
