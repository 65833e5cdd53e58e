"""Merging, splitting, moving, unlinking and deleting, by command."""

from __future__ import annotations

from typing import Any

import pytest
from support.configured import policy_with
from support.incident_desk import ROUTING, Desk
from support.incidents import again, alert, later, quiet

from agents import incident_rows
from ticketing.domain.alerts.alert import Alert
from ticketing.domain.alerts.fingerprint import partition_of
from ticketing.domain.events import Action, Command, Correlation, Receipt, TicketState
from ticketing.domain.incidents.incident import Incident, Resolution, Status, StepKind
from ticketing.domain.scope import scope_of
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Forget
from ticketing.domain.traces.findings import Findings, Peer, Relation
from ticketing.evaluation.partition import MemoryTable

AT = 1000.0
HOUR = 3600.0
POLICY = policy_with(routing=ROUTING, group_wait={})


def two(desk: Desk, **later_one: Any) -> tuple[Incident, Incident]:
    """The incidents of the alerts `aa` and `bb`, of which `aa` is earlier."""
    desk.send(alert("aa", 2, at=AT), at=AT)
    desk.send(alert("bb", 3, at=AT + 10, **later_one), at=AT + 10)
    return desk.of("aa"), desk.of("bb")


def receipt(incident: Incident, platform: str, **changes: Any) -> Receipt:
    known = {"state": TicketState.OPEN, "revision": 1, "external_id": "1"}
    return Receipt(incident_id=incident.id, platform=platform, **{**known, **changes})


def outcome(desk: Desk, id: str, of: Incident) -> tuple[bool, str]:
    """Whether the latest command was applied, and the reason if not."""
    found = desk.incidents()[of.id].commands[-1]
    assert found.id == id
    return found.applied, found.reason


# Merging


@pytest.mark.parametrize("named", ["earlier", "later"])
def test_a_merge_leaves_all_alerts_to_the_earlier_incident(named: str) -> None:
    desk = Desk(POLICY)
    a, b = two(desk)
    incident, target = (a, b) if named == "earlier" else (b, a)
    desk.command(incident, Action.MERGE, target=target.id)
    kept, gone = desk.incidents()[a.id], desk.incidents()[b.id]
    assert (kept.count, kept.alerts_total, kept.merged) == (5, 2, [b.id])
    assert (gone.status, gone.resolution, gone.merged_into) == (
        Status.RESOLVED,
        Resolution.MERGED,
        a.id,
    )
    assert (gone.count, gone.alerts) == (0, [])
    assert desk.alerts()["bb"].incident_id == a.id


def test_a_merge_takes_the_higher_severity_which_pages_and_all_routes() -> None:
    desk = Desk(POLICY)
    a, b = two(desk, severity=Severity.CRITICAL)
    desk.command(a, Action.ACKNOWLEDGE)
    desk.command(a, Action.MERGE, target=b.id)
    kept = desk.incidents()[a.id]
    assert (kept.severity, kept.page, kept.status) == (Severity.CRITICAL, 2, Status.OPEN)
    assert set(kept.routes) == {"slack", "pagerduty"}


def test_a_merge_of_equals_stays_acknowledged_and_pages_nobody() -> None:
    desk = Desk(POLICY)
    a, b = two(desk)
    desk.command(a, Action.ACKNOWLEDGE)
    desk.command(a, Action.MERGE, target=b.id)
    assert (desk.of("bb").status, desk.of("bb").page) == (Status.ACKNOWLEDGED, 1)


def test_alerts_of_a_merged_incident_count_on_in_the_other() -> None:
    desk = Desk(POLICY)
    a, b = two(desk)
    desk.command(a, Action.MERGE, target=b.id)
    state = later(alert("bb", 3, at=AT + 10), 7, at=AT + 20)
    desk.send(state, at=AT + 20)
    desk.send(quiet(state), at=AT + 21)
    assert (desk.incidents()[a.id].count, desk.incidents()[a.id].alerts_firing) == (9, 1)
    assert desk.incidents()[b.id].count == 0


