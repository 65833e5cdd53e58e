"""PagerDuty: the right service, the right level, and no page that waits for the REST API."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.incidents import id_of, ticketed
from support.life import Clock, Life
from support.story import Story

from sinks import drill
from sinks.calls.outcome import Refused
from sinks.calls.references import reference
from sinks.pagerduty import payload
from sinks.pagerduty.settings import Settings
from sinks.platforms import create
from sinks.text.writer import Writer
from tables.deliveries import Operation
from ticketing.config import Config
from ticketing.config.platforms.pagerduty import PagerDuty
from ticketing.domain.events import Summary, TicketState
from ticketing.domain.incidents.incident import Step, StepKind
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Sample
from ticketing.sandbox.credentials import sandbox_config
from ticketing.sandbox.pagerduty.answers import refuse_event
from ticketing.sandbox.pagerduty.credentials import ROUTING_KEYS
from ticketing.sandbox.pagerduty.store import Incidents
from ticketing.sandbox.server import STATE, Sandbox, start
from ticketing.sandbox.tickets import Ticket

MAPPING = Settings.of(PagerDuty()).severity_mapping


def trigger(**changes: Any) -> dict[str, Any]:
    incident = ticketed(**changes)
    return payload.trigger(incident, incident.id, "k" * 32, MAPPING, Writer("pagerduty"))


class Account:
    """A sandbox and an adapter for it."""

    def __init__(self, sandbox: Sandbox, clock: Clock, **more: Any) -> None:
        self.sandbox = sandbox
        section = {**sandbox_config(sandbox.url)["pagerduty"], **more}
        section["rateLimit"] = "1000/second"
        platform: Any = create("pagerduty", Config.model_validate({"pagerduty": section}), _open)
        platform.clock = clock
        platform.sleep = _at_once
        self.life = Life(platform, clock=clock)
        self.story = Story(clock)

    def ticket(self) -> Ticket:
        found = self.sandbox.ticket("pagerduty", self.sandbox.tickets("pagerduty")[-1]["id"])
        assert found is not None
        return found

    def notes(self) -> list[str]:
        return [note["content"] for note in self.ticket().record["notes"]]


async def _at_once(seconds: float) -> None:
    return None


def _open() -> None:
    return None


@pytest.fixture
async def account() -> AsyncIterator[Any]:
    clock = Clock()
    sandbox = await start(clock=clock)
    accounts: list[Account] = []

    def made(**more: Any) -> Account:
        accounts.append(Account(sandbox, clock, **more))
        return accounts[-1]

    yield made
    for one in accounts:
        await one.life.close()
    await sandbox.stop()


@pytest.mark.parametrize("fault", ["down", "server_error", "malformed", "rate_limit"])
async def test_a_page_needs_no_rest_api(account: Any, fault: str) -> None:
    one = account(priorities={"high": "PPRIOP2"})
    one.sandbox.set_fault("pagerduty", fault, path="/incidents")
    await one.life.want(one.story.opened(), 5.0)
    await one.life.want(one.story.commented(), 60.0)
    await one.life.want(one.story.acknowledged(), 1.0)
    assert one.ticket().state == "acknowledged"
    await one.life.want(one.story.resolved(), 1.0)
    assert one.ticket().state == "resolved"
    assert one.life.receipts[-1].state is TicketState.RESOLVED
    assert not one.life.machine.circuit_open


async def test_notes_follow_when_the_rest_api_is_back(account: Any) -> None:
    one = account(priorities={"high": "PPRIOP2"})
    one.sandbox.set_fault("pagerduty", "down", path="/incidents")
    await one.life.want(one.story.opened(), 5.0)
    await one.life.want(one.story.acknowledged(note="on it"), 600.0)
    assert one.notes() == []
    one.sandbox.set_fault("pagerduty", "none")
    await one.life.run(600.0)
    assert "on it" in "".join(one.notes())
    assert one.ticket().record["priority"] == "PPRIOP2"
    assert one.life.receipts[-1].url.startswith("https://")


async def test_the_address_of_the_incident_is_told(account: Any) -> None:
    one = account()
    await one.life.want(one.story.opened(), 5.0)
    receipt = one.life.receipts[-1]
    assert (receipt.url, receipt.external_id) == (one.ticket().url, one.story.incident.id)


def left_out(account: Account) -> list[str]:
    return [
        sentence
        for _, outcome in account.life.platform.outcomes
        for sentence in getattr(outcome, "left_out", ())
    ]


# Accepted is not delivered


@pytest.mark.parametrize(
    "switches", [{"rules_drop": True}, {"service_status": "disabled"}], ids=["rule", "service"]
)
async def test_an_event_whose_incident_does_not_appear_is_not_delivered(
    account: Any, switches: dict[str, Any]
) -> None:
    one, other = account(), account()
    one.sandbox.set_behaviours("pagerduty", **switches)
    await one.life.want(one.story.opened(), 60.0)
    delivery = one.life.delivery(one.story.incident.id)
    assert delivery.have is None
    assert delivery.error.startswith("not_seen: PagerDuty took the event")
    assert not one.life.machine.circuit_open
    one.sandbox.set_behaviours("pagerduty", rules_drop=False, service_status="active")
    await one.life.run(600.0)
    assert one.ticket().state == "open"
    assert one.life.receipts[-1].state is TicketState.OPEN
    assert other.life.operations == []


async def test_a_drill_says_that_nobody_is_paged(account: Any) -> None:
    one = account()
    one.sandbox.set_behaviours("pagerduty", service_status="maintenance")
    clock = one.life.clock
    rows: list[drill.Row] = []

    async def sleep(seconds: float) -> None:
        clock.now += seconds

    test = drill.incident(Severity.CRITICAL, "checkout", clock.now)
    platform = one.life.platform._platform
    taken = drill.Drill(platform, test, timeout=10.0, clock=clock, sleep=sleep)
    assert not await taken.run(rows.append)
    assert rows[0].step == drill.CREATE
    assert "no incident appeared" in rows[0].outcome


async def test_an_incident_that_appears_late_is_not_triggered_again(account: Any) -> None:
    one = account()
    one.sandbox.set_behaviours("pagerduty", incident_lag=20)
    await one.life.want(one.story.opened(), 120.0)
    assert one.life.receipts[-1].state is TicketState.OPEN
    one.sandbox.act("pagerduty", one.ticket().id, "close")
    await one.life.run(600.0)
    assert [t["state"] for t in one.sandbox.tickets("pagerduty")] == ["resolved"]


async def test_an_incident_that_was_resolved_before_it_was_seen_pages_once(account: Any) -> None:
    one = account()
    one.sandbox.set_behaviours("pagerduty", incident_lag=5)
    await one.life.want(one.story.opened())
    one.sandbox.act("pagerduty", one.ticket().id, "close")
    await one.life.run(600.0)
    assert len(one.sandbox.tickets("pagerduty")) == 1


async def test_a_new_episode_that_opens_no_incident_is_not_delivered(account: Any) -> None:
    one = account()
    await one.life.want(one.story.opened(), 60.0)
    await one.life.want(one.story.resolved(), 60.0)
    one.sandbox.set_behaviours("pagerduty", rules_drop=True)
    await one.life.want(one.story.reopened(), 60.0)
    assert one.life.delivery(one.story.incident.id).error.startswith("not_seen")


@pytest.mark.parametrize("status", ["disabled", "maintenance"])
async def test_a_test_of_the_connection_names_a_service_that_pages_nobody(
    account: Any, status: str
) -> None:
    one = account()
    one.sandbox.set_behaviours("pagerduty", service_status=status)
    tested = await one.life.platform.test_connection()
    assert f"pagerduty.routingKey: events for Sandbox critical ({status})" in tested.message


async def test_services_and_priorities_beyond_the_first_page_are_known(
    account: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sinks.pagerduty.api.PAGE_SIZE", 2)
    one = account(priorities={"high": "PPRIOP5"})
    assert (await one.life.platform.test_connection()).ok
    one.sandbox.set_behaviours("pagerduty", service_status="disabled")
    assert "Sandbox medium" in (await one.life.platform.test_connection()).message


async def test_a_search_that_fails_is_named(account: Any) -> None:
    one = account()
    one.sandbox.set_fault("pagerduty", "malformed", path="/incidents")
    tested = await one.life.platform.test_connection()
    assert "incidents can't be searched" in tested.message


# Grouped alerts


async def test_notes_and_escalations_reach_the_incident_that_an_alert_was_joined_to(
    account: Any,
) -> None:
    first, one = account(), account()
    one.sandbox.set_behaviours("pagerduty", groups_alerts=True)
    first.story.changed(id=id_of(7))
    await first.life.want(first.story.opened(), 5.0)
    await one.life.want(one.story.opened(), 5.0)
    assert len(one.sandbox.tickets("pagerduty")) == 1
    assert one.life.receipts[-1].url == one.ticket().url
    await one.life.want(one.story.commented(), 60.0)
    await one.life.want(one.story.escalated(), 60.0)
    assert "the pool is exhausted" in "".join(one.notes())
    assert one.ticket().record["escalation_level"] == 2
    assert one.life.dead_letters == []


async def test_the_incident_of_another_alert_is_not_taken_for_ours(
    account: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PagerDuty may list incidents of other keys."""
    monkeypatch.setattr("ticketing.sandbox.pagerduty.search._keys", lambda ticket: _Every())
    other, one = account(), account()
    other.story.changed(id=id_of(7))
    await other.life.want(other.story.opened(), 5.0)
    one.sandbox.set_behaviours("pagerduty", rules_drop=True)
    await one.life.want(one.story.opened(), 5.0)
    assert one.life.delivery(one.story.incident.id).error.startswith("not_seen")


