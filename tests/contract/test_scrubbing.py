"""Secrets and personal data of logs reach no platform, in whatever field they stand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from contract.conftest import OpenDesk
from support.contract import Desk, Subject, desks_on_a_sandbox
from support.life import Clock
from support.planted import LINE, PLANTED, leaked

from ticketing.domain.events import Summary
from ticketing.domain.incidents.incident import Failure, Status
from ticketing.domain.signals import Sample


async def live_through(desk: Desk) -> None:
    """An incident with secrets in all that logs, people, models and platforms say of it."""
    story, now = desk.story, desk.life.clock.now
    story.changed(
        service=f"pay {LINE}",
        environment=LINE,
        pattern=LINE,
        title=LINE,
        endpoints=[LINE],
        affected_services=[LINE],
        trace_ids=[LINE],
        samples=[Sample(at=now, message=LINE, level="ERROR", host=LINE, endpoint=LINE)],
        failures=[Failure(platform="other", reason="refused", text=LINE, at=now)],
        summary=Summary(
            incident_id=story.incident.id,
            revision=1,
            generated_by="openai/gpt",
            title=LINE,
            text=LINE,
            root_cause=LINE,
            impact=LINE,
            steps=[LINE],
        ),
    )
    await desk.life.want(story.opened(), 60)
    await desk.life.want(story.raised(), 60)
    await desk.life.want(story.commented(LINE), 600)
    await desk.life.want(story.acknowledged(note=LINE), 600)
    await desk.life.want(story.resolved(note=LINE), 600)


async def test_no_request_to_a_platform_carries_a_secret_of_a_log(
    subject: Subject, clock: Clock, tmp_path: Path
) -> None:
    record = tmp_path / "requests.jsonl"
    async with desks_on_a_sandbox(clock, record) as desks:
        desk = desks.open(subject)
        await live_through(desk)
        desk.is_true(Status.RESOLVED)
    sent = record.read_text()
    assert "[secret]" in sent
    assert not leaked(sent)


@pytest.mark.parametrize("length", range(140, 200, 7))
async def test_a_title_that_is_cut_holds_no_half_of_one(open_desk: OpenDesk, length: int) -> None:
    desk = open_desk()
    title = "x" * length + f" {PLANTED['github']} is refused"
    desk.story.changed(title=title, summary=None)
    await desk.life.want(desk.story.opened(), 60)
    assert not leaked(desk.texts(), chars_min=6)


async def test_a_platform_of_choice_gets_the_texts_as_they_are(
    open_desk: OpenDesk, subject: Subject
) -> None:
    privacy = {"privacy": {"scrub": {"platforms": {subject.platform: False}}}}
    desk = open_desk(settings=privacy)
    desk.story.changed(title=f"login of {PLANTED['email']} failed")
    await desk.life.want(desk.story.opened(), 60)
    assert PLANTED["email"] in desk.texts().replace("&#64;", "@")


@pytest.mark.parametrize("name", ["203.0.113.9:8080", "Stack-CheckoutHandlerA1B2C3D4-8sK2JxQ0vP1m"])
async def test_a_configured_service_keeps_its_name_and_owner(
    open_desk: OpenDesk, name: str
) -> None:
    """Its name has the form of an address or a token, and chooses what the ticket shows."""
    catalog = {"services": {name: {"owner": "ada-the-owner"}}}
    desk = open_desk(settings={"catalog": catalog})
    desk.story.changed(service=name)
    await desk.life.want(desk.story.opened(), 60)
    shown = json.dumps(desk.ticket().record, default=str)
    assert "ada-the-owner" in shown
    assert name in desk.ticket().title