def test_commands_for_a_merged_incident_go_along_the_chain() -> None:
    desk = Desk(POLICY)
    a, b = two(desk)
    desk.send(alert("cc", at=AT + 20), at=AT + 20)
    c = desk.of("cc")
    desk.command(c, Action.MERGE, target=b.id)
    desk.command(c, Action.MERGE, target=a.id)
    desk.command(c, Action.ACKNOWLEDGE, id="ack")
    assert desk.incidents()[a.id].status is Status.ACKNOWLEDGED
    assert desk.incidents()[a.id].commands[-1].id == "ack"


def test_a_merged_incidents_ticket_stays_until_the_other_holds_one_there() -> None:
    desk = Desk(POLICY)
    a, b = two(desk, severity=Severity.CRITICAL)
    desk.send(receipt(a, "slack"), receipt(b, "slack"), receipt(b, "pagerduty"))
    desk.command(a, Action.MERGE, target=b.id)
    assert desk.incidents()[b.id].stays_on == ["pagerduty"]
    desk.send(receipt(a, "pagerduty", state=TicketState.PENDING))
    assert desk.incidents()[b.id].stays_on == ["pagerduty"]
    desk.send(receipt(a, "pagerduty"))
    assert desk.incidents()[b.id].stays_on == []
    assert desk.last().id == b.id


def test_a_quiet_ticket_that_a_platform_has_not_made_closes_no_other() -> None:
    desk = Desk(POLICY)
    a, b = two(desk, severity=Severity.CRITICAL)
    desk.send(receipt(b, "pagerduty"))
    desk.command(a, Action.MERGE, target=b.id)
    quiet_one = receipt(a, "pagerduty", state=TicketState.ACKNOWLEDGED, external_id="")
    desk.send(quiet_one)
    assert desk.incidents()[b.id].stays_on == ["pagerduty"]
    desk.send(receipt(a, "pagerduty", revision=2))
    assert desk.incidents()[b.id].stays_on == []


def chained(desk: Desk) -> tuple[str, str, str]:
    """The ids of three incidents, merged from the latest to the earliest; the latest has a ticket."""
    a, b = two(desk)
    desk.send(alert("cc", at=AT + 20), at=AT + 20)
    c = desk.of("cc")
    desk.send(receipt(c, "slack"))
    desk.command(c, Action.MERGE, target=b.id)
    desk.command(b, Action.MERGE, target=a.id)
    assert desk.incidents()[c.id].stays_on == ["slack"]
    return a.id, b.id, c.id


def test_a_merged_incidents_ticket_may_close_along_the_chain() -> None:
    desk = Desk(POLICY)
    a, _, c = chained(desk)
    desk.send(receipt(desk.incidents()[a], "slack"))
    assert desk.incidents()[c].stays_on == []
    assert c in [id for id, _ in desk.published[-2:]]


def test_a_merged_incidents_ticket_may_close_once_one_up_the_chain_has_a_ticket_already() -> None:
    desk = Desk(POLICY)
    a, b = two(desk)
    desk.send(alert("cc", at=AT + 20), at=AT + 20)
    c = desk.of("cc")
    desk.send(receipt(a, "slack"), receipt(c, "slack"))
    desk.command(c, Action.MERGE, target=b.id)
    assert desk.incidents()[c.id].stays_on == ["slack"]
    desk.command(b, Action.MERGE, target=a.id)
    assert desk.incidents()[c.id].stays_on == []


def test_a_merged_incidents_ticket_stays_no_longer_than_the_fault() -> None:
    desk = Desk(POLICY)
    a, _, c = chained(desk)
    desk.command(desk.incidents()[a], Action.RESOLVE)
    assert desk.incidents()[c].stays_on == []
    assert c in [id for id, _ in desk.published[-2:]]


