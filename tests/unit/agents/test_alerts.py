"""The counter of alerts: exact counts by source marks, episodes, sends, the storm guard."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, pairwise

import pytest
from support.alerts import (
    INPUT,
    START,
    AlertDesk,
    alert_policy_with,
    anomalies,
    origin,
    told,
)

from agents.alerts import ALERTS_TOGETHER_MAX, FORWARD_EVERY_SECONDS, NO_ORIGIN
from ticketing.domain.alerts.alert import Alert, AlertKind, AlertState
from ticketing.domain.alerts.bounds import ALERT_BYTES_MAX
from ticketing.domain.alerts.fingerprint import overflow_fingerprint, stray_fingerprint
from ticketing.domain.alerts.storm import Guard
from ticketing.domain.scope import partition_of_scope, scope_of
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Forget, Progress, Redriven, Sample
from ticketing.wire import topics
from ticketing.wire.alerts import decode_alert, encode_alert
from ticketing.wire.signals import encode_signals

QUIET = 900.0
OVERFLOW = overflow_fingerprint("acme", "prod", "checkout")
STRAY = stray_fingerprint("acme", "prod", "checkout")


def test_the_first_anomaly_opens_an_alert_and_is_sent_at_once() -> None:
    desk = AlertDesk(partitions=7)
    sent = desk.run(4, anomalies("aa", 1, 3))
    [alert] = told(sent)
    assert (alert.count, alert.state, alert.needed) == (2, AlertState.FIRING, 0)
    assert (alert.arrived_at, alert.first_seen, alert.counted_at) == (START, START, START)
    event = next(one for one in sent if one.topic == topics.EVENTS)
    assert event.partition == partition_of_scope(scope_of("acme", "prod"), 7)
    assert [one.key for one in sent if one.topic == topics.ALERTS] == ["aa"]
    assert alert == desk.alert("aa")


def test_an_alert_that_begins_is_urgent_and_its_counts_are_not() -> None:
    desk = AlertDesk()
    desk.run(4, anomalies("aa", 1))
    assert desk.hurried == 1
    desk.run(9, anomalies("aa", 7, 8))
    assert told(desk.tick(after=60.0))[0].count == 3
    assert desk.hurried == 1


def test_an_alert_stays_with_the_writer_of_its_incident_through_a_change_of_scope() -> None:
    desk = AlertDesk(partitions=97)
    desk.run(4, anomalies("aa", 1))
    desk.restart(alert_policy_with(scope_by="tenant"))
    sent = desk.run(9, anomalies("aa", 5, severity=Severity.CRITICAL), anomalies("new", 6))
    places = {
        alert.fingerprint: one.partition
        for one in sent
        if one.topic == topics.EVENTS
        for alert in one.bodies
        if isinstance(alert, Alert)
    }
    old, new = scope_of("acme", "prod"), scope_of("acme", "prod", "tenant")
    assert places == {"aa": partition_of_scope(old, 97), "new": partition_of_scope(new, 97)}
    assert places["aa"] != places["new"]


def test_a_run_that_is_cut_differently_counts_once() -> None:
    desk = AlertDesk()
    desk.run(4, anomalies("aa", 1, 3), anomalies("bb", 2))
    desk.run(2, anomalies("aa", 1), anomalies("bb", 2))
    desk.run(9, anomalies("aa", 3, 5), anomalies("bb", 6))
    assert {name: alert.count for name, alert in desk.alerts().items()} == {"aa": 3, "bb": 2}
    assert desk.totals[-1] == (0, desk.offset, 5)


def test_other_rules_count_nothing_twice() -> None:
    desk = AlertDesk()
    desk.run(9, anomalies("old", 1, 3, 9))
    desk.restart()
    desk.run(12, anomalies("new", 1, 3, 9, 11))
    assert {name: alert.count for name, alert in desk.alerts().items()} == {"old": 3, "new": 1}


def test_the_mark_moves_where_nothing_is_fresh() -> None:
    desk = AlertDesk()
    desk.run(9, anomalies("aa", 1))
    desk.run(20, anomalies("aa", 1))
    assert desk.counted().mark("id:0") == 20


def test_a_topic_that_was_made_again_counts_from_its_beginning() -> None:
    desk = AlertDesk()
    desk.run(9, anomalies("aa", 1))
    again = anomalies("aa", 0, 1, source="other:0")
    desk.send(origin(5, id="other"), again)
    # A worker of before is late.
    desk.run(9, anomalies("aa", 1))
    desk.send(origin(5, id="other"), again)
    assert desk.alert("aa").count == 3


def test_offsets_that_were_lost_count_nothing_twice() -> None:
    desk = AlertDesk()
    desk.send(origin(60, since=50), anomalies("aa", 51, 60))
    desk.send(origin(60, since=0), anomalies("aa", 10, 51, 60))
    assert desk.alert("aa").count == 2
    # The balance begins anew: all that is read from there on.
    assert desk.totals[-1][2] == 3


def test_anomalies_without_their_origin_are_refused() -> None:
    desk = AlertDesk()
    desk.send(origin(4, partition=1), anomalies("aa", 1))
    [dead] = desk.dead
    assert dead.failure.reason == NO_ORIGIN


def test_a_signal_that_fails_is_a_letter_and_is_counted_once_when_redriven() -> None:
    desk = AlertDesk()
    desk.run(4, anomalies("aa", 1))
    desk.partition.table.rows["aa"] = b"{}"
    desk.restart()
    desk.run(9, anomalies("aa", 5, 6), anomalies("bb", 7))
    [dead] = desk.dead
    assert b'"aa"' in (dead.value or b"")
    assert b'"bb"' not in (dead.value or b"")
    del desk.partition.table.rows["aa"]
    # The mark has passed the letter: a run that is read again counts none of it.
    desk.run(9, anomalies("aa", 5, 6), anomalies("bb", 7))
    assert set(desk.alerts()) == {"bb"}
    for _ in range(2):
        desk.send(Redriven(anomalies=anomalies("aa", 5, 6)))
    # Another letter of the same records, under other rules.
    desk.send(Redriven(anomalies=anomalies("cc", 6)))
    assert {name: alert.count for name, alert in desk.alerts().items()} == {"bb": 1, "aa": 2}
    assert desk.totals[-1][2] == 4


def test_what_was_redriven_early_is_not_counted_by_its_run() -> None:
    desk = AlertDesk()
    desk.run(4, anomalies("aa", 1))
    desk.send(Redriven(anomalies=anomalies("aa", 6)))
    desk.run(9, anomalies("aa", 6, 7))
    assert desk.alert("aa").count == 3


def test_marks_that_cannot_be_read_are_kept_anew() -> None:
    desk = AlertDesk()
    desk.run(4, anomalies("aa", 1))
    desk.partition.table.rows["sources"] = b"{}"
    desk.restart()
    desk.run(9, anomalies("aa", 5))
    desk.run(9, anomalies("aa", 5))
    assert desk.alert("aa").count == 2


# Sending


def test_counts_are_sent_ever_more_seldom() -> None:
    desk = AlertDesk()
    desk.run(0, anomalies("aa", 0))
    times = []
    for second in range(1, 400):
        desk.now = START + second
        desk.run(second, anomalies("aa", second, at=desk.now))
        times += [second] * len(told(desk.tick()))
    gaps = [later - earlier for earlier, later in pairwise([0, *times])]
    assert gaps == [2, 3, 5, 9, 17, 33, 61, 61, 61, 61, 61]
    assert desk.alert("aa").count == 400


def test_a_rise_is_sent_at_once_and_ahead_of_counts() -> None:
    desk = AlertDesk()
    desk.run(1, anomalies("aa", 0), anomalies("bb", 1))
    desk.now += 1
    assert told(desk.run(3, anomalies("aa", 2))) == []
    desk.now += 10
    rise = anomalies("bb", 4, severity=Severity.CRITICAL)
    records = [desk.record(encode_signals([origin(4), rise])), desk.record(b"{}", b"tick")]
    found = told(desk.fold(records))
    assert [(alert.fingerprint, alert.severity) for alert in found] == [
        ("bb", Severity.CRITICAL),
        ("aa", Severity.HIGH),
    ]


def test_a_batch_sends_and_writes_an_alert_once() -> None:
    desk = AlertDesk()
    records = [
        desk.record(encode_signals([origin(n), anomalies("aa", n, at=START + n)]))
        for n in range(50)
    ]
    [alert] = told(desk.fold(records))
    assert alert.count == 50
    assert set(desk.partition.table.rows) == {"aa", "sources", "guard:acme/prod/checkout"}


def test_a_message_has_at_most_a_hundred_alerts() -> None:
    desk = AlertDesk(alert_policy_with(max_patterns_per_service=0))
    count = ALERTS_TOGETHER_MAX + 5
    sent = desk.run(count, *(anomalies(f"{n:04}", n) for n in range(count)))
    sizes = [len(one.bodies) for one in sent if one.topic == topics.EVENTS]
    assert sizes == [ALERTS_TOGETHER_MAX, 5]


def test_revisions_rise_with_every_stored_change() -> None:
    desk = AlertDesk()
    seen = []
    for n in range(5):
        desk.now += 1
        desk.run(n, anomalies("aa", n))
        seen.append(desk.alert("aa").version)
        desk.tick()
        seen.append(desk.alert("aa").version)
    assert seen == sorted(seen)
    assert len(set(seen)) > 5


def test_a_new_owner_sends_what_may_be_unsent() -> None:
    desk = AlertDesk()
    desk.run(0, anomalies("aa", 0))
    desk.offset -= 1  # The batch was written and not committed.
    assert [alert.fingerprint for alert in told(desk.restart())] == ["aa"]


# Quiet


def test_an_alert_is_quiet_by_the_quiet_clock_alone() -> None:
    desk = AlertDesk()
    desk.run(0, anomalies("aa", 0))
    assert told(desk.tick(10 * QUIET)) == []
    assert desk.alert("aa").state is AlertState.FIRING
    # The reader is behind: it has come to half the time.
    behind = Progress(topic=INPUT, partition=0, partitions=1, through=START + QUIET / 2)
    assert told(desk.send(behind)) == []
    [alert] = told(desk.send(replace(behind, through=START + QUIET)))
    assert (alert.state, alert.quiet_at) == (AlertState.QUIET, desk.now)


def test_no_report_ahead_of_its_arrival_makes_quiet() -> None:
    desk = AlertDesk()
    desk.run(0, anomalies("aa", 0))
    desk.tick(10.0)
    ahead = Progress(topic=INPUT, partition=0, partitions=1, through=START + 3_600)
    assert told(desk.send(ahead)) == []


def test_reports_that_are_read_late_vouch_for_their_own_times() -> None:
    desk = AlertDesk()
    desk.run(0, anomalies("aa", 0))
    reports = []
    for _ in range(3):
        desk.now += 5
        report = Progress(topic=INPUT, partition=0, partitions=1, through=0.0, caught_up=True)
        reports.append(desk.record(encode_signals([report])))
    sent = desk.fold(reports, now=START + 10 * QUIET)
    through = [body.through for one in sent for body in one.bodies if isinstance(body, Progress)]
    assert (told(sent), through) == ([], [START + 10])


def test_the_quiet_clock_is_never_ahead_of_the_partitions_clock() -> None:
    desk = AlertDesk()
    for _ in range(3):
        desk.now += FORWARD_EVERY_SECONDS
        report = Progress(topic=INPUT, partition=0, partitions=1, through=0.0, caught_up=True)
        record = desk.record(encode_signals([report]))
        record.timestamp += 3_600_000
        desk.fold([record], now=desk.now)
    through = [body.through for one in desk.sent for body in one.bodies]  # type: ignore[union-attr]
    assert through == [START + 10, START + 20]


def test_deadlines_go_along_when_the_clock_steps() -> None:
    desk = AlertDesk()
    desk.run(0, anomalies("aa", 0))
    machine = desk.partition.machine
    before = desk.alert("aa")
    after = machine.stepped(before, 3_600.0)
    assert (after.counted_at, after.version > before.version) == (START + 3_600, True)
    assert machine.stepped(desk.counted(), 3_600.0) == desk.counted()
    guard = Guard(admitted={"aa": START})
    assert machine.stepped(guard, -60.0) == Guard(admitted={"aa": START - 60})


def test_firing_again_is_another_episode_with_its_own_count() -> None:
    desk = AlertDesk()
    desk.run(0, anomalies("aa", 0))
    desk.caught_up(QUIET)
    desk.caught_up(1)
    before = desk.alert("aa")
    assert before.state is AlertState.QUIET
    [alert] = told(desk.run(3, anomalies("aa", 2, 3, at=desk.now)))
    assert (alert.count, alert.state, alert.first_seen) == (2, AlertState.FIRING, desk.now)
    assert alert.version > before.version
    assert alert.quiet_at is None


def test_a_quiet_alert_is_forgotten_after_retention() -> None:
    desk = AlertDesk(alert_policy_with(retention=86_400.0))
    desk.run(0, anomalies("aa", 0))
    desk.caught_up(QUIET)
    desk.caught_up(1)
    before = desk.alert("aa")
    assert told(desk.tick(86_000.0)) == []
    sent = desk.tick(1_000.0)
    assert [(one.topic, one.key, one.bodies) for one in sent] == [(topics.ALERTS, "aa", [])]
    assert desk.alerts() == {}
    [again] = told(desk.run(5, anomalies("aa", 5, at=desk.now)))
    assert again.version > before.version


def test_waiting_for_the_quiet_clock_writes_nothing() -> None:
    desk = AlertDesk()
    desk.run(0, anomalies("aa", 0))
    desk.tick(QUIET)
    row = desk.partition.table.rows["aa"]
    for _ in range(100):
        desk.tick(60)
    assert desk.partition.table.rows["aa"] == row


def test_more_alerts_than_a_batch_takes_become_quiet_with_the_next_ticks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("agents.alerts.QUIET_TOGETHER_MAX", 3)
    desk = AlertDesk(alert_policy_with(max_patterns_per_service=0))
    desk.run(9, *(anomalies(f"{n:02}", n) for n in range(8)))
    found = told(desk.caught_up(QUIET + 1))
    found += told(desk.caught_up(1))
    while desk.partition.machine.ready(0):
        found += told(desk.tick())
    assert {alert.state for alert in desk.alerts().values()} == {AlertState.QUIET}
    assert len({alert.fingerprint for alert in found}) == 8


def test_the_quiet_clock_is_forwarded_behind_the_alerts() -> None:
    desk = AlertDesk(partitions=3)
    desk.send(Progress(topic=INPUT, partition=0, partitions=1, through=START - 5))
    progress = Progress(topic=topics.SIGNALS, partition=0, partitions=3, through=START - 5)
    assert [(one.partition, one.bodies) for one in desk.sent] == [
        (partition, [progress]) for partition in range(3)
    ]
    desk.now += FORWARD_EVERY_SECONDS / 2
    assert desk.send(Progress(topic=INPUT, partition=0, partitions=1, through=START - 2)) == []
    desk.now += FORWARD_EVERY_SECONDS / 2
    sent = desk.send(
        origin(0),
        anomalies("aa", 0),
        Progress(topic=INPUT, partition=0, partitions=1, through=START),
    )
    kinds = [type(body) for one in sent for body in one.bodies]
    assert kinds == [Alert, Progress, Progress, Progress]


# The storm guard


def test_patterns_beyond_the_limit_share_the_overflow_alert() -> None:
    desk = AlertDesk(alert_policy_with(max_patterns_per_service=2, patterns_window=600.0))
    desk.run(9, *(anomalies(f"{n:02}", n) for n in range(5)))
    found = desk.alerts()
    assert set(found) == {"00", "01", OVERFLOW}
    assert (found[OVERFLOW].count, found[OVERFLOW].kind) == (3, AlertKind.OVERFLOW)
    # A known pattern goes on by itself; another service and environment have room.
    other = anomalies("zz", 12, environment="test")
    desk.run(12, anomalies("00", 10), other)
    assert desk.alert("00").count == 2
    assert desk.alert("zz").kind is AlertKind.PATTERN


def test_the_overflow_ends_when_the_window_has_room() -> None:
    desk = AlertDesk(alert_policy_with(max_patterns_per_service=2, patterns_window=600.0))
    desk.run(9, *(anomalies(f"{n:02}", n) for n in range(3)))
    desk.now += 601
    desk.run(19, anomalies("02", 10, at=desk.now), anomalies("03", 11, at=desk.now))
    found = desk.alerts()
    assert (found["02"].count, found["03"].count, found[OVERFLOW].count) == (1, 1, 1)


def test_stray_frames_pass_the_guard_and_wait_for_no_count() -> None:
    policy = alert_policy_with(max_patterns_per_service=1, minimum_count=dict.fromkeys(Severity, 5))
    desk = AlertDesk(policy)
    desk.run(9, anomalies("aa", 1), anomalies(STRAY, 2, severity=Severity.LOW))
    alert = desk.alert(STRAY)
    assert (alert.kind, alert.needed) == (AlertKind.STRAY, 0)


# Occurrences and evidence


def test_a_ticket_waits_for_the_occurrences_of_one_window() -> None:
    policy = alert_policy_with(minimum_count=dict.fromkeys(Severity, 3))
    desk = AlertDesk(policy)
    [alert] = told(desk.run(0, anomalies("aa", 0, frames=[1, 2, 3, 4])))
    assert (alert.needed, alert.count, alert.frames) == (3, 5, 4)
    desk.now += 1
    assert told(desk.run(5, anomalies("aa", 5))) == []
    [alert] = told(desk.run(6, anomalies("aa", 6)))
    assert (alert.needed, alert.occurrences) == (0, 3)


def test_windows_and_minutes_add_up() -> None:
    desk = AlertDesk()
    for offset, minute in enumerate(range(0, 200, 7)):
        at = START + 60 * minute
        desk.run(offset, anomalies("aa", offset, at=at))
    alert = desk.alert("aa")
    assert sum(count for _, count in alert.windows) == alert.count
    assert len(alert.minutes) == 9
    assert alert.minutes[-1][0] - alert.minutes[0][0] < 3_600


def test_a_large_alert_is_bounded_and_says_so() -> None:
    desk = AlertDesk()
    for n in range(4):
        sample = Sample(at=START, message='"' * 1_900, offset=n)
        desk.run(
            n,
            anomalies(
                "aa",
                n,
                pattern="p" * 4_000,
                samples=[sample],
                endpoints=[f"/{n}/{m}" + "x" * 200 for m in range(16)],
            ),
        )
    alert = desk.alert("aa")
    assert len(encode_alert(alert)) <= ALERT_BYTES_MAX
    assert alert.left_out == ["affected", "messages", "samples"]
    assert alert.count == 4
    assert decode_alert(encode_alert(alert)) == alert


def test_one_late_line_hardly_moves_the_usual_delay() -> None:
    desk = AlertDesk()
    for n in range(20):
        desk.now += 1
        desk.run(n, anomalies("aa", n, at=desk.now - 2, last_arrived=desk.now))
    assert desk.alert("aa").delay == pytest.approx(2.0)
    desk.run(30, anomalies("aa", 30, at=desk.now - 3_600, last_arrived=desk.now))
    assert desk.alert("aa").delay == pytest.approx(3.0)


def test_a_record_from_the_future_arrives_now() -> None:
    desk = AlertDesk()
    desk.run(0, anomalies("aa", 0, arrived=START + 1e6, last_arrived=START + 1e6))
    alert = desk.alert("aa")
    assert (alert.arrived_at, alert.last_arrived_at) == (START, START)


def test_every_offset_is_in_one_place() -> None:
    found = anomalies("aa", 1, 2, frames=[3])
    assert sorted(chain.from_iterable(found.counted())) == [1, 2, 3]


def test_an_alert_that_is_to_be_forgotten_leaves_nothing_but_its_counted_records() -> None:
    desk = AlertDesk()
    secret = Sample(at=START, message="password of kim")
    desk.run(4, anomalies("aa", 1, 3, samples=[secret]), anomalies("bb", 2))
    sent = desk.send(Forget(fingerprint="aa"), Forget(fingerprint="unknown"))
    assert [(one.topic, one.key) for one in sent] == [(topics.ALERTS, "aa")]
    assert list(desk.alerts()) == ["bb"]
    assert all(b"kim" not in row for row in desk.partition.table.rows.values())
    desk.run(4, anomalies("aa", 1, 3), anomalies("bb", 2))
    assert list(desk.alerts()) == ["bb"], "its records are counted, and no second time"
    desk.run(6, anomalies("aa", 5))
    assert desk.alert("aa").count == 1
    assert desk.totals[-1] == (0, desk.offset, 4)


def test_a_count_in_the_batch_that_forgets_an_alert_is_not_sent() -> None:
    desk = AlertDesk()
    desk.run(4, anomalies("aa", 1))
    counted = encode_signals([origin(6), anomalies("aa", 5)])
    forgotten = encode_signals([Forget(fingerprint="aa")])
    sent = desk.fold([desk.record(counted), desk.record(forgotten)])
    assert [one.key for one in sent if one.topic == topics.ALERTS] == ["aa"]
    assert told(sent) == []
    assert desk.alerts() == {}
