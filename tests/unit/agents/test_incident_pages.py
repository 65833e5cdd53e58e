"""Ceilings of pages: what is above them is listed at once and ticketed when its turn comes."""

from __future__ import annotations

from typing import Any

import pytest
from support.configured import policy_with
from support.incident_desk import ROUTING, Desk
from support.incidents import again, alert, later

from ticketing.domain.events import Action
from ticketing.domain.incidents.ceilings import Guard
from ticketing.domain.incidents.incident import Incident, Kind, Resolution, Status
from ticketing.domain.severity import Severity

AT = 1000.0
HOUR = 3600.0


def desk_with(scope: int = 0, installation: int = 0, **changes: Any) -> Desk:
    """A writer with these ceilings, without a group wait."""
    limits = {"max_pages_per_scope": scope, "max_pages_per_minute": installation}
    return Desk(policy_with(routing=ROUTING, group_wait={}, **{**limits, **changes}))


def pages(desk: Desk) -> list[Incident]:
    """The incidents that paged, one entry a page."""
    found: dict[tuple[str, int], Incident] = {}
    for id, incident in desk.published:
        if incident is not None and incident.ticketed and incident.paged_at:
            found.setdefault((id, incident.page), incident)
    return list(found.values())


def collective_of(desk: Desk) -> Incident:
    """The collective incident of a desk that has one."""
    found = desk.collective()
    assert found is not None
    return found


def waiting(desk: Desk) -> list[Incident]:
    """The incidents that wait for a ticket."""
    return [one for one in desk.incidents().values() if one.collective_id]


def test_equal_faults_of_120_tenants_are_the_pages_of_the_ceiling_and_one_collective_page() -> None:
    desk = desk_with(installation=30)
    for number in range(120):
        desk.now = AT + number * 0.4
        desk.send(alert(f"{number:x}", at=desk.now, tenant=f"tenant {number}"))
    assert len(pages(desk)) == 31
    collective = desk.collective()
    assert collective is not None
    assert (collective.listed, collective.page) == (90, 1)
    assert len(waiting(desk)) == 90
    assert {one.collective_id for one in waiting(desk)} == {collective.id}


def test_a_page_is_urgent_and_counts_are_not() -> None:
    hurried: list[float] = []
    desk = Desk(policy_with(routing=ROUTING), hurry=lambda: hurried.append(desk.now))
    state = alert("aa", 1, at=AT, severity=Severity.CRITICAL)
    desk.send(state, at=AT)
    assert hurried == []
    desk.ticks_until(AT + 60)
    (paged,) = hurried
    assert desk.one().paged_at == pytest.approx(paged)
    desk.send(later(state, 5, at=AT + 61), at=AT + 61)
    assert hurried == [paged]
    desk.command(desk.one(), Action.RESOLVE)
    assert len(hurried) == 2


def test_the_ceiling_of_a_scope_leaves_other_scopes_alone() -> None:
    desk = desk_with(scope=2)
    for number in range(4):
        desk.send(alert(f"a{number}", at=AT, tenant="one"))
    desk.send(alert("b", at=AT, tenant="two"))
    assert len(waiting(desk)) == 2
    assert desk.of("b").ticketed


def test_the_list_names_what_it_stands_for() -> None:
    desk = desk_with(scope=1)
    desk.send(alert("a", at=AT), alert("b", at=AT, title="disk full", service="db"))
    collective = desk.collective()
    assert collective is not None
    (entry,) = collective.lists
    assert (entry.id, entry.title, entry.service) == (desk.of("b").id, "disk full", "db")
    assert collective.affected_services == ["db"]


def test_each_gets_a_ticket_of_its_own_when_its_turn_comes() -> None:
    desk = desk_with(scope=3)
    for number in range(12):
        desk.send(alert(f"{number}", at=AT))
    for minute in range(1, 5):
        desk.ticks_until(AT + minute * 60 + 1)
    assert waiting(desk) == []
    times = sorted(one.paged_at for one in pages(desk) if one.kind is not Kind.COLLECTIVE)
    assert len(times) == 12
    for place in range(3, len(times)):
        assert times[place] - times[place - 3] >= 60


def test_a_listed_incident_costs_no_record_while_it_waits() -> None:
    desk = desk_with(scope=1)
    for number in range(50):
        desk.send(alert(f"{number}", at=AT))
    before = dict(desk.partition.table.rows)
    desk.ticks_until(AT + 10 * 60)
    ticketed = sum(one.ticketed for one in desk.incidents().values())
    changed = [key for key, row in desk.partition.table.rows.items() if before.get(key) != row]
    assert ticketed >= 10
    assert len(changed) <= ticketed + 4


def test_a_ticket_after_the_list_was_acknowledged_pages_nobody() -> None:
    desk = desk_with(scope=1)
    desk.send(alert("a", at=AT), alert("b", at=AT))
    collective = desk.collective()
    assert collective is not None
    desk.now = AT + 10
    desk.command(collective, Action.ACKNOWLEDGE)
    desk.send(alert("c", at=AT + 20), at=AT + 20)
    desk.ticks_until(AT + 200)
    seen, unseen = desk.of("b"), desk.of("c")
    assert (seen.ticketed, seen.quietly, seen.paged_at) == (True, True, 0.0)
    assert (unseen.ticketed, unseen.quietly) == (True, False)
    assert (seen.collective_id, unseen.collective_id) == ("", "")