def test_what_was_put_together_is_together_in_its_next_episode() -> None:
    desk = Desk(policy_with(routing=ROUTING, group_wait={}, reopen_window=0.0))
    a, b = two(desk)
    desk.command(a, Action.MERGE, target=b.id)
    desk.command(a, Action.RESOLVE)
    desk.send(again(alert("aa", 2, at=AT), at=AT + HOUR), at=AT + HOUR)
    desk.send(again(alert("bb", 3, at=AT), at=AT + HOUR + 1), at=AT + HOUR + 1)
    assert desk.of("aa").id == desk.of("bb").id != a.id
    assert desk.of("bb").alerts[-1].reason == "as a person has decided before"


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("self", "both are the same incident"),
        ("unknown", "the other incident is not in the same scope"),
        ("other scope", "the other incident is not in the same scope"),
        ("resolved", "the other incident is resolved"),
    ],
)
def test_a_merge_with_what_cannot_be_merged_is_refused(target: str, reason: str) -> None:
    desk = Desk(POLICY)
    a, b = two(desk)
    desk.send(alert("dd", at=AT, tenant="other"))
    desk.command(b, Action.RESOLVE)
    ids = {
        "self": a.id,
        "unknown": f"{scope_of('t', '')}-0123456789abcdef",
        "other scope": desk.of("dd").id,
        "resolved": b.id,
    }
    desk.command(a, Action.MERGE, id="m", target=ids[target])
    assert outcome(desk, "m", a) == (False, reason)


# Splitting and moving


def grouped(*names: str) -> Desk:
    """An incident of one service with these alerts, the first of which opened it."""
    desk = Desk(policy_with(routing=ROUTING, group_wait={}, group_by="service"))
    for number, name in enumerate(names):
        desk.send(alert(name, 2 + number, at=AT + number), at=AT + number)
    return desk


def test_a_split_makes_an_incident_of_its_own_that_pages_nobody() -> None:
    desk = grouped("aa", "bb", "cc")
    whole = desk.one()
    desk.command(whole, Action.ACKNOWLEDGE)
    desk.command(whole, Action.SPLIT, id="s", alerts=["bb", "cc"])
    made, rest = desk.of("bb"), desk.of("aa")
    assert (made.split_from, made.count, made.alerts_total) == (whole.id, 7, 2)
    assert (rest.id, rest.count, rest.alerts_total) == (whole.id, 2, 1)
    assert (made.ticketed, made.quietly, made.status) == (True, True, Status.ACKNOWLEDGED)
    assert outcome(desk, "s", whole) == (True, "")
    assert sum(count for _, count in rest.windows) == 2
    assert sum(count for _, count in made.windows) == 7


def test_what_was_put_apart_stays_apart_in_its_next_episode() -> None:
    desk = grouped("aa", "bb")
    whole = desk.one()
    desk.command(whole, Action.SPLIT, alerts=["bb"])
    desk.command(desk.of("bb"), Action.RESOLVE)
    desk.send(again(alert("bb", 3, at=AT), at=AT + HOUR), at=AT + HOUR)
    assert desk.of("bb").id != whole.id


def test_an_incident_that_loses_its_first_alert_takes_the_name_of_the_next() -> None:
    desk = grouped("aa", "bb")
    whole = desk.one()
    desk.command(whole, Action.SPLIT, alerts=["aa"])
    rest = desk.incidents()[whole.id]
    assert (rest.fingerprint, rest.title) == ("bb", "title bb")


@pytest.mark.parametrize(
    ("alerts", "reason"),
    [
        ([], "the command names no alert"),
        (["zz"], "it has no alert zz"),
        (["aa", "bb"], "it would leave no alert"),
    ],
)
def test_a_split_that_cannot_be_is_refused(alerts: list[str], reason: str) -> None:
    desk = grouped("aa", "bb")
    desk.command(desk.one(), Action.SPLIT, id="s", alerts=alerts)
    assert outcome(desk, "s", desk.one()) == (False, reason)


@pytest.mark.parametrize("action", [Action.SPLIT, Action.MOVE])
def test_no_incident_is_left_with_alerts_of_which_it_shows_none(action: Action) -> None:
    shown = POLICY.alerts_kept
    names = [f"{number:02}" for number in range(shown + 5)]
    desk = grouped(*names)
    whole = desk.one()
    desk.send(alert("xx", at=AT, service="other"))
    target = desk.of("xx").id
    desk.command(whole, action, id="all", alerts=names[:shown], target=target)
    assert outcome(desk, "all", whole) == (False, "it would leave no alert that it shows")
    desk.command(whole, action, alerts=names[: shown - 1], target=target)
    assert (desk.of(names[-1]).title, desk.of(names[-1]).alerts_total) == ("title 19", 6)


