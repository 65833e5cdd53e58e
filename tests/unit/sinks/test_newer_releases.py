"""Every platform under snapshots of a newer release: the ticket follows its incident all the same."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from support.contract import Desk, Desks, Subject, subjects
from support.every_field import replaced
from support.newer import NEW, enum_places, full
from support.shapes import plain_subjects

from sinks.delivery.wishes import encode_wish
from tables import deliveries
from tables.deliveries import Delivery, Operation, Why
from ticketing.domain.events import TicketState
from ticketing.domain.incidents.incident import Incident, Status, Step, StepKind
from ticketing.domain.severity import Severity
from ticketing.engine import statemachine
from ticketing.wire.incidents import decode_incident, encode_incident

PLAIN = plain_subjects()
PLACES = [pytest.param(path, id=".".join(map(str, path))) for path, _ in enum_places()]

pytestmark = pytest.mark.parametrize("subject", PLAIN.values(), ids=PLAIN)


async def wanted(desk: Desk, document: dict[str, Any], revision: int, seconds: float = 5.0) -> None:
    """A snapshot arrives as the document says, with this revision."""
    value = json.dumps({**document, "revision": revision}).encode()
    desk.life.send(encode_wish(value))
    await desk.life.run(seconds)


@pytest.mark.parametrize("path", PLACES)
async def test_a_value_of_a_newer_release_anywhere_keeps_no_ticket_from_its_end(
    subject: Subject, path: tuple[str | int, ...], desks: Desks
) -> None:
    """Opened, acknowledged and resolved, with the unknown value in each snapshot."""
    desk = desks.open(subject)
    document = json.loads(encode_incident(full(desk.life.clock)))
    desk.story.incident = decode_incident(json.dumps(document).encode())
    newer = replaced(document, path, NEW)
    await wanted(desk, newer, 1)
    assert len(desk.tickets()) == 1
    held = {**newer, "status": "acknowledged", "acknowledged_at": desk.life.clock()}
    await wanted(desk, held, 2)
    await wanted(desk, {**newer, "status": "resolved", "resolved_at": desk.life.clock()}, 3)
    desk.is_true(Status.RESOLVED)


async def test_a_new_kind_of_step_does_not_keep_a_resolved_incident_open(
    subject: Subject, desks: Desks
) -> None:
    """The case that was found: the adapter refused the snapshot, and the ticket stayed open."""
    desk = desks.open(subject)
    await desk.life.want(desk.story.opened(), 5.0)
    resolved = desk.story.resolved()
    new = Step(seq=99, at=desk.life.clock(), kind=StepKind(NEW), text="the pool was moved")
    document = json.loads(encode_incident(replace(resolved, timeline=[*resolved.timeline, new])))
    await wanted(desk, document, resolved.revision + 1)
    desk.is_true(Status.RESOLVED)


async def test_fields_that_cannot_be_read_do_not_keep_a_ticket_from_its_end(
    subject: Subject, desks: Desks
) -> None:
    """Everything but the id, revision, status, severity and title is of another type."""
    desk = desks.open(subject)
    await desk.life.want(desk.story.opened(), 5.0)
    document = json.loads(encode_incident(desk.story.resolved()))
    kept = {"id", "revision", "status", "severity", "title"}
    strange = {name: document[name] if name in kept else {"of": [NEW]} for name in document}
    await wanted(desk, strange, desk.story.incident.revision + 1)
    desk.is_true(Status.RESOLVED)


async def test_an_unknown_status_opens_a_ticket_and_leaves_an_acknowledgement(
    subject: Subject, desks: Desks
) -> None:
    """Not known to be resolved is not resolved; what a person did is not taken back."""
    desk = desks.open(subject)
    document = json.loads(encode_incident(desk.story.opened()))
    await wanted(desk, {**document, "status": NEW}, 1)
    assert len(desk.tickets()) == 1
    await wanted(desk, {**document, "status": "acknowledged"}, 2)
    before = desk.life.operations
    await wanted(desk, {**document, "status": NEW}, 3)
    assert Operation.REOPEN not in desk.life.operations[len(before) :]
    ended = {**document, "status": NEW, "resolved_at": desk.life.clock()}
    await wanted(desk, ended, 4)
    held = desk.life.delivery(desk.story.incident.id).have
    assert held is not None
    assert held.state is TicketState.RESOLVED


async def test_an_unknown_severity_is_told_like_a_critical_one(
    subject: Subject, desks: Desks
) -> None:
    desk = desks.open(subject)
    document = json.loads(encode_incident(desk.story.opened()))
    await wanted(desk, {**document, "severity": "low"}, 1)
    await wanted(desk, {**document, "severity": NEW}, 2, 400.0)
    if Operation.UPDATE in desk.life.platform.traits.operations:
        assert Why.SEVERITY in {request.why for request in desk.life.platform.requests}
    assert desk.life.delivery(desk.story.incident.id).want.severity == Severity(NEW)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"have.state": NEW}, id="the ticket's state"),
        pytest.param({"uncertain": NEW}, id="the doubt"),
        pytest.param({"failed": NEW}, id="the failure"),
        pytest.param({"told.state": NEW}, id="the receipt"),
        pytest.param({"intent": NEW}, id="the intent"),
    ],
)
async def test_a_stored_delivery_of_a_newer_release_goes_on(
    subject: Subject, changed: dict[str, str], desks: Desks
) -> None:
    """The adapter of this release takes over, and resolves the ticket once."""
    desk = desks.open(subject)
    await desk.life.want(desk.story.opened(), 5.0)
    id = desk.story.incident.id
    was = desk.life.delivery(id)
    row = desk.life.store.rows[id]
    state = deliveries.encode(_as_newer(was, changed, desk.life.clock()))
    desk.life.store.rows[id] = row.replace(statemachine.unpack_state(row), state)
    await desk.life.crash()
    await desk.life.want(desk.story.resolved(), 600.0)
    desk.is_true(Status.RESOLVED)


def _as_newer(was: Delivery, changed: dict[str, str], now: float) -> Delivery:
    have, told, new = was.have, was.told, Operation(NEW)
    assert have is not None
    assert told is not None
    (place,) = changed
    if place == "have.state":
        return replace(was, have=replace(have, state=TicketState(NEW)))
    if place == "told.state":
        return replace(was, told=replace(told, state=TicketState(NEW)))
    if place == "uncertain":
        return replace(was, uncertain=deliveries.Uncertain(operation=new, shown=have.shown))
    if place == "failed":
        return replace(was, failed=new, failures=1, next_attempt_at=now + 5.0)
    intent = deliveries.Intent(
        operation=new,
        number=was.numbers + 1,
        started_at=now,
        deadline=now + 10.0,
        shown=have.shown,
        why=Why(NEW),
        reaches=TicketState(NEW),
    )
    return replace(was, intent=intent, numbers=was.numbers + 1)


def test_every_platform_is_tested(subject: Subject) -> None:
    assert {one.platform for one in subjects()} == set(PLAIN)
    assert isinstance(full(), Incident)
