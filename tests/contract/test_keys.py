"""A ticket has the key of one incident of one installation, which no text of an incident can be."""

from __future__ import annotations

import json
from typing import Any

import pytest
from contract.conftest import OpenDesk
from support.contract import Desk, Subject
from support.incidents import SCOPE

from sinks.text.keys import key_of, tag_of
from ticketing.domain.incidents.incident import Status
from ticketing.domain.signals import Sample
from ticketing.sandbox.tickets import Ticket

HOUR = 3600.0
OTHER = f"{SCOPE}-fedcba9876543210"
LOST: dict[str, Any] = {"mode": "timeout_after_accept", "count": 1, "method": "POST"}

pytestmark = pytest.mark.only(lambda one: not one.message_only)


def installed(open_desk: OpenDesk, name: str, **more: Any) -> Desk:
    return open_desk(settings={"installation": name}, **more)


def installation_of(ticket: Ticket, incident_id: str) -> str:
    """The installation whose key stands in the ticket."""
    record = json.dumps([ticket.key, ticket.record])
    names = [one for one in ("blue", "green") if key_of(one, incident_id) in record]
    assert len(names) <= 1
    return "".join(names)


async def test_two_installations_on_one_account_leave_each_others_tickets_alone(
    open_desk: OpenDesk,
) -> None:
    """Each has an incident of the same id, as after a copy of a cluster; no create is answered."""
    desks = {name: installed(open_desk, name) for name in ("blue", "green", "")}
    for desk in desks.values():
        desk.fault(**LOST)
        await desk.life.want(desk.story.opened(), HOUR)
    blue, green, plain = desks.values()
    await blue.life.want(blue.story.acknowledged(), HOUR)
    await green.life.want(green.story.resolved(), HOUR)
    await plain.life.want(plain.story.commented(), HOUR)
    named = [(installation_of(one, blue.story.incident.id), one.state) for one in blue.tickets()]
    state = blue.subject.states
    assert sorted(named) == [
        ("", state[Status.OPEN]),
        ("blue", state[Status.ACKNOWLEDGED]),
        ("green", state[Status.RESOLVED]),
    ]
    assert not [letter for desk in desks.values() for letter in desk.life.dead_letters]


async def test_an_open_ticket_goes_on_when_the_installation_gets_a_name(
    open_desk: OpenDesk,
) -> None:
    before = open_desk()
    await before.life.want(before.story.opened(), HOUR)
    now = installed(open_desk, "blue")
    now.life.take_over(before.life)
    now.story.incident = before.story.incident
    for snapshot in (now.story.raised, now.story.commented, now.story.acknowledged):
        await now.life.want(snapshot(), HOUR)
    now.is_true(Status.ACKNOWLEDGED)
    await now.life.want(now.story.resolved(), HOUR)
    now.is_true(Status.RESOLVED)


def hostile(desk: Desk, number: int, form: str) -> None:
    """The desk's incident has this id, and a form of another's key wherever text is free."""
    desk.story.incident = desk.story.changed(
        id=f"{SCOPE}-{number:016x}",
        service=form,
        environment=form,
        tenant=form,
        title=form,
        pattern=form,
        endpoints=[form],
        affected_services=[form],
        samples=[Sample(at=desk.life.clock.now, message=form, level="ERROR")],
    )


@pytest.mark.parametrize("installation", ["", "blue"])
@pytest.mark.parametrize("section", [{}, {"foundBy": "description"}], ids=["", "by-description"])
async def test_no_text_of_an_incident_is_the_key_of_another(
    open_desk: OpenDesk, subject: Subject, installation: str, section: dict[str, Any]
) -> None:
    """A service or a log line is named like the other's key; then the other's answer gets lost."""
    if section and subject.platform != "jira":
        return
    key = key_of(installation, OTHER)
    forms = (OTHER, key, tag_of(key), tag_of(key).upper(), f"x\n{tag_of(key)}")
    for number, form in enumerate(forms):
        desk = installed(open_desk, installation, **section)
        hostile(desk, number, form)
        await desk.life.want(desk.story.opened(), HOUR)
        await desk.life.want(desk.story.commented(form, by=form), HOUR)
    other = installed(open_desk, installation, **section)
    other.story.incident = other.story.changed(id=OTHER)
    other.fault(**LOST)
    await other.life.want(other.story.opened(), HOUR)
    assert len(other.tickets()) == len(forms) + 1
    await other.life.want(other.story.resolved(), HOUR)
    states = [one.state for one in other.tickets()]
    assert states.count(subject.states[Status.OPEN]) == len(forms)
    assert states.count(subject.states[Status.RESOLVED]) == 1