def test_an_alert_moves_with_its_counts() -> None:
    desk = grouped("aa", "bb")
    whole = desk.one()
    desk.send(alert("xx", 4, at=AT, service="other"))
    other = desk.of("xx")
    desk.command(whole, Action.MOVE, alerts=["bb"], target=other.id)
    assert (desk.of("xx").count, desk.of("bb").id, desk.of("aa").count) == (7, other.id, 2)
    assert desk.of("xx").alerts_firing == 2


def test_an_alert_that_moves_back_is_one_alert_with_both_counts() -> None:
    desk = Desk(policy_with(routing=ROUTING, group_wait={}, reopen_window=60.0))
    a, b = two(desk)
    desk.command(a, Action.MERGE, target=b.id)
    desk.command(a, Action.RESOLVE)
    desk.send(again(alert("aa", 2, at=AT), 5, at=AT + HOUR), at=AT + HOUR)
    second = desk.of("aa")
    desk.command(a, Action.REOPEN)
    desk.command(second, Action.MOVE, alerts=["aa"], target=a.id)
    found = desk.of("aa")
    assert (found.id, found.count, found.alerts_total) == (a.id, 2 + 3 + 5, 2)
    assert {part.fingerprint: part.count for part in found.alerts} == {"aa": 2 + 5, "bb": 3}
    assert desk.alerts()["aa"].alert.count == 2 + 5
    assert found.alerts_firing == 2


def waiting(*needed: int) -> Desk:
    """An incident of one service whose alerts `a0`, `a1` and so on need so many occurrences."""
    desk = Desk(policy_with(routing=ROUTING, group_wait={}, group_by="service"))
    for number, least in enumerate(needed):
        desk.send(alert(f"a{number}", needed=least, at=AT + number), at=AT + number)
    return desk


def test_a_split_of_one_that_waits_for_occurrences_waits_for_those_of_its_alerts() -> None:
    desk = waiting(5, 10)
    desk.command(desk.one(), Action.SPLIT, alerts=["a1"])
    desk.ticks_until(AT + 100)
    assert (desk.of("a0").ticketed, desk.of("a0").waits_for) == (False, 5)
    assert (desk.of("a1").ticketed, desk.of("a1").waits_for) == (False, 10)


def test_what_is_left_by_a_split_waits_for_the_occurrences_of_the_alerts_left() -> None:
    desk = waiting(5, 10)
    desk.command(desk.one(), Action.SPLIT, alerts=["a0"])
    assert (desk.of("a0").waits_for, desk.of("a1").waits_for) == (5, 10)


def test_an_alert_that_waits_for_nothing_ends_the_wait_where_it_moves() -> None:
    desk = waiting(10, 10)
    desk.send(alert("xx", at=AT, service="other"), alert("yy", at=AT, service="other"))
    desk.command(desk.of("xx"), Action.MOVE, alerts=["xx"], target=desk.of("a0").id)
    desk.ticks_until(AT + 100)
    assert (desk.of("a0").waits_for, desk.of("a0").ticketed) == (0, True)


def test_an_incident_that_loses_its_last_alert_is_resolved_as_moved() -> None:
    desk = grouped("aa")
    whole = desk.one()
    desk.send(alert("xx", 4, at=AT, service="other"))
    desk.command(whole, Action.MOVE, id="m", alerts=["aa"], target=desk.of("xx").id)
    gone, kept = desk.incidents()[whole.id], desk.of("xx")
    assert (gone.resolution, gone.merged_into) == (Resolution.MOVED, kept.id)
    assert f"moved to {kept.id}" in gone.timeline[-1].text
    assert (kept.count, kept.alerts_total) == (6, 2)
    desk.command(gone, Action.ACKNOWLEDGE, id="ack")
    assert desk.of("xx").status is Status.ACKNOWLEDGED


# Notes, people, snoozes


def test_notes_and_assignees_are_kept_and_change_nothing_else() -> None:
    desk = Desk(POLICY)
    a, _ = two(desk)
    desk.command(a, Action.NOTE, note="looks like the disk")
    desk.command(a, Action.ASSIGN, to=["kim", "lee", "kim"])
    found = desk.of("aa")
    assert found.assignees == ["kim", "lee"]
    assert [step.kind for step in found.timeline[-2:]] == [StepKind.NOTE, StepKind.ASSIGNED]
    assert (found.status, found.page) == (Status.OPEN, 1)
    desk.command(a, Action.ASSIGN)
    assert desk.of("aa").assignees == []