class _Every:
    def __contains__(self, key: object) -> bool:
        return True


# Refused and ignored fields


async def test_a_page_goes_out_without_the_details_that_are_refused(
    account: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(event: dict[str, Any]) -> Any:
        if "custom_details" in event["payload"]:
            refuse_event("'payload.custom_details' is malformed")
        return _trigger(events, event)

    one = account()
    events = one.sandbox.app[STATE].platforms["pagerduty"].events
    _trigger = type(events)._trigger
    monkeypatch.setattr(events, "_trigger", refused)
    await one.life.want(one.story.opened(), 60.0)
    assert one.ticket().state == "open"
    assert "details, links: PagerDuty refused them" in left_out(one)[0]


async def test_a_refused_priority_does_not_repeat_the_note(account: Any) -> None:
    one = account(priorities={"high": "PGONE"})
    await one.life.want(one.story.opened(), 60.0)
    await one.life.want(one.story.commented(), 600.0)
    assert len(one.notes()) == 1
    assert one.life.dead_letters == []
    assert set(left_out(one)) == {one.life.platform.outcomes[0][1].left_out[0]}
    assert left_out(one)[0].startswith("priority: PagerDuty refused it")


async def test_a_policy_that_pagerduty_keeps_is_told(
    account: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = Incidents.change
    monkeypatch.setattr(Incidents, "change", lambda self, ticket, wanted: change(self, ticket, {}))
    one = account(escalationPolicies={"severities": {"high": "PPOLICY2"}})
    await one.life.want(one.story.opened(), 5.0)
    await one.life.want(one.story.escalated(), 60.0)
    assert left_out(one) == ['escalation_policy: asked for "PPOLICY2", PagerDuty has "PPOLICY1"']


def test_details_hold_only_lasting_facts() -> None:
    details = trigger(count=17)["payload"]["custom_details"]
    assert "Error pattern" in details
    assert not {"Status", "How many", "Last seen"} & details.keys()


async def test_each_escalation_is_a_level_higher(account: Any) -> None:
    one = account()
    await one.life.want(one.story.opened(), 5.0)
    await one.life.want(one.story.escalated(), 60.0)
    assert one.ticket().record["escalation_level"] == 2
    await one.life.want(one.story.acknowledged(), 60.0)
    await one.life.want(one.story.escalated(), 60.0)
    assert one.ticket().record["escalation_level"] == 3
    await one.life.want(one.story.acknowledged(), 60.0)
    await one.life.want(one.story.escalated(), 60.0)
    assert one.ticket().record["escalation_level"] == 3, "there is nobody above"
    assert one.life.dead_letters == []


async def test_an_escalation_moves_to_the_chosen_policy(account: Any) -> None:
    one = account(escalationPolicies={"severities": {"high": "PPOLICY2"}})
    await one.life.want(one.story.opened(), 5.0)
    await one.life.want(one.story.escalated(), 60.0)
    assert one.ticket().record["escalation_policy"] == "PPOLICY2"


async def test_what_a_person_resolved_is_not_escalated(account: Any) -> None:
    one = account(escalationPolicies={"severities": {"high": "PPOLICY2"}})
    await one.life.want(one.story.opened(), 5.0)
    one.sandbox.act("pagerduty", one.ticket().id, "close")
    await one.life.want(one.story.escalated(), 60.0)
    assert one.ticket().state == "resolved"
    assert one.ticket().record["escalation_policy"] == "PPOLICY1"


async def test_an_alert_is_acknowledged_by_itself_if_so_configured(account: Any) -> None:
    one = account(autoAcknowledge=["high"])
    await one.life.want(one.story.opened(), 60.0)
    assert one.ticket().state == "acknowledged"
    await one.life.want(one.story.raised(Severity.CRITICAL), 60.0)
    assert one.ticket().priority == "critical"


async def test_an_alert_stays_with_the_key_that_opened_it(account: Any) -> None:
    one = account()
    await one.life.want(one.story.opened(), 5.0)
    await one.life.want(one.story.raised(Severity.CRITICAL), 60.0)
    await one.life.want(one.story.resolved(), 60.0)
    assert [t["state"] for t in one.sandbox.tickets("pagerduty")] == ["resolved"]
    assert one.ticket().record["service"] == "PSVCHIGH"


async def test_a_key_that_is_not_configured_any_more_is_said(account: Any) -> None:
    one = account()
    await one.life.want(one.story.opened(), 5.0)
    two = account(routingKeys={}, routingKey=ROUTING_KEYS["low"])
    two.life.take_over(one.life)
    await two.life.want(one.story.resolved(), 5.0)
    outcome = dict(two.life.platform.outcomes)[Operation.RESOLVE]
    assert isinstance(outcome, Refused)
    assert "not configured any more" in outcome.detail


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"escalationPolicies": {"severities": {"high": "PNONE"}}}, "escalationPolicies"),
        ({"priorities": {"high": "PNONE"}}, "priorities"),
        ({"fromEmail": None}, "fromEmail"),
        ({"apiToken": "wrong"}, "apiToken"),
        ({"restUrl": "http://127.0.0.1:9"}, "apiToken"),
    ],
)
async def test_a_test_of_the_connection_names_the_key(
    account: Any, more: dict[str, Any], word: str
) -> None:
    tested = await account(**more).life.platform.test_connection()
    assert not tested.ok
    assert f"pagerduty.{word}" in tested.message


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"service": "checkout"}, "s" * 32),
        ({"service": "cart", "severity": Severity.CRITICAL}, "c" * 32),
        ({"service": "cart", "severity": Severity.LOW}, "d" * 32),
    ],
)
def test_the_routing_key_is_chosen(changes: dict[str, Any], key: str) -> None:
    config = PagerDuty.model_validate(
        {
            "routingKey": "d" * 32,
            "routingKeys": {"critical": "c" * 32},
            "services": {"checkout": "s" * 32},
        }
    )
    chosen = Settings.of(config).key_for(ticketed(**changes))
    assert chosen == key
    assert Settings.of(config).keys()[reference(key)] == key


