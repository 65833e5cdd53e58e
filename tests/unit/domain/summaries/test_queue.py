"""When a model is asked: once, again only if an incident has become another one, worst first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.incidents import id_of, numbered

from ticketing.domain.events import Basis, Summary
from ticketing.domain.incidents.incident import Incident, Kind, Status
from ticketing.domain.severity import Severity
from ticketing.domain.summaries.queue import (
    AGAIN_SECONDS_MIN,
    ATTEMPTS_MAX,
    CALLS_MAX,
    Queue,
    Why,
    basis_of,
    not_before,
    wanted,
)
from ticketing.domain.traces.findings import Candidate, Findings


def incident(number: int = 1, **changes: Any) -> Incident:
    known = {"opened_at": 1000.0, "updated_at": 1000.0, "ticket_at": 1030.0, "count": 20}
    return numbered(number, **{**known, **changes})


BEGAN_IN_DB = Findings(
    since=0.0, until=1.0, traces=1, candidates=[Candidate(service="db", score=1.0)]
)
ASKED = basis_of(incident(), None)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, None),
        ({"count": 199}, None),
        ({"count": 200}, Why.COUNT),
        ({"severity": Severity.CRITICAL}, Why.SEVERITY),
        ({"severity": Severity.LOW}, None),
        ({"reopenings": [2000.0]}, Why.REOPENED),
        ({"correlation": Findings(since=0.0, until=1.0, traces=1)}, None),
        ({"correlation": BEGAN_IN_DB}, Why.CAUSE),
        ({"severity": Severity.CRITICAL, "status": Status.RESOLVED}, None),
        ({"severity": Severity.CRITICAL, "held_by": "x"}, None),
        ({"title": "another", "updated_at": 9e9, "revision": 99}, None),
    ],
)
def test_it_is_asked_again_only_about_a_material_change(changes: Any, why: Why | None) -> None:
    assert wanted(incident(**changes), ASKED) is why


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, Why.NEW),
        ({"kind": Kind.OVERFLOW}, Why.NEW),
        ({"kind": Kind.UMBRELLA}, None),
        ({"held_by": "x"}, None),
        ({"held_by": "x", "ticketed": True}, Why.NEW),
        ({"status": Status.RESOLVED}, None),
    ],
)
def test_every_incident_that_has_or_gets_a_ticket_is_asked_about(
    changes: Any, why: Why | None
) -> None:
    assert wanted(incident(**changes), None) is why


def test_calls_for_one_incident_end() -> None:
    spent = replace(ASKED, calls=CALLS_MAX)
    assert wanted(incident(severity=Severity.CRITICAL), spent) is None


def test_a_new_one_gathers_evidence_for_a_part_of_its_group_wait() -> None:
    assert not_before(incident(), Why.NEW, None) == 1005.0
    assert not_before(incident(ticket_at=1005.0), Why.NEW, None) == 1001.0
    assert not_before(incident(ticket_at=1000.0, ticketed=True), Why.NEW, None) == 1000.0


def test_a_worse_incident_is_asked_about_at_once() -> None:
    now = incident(updated_at=1010.0)
    assert not_before(now, Why.SEVERITY, ASKED) == 1010.0
    assert not_before(now, Why.COUNT, ASKED) == 1000.0 + AGAIN_SECONDS_MIN


def summary(basis: Basis | None, severity: Severity | None = None) -> Summary:
    return Summary(
        incident_id=id_of(1),
        revision=1,
        generated_by="m",
        title="t",
        text="x",
        severity=severity,
        basis=basis,
    )


def test_a_restarted_worker_knows_from_the_incident_what_was_asked() -> None:
    queue = Queue()
    queue.note(incident(summary=summary(ASKED)))
    assert len(queue) == 0
    queue.note(incident(summary=summary(ASKED), count=500))
    assert len(queue) == 1


def test_a_severity_that_the_model_raised_itself_is_no_news_to_it() -> None:
    queue = Queue()
    raised = incident(severity=Severity.CRITICAL)
    queue.note(replace(raised, summary=summary(ASKED, Severity.CRITICAL)))
    assert len(queue) == 0
    queue.note(replace(raised, summary=summary(ASKED, Severity.LOW)))
    assert len(queue) == 1


def test_the_worst_goes_first_and_nothing_before_its_time() -> None:
    queue = Queue()
    queue.note(incident(1, severity=Severity.LOW))
    queue.note(incident(2, severity=Severity.CRITICAL))
    queue.note(incident(3, severity=Severity.CRITICAL, opened_at=1100.0, ticket_at=1105.0))
    assert queue.take(1004.0) is None
    assert queue.next_at() == 1005.0
    order = []
    while (found := queue.take(1006.0)) is not None:
        order.append(found[0].incident.id)
    assert order == [id_of(2), id_of(1)]


def test_many_publications_of_one_incident_are_one_question() -> None:
    queue = Queue()
    for count in range(20, 60):
        queue.note(incident(count=count))
    found = queue.take(2000.0)
    assert found is not None
    ask, basis = found
    assert ask.incident.count == basis.count == 59
    assert queue.take(2000.0) is None
    queue.note(incident(count=61))
    queue.answered(ask, basis)
    assert queue.take(9e9) is None


def test_a_change_while_the_model_thinks_is_asked_about_afterwards() -> None:
    queue = Queue()
    queue.note(incident())
    found = queue.take(2000.0)
    assert found is not None
    queue.note(incident(severity=Severity.CRITICAL))
    queue.answered(*found)
    again = queue.take(2000.0)
    assert again is not None
    assert again[0].why is Why.SEVERITY
    assert again[1].calls == 2


def test_failures_are_repeated_ever_later_and_then_let_be() -> None:
    queue = Queue()
    queue.note(incident())
    now, pauses = 2000.0, []
    while (found := queue.take(now)) is not None:
        queue.failed(*found, now, 60.0)
        at = queue.next_at()
        if at is not None:
            # Publications meanwhile must not shorten the pause.
            queue.note(incident(count=21))
            assert queue.next_at() == at
            pauses.append(at - now)
            now = at
    assert pauses == [60.0 * 2**n for n in range(ATTEMPTS_MAX - 1)]
    queue.note(incident(count=30))
    assert len(queue) == 0
    queue.note(incident(severity=Severity.CRITICAL))
    assert len(queue) == 1


def test_what_is_resolved_meanwhile_is_not_asked_about() -> None:
    queue = Queue()
    queue.note(incident())
    queue.note(incident(status=Status.RESOLVED))
    assert len(queue) == 0
    queue.note(incident())
    found = queue.take(2000.0)
    assert found is not None
    queue.note(incident(status=Status.RESOLVED))
    queue.failed(*found, 2000.0, 60.0)
    assert len(queue) == 0


def test_a_want_of_budget_is_waited_out() -> None:
    queue = Queue()
    queue.note(incident())
    found = queue.take(2000.0)
    assert found is not None
    queue.postponed(found[0], 5000.0)
    queue.note(incident(count=21))
    assert queue.take(4999.0) is None
    assert queue.take(5000.0) is not None


def test_it_is_bounded() -> None:
    queue = Queue(pending_max=3)
    assert [queue.note(incident(n)) for n in range(1, 6)] == [0, 0, 0, 1, 1]
    assert len(queue) == 3