def test_a_snooze_ends_by_itself_within_a_week_or_at_once() -> None:
    desk = Desk(POLICY)
    a, _ = two(desk)
    desk.command(a, Action.SNOOZE, until=AT + 1000 * HOUR)
    assert desk.of("aa").snoozed_until == pytest.approx(desk.now + 7 * 24 * HOUR)
    desk.command(a, Action.SNOOZE, until=0.0)
    assert desk.of("aa").snoozed_until == 0.0


def test_the_same_command_twice_changes_nothing() -> None:
    desk = grouped("aa", "bb", "cc")
    whole = desk.one()
    for _ in range(2):
        desk.command(whole, Action.SPLIT, id="same", alerts=["bb"])
    assert len(desk.incidents()) == 2
    before = desk.incidents()
    desk.command(whole, Action.SPLIT, id="same", alerts=["cc"])
    assert desk.incidents() == before


# Links and deletion


def finds(desk: Desk, fingerprint: str, *peers: str) -> None:
    """Findings that an alert shares requests with others, whose fault is its cause."""
    known = [
        Peer(fingerprint=peer, service="s", relation=Relation.CAUSE, traces=3) for peer in peers
    ]
    found = Findings(since=10.0, until=11.0, traces=3, peers=known)
    desk.send(Correlation(scope=scope_of("t", ""), fingerprint=fingerprint, findings=found))


def test_incidents_that_share_requests_are_linked_on_both_sides() -> None:
    desk = Desk(POLICY)
    a, b = two(desk)
    finds(desk, "bb", "aa", "unknown")
    assert [(link.id, link.relation) for link in desk.of("bb").links] == [(a.id, Relation.CAUSE)]
    assert [(link.id, link.relation) for link in desk.of("aa").links] == [(b.id, Relation.SYMPTOM)]
    assert desk.of("bb").page == desk.of("aa").page == 1


def test_an_undone_link_is_gone_on_both_sides_and_stays_so() -> None:
    desk = Desk(POLICY)
    a, b = two(desk)
    finds(desk, "bb", "aa")
    desk.command(b, Action.UNLINK, to=[a.id])
    finds(desk, "bb", "aa")
    finds(desk, "aa", "bb")
    assert (desk.of("aa").links, desk.of("bb").links) == ([], [])
    assert (desk.of("aa").unlinked, desk.of("bb").unlinked) == (["bb"], ["aa"])


def test_tenants_are_never_linked() -> None:
    desk = Desk(POLICY)
    desk.send(alert("aa", at=AT, tenant="one"), alert("bb", at=AT, tenant="two"))
    finds(desk, "bb", "aa")
    assert (desk.of("aa").links, desk.of("bb").links) == ([], [])


def test_a_deleted_incident_leaves_no_text_anywhere() -> None:
    desk = Desk(POLICY)
    _, b = two(desk, title="password of kim", service="hr")
    finds(desk, "aa", "bb")
    desk.command(b, Action.DELETE)
    assert b.id not in desk.incidents()
    assert desk.of("aa").links == []
    assert (b.id, None) in desk.published
    for row in desk.partition.table.rows.values():
        assert b"kim" not in row
        assert b"hr" not in row


@pytest.mark.parametrize("resolved", [False, True])
def test_no_collective_incident_lists_a_deleted_one_open_or_resolved(resolved: bool) -> None:
    desk = Desk(policy_with(routing=ROUTING, group_wait={}, max_pages_per_scope=1))
    _, b = two(desk, title="password of kim")
    collective = desk.collective()
    assert collective is not None
    assert [one.id for one in collective.lists] == [b.id]
    if resolved:
        desk.ticks_until(AT + 2 * HOUR)
        collective = desk.collective()
        assert collective is not None
        assert collective.status is Status.RESOLVED
    desk.command(b, Action.DELETE)
    assert all(b"kim" not in row for row in desk.partition.table.rows.values())
    assert collective.id in {id for id, _ in desk.published[-2:]}