def test_europe_has_its_own_addresses() -> None:
    settings = Settings.of(PagerDuty.model_validate({"region": "eu"}))
    assert settings.api_url == "https://events.eu.pagerduty.com"
    assert settings.rest_url == "https://api.eu.pagerduty.com"


@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=3000))
def test_an_event_keeps_the_limits(text: str) -> None:
    summary = Summary(incident_id="i", revision=1, generated_by=text, title=text, text=text)
    event = trigger(
        title=text,
        service=text,
        tenant=text,
        samples=[Sample(at=1.0, message=text)] * 5,
        summary=summary,
    )
    assert 0 < len(event["payload"]["summary"]) <= 1024
    assert len(event["payload"]["source"]) <= 1024
    assert len(event["dedup_key"]) <= 255
    assert len(msgspec.json.encode(event)) <= payload.BODY_BYTES_MAX


def test_details_that_are_too_large_go_before_the_page_does() -> None:
    summary = Summary(incident_id="i", revision=1, generated_by="m", title="t", text="x" * 600_000)
    event = trigger(summary=summary)
    assert event["payload"]["custom_details"] == {"truncated": "the details were too large"}
    assert event["payload"]["summary"]


def test_a_template_of_ones_own_takes_the_place_of_the_details() -> None:
    writer = Writer("pagerduty", None, "Only {{ service }}.")
    event = payload.trigger(ticketed(), "key", "k" * 32, MAPPING, writer)
    assert event["payload"]["custom_details"] == {"Details": "Only checkout."}


