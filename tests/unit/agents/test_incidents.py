"""The writer of incidents, folded over a small in-memory table."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.configured import policy_with
from support.incident_desk import ROUTING, Desk
from support.incidents import again, alert, later, quiet

from ticketing.domain.alerts.alert import AlertKind
from ticketing.domain.events import Action, Command, Receipt, TicketState
from ticketing.domain.incidents.incident import Kind, Resolution, Status, StepKind
from ticketing.domain.scope import scope_of
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Progress, Sample
from ticketing.engine.statemachine import fold
from ticketing.wire import topics

AT = 1000.0
HOUR = 3600.0


def test_an_alert_opens_an_incident_with_what_it_brings() -> None:
    desk = Desk()
    first = Sample(at=AT, message="boom", topic="logs", partition=3, offset=17)
    desk.send(alert("aa", 4, at=AT, samples=[first], trace_ids=["t1"], config="c1", judged="d1"))
    found = desk.one()
    assert (found.count, found.status, found.kind) == (4, Status.OPEN, Kind.FAULT)
    assert (found.alerts_total, found.alerts_firing, found.quiet_since) == (1, 1, None)
    assert (found.samples, found.trace_ids, found.windows) == ([first], ["t1"], [(0, 4)])
    (part,) = found.alerts
    assert (part.topic, part.partition, part.offset) == ("logs", 3, 17)
    assert (part.config, part.judged) == ("c1", "d1")
    assert found.scope == scope_of("t", "")
    assert found.id.startswith(f"{found.scope}-")
    assert found.config == desk.partition.machine.policy.version  # type: ignore[attr-defined]
    assert [id for id, _ in desk.published] == [found.id]


def test_an_incident_counts_the_difference_between_states() -> None:
    desk = Desk()
    state = alert("aa", 2, at=AT)
    desk.send(state)
    desk.send(later(state, 5, at=AT + 1))
    assert desk.one().count == 5
    assert desk.one().windows == [(0, 5)]


def test_an_older_or_equal_state_changes_nothing() -> None:
    desk = Desk()
    state = alert("aa", 2, at=AT)
    after = later(state, 5, at=AT + 1)
    desk.send(state)
    desk.send(after)
    known, published = desk.one(), len(desk.published)
    desk.send(state, after)
    assert desk.one() == known
    assert len(desk.published) == published


def test_a_later_state_opens_what_a_lost_one_should_have_opened() -> None:
    desk = Desk()
    desk.send(quiet(later(alert("aa", 2, at=AT), 7, at=AT + 1)), at=AT + 1)
    assert desk.one().count == 7
    assert desk.one().alerts_firing == 0
    assert desk.one().quiet_since == AT + 1


def test_counts_are_of_all_episodes_of_the_incident() -> None:
    desk = Desk()
    state = alert("aa", 3, at=AT)
    desk.send(state, quiet(state), again(state, 2, at=AT + 60))
    assert desk.one().count == 5
    assert desk.one().windows == [(0, 5)]
    assert desk.one().alerts[0].before == 3


def test_an_alert_that_was_forgotten_and_begins_anew_counts_on() -> None:
    desk = Desk()
    state = replace(alert("aa", 3, at=AT), episode=9)
    desk.send(state)
    desk.send(alert("aa", 1, at=AT + HOUR))
    assert desk.one().count == 4


def test_counts_alone_are_published_once_a_second_at_most() -> None:
    desk = Desk()
    state = alert("aa", 1, at=AT)
    desk.send(state, at=AT)
    desk.send(state := later(state, 2, at=AT), at=AT + 0.2)
    desk.send(state := later(state, 3, at=AT), at=AT + 0.4)
    assert [found.count for _, found in desk.published if found] == [1]
    desk.tick(AT + 1.0)
    desk.send(later(state, 4, at=AT), at=AT + 5.0)
    assert [found.count for _, found in desk.published if found] == [1, 3, 4]


def test_a_batch_publishes_an_incident_once() -> None:
    desk = Desk(policy_with(routing=ROUTING, group_wait={}))
    state = alert("aa", 1, at=AT)
    desk.run([desk.record(state), desk.record(later(state, 2, at=AT, severity=Severity.CRITICAL))])
    assert len(desk.published) == 1
    assert desk.last().severity is Severity.CRITICAL


def test_a_ticket_is_due_when_the_group_wait_since_arrival_is_over() -> None:
    desk = Desk()
    desk.send(alert("aa", at=AT), at=AT + 20)
    desk.tick(AT + 29.9)
    assert not desk.one().ticketed
    desk.tick(AT + 30.0)
    assert (desk.one().ticketed, desk.one().page, desk.one().paged_at) == (True, 1, AT + 30)
    assert desk.last() == desk.one()


def test_a_late_hop_tickets_at_once() -> None:
    desk = Desk()
    desk.send(alert("aa", at=AT), at=AT + 300)
    assert desk.one().ticketed
    assert len(desk.published) == 1


def test_an_arrival_in_the_future_delays_no_ticket() -> None:
    desk = Desk()
    desk.send(alert("aa", at=AT + HOUR), at=AT)
    desk.tick(AT + 30)
    assert desk.one().ticketed


def test_a_ticket_waits_for_the_occurrences_that_it_needs() -> None:
    desk = Desk()
    state = alert("aa", 1, at=AT, needed=3)
    desk.send(state)
    desk.ticks_until(AT + 100)
    assert (desk.one().ticketed, desk.one().waits_for) == (False, 3)
    assert StepKind.HELD in [step.kind for step in desk.one().timeline]
    desk.send(later(state, 3, at=AT + 100, needed=0))
    assert (desk.one().ticketed, desk.one().waits_for) == (True, 0)


def test_what_never_has_the_occurrences_ends_by_quiet() -> None:
    desk = Desk()
    state = alert("aa", 1, at=AT, needed=3)
    desk.send(state, quiet(state))
    desk.quiet(AT + 5 * HOUR)
    desk.tick(AT + 5 * HOUR)
    assert desk.one().status is Status.RESOLVED
    assert not desk.one().ticketed


def test_lines_of_stack_traces_page_nobody() -> None:
    desk = Desk()
    desk.send(alert("aa", at=AT, kind=AlertKind.STRAY, severity=Severity.CRITICAL))
    desk.ticks_until(AT + 60)
    assert (desk.one().kind, desk.one().routes) == (Kind.STRAY, [])


# Ends


def test_an_incident_is_resolved_when_all_alerts_were_quiet_for_long() -> None:
    desk = Desk()
    state = alert("aa", at=AT)
    desk.send(state)
    desk.tick(AT + 30)
    desk.command(desk.one(), Action.ACKNOWLEDGE)
    desk.send(quiet(state), at=AT + 900)
    desk.quiet(AT + 4 * HOUR - 1)
    desk.tick(AT + 4 * HOUR)
    assert desk.one().status is Status.ACKNOWLEDGED
    desk.quiet(AT + 4 * HOUR + 60)
    desk.ticks_until(AT + 4 * HOUR + 120)
    assert (desk.one().status, desk.one().resolution) == (Status.RESOLVED, Resolution.QUIET)


def test_nothing_ends_while_the_quiet_clock_stands_still() -> None:
    desk = Desk()
    state = alert("aa", at=AT)
    desk.send(state, quiet(state))
    desk.ticks_until(AT + 50 * HOUR)
    assert desk.one().status is Status.OPEN


def test_the_quiet_clock_waits_for_all_partitions_of_the_signals() -> None:
    desk = Desk()
    state = alert("aa", at=AT)
    desk.send(state, quiet(state))
    through = AT + 10 * HOUR
    one = Progress(topic=topics.SIGNALS, partition=0, partitions=2, through=through)
    desk.send(one, at=through)
    desk.ticks_until(through + 700)
    assert desk.one().status is Status.OPEN
    desk.send(replace(one, partition=1))
    desk.ticks_until(through + 1400)
    assert desk.one().status is Status.RESOLVED


def test_a_firing_alert_keeps_its_incident_open_whatever_the_clock_says() -> None:
    desk = Desk()
    one, other = alert("aa", at=AT), alert("bb", at=AT)
    policy = policy_with(routing=ROUTING, group_by="service")
    desk = Desk(policy)
    desk.send(one, other, quiet(one))
    desk.quiet(AT + 10 * HOUR)
    desk.ticks_until(AT + 10 * HOUR + 700)
    assert desk.one().status is Status.OPEN


def test_an_alert_unheard_of_for_a_day_counts_as_quiet() -> None:
    desk = Desk()
    desk.send(alert("aa", at=AT))
    desk.quiet(AT + 24 * HOUR - 1)
    desk.ticks_until(AT + 24 * HOUR + 60)
    assert desk.one().alerts_firing == 1
    desk.quiet(AT + 26 * HOUR)
    desk.ticks_until(AT + 60 * HOUR)
    assert desk.one().resolution is Resolution.QUIET
    assert any("unheard of" in step.text for step in desk.one().timeline)


def test_records_that_bear_old_times_make_nothing_quiet() -> None:
    """Producers may set the arrival: what counts is when detection heard of the alert."""
    desk = Desk()
    state = alert("aa", at=AT, counted_at=AT + 40 * HOUR)
    desk.send(state, at=AT + 40 * HOUR)
    desk.quiet(AT + 41 * HOUR)
    desk.ticks_until(AT + 65 * HOUR)
    assert desk.one().alerts_firing == 1
    desk.send(quiet(state))
    desk.quiet(AT + 43 * HOUR)
    desk.ticks_until(AT + 66 * HOUR)
    assert desk.one().status is Status.OPEN
    desk.quiet(AT + 45 * HOUR)
    desk.ticks_until(AT + 67 * HOUR)
    assert desk.one().status is Status.RESOLVED


def test_what_fires_again_soon_reopens_and_pages() -> None:
    desk = Desk()
    state = alert("aa", at=AT)
    desk.send(state)
    desk.tick(AT + 30)
    desk.command(desk.one(), Action.RESOLVE)
    desk.send(again(state, at=AT + 100), at=AT + 100)
    found = desk.one()
    assert (found.status, found.ticketed, found.page, found.paged_at) == (
        Status.OPEN,
        True,
        2,
        AT + 100,
    )
    assert (found.resolved_at, found.resolution, found.count) == (None, None, 2)


def test_what_fires_again_late_opens_a_new_incident_that_names_the_old_one() -> None:
    desk = Desk()
    state = alert("aa", 2, at=AT)
    desk.send(state)
    old = desk.one()
    desk.command(old, Action.RESOLVE)
    desk.send(again(state, 3, at=AT + HOUR), at=AT + HOUR)
    new = desk.of("aa")
    assert new.previous == old.id
    assert (new.count, new.page, desk.incidents()[old.id].count) == (3, 1, 2)


def test_a_late_line_is_counted_in_the_resolved_incident() -> None:
    desk = Desk()
    state = alert("aa", 2, at=AT)
    desk.send(state)
    desk.command(desk.one(), Action.RESOLVE)
    resolved_at = desk.one().resolved_at or 0.0
    late = later(state, 3, at=AT + 50, last_seen=resolved_at - 1)
    desk.send(late, at=AT + 50)
    assert (desk.one().status, desk.one().count, desk.one().page) == (Status.RESOLVED, 3, 1)
    assert desk.last().count == 3
    desk.send(later(late, 4, at=AT + 51, last_seen=resolved_at + 1), at=AT + 51)
    assert desk.one().status is Status.OPEN


def test_a_record_is_late_by_its_event_and_the_usual_delay() -> None:
    desk = Desk()
    state = alert("aa", 2, at=AT, delay=30.0)
    desk.send(state)
    desk.command(desk.one(), Action.RESOLVE)
    desk.send(later(state, 3, at=AT + 10, last_seen=desk.now - 20), at=AT + 10)
    assert desk.one().status is Status.OPEN


def test_a_record_that_arrived_before_the_resolution_is_late_though_its_clock_is_ahead() -> None:
    desk = Desk()
    state = alert("aa", 2, at=AT, last_seen=AT + HOUR)
    desk.send(state)
    desk.now = AT + 100
    desk.command(desk.one(), Action.RESOLVE)
    state = later(state, 3, at=AT + 101, last_seen=AT + HOUR + 99, last_arrived_at=AT + 99)
    desk.send(state, at=AT + 101)
    assert (desk.one().status, desk.one().count) == (Status.RESOLVED, 3)
    desk.send(later(state, 4, at=AT + 102, last_seen=AT + HOUR + 102), at=AT + 102)
    assert desk.one().status is Status.OPEN


def test_an_old_line_is_late_though_one_before_the_resolution_had_a_time_ahead() -> None:
    desk = Desk()
    state = alert("aa", 2, at=AT, last_seen=AT + HOUR, expected_at=AT)
    desk.send(state)
    desk.now = AT + 100
    desk.command(desk.one(), Action.RESOLVE)
    late = later(state, 3, at=AT + 101, last_seen=AT + HOUR)
    desk.send(late, at=AT + 101)
    assert (desk.one().status, desk.one().count) == (Status.RESOLVED, 3)
    desk.send(later(late, 4, at=AT + 102, last_seen=AT + HOUR, expected_at=AT + 102), at=AT + 102)
    assert desk.one().status is Status.OPEN


def test_what_counts_on_elsewhere_is_counted_once() -> None:
    desk = Desk(policy_with(routing=ROUTING, reopen_window=0.0))
    state = alert("aa", 2, at=AT)
    desk.send(state)
    old = desk.one()
    desk.command(old, Action.RESOLVE)
    desk.send(state := later(state, 7, at=AT + 60), at=AT + 60)
    desk.send(later(state, 9, at=AT + 61), at=AT + 61)
    assert (desk.incidents()[old.id].count, desk.of("aa").count) == (2, 7)
    assert desk.incidents()[old.id].alerts_firing == 0


def test_a_flapping_incident_pages_no_more_until_it_was_quiet_for_long() -> None:
    policy = policy_with(routing=ROUTING, auto_resolve_after=300.0)
    desk = Desk(policy)
    state, at = alert("aa", at=AT), AT
    desk.send(state)
    desk.tick(AT + 30)
    pages = []
    for _ in range(5):
        at += 600
        desk.command(desk.one(), Action.RESOLVE)
        state = again(state, at=at)
        desk.send(state, at=at)
        pages.append(desk.one().page)
    assert pages == [2, 3, 3, 3, 3]
    notes = [step for step in desk.one().timeline if step.kind is StepKind.FLAPPING]
    assert len(notes) == 1
    desk.send(quiet(state))
    desk.quiet(at + 4 * 300 - 1)
    desk.ticks_until(at + 4 * 300)
    assert desk.one().status is Status.OPEN
    desk.quiet(at + 4 * 300 + 1)
    desk.ticks_until(at + 4 * 300 + 61)
    assert (desk.one().resolution, desk.one().flapping) == (Resolution.QUIET, False)


def test_an_incident_that_flapped_pages_again_after_its_long_quiet() -> None:
    desk = Desk(policy_with(routing=ROUTING, auto_resolve_after=300.0))
    state, at = alert("aa", at=AT), AT
    desk.send(state)
    desk.tick(AT + 30)
    for _ in range(3):
        at += 600
        desk.command(desk.one(), Action.RESOLVE)
        state = again(state, at=at)
        desk.send(state, at=at)
    desk.send(quiet(state))
    desk.quiet(at + 4 * 300 + 1)
    desk.ticks_until(at + 4 * 300 + 61)
    assert desk.one().resolution is Resolution.QUIET
    at += 4 * 300 + 120
    desk.send(again(state, at=at), at=at)
    assert (desk.one().flapping, desk.one().page) == (False, 4)


def test_a_flapping_incident_that_keeps_firing_is_told_once_more_after_a_day() -> None:
    desk = Desk()
    state, at = alert("aa", at=AT), AT
    desk.send(state)
    desk.tick(AT + 30)
    for _ in range(3):
        at += 600
        desk.command(desk.one(), Action.RESOLVE)
        state = again(state, at=at)
        desk.send(state, at=at)
    assert (desk.one().flapping, desk.one().page) == (True, 3)
    desk.ticks_until(at + 24 * HOUR + 1)
    assert (desk.one().flapping, desk.one().page) == (False, 4)
    desk.ticks_until(at + 50 * HOUR)
    assert desk.one().page == 4


def test_a_resolved_incident_is_forgotten_by_the_quiet_clock_with_its_alerts() -> None:
    desk = Desk(policy_with(routing=ROUTING, retention=HOUR))
    desk.send(alert("aa", at=AT))
    found = desk.one()
    desk.command(found, Action.RESOLVE)
    desk.ticks_until(AT + 2 * HOUR)
    assert desk.incidents()
    desk.quiet(AT + 2 * HOUR)
    desk.ticks_until(AT + 4 * HOUR)
    assert desk.rows() == {}
    assert desk.published[-1] == (found.id, None)


# Pages


def test_a_rise_of_severity_pages_again_and_opens_an_acknowledged_incident() -> None:
    desk = Desk()
    state = alert("aa", at=AT)
    desk.send(state)
    desk.tick(AT + 30)
    desk.command(desk.one(), Action.ACKNOWLEDGE)
    desk.send(later(state, 2, at=AT + 40, severity=Severity.CRITICAL), at=AT + 40)
    found = desk.one()
    assert (found.page, found.paged_at, found.status) == (2, AT + 40, Status.OPEN)
    assert found.routes == ["slack", "pagerduty"]


def test_a_rise_before_the_ticket_brings_it_forward_and_is_no_page_of_its_own() -> None:
    desk = Desk()
    state = alert("aa", at=AT)
    desk.send(state)
    desk.send(later(state, 2, at=AT + 1, severity=Severity.CRITICAL), at=AT + 1)
    desk.ticks_until(AT + 5)
    assert (desk.one().ticketed, desk.one().page, desk.one().paged_at) == (True, 1, AT + 5)


def test_a_further_alert_is_an_update_and_no_page() -> None:
    desk = Desk(policy_with(routing=ROUTING, group_by="service"))
    desk.send(alert("aa", at=AT))
    desk.tick(AT + 30)
    desk.send(alert("bb", at=AT + 40), at=AT + 40)
    found = desk.one()
    assert (found.page, found.alerts_total, found.count) == (1, 2, 2)
    assert [step.text for step in found.timeline if step.kind is StepKind.GROUPED] == [
        "s: title bb; of the same service"
    ]


@pytest.mark.parametrize(("chatters", "page"), [(Severity.CRITICAL, 1), (Severity.LOW, 2)])
def test_a_chattering_alert_hides_no_alert_as_severe_as_the_acknowledged_one(
    chatters: Severity, page: int
) -> None:
    desk = Desk(policy_with(routing=ROUTING, group_by="service", group_wait={}))
    states = {
        name: alert(name, at=AT, severity=severity)
        for name, severity in (("aa", Severity.CRITICAL), ("bb", Severity.LOW))
    }
    desk.send(*states.values(), at=AT)
    desk.command(desk.one(), Action.ACKNOWLEDGE)
    back, noisy = ("bb", "aa") if chatters is Severity.CRITICAL else ("aa", "bb")
    desk.send(quiet(states[back]), at=AT + 900)
    for number in range(1, 37):
        at = AT + number * 1200
        states[noisy] = later(states[noisy], number + 1, at=at)
        desk.send(states[noisy], at=at)
    desk.send(again(states[back], at=AT + 12 * HOUR), at=AT + 12 * HOUR)
    assert desk.one().page == page


def test_an_acknowledged_fault_pages_when_it_is_back_after_a_long_quiet_time() -> None:
    desk = Desk(policy_with(routing=ROUTING, auto_resolve_after=None))
    state = alert("aa", at=AT)
    desk.send(state)
    desk.tick(AT + 30)
    desk.command(desk.one(), Action.ACKNOWLEDGE)
    at = AT
    for _ in range(100):
        at += 1200
        desk.send(quiet(state), at=at - 1)
        state = again(state, at=at)
        desk.send(state, at=at)
    assert (desk.one().page, desk.one().status) == (1, Status.ACKNOWLEDGED)
    desk.send(quiet(state), at=at + 900)
    at += 8 * HOUR
    desk.send(again(state, at=at), at=at)
    assert (desk.one().page, desk.one().status) == (2, Status.OPEN)


def test_firing_again_pages_once_in_a_while_at_most() -> None:
    desk = Desk(policy_with(routing=ROUTING, auto_resolve_after=None))
    state = alert("aa", at=AT, severity=Severity.CRITICAL)
    desk.send(state)
    desk.tick(AT + 5)
    for minutes in range(61, 300, 61):
        desk.command(desk.one(), Action.ACKNOWLEDGE)
        at = AT + 60 * minutes
        state = again(state, at=at)
        desk.send(state, at=at)
    assert desk.one().page == 5


def test_a_snoozed_incident_pages_for_a_rise_alone() -> None:
    desk = Desk(policy_with(routing=ROUTING, auto_resolve_after=None))
    state = alert("aa", at=AT)
    desk.send(state)
    desk.tick(AT + 30)
    desk.command(desk.one(), Action.ACKNOWLEDGE)
    desk.command(desk.one(), Action.SNOOZE, until=AT + 24 * HOUR)
    state = again(state, at=AT + 8 * HOUR)
    desk.send(state, at=AT + 8 * HOUR)
    assert desk.one().page == 1
    desk.send(later(state, 2, at=AT + 9 * HOUR, severity=Severity.CRITICAL), at=AT + 9 * HOUR)
    assert desk.one().page == 2


def test_the_end_of_a_snooze_pages_for_a_fault_that_was_reopened_meanwhile() -> None:
    desk = Desk(policy_with(routing=ROUTING, group_wait={}))
    desk.send(state := alert("aa", at=AT))
    desk.command(desk.one(), Action.SNOOZE, until=AT + HOUR)
    desk.command(desk.one(), Action.RESOLVE)
    desk.send(again(state, at=AT + 100), at=AT + 100)
    desk.ticks_until(AT + HOUR - 1)
    assert (desk.one().status, desk.one().page) == (Status.OPEN, 1)
    desk.ticks_until(AT + HOUR + 1)
    assert (desk.one().page, desk.last().page) == (2, 2)
    desk.ticks_until(AT + 20 * HOUR)
    assert desk.one().page == 2


def test_a_snooze_of_a_resolved_incident_keeps_its_reopening_quiet() -> None:
    desk = Desk(policy_with(routing=ROUTING, group_wait={}))
    desk.send(state := alert("aa", at=AT))
    desk.command(desk.one(), Action.RESOLVE)
    desk.command(desk.one(), Action.SNOOZE, until=AT + HOUR)
    desk.send(again(state, at=AT + 100), at=AT + 100)
    assert (desk.one().status, desk.one().page) == (Status.OPEN, 1)


@pytest.mark.parametrize(("acknowledged", "page"), [(False, 2), (True, 1)])
def test_a_fault_that_its_snooze_kept_silent_pages_when_it_fires_after_that(
    acknowledged: bool, page: int
) -> None:
    desk = Desk(policy_with(routing=ROUTING, group_wait={}))
    desk.send(state := alert("aa", at=AT))
    desk.command(desk.one(), Action.SNOOZE, until=AT + HOUR)
    desk.command(desk.one(), Action.RESOLVE)
    desk.send(state := again(state, at=AT + 100), at=AT + 100)
    desk.send(state := quiet(state))
    if acknowledged:
        desk.command(desk.one(), Action.ACKNOWLEDGE)
    desk.ticks_until(AT + HOUR + 1)
    assert (desk.one().status is Status.RESOLVED, desk.one().page) == (False, 1)
    desk.send(again(state, at=AT + 2 * HOUR), at=AT + 2 * HOUR)
    desk.ticks_until(AT + 2 * HOUR + 1)
    assert desk.one().page == page


def test_the_end_of_a_snooze_above_a_ceiling_lists_once() -> None:
    desk = Desk(policy_with(routing=ROUTING, group_wait={}, max_pages_per_scope=1))
    desk.send(state := alert("aa", at=AT))
    desk.command(desk.one(), Action.SNOOZE, until=AT + HOUR)
    desk.command(desk.one(), Action.RESOLVE)
    desk.send(again(state, at=AT + 100), at=AT + 100)
    desk.send(alert("bb", at=AT + HOUR - 1), at=AT + HOUR - 1)
    desk.ticks_until(AT + 2 * HOUR)
    held = [step for step in desk.of("aa").timeline if step.kind is StepKind.HELD]
    assert (desk.of("aa").page, len(held)) == (1, 1)


def test_a_snooze_beyond_the_day_of_flapping_pages_at_its_end() -> None:
    desk = Desk()
    state, at = alert("aa", at=AT), AT
    desk.send(state)
    desk.tick(AT + 30)
    for _ in range(3):
        at += 600
        desk.command(desk.one(), Action.RESOLVE)
        state = again(state, at=at)
        desk.send(state, at=at)
    desk.command(desk.one(), Action.SNOOZE, until=at + 48 * HOUR)
    desk.ticks_until(at + 48 * HOUR - 1)
    assert (desk.one().flapping, desk.one().page) == (False, 3)
    desk.ticks_until(at + 48 * HOUR + 1)
    assert desk.one().page == 4
    desk.ticks_until(at + 90 * HOUR)
    assert desk.one().page == 4


def test_an_acknowledgement_runs_out_where_that_is_configured() -> None:
    desk = Desk(policy_with(routing=ROUTING, acknowledge_timeout=HOUR))
    desk.send(alert("aa", at=AT))
    desk.tick(AT + 30)
    desk.command(desk.one(), Action.ACKNOWLEDGE)
    desk.now = AT + 1800
    desk.command(desk.one(), Action.NOTE, note="on it")
    desk.ticks_until(AT + 1800 + HOUR - 1)
    assert desk.one().page == 1
    desk.ticks_until(AT + 1800 + HOUR + 1)
    assert (desk.one().page, desk.one().status) == (2, Status.OPEN)


def test_escalation_by_rule_pages() -> None:
    policy = policy_with(
        routing=ROUTING, escalate_after={Severity.HIGH: 600.0}, escalation_to=("opsgenie",)
    )
    desk = Desk(policy)
    desk.send(alert("aa", at=AT))
    desk.ticks_until(AT + 631)
    found = desk.one()
    assert (found.status, found.page, found.routes) == (
        Status.ESCALATED,
        2,
        ["slack", "opsgenie"],
    )


# Grouping


def test_alerts_of_other_environments_share_no_incident_by_default() -> None:
    desk = Desk(policy_with(routing=ROUTING, group_by="service"))
    desk.send(alert("aa", at=AT, environment="prod"), alert("bb", at=AT, environment="test"))
    assert len(desk.incidents()) == 2


def test_a_scope_may_be_a_whole_tenant() -> None:
    desk = Desk(policy_with(routing=ROUTING, group_by="service", scope_by="tenant"))
    desk.send(alert("aa", at=AT, environment="prod"), alert("bb", at=AT, environment="test"))
    assert desk.one().alerts_total == 2


def test_grouping_by_pattern_makes_an_incident_an_alert() -> None:
    desk = Desk()
    desk.send(alert("aa", at=AT), alert("bb", at=AT))
    assert desk.of("aa").id != desk.of("bb").id


def test_a_resolved_incident_of_a_service_takes_no_other_alert() -> None:
    desk = Desk(policy_with(routing=ROUTING, group_by="service"))
    desk.send(alert("aa", at=AT))
    desk.command(desk.one(), Action.RESOLVE)
    desk.send(alert("bb", at=AT + 10), at=AT + 10)
    assert desk.of("aa").id != desk.of("bb").id
    desk.send(alert("cc", at=AT + 10))
    assert desk.of("cc").id == desk.of("bb").id


# Reports and failures


def test_a_command_or_receipt_for_an_unknown_incident_changes_nothing() -> None:
    desk = Desk()
    id = f"{scope_of('t', '')}-0123456789abcdef"
    receipt = Receipt(incident_id=id, platform="jira", state=TicketState.OPEN, revision=1)
    desk.send(Command(id="c", incident_id=id, action=Action.RESOLVE), receipt)
    assert desk.rows() == {}
    assert desk.published == []


def test_a_receipt_that_brings_nothing_new_is_not_published() -> None:
    desk = Desk()
    desk.send(alert("aa", at=AT))
    receipt = Receipt(
        incident_id=desk.one().id, platform="jira", state=TicketState.OPEN, revision=1
    )
    desk.send(receipt)
    published = len(desk.published)
    desk.send(replace(receipt, revision=2))
    assert len(desk.published) == published
    assert desk.one().tickets["jira"].revision == 2


def test_what_may_be_unpublished_is_published_on_assignment() -> None:
    desk = Desk()
    desk.send(alert("aa", at=AT))
    tx = desk.partition.transaction()
    machine = desk.partition.machine
    machine.recover(tx, desk.one().id, desk.one())
    machine.recover(tx, "alert:aa", desk.alerts()["aa"])
    assert [send[:2] for send in tx.sends()] == [(topics.INCIDENTS, desk.one().id)]


def test_one_bad_event_of_a_message_is_a_dead_letter_alone() -> None:
    desk = Desk()
    good, bad = alert("aa", at=AT), alert("f" * 300, at=AT)
    tx = desk.partition.transaction()
    folded = fold(desk.partition.machine, tx, [desk.record(good, bad)], desk.partition.state)
    assert [dead.failure.reason for dead in folded.dead] == ["undecodable"]
    assert [send[1] for send in tx.sends()] == [desk_id(tx)]


def desk_id(tx: object) -> str:
    """The id of the incident that a transaction writes."""
    (id,) = [key for key, _ in tx.writes() if "-" in key]  # type: ignore[attr-defined]
    return str(id)


@pytest.mark.parametrize("value", [b"", b"{", b"{}", b"null", b"[[]"])
def test_a_message_that_is_not_a_list_of_events_is_a_dead_letter(value: bytes) -> None:
    desk = Desk()
    record = desk.record()
    record.value = value
    tx = desk.partition.transaction()
    folded = fold(desk.partition.machine, tx, [record], desk.partition.state)
    assert [dead.failure.reason for dead in folded.dead] == ["undecodable"]