def test_a_critical_incident_above_the_ceiling_is_told_at_once_in_the_list() -> None:
    desk = desk_with(scope=1)
    desk.send(alert("a", at=AT), alert("b", at=AT, severity=Severity.MEDIUM))
    desk.send(alert("c", at=AT + 1, severity=Severity.CRITICAL), at=AT + 1)
    collective = desk.collective()
    assert collective is not None
    assert (collective.severity, collective.page) == (Severity.CRITICAL, 2)
    published = [one for id, one in desk.published if id == collective.id]
    assert published[-1] == collective


def test_critical_incidents_do_not_queue_behind_others() -> None:
    desk = desk_with(scope=1)
    for number in range(20):
        desk.send(alert(f"{number}", at=AT))
    desk.send(alert("c", at=AT, severity=Severity.CRITICAL))
    desk.ticks_until(AT + 130)
    assert desk.of("c").ticketed
    assert len(waiting(desk)) >= 17


def test_new_incidents_wait_behind_those_that_wait() -> None:
    desk = desk_with(scope=1)
    for number in range(5):
        desk.send(alert(f"{number}", at=AT))
    desk.ticks_until(AT + 59.5)
    desk.send(alert("new", at=AT + 61), at=AT + 61)
    assert desk.of("new").collective_id


def test_a_queue_longer_than_a_day_ends_without_a_page() -> None:
    desk = desk_with(scope=1, auto_resolve_after=None)
    for number in range(1500):
        desk.send(alert(f"{number:x}", at=AT))
    desk.ticks_until(AT + 25 * HOUR)
    assert waiting(desk) == []
    quietly = [one for one in desk.incidents().values() if one.quietly]
    assert quietly
    assert all(one.paged_at == 0 for one in quietly)


def test_the_collective_incident_ends_after_the_last_turn() -> None:
    desk = desk_with(scope=1)
    for number in range(5):
        desk.send(alert(f"{number}", at=AT))
    desk.ticks_until(AT + 4 * 60 + 900 - 5)
    assert desk.collective().status is Status.OPEN  # type: ignore[union-attr]
    desk.ticks_until(AT + 4 * 60 + 900 + 5)
    collective = desk.collective()
    assert collective is not None
    assert (collective.status, collective.resolution) == (Status.RESOLVED, Resolution.QUIET)


def test_a_resolved_collective_incident_reopens_and_pages_for_the_next_one() -> None:
    desk = desk_with(scope=1)
    desk.send(alert("a", at=AT), alert("b", at=AT))
    collective = desk.collective()
    assert collective is not None
    desk.command(collective, Action.RESOLVE)
    desk.send(alert("c", at=AT + 5), at=AT + 5)
    after = desk.collective()
    assert after is not None
    assert (after.id, after.status, after.page) == (collective.id, Status.OPEN, 2)


def test_a_resolved_incident_gives_its_turn_to_nobody_and_gets_no_ticket() -> None:
    desk = desk_with(scope=1)
    desk.send(alert("a", at=AT), alert("b", at=AT))
    desk.command(desk.of("b"), Action.RESOLVE)
    desk.ticks_until(AT + 600)
    assert not desk.of("b").ticketed


def test_a_further_page_above_the_ceiling_is_told_in_the_list_instead() -> None:
    desk = desk_with(scope=1)
    state = alert("a", at=AT)
    desk.send(state)
    desk.send(later(state, 2, at=AT + 1, severity=Severity.CRITICAL), at=AT + 1)
    found, collective = desk.of("a"), desk.collective()
    assert collective is not None
    assert (found.page, found.paged_at, found.severity) == (1, AT, Severity.CRITICAL)
    assert [entry.id for entry in collective.lists] == [found.id]
    desk.send(again(state, at=AT + 2), at=AT + 2)
    assert not desk.of("a").collective_id


def test_people_are_never_held_back() -> None:
    desk = desk_with(scope=1)
    desk.send(alert("a", at=AT), alert("b", at=AT))
    desk.command(desk.of("b"), Action.FORWARD, to=["jira"])
    assert desk.of("b").ticketed


def test_incidents_that_nobody_is_told_of_take_no_place() -> None:
    desk = desk_with(scope=1)
    desk.send(*(alert(f"{number}", at=AT, severity=Severity.LOW) for number in range(3)))
    desk.send(alert("a", at=AT))
    assert desk.collective() is None
    assert desk.of("a").ticketed


def test_a_guard_is_forgotten_when_nothing_in_it_is_recent() -> None:
    desk = desk_with(scope=5, installation=5)
    desk.send(alert("a", at=AT))
    assert sum(isinstance(row, Guard) for row in desk.rows().values()) == 2
    desk.ticks_until(AT + 61)
    assert not [row for row in desk.rows().values() if isinstance(row, Guard)]