def test_the_collective_incident_before_the_present_one_lists_no_deleted_one_either() -> None:
    policy = policy_with(routing=ROUTING, group_wait={}, max_pages_per_scope=1, reopen_window=0.0)
    desk = Desk(policy)
    _, b = two(desk, title="password of kim")
    first = desk.collective()
    assert first is not None
    desk.command(first, Action.RESOLVE)
    desk.send(alert("cc", at=AT + 20), at=AT + 20)
    assert desk.of("cc").collective_id not in ("", first.id)
    desk.command(b, Action.DELETE)
    assert desk.incidents()[first.id].lists == []


def test_a_deleted_incident_takes_those_merged_into_it_along() -> None:
    desk = Desk(POLICY)
    a, b = two(desk)
    desk.command(a, Action.MERGE, target=b.id)
    desk.command(a, Action.DELETE)
    assert desk.incidents() == {}
    assert {id for id, found in desk.published if found is None} == {a.id, b.id}


def many(desk: Desk) -> tuple[Incident, Incident, list[Alert]]:
    """An incident that took more alerts than it shows, the merged one, and all alerts."""
    states = [alert(f"{n:02}", at=AT + n, service="s" if n else "first") for n in range(26)]
    for n, state in enumerate(states):
        desk.send(state, at=AT + n)
    kept, gone = desk.of("00"), desk.of("25")
    desk.command(gone, Action.MERGE, target=kept.id)
    return kept, gone, states


def grouping_desk() -> Desk:
    return Desk(policy_with(routing=ROUTING, group_wait={}, group_by="service", retention=HOUR))


@pytest.mark.parametrize("kills", [False, True])
def test_alerts_that_a_deleted_merged_incident_gave_away_stay_where_they_are(kills: bool) -> None:
    desk = grouping_desk()
    kept, gone, states = many(desk)
    desk.command(gone, Action.DELETE)
    assert gone.id not in desk.incidents()
    if kills:
        desk.restart()
    desk.ticks_until(AT + 30 * HOUR)
    for state in states:
        desk.send(quiet(state))
    found = desk.incidents()
    assert list(found) == [kept.id]
    assert (found[kept.id].alerts_total, found[kept.id].alerts_firing) == (26, 0)
    assert found[kept.id].count == 26


def test_an_alert_is_found_along_a_chain_of_merges_after_retention() -> None:
    desk = grouping_desk()
    kept, _, _ = many(desk)
    desk.send(alert("last", at=AT - 1, service="earlier"))
    first = desk.of("last")
    desk.command(kept, Action.MERGE, target=first.id)
    for day in (1, 2):
        desk.quiet(AT + day * 24 * HOUR)
        desk.ticks_until(AT + day * 24 * HOUR + HOUR)
    found = desk.incidents()[first.id]
    assert (found.alerts_total, found.alerts_firing) == (27, 0)


def test_nothing_leads_to_a_deleted_incident_for_longer_than_its_alerts() -> None:
    desk = grouping_desk()
    kept, gone, _ = many(desk)
    desk.command(gone, Action.DELETE)
    desk.command(kept, Action.DELETE)
    for day in (1, 2, 3):
        desk.ticks_until(AT + day * 24 * HOUR + HOUR)
    assert gone.id not in desk.rows()


def test_texts_of_alerts_that_a_deleted_incident_did_not_show_go_too() -> None:
    desk = grouping_desk()
    for n in range(25):
        desk.send(alert(f"{n:02}", at=AT + n, title=f"password of kim {n}"), at=AT + n)
    desk.command(desk.one(), Action.DELETE)
    assert not any(b"kim" in row for row in desk.partition.table.rows.values())


def test_texts_of_alerts_that_came_in_the_batch_of_the_deletion_go_too() -> None:
    desk = grouping_desk()
    states = [alert(f"{n:02}", at=AT, title=f"password of kim {n}") for n in range(25)]
    desk.send(states[0])
    wish = Command(id="c", incident_id=desk.one().id, action=Action.DELETE, by="ada")
    desk.run([desk.record(*states[1:]), desk.record(wish)])
    assert desk.incidents() == {}
    assert not any(b"kim" in row for row in desk.partition.table.rows.values())


