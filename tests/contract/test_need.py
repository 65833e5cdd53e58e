"""What a woken person needs stands first, on every platform, with the configured links."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from contract.conftest import OpenDesk
from support.contract import Desk

from ticketing.domain.events import Summary
from ticketing.domain.incidents.incident import Status, StepKind
from ticketing.domain.signals import Sample
from ticketing.domain.traces.findings import BlastRadius, Candidate, Findings

RUNBOOK = "https://wiki.example/runbooks/checkout"
SETTINGS: dict[str, Any] = {
    "links": {
        "dashboard": "https://charts.example/d/1?service={{ service|urlencode }}"
        "&from={{ since_unix * 1000 }}",
        "runbook": "https://wiki.example/runbooks/{{ service|urlencode }}",
        "traces": "{% if trace_ids %}https://traces.example/{{ trace_ids[0] }}{% endif %}",
    },
    "catalog": {"services": {"checkout": {"team": "payments", "owner": "ada"}}},
    "web": {"publicUrl": "https://ours.example"},
}
HOUR = 3600.0


def full(desk: Desk, **more: Any) -> None:
    """An incident about which everything is known."""
    now = desk.life.clock.now
    desk.story.incident = desk.story.changed(
        **{
            "title": "POST http://10.2.3.4:8080/pay failed",
            "pattern": "THE PATTERN",
            "endpoints": ["POST /pay"],
            "affected_services": ["checkout", "cart"],
            "trace_ids": ["4bf92f3577b34da6a3ce929d0e0e4736"],
            "samples": [Sample(at=now, level="ERROR", message="THE LOG LINE")],
            "summary": Summary(
                incident_id="i",
                revision=1,
                generated_by="a model",
                title="t",
                text="THE SUMMARY",
                root_cause="THE CAUSE",
                impact="THE IMPACT",
                steps=["THE NEXT STEP"],
            ),
            "correlation": Findings(
                since=1.0,
                until=2.0,
                traces=3,
                blast_radius=BlastRadius(requests=200, failing_share=0.41),
                candidates=[Candidate(service="payment", score=1.0)],
            ),
            **more,
        }
    )


def places(text: str, *wanted: str) -> list[int]:
    """Where the words stand; -1 for those that do not."""
    return [text.find(one) for one in wanted]


async def test_the_parts_stand_in_the_order_of_need(open_desk: OpenDesk) -> None:
    desk = open_desk(settings=SETTINGS)
    full(desk)
    await desk.life.want(desk.story.opened(), 60)
    text = desk.texts()
    if desk.subject.platform == "pagerduty":
        # Its details are those of the first event, so that the cause is no part of them.
        found = places(text, "THE SUMMARY", "THE NEXT STEP", "THE LOG LINE", "THE PATTERN")
    else:
        found = places(
            text, "THE SUMMARY", "THE CAUSE", "cart", "THE NEXT STEP", "THE LOG LINE", "THE PATTERN"
        )
    assert -1 not in found
    assert found == sorted(found)


@pytest.mark.only(lambda one: one.platform != "pagerduty")
async def test_a_summary_by_rules_says_the_facts_once_more_below(open_desk: OpenDesk) -> None:
    desk = open_desk()
    full(desk, summary=None)
    await desk.life.want(desk.story.opened(), 60)
    found = places(
        desk.texts(),
        "it began in payment",
        "41% of requests fail",
        "THE LOG LINE",
        "checkout logged",
    )
    assert -1 not in found
    assert found == sorted(found)
    assert "of the requests on its path fail" not in desk.texts(), "the blast radius says it"


async def test_the_headline_says_what_fails_for_whom_and_since_where(open_desk: OpenDesk) -> None:
    desk = open_desk()
    full(desk)
    await desk.life.want(desk.story.opened(), 60)
    said = "[HIGH] checkout fails for 41% of requests, began in payment: POST /pay failed"
    assert said in desk.ticket().title
    assert "10.2.3.4" not in desk.ticket().title


async def test_configured_links_are_on_the_ticket(open_desk: OpenDesk) -> None:
    desk = open_desk(settings=SETTINGS)
    full(desk)
    await desk.life.want(desk.story.opened(), 60)
    shown = json.dumps(desk.ticket().record, default=str, ensure_ascii=False).replace("&amp;", "&")
    since = int(desk.story.incident.first_seen)
    for address in (
        RUNBOOK,
        f"https://charts.example/d/1?service=checkout&from={since * 1000}",
        "https://traces.example/4bf92f3577b34da6a3ce929d0e0e4736",
    ):
        assert address in shown
    assert shown.find(RUNBOOK) < shown.find("https://charts.example")
    desk.is_true(Status.OPEN)


async def test_the_owners_are_named(open_desk: OpenDesk) -> None:
    desk = open_desk(settings=SETTINGS)
    full(desk)
    await desk.life.want(desk.story.opened(), 60)
    assert "payments, ada" in json.dumps(desk.ticket().record, default=str)


async def test_a_log_line_chooses_no_address(open_desk: OpenDesk) -> None:
    hosted = "https://wiki.example{{ service if service != 'checkout' }}"
    desk = open_desk(settings={"links": {"wiki": hosted, "ok": "https://ok.example"}})
    full(desk, service=".evil.example/|<x>")
    await desk.life.want(desk.story.opened(), 60)
    shown = json.dumps(desk.ticket().record, default=str)
    assert "https://wiki.example.evil" not in shown
    assert "https://ok.example" in shown


@pytest.mark.only(lambda one: one.comments)
async def test_where_the_end_is_not_told_the_state_alone_says_it(open_desk: OpenDesk) -> None:
    told, untold = open_desk(), open_desk(settings={"notify": {"resolution": {"high": []}}})
    for desk, number in ((told, 1), (untold, 2)):
        desk.story.incident = desk.story.changed(id=f"{desk.story.incident.id[:-1]}{number}")
        await desk.life.want(desk.story.opened(), 60)
        await desk.life.want(desk.story.commented("a comment of a person"), HOUR)
        await desk.life.want(desk.story.resolved(note="THE END"), HOUR)
        assert not desk.life.dead_letters
        assert desk.story.incident.timeline[-1].kind is StepKind.RESOLVED
    ends = {
        desk.story.incident.id: desk
        for desk in (told, untold)
        if any(
            "THE END" in text
            for ticket in desk.tickets()
            if desk.story.incident.id in json.dumps(ticket.record, default=str)
            for text in notes_of(desk, ticket)
        )
    }
    assert list(ends.values()) == [told]
    if not told.subject.message_only:
        mine = [one for one in untold.tickets() if one.correlation == untold.story.incident.id]
        assert [one.state for one in mine] == ["resolved"]


def notes_of(desk: Desk, ticket: Any) -> list[str]:
    """What was told about the ticket beside its own text."""
    if desk.subject.platform == "slack" and not desk.subject.message_only:
        return [json.dumps(ticket.record["replies"])]
    if desk.subject.platform == "servicenow":
        return [entry["value"] for entry in ticket.record["journal"]]
    return desk.subject.texts(ticket)


@pytest.mark.only(lambda one: one.platform == "pagerduty")
async def test_pagerduty_shows_a_picture(open_desk: OpenDesk) -> None:
    desk = open_desk(settings={"picture": "https://charts.example/{{ service }}.png"})
    full(desk)
    await desk.life.want(desk.story.opened(), 60)
    shown = json.dumps(desk.ticket().record, default=str)
    assert '"src": "https://charts.example/checkout.png"' in shown


@pytest.mark.only(lambda one: one.platform == "pagerduty")
async def test_pagerduty_links_a_picture_that_it_would_not_load(open_desk: OpenDesk) -> None:
    desk = open_desk(settings={"picture": "http://charts.example/{{ service }}.png"})
    full(desk)
    await desk.life.want(desk.story.opened(), 60)
    shown = json.dumps(desk.ticket().record, default=str)
    assert '"src"' not in shown
    assert '"href": "http://charts.example/checkout.png"' in shown


@pytest.mark.only(lambda one: one.platform == "slack")
async def test_slack_shows_times_in_the_readers_zone(open_desk: OpenDesk, tmp_path: Path) -> None:
    desk = open_desk()
    full(desk)
    await desk.life.want(desk.story.opened(), 60)
    since = int(desk.story.incident.first_seen)
    assert f"<!date^{since}^{{date_short_pretty}} {{time_secs}}|" in desk.texts()