@given(count=st.integers(1, 400), length=st.integers(0, 600))
def test_a_note_keeps_its_length_and_counts_what_is_missing(count: int, length: int) -> None:
    told = [
        Step(seq=n, at=1.0, kind=StepKind.COMMENT, text="y" * length) for n in range(1, count + 1)
    ]
    content = payload.note(told)["note"]["content"]
    assert len(content) <= payload.NOTE_CHARS_MAX + 50
    whole = content.count("Comment at")
    if whole < count:
        assert f"{count - whole} more steps" in content


def test_only_what_no_note_tells_is_told_again() -> None:
    told = [
        Step(seq=1, at=1.0, kind=StepKind.COMMENT, text="one"),
        Step(seq=2, at=2.0, kind=StepKind.COMMENT, text="two"),
    ]
    first = payload.note(told[:1])["note"]["content"]
    assert payload.missing_from(["lunch", first], told) == told[1:]
    assert payload.missing_from([], told) == told


def test_the_same_wish_is_the_same_body() -> None:
    steps = [Step(seq=n, at=1.0, kind=StepKind.ESCALATED) for n in (1, 2)]
    incident = ticketed(timeline=steps)
    first, second = payload.escalate(incident, ""), payload.escalate(incident, "")
    assert json.dumps(first) == json.dumps(second)
    assert first["incident"]["escalation_level"] == 3