def test_a_deletion_reads_the_rows_of_its_own_incident_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(MemoryTable, "items", lambda self: pytest.fail("every row was read"))
    desk = grouping_desk()
    for n in range(25):
        desk.send(alert(f"{n:02}", at=AT + n), at=AT + n)
    desk.command(desk.one(), Action.DELETE)
    assert desk.incidents() == {}


def test_texts_beyond_what_one_deletion_finds_go_within_a_day(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(incident_rows, "ALERTS_MAX", 22)
    desk = grouping_desk()
    for n in range(25):
        desk.send(alert(f"{n:02}", at=AT + n, title=f"password of kim {n}"), at=AT + n)
    desk.command(desk.one(), Action.DELETE)
    assert sum(b"kim" in row for row in desk.partition.table.rows.values()) == 3
    desk.ticks_until(AT + 25 * HOUR)
    assert not any(b"kim" in row for row in desk.partition.table.rows.values())


def test_the_counters_of_a_deleted_incidents_alerts_forget_them() -> None:
    desk = Desk(policy_with(routing=ROUTING, group_by="service"), partitions=7)
    states = [alert(f"{n:02}", at=AT, service="s") for n in range(25)]
    desk.send(*states, alert("other", service="t"))
    [known] = [one for one in desk.incidents().values() if one.service == "s"]
    desk.command(known, Action.DELETE)
    target = partition_of(known.tenant, "s", 7)
    assert sorted(desk.signals, key=str) == [
        (target, Forget(fingerprint=state.fingerprint)) for state in states
    ]


def test_a_split_also_holds_for_alerts_that_the_incident_does_not_show() -> None:
    desk = grouping_desk()
    for n in range(25):
        desk.send(alert(f"{n:02}", at=AT + n), at=AT + n)
    desk.command(desk.one(), Action.SPLIT, alerts=["03"])
    apart = desk.of("03")
    assert [name for name, row in desk.alerts().items() if "03" in row.apart] == [
        f"{n:02}" for n in range(25) if n != 3
    ]
    assert "00" in desk.alerts()["03"].apart
    others = desk.of("24")
    desk.command(others, Action.MOVE, alerts=["24"], target=apart.id)
    assert "24" in desk.alerts()["23"].apart
    assert desk.alerts()["03"].together == ["24"]


def test_a_merge_also_holds_for_alerts_that_neither_incident_shows() -> None:
    desk = grouping_desk()
    for n in range(25):
        desk.send(alert(f"{n:02}", at=AT + n), at=AT + n)
        desk.send(alert(f"x{n:02}", at=AT + n, service="other"), at=AT + n)
    a, b = desk.of("00"), desk.of("x00")
    hidden = {f"{n:02}" for n in range(25)} - {part.fingerprint for part in a.alerts}
    assert hidden
    desk.command(a, Action.MERGE, target=b.id)
    rows = desk.alerts()
    for name in hidden:
        assert rows[name].together
        assert rows[f"x{name}"].together


def test_an_alert_of_a_deleted_incident_counts_only_what_is_new() -> None:
    desk = Desk(POLICY)
    state = alert("aa", 5, at=AT)
    desk.send(state)
    desk.command(desk.one(), Action.DELETE)
    desk.send(state)
    assert desk.incidents() == {}
    desk.send(later(state, 7, at=AT + 60), at=AT + 60)
    assert desk.one().count == 2


# Tenants


@pytest.mark.parametrize("action", list(Action))
def test_the_writer_knows_no_incident_of_a_tenant_that_is_not_the_senders(action: Action) -> None:
    desk = Desk(POLICY)
    a, b = two(desk)
    fields = {"target": b.id, "alerts": ["aa"], "to": ["slack"], "until": AT + HOUR}
    before = desk.rows()
    desk.command(a, action, tenants=["another"], **fields)
    assert desk.rows() == before


def test_a_sender_of_the_tenant_is_obeyed() -> None:
    desk = Desk(POLICY)
    a, _ = two(desk)
    desk.command(a, Action.ACKNOWLEDGE, id="x", tenants=["another", a.tenant])
    assert outcome(desk, "x", a) == (True, "")
