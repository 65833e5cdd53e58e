"""Links between incidents: who asks whom, who accepts, and when it ends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from support import incidents
from support.configured import policy_with

from ticketing.domain.events import Action, Command
from ticketing.domain.incidents.commands import commanded
from ticketing.domain.incidents.incident import Incident, Status, StepKind
from ticketing.domain.incidents.lifecycle import ticketed
from ticketing.domain.incidents.linking import (
    ASK_EVERY_SECONDS,
    LEASE_SECONDS,
    Linked,
    Said,
    Word,
    asking_again,
    lapsed,
    met,
    nobody,
    released,
    told,
)
from ticketing.domain.severity import Severity
from ticketing.domain.traces.findings import Peer, Relation

ROUTING = {Severity.HIGH: ("jira",), Severity.CRITICAL: ("pagerduty", "jira")}
HOLDS = policy_with(hold_symptoms=True, routing=ROUTING)
ALL = policy_with(routing=ROUTING)


def incident(name: str, **fields: Any) -> Incident:
    values: dict[str, Any] = {
        "id": f"{name}-0-1",
        "tenant": "t",
        "service": f"service-{name}",
        "title": f"title of {name}",
        "routes": ["jira"],
        "ticket_at": 30.0,
    }
    return incidents.incident(name, at=0.0, **{**values, **fields})


def peer(name: str, relation: Relation = Relation.CAUSE) -> Peer:
    return Peer(fingerprint=name, service=f"service-{name}", relation=relation, traces=2)


def words(said: Said) -> list[Word]:
    return [message.word for message in said[1]]


def asked(symptom: Incident) -> tuple[Incident, Linked]:
    after, said = met(symptom, [peer("aa")], 1.0, HOLDS)
    (ask,) = [message for message in said if message.word is Word.ASK]
    return after, ask


def held() -> tuple[Incident, Incident]:
    symptom, ask = asked(incident("bb", severity=Severity.CRITICAL, routes=["pagerduty"]))
    cause, (answer,) = told(incident("aa"), ask, 2.0, HOLDS)
    return told(symptom, answer, 3.0, HOLDS)[0], cause


def test_who_shares_requests_is_linked_and_told_so() -> None:
    after, said = met(incident("bb"), [peer("aa", Relation.RELATED)], 1.0, ALL)
    assert [(link.fingerprint, link.relation) for link in after.links] == [("aa", Relation.RELATED)]
    assert [(message.word, message.to_fingerprint) for message in said] == [(Word.HELLO, "aa")]
    other, answer = told(incident("aa"), said[0], 2.0, ALL)
    assert [(link.id, link.title) for link in other.links] == [("bb-0-1", "title of bb")]
    after, again = told(after, answer[0], 3.0, ALL)
    assert after.links[0].id == "aa-0-1"
    assert told(other, again[0], 4.0, ALL)[1] == []


def test_what_is_a_cause_here_is_a_symptom_there() -> None:
    _, said = met(incident("bb"), [peer("aa")], 1.0, ALL)
    cause, _ = told(incident("aa"), said[0], 2.0, ALL)
    assert cause.links[0].relation is Relation.SYMPTOM


def test_nobody_asks_to_be_spoken_for_unless_that_is_configured() -> None:
    assert words(met(incident("bb"), [peer("aa")], 1.0, ALL)) == [Word.HELLO]
    assert words(met(incident("bb"), [peer("aa")], 1.0, HOLDS)) == [Word.HELLO, Word.ASK]


def test_a_cause_that_accepts_gets_severity_routes_and_ticket() -> None:
    symptom, cause = held()
    assert cause.ticketed
    assert cause.severity is Severity.CRITICAL
    assert set(cause.routes) == {"jira", "pagerduty"}
    assert cause.symptoms == ["bb-0-1"]
    assert (symptom.held_by, symptom.ticketed) == ("aa-0-1", False)
    assert symptom.timeline[-1].kind is StepKind.HELD


def test_without_an_answer_it_is_ticketed_in_time() -> None:
    symptom, _ = asked(incident("bb"))
    assert symptom.held_by == ""
    assert symptom.ticket_at == 30.0


def test_an_answer_that_comes_late_changes_nothing() -> None:
    symptom, ask = asked(incident("bb"))
    _, (answer,) = told(incident("aa"), ask, 2.0, HOLDS)
    late = ticketed(symptom, 30.0, HOLDS)
    assert told(late, answer, 31.0, HOLDS)[0] is late


def test_what_is_resolved_or_itself_attached_refuses() -> None:
    _, ask = asked(incident("bb"))
    for cause in (incident("aa", status=Status.RESOLVED), incident("aa", held_by="cc-0-1")):
        after, said = told(cause, ask, 2.0, HOLDS)
        assert after is cause
        assert [message.word for message in said] == [Word.REFUSE]
    assert [message.word for message in nobody(ask)] == [Word.REFUSE]


def test_of_two_that_ask_each_other_the_lower_fingerprint_speaks() -> None:
    low, ask_of_low = met(incident("aa"), [peer("bb")], 1.0, HOLDS)
    high, ask_of_high = met(incident("bb"), [peer("aa")], 1.0, HOLDS)
    low, (accept,) = told(low, ask_of_high[-1], 2.0, HOLDS)
    high, (refuse,) = told(high, ask_of_low[-1], 2.0, HOLDS)
    assert (accept.word, refuse.word) == (Word.ACCEPT, Word.REFUSE)
    assert told(low, refuse, 3.0, HOLDS)[0].ticketed
    assert told(high, accept, 3.0, HOLDS)[0].held_by == "aa-0-1"


def test_of_those_with_the_same_cause_the_lowest_fingerprint_speaks() -> None:
    same = [peer("aa", Relation.SAME), peer("cc", Relation.SAME)]
    _, said = met(incident("bb"), same, 1.0, HOLDS)
    assert [m.to_fingerprint for m in said if m.word is Word.ASK] == ["aa"]
    _, said = met(incident("aa"), [peer("cc", Relation.SAME)], 1.0, HOLDS)
    assert Word.ASK not in [message.word for message in said]


def test_when_the_cause_is_resolved_the_symptom_is_ticketed() -> None:
    symptom, cause = held()
    (release,) = released(cause)
    after, _ = told(symptom, release, 50.0, HOLDS)
    assert (after.ticketed, after.held_by) == (True, "")


def test_a_lease_that_is_not_renewed_runs_out() -> None:
    symptom, _ = held()
    assert lapsed(symptom, 3.0 + LEASE_SECONDS - 1, HOLDS) is symptom
    assert lapsed(symptom, 3.0 + LEASE_SECONDS, HOLDS).ticketed


def test_a_lease_is_asked_for_again_and_renewed() -> None:
    symptom, cause = held()
    assert asking_again(symptom, 3.0 + ASK_EVERY_SECONDS - 1) == (symptom, [])
    symptom, (ask,) = asking_again(symptom, 3.0 + ASK_EVERY_SECONDS)
    _, (answer,) = told(cause, ask, 64.0, HOLDS)
    after, _ = told(symptom, answer, 65.0, HOLDS)
    assert after.held_until == 65.0 + LEASE_SECONDS


def test_a_link_that_was_undone_stays_undone_and_its_symptom_is_ticketed() -> None:
    symptom, _ = held()
    undo = Command(id="c", incident_id=symptom.id, action=Action.UNLINK, to=["aa-0-1"])
    after = commanded(symptom, undo, 10.0, HOLDS)
    assert (after.ticketed, after.links, after.unlinked) == (True, [], ["aa"])
    assert met(after, [peer("aa")], 11.0, HOLDS) == (after, [])
    hello = Linked(
        word=Word.HELLO,
        tenant="t",
        to_fingerprint="bb",
        to_service="service-bb",
        id="aa-0-1",
        fingerprint="aa",
        service="service-aa",
    )
    assert told(after, hello, 12.0, HOLDS) == (after, [])
    assert told(after, replace(hello, word=Word.ASK), 12.0, HOLDS)[1][0].word is Word.REFUSE


def test_a_link_that_is_none_can_not_be_undone() -> None:
    undo = Command(id="c", incident_id="bb-0-1", action=Action.UNLINK, to=["zz-0-1"])
    (outcome,) = commanded(incident("bb"), undo, 1.0, ALL).commands
    assert not outcome.applied
    assert outcome.reason == "not linked with zz-0-1"
