"""Incidents beside labels: which ticket counts for which fault, and what is asked of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.incidents import incident, member

from ticketing.domain.events import Cause, Verdict
from ticketing.domain.incidents.incident import Incident
from ticketing.domain.traces.findings import Candidate, Findings
from ticketing.evaluation.history import History
from ticketing.evaluation.judging import Judgement, judge, kept_apart, result
from ticketing.evaluation.labels import Fault

DB, CACHE = Fault(1000.0, "db"), Fault(2000.0, "cache")
SCOPE = incident().scope


def one(
    name: str, service: str, began: float, *, cause: str = "", also: tuple[float, ...] = ()
) -> Incident:
    """An incident without a ticket, of alerts that began at these times."""
    alerts = [
        member(f"{name}{place}", service=service, first_seen=at)
        for place, at in enumerate((began, *also))
    ]
    made = incident(name, at=began, service=service, alerts=alerts, routes=["jira", "slack"])
    return named(made, cause) if cause else made


def named(known: Incident, cause: str) -> Incident:
    found = [Candidate(service=cause, score=9.0, share=1.0)]
    return replace(known, correlation=Findings(since=0.0, until=1.0, traces=1, candidates=found))


def history(*told: tuple[float, Incident]) -> History:
    """A run in which these were published; each gets its ticket when it is published again."""
    found = History(["jira", "slack"])
    seen: set[str] = set()
    for at, published in told:
        again = published.id in seen
        seen.add(published.id)
        found.note(replace(published, ticketed=again), at)
    return found


def ticketed(at: float, made: Incident) -> list[tuple[float, Incident]]:
    return [(made.opened_at, made), (at, made)]


def judged(*told: tuple[float, Incident], faults: Any = (DB, CACHE)) -> Judgement:
    return judge(faults, history(*told), 7200.0)


@pytest.mark.parametrize(("at", "counts"), [(994.9, 0), (995.0, 1), (1180.0, 1), (1180.1, 0)])
def test_a_ticket_counts_from_5_s_before_to_180_s_after(at: float, counts: int) -> None:
    found = judged(*ticketed(at, one("1", "db", 990.0)))
    assert len(found.faults[0].tickets) == counts
    assert len(found.false) == 1 - counts


def test_an_incident_without_a_ticket_counts_nowhere() -> None:
    found = judged((1001.0, one("1", "db", 1001.0)))
    assert (found.tickets, found.false) == (0, [])
    assert result(found)["missed"] == 2


def test_a_merged_ticket_counts_with_the_alerts_that_it_had() -> None:
    made = one("1", "db", 1001.0)
    gone = replace(made, merged_into="another", alerts=[])
    found = judged(*ticketed(1010.0, made), (1020.0, gone))
    (course,) = found.faults[0].tickets
    assert [alert.first_seen for alert in course.alerts] == [1001.0]
    assert course.document()["mergedInto"] == "another"


def test_a_ticket_with_an_alert_from_before_is_not_pure() -> None:
    found = judged(
        *ticketed(1010.0, one("1", "db", 1001.0)),
        *ticketed(1020.0, one("2", "db", 900.0, also=(1005.0,))),
    )
    assert result(found)["purity"] == 0.5


def test_the_first_page_tells_the_first_cause_and_the_end_the_right_one() -> None:
    made = one("1", "web", 1001.0, cause="web")
    found = judged(*ticketed(1010.0, made), (1060.0, named(made, "db")))
    shown = result(found)
    assert (shown["firstCauseRight"], shown["causeRight"]) == (0.0, 1.0)
    assert (shown["secondsToTicket"], shown["secondsToCause"]) == (10.0, 60.0)
    (course,) = found.faults[0].tickets
    assert [(page.at, page.platform, page.cause) for page in course.pages] == [
        (1010.0, "jira", "web"),
        (1010.0, "slack", "web"),
    ]


def test_a_page_again_is_told_and_a_quiet_ticket_is_not() -> None:
    made = one("1", "db", 1001.0)
    found = History(["jira"])
    found.note(replace(made, ticketed=True, quietly=True), 1010.0)
    found.note(replace(made, ticketed=True, page=2), 1020.0)
    (course,) = found.courses.values()
    assert [(page.at, page.platform) for page in course.pages] == [(1020.0, "jira")]


def test_shares_means_and_medians() -> None:
    found = judged(
        *ticketed(1010.0, one("1", "db", 1001.0, cause="db")),
        *ticketed(1030.0, one("2", "web", 1001.0)),
        *ticketed(5000.0, one("3", "web", 4999.0)),
    )
    assert result(found) == {
        "faults": 2,
        "top1": 0.0,
        "top3": 0.0,
        "ticketsPerFault": 1.0,
        "ticketsPerFaultMax": 2,
        "missed": 1,
        "falseTicketsPerHour": 0.5,
        "purity": 1.0,
        "firstCauseRight": 0.5,
        "causeRight": 0.5,
        "secondsToTicket": 10.0,
        "secondsToCause": 1.0,
    }


def test_nothing_at_all_has_a_result() -> None:
    assert result(judged(faults=()))["secondsToTicket"] is None


def test_the_ranking_is_the_one_that_was_known_90_s_after() -> None:
    known = history()
    for came, services in ((1075.0, ["web", "db"]), (1090.0, ["db", "web"]), (1090.5, ["web"])):
        ranking = [Cause(service=name, strength=9.0 - n) for n, name in enumerate(services)]
        known.note_verdict(Verdict(scope=SCOPE, at=came - 15.0, ranking=ranking), came)
    (found,) = judge([DB], known, 60.0).faults
    assert (found.ranking, found.place) == (["db", "web"], 1)
    assert judge([Fault(980.0, "db")], known, 60.0).faults[0].place is None


def test_faults_at_once_are_told_apart_by_their_part_of_the_recording() -> None:
    both = [replace(DB, part=0), replace(CACHE, at=DB.at, part=1)]
    known = history(
        *ticketed(1010.0, one("1", "web", 1001.0)), *ticketed(1010.0, one("2", "api", 1002.0))
    )
    first = next(iter(known.courses.values())).alerts[0].fingerprint
    found = judge(both, known, 60.0, lambda alert: {int(alert.fingerprint != first)})
    assert [len(fault.tickets) for fault in found.faults] == [1, 1]
    assert kept_apart(found.faults)
    same = judge(both, known, 60.0, lambda alert: {0})
    assert [len(fault.tickets) for fault in same.faults] == [2, 0]
    assert not kept_apart(same.faults)


def test_an_alert_of_both_parts_counts_for_the_fault_that_its_ticket_names() -> None:
    both = [replace(DB, part=0), replace(CACHE, at=DB.at, part=1)]
    known = history(
        *ticketed(1010.0, one("1", "web", 1001.0, cause="db")),
        *ticketed(1010.0, one("2", "api", 1002.0, cause="cache")),
    )
    found = judge(both, known, 60.0, lambda alert: {0, 1})
    assert [[one.cause for one in fault.tickets] for fault in found.faults] == [["db"], ["cache"]]
    assert kept_apart(found.faults)


def test_faults_at_once_without_parts_take_the_tickets_that_name_them() -> None:
    both = [DB, replace(CACHE, at=DB.at)]
    found = judged(
        *ticketed(1010.0, one("1", "web", 1001.0, cause="cache")),
        *ticketed(1010.0, one("2", "web", 1001.0, cause="db")),
        faults=both,
    )
    assert [len(fault.tickets) for fault in found.faults] == [1, 1]