def test_the_list_of_a_further_page_lasts_from_the_time_of_that_page() -> None:
    desk = desk_with(scope=1)
    state = alert("a", at=AT)
    desk.send(state)
    desk.send(alert("b", at=AT + 4000), at=AT + 4000)
    desk.send(later(state, 2, at=AT + 4001, severity=Severity.CRITICAL), at=AT + 4001)
    desk.ticks_until(AT + 4001 + 890)
    assert collective_of(desk).status is Status.OPEN
    desk.ticks_until(AT + 4001 + 910)
    assert collective_of(desk).status is Status.RESOLVED


def test_a_listed_incident_that_rises_takes_the_list_with_it() -> None:
    desk = desk_with(scope=1)
    desk.send(alert("a", at=AT), alert("b", at=AT))
    desk.send(later(alert("b", at=AT), 2, at=AT + 2, severity=Severity.CRITICAL), at=AT + 2)
    collective = collective_of(desk)
    assert (collective.severity, collective.page, collective.listed) == (Severity.CRITICAL, 2, 1)
    assert [entry.severity for entry in collective.lists] == [Severity.CRITICAL]
    assert not desk.of("b").ticketed


def test_a_rise_that_the_list_has_lost_is_listed_again() -> None:
    desk = desk_with(scope=1, lists_kept=1)
    desk.send(alert("a", at=AT), alert("b", at=AT), alert("c", at=AT, severity=Severity.CRITICAL))
    desk.send(later(alert("b", at=AT), 2, at=AT + 2, severity=Severity.CRITICAL), at=AT + 2)
    collective = collective_of(desk)
    assert [entry.id for entry in collective.lists] == [desk.of("b").id]


def test_a_listed_incident_that_rose_after_the_acknowledgement_pages() -> None:
    desk = desk_with(scope=1)
    desk.send(alert("a", at=AT), alert("b", at=AT), alert("c", at=AT))
    desk.now = AT + 3
    desk.command(collective_of(desk), Action.ACKNOWLEDGE)
    desk.send(later(alert("b", at=AT), 2, at=AT + 10, severity=Severity.CRITICAL), at=AT + 10)
    collective = collective_of(desk)
    assert (collective.status, collective.page) == (Status.OPEN, 2)
    desk.ticks_until(AT + 300)
    assert (desk.of("b").ticketed, desk.of("b").quietly) == (True, False)
    assert (desk.of("c").ticketed, desk.of("c").quietly) == (True, True)


def test_a_critical_incident_after_the_acknowledgement_of_the_list_pages_again() -> None:
    desk = desk_with(scope=1)
    ticketed = alert("a", at=AT)
    desk.send(ticketed, alert("b", at=AT, severity=Severity.CRITICAL))
    desk.now = AT + 3
    desk.command(collective_of(desk), Action.ACKNOWLEDGE)
    desk.send(alert("c", at=AT + 10), at=AT + 10)
    assert collective_of(desk).status is Status.ACKNOWLEDGED
    desk.send(later(ticketed, 2, at=AT + 11, severity=Severity.CRITICAL), at=AT + 11)
    collective = collective_of(desk)
    assert (collective.status, collective.page) == (Status.OPEN, 2)
    assert collective in [one for _, one in desk.published]


def test_a_further_page_above_a_ceiling_pages_though_its_list_was_acknowledged() -> None:
    desk = desk_with(scope=1)
    ticketed = alert("a", at=AT, severity=Severity.LOW)
    desk.send(ticketed, at=AT)
    desk.send(alert("b", at=AT + 59), alert("c", at=AT + 60.5), at=AT + 60.5)
    collective = collective_of(desk)
    desk.now = AT + 62
    desk.command(collective, Action.ACKNOWLEDGE)
    desk.send(later(ticketed, 2, at=AT + 63, severity=Severity.MEDIUM), at=AT + 63)
    assert desk.of("a").page == 1
    collective = collective_of(desk)
    assert desk.of("a").id in [entry.id for entry in collective.lists if entry.repaged]
    assert (collective.status, collective.page) == (Status.OPEN, 2)
    assert collective in [one for _, one in desk.published]


def test_a_list_pages_for_critical_ones_after_its_acknowledgement_once_a_minute() -> None:
    desk = desk_with(scope=1)
    for number in range(5):
        at = AT + 10 * number
        desk.send(alert(f"{number}", at=at, severity=Severity.CRITICAL), at=at)
        desk.now = at + 3
        if number:
            desk.command(collective_of(desk), Action.ACKNOWLEDGE)
    assert collective_of(desk).page == 2
    desk.send(alert("late", at=AT + 50, severity=Severity.CRITICAL), at=AT + 50)
    desk.ticks_until(AT + 79)
    assert collective_of(desk).page == 2
    desk.ticks_until(AT + 81)
    collective = collective_of(desk)
    assert (collective.status, collective.page) == (Status.OPEN, 3)
    desk.ticks_until(AT + 400)
    assert collective_of(desk).page == 3
