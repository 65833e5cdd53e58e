"""An event or a rule that fails costs itself alone."""

from __future__ import annotations

from typing import Any

import pytest
from support.configured import policy_with
from support.incident_desk import ROUTING, Desk
from support.incidents import alert, quiet

from tables.incidents import COLLECTIVE, PAGES, alert_key, pages_key
from ticketing.domain.alerts.alert import Alert
from ticketing.domain.events import Action, Command
from ticketing.domain.incidents import fallback, lifecycle, timers
from ticketing.domain.incidents.incident import Incident, Status
from ticketing.domain.scope import scope_of
from ticketing.engine.statemachine import Dead, accept, fold, pack
from ticketing.wire.events import decode_events, encode_events

AT = 1000.0
HOUR = 3600.0
SPOILT = pack(0, AT, b'{"incident":{"status":7}}')
"""A row as a release that is not this one may have written it."""


def send(desk: Desk, *bodies: Any, value: bytes | None = None) -> list[Dead]:
    """One message of which parts may be dead letters."""
    record = desk.record(*bodies)
    record.value = record.value if value is None else value
    tx = desk.partition.transaction()
    folded = fold(desk.partition.machine, tx, [record], desk.partition.state)
    desk.partition.table.keep(tx, desk.partition.machine, folded)
    accept(desk.partition.machine, tx, folded, desk.partition.state)
    return folded.dead


@pytest.mark.parametrize(
    "bad",
    [
        b"{}",
        b"7",
        b"null",
        b'{"alert":{"fingerprint":"aa"}}',
        b'{"command":{"id":"c","incident_id":"aa","action":7}}',
        b'{"alert":{"x":[' + b"[" * 5_000 + b"]" * 5_000 + b"]}}",
        b'{"command":{"id":"caf\xe9","incident_id":"aa","action":"resolve"}}',
        b'{"brok":,}',
    ],
)
def test_an_event_that_cannot_be_read_is_dead_alone(bad: bytes) -> None:
    desk = Desk()
    good = [encode_events([alert(name, at=AT)])[1:-1] for name in ("aa", "bb")]
    dead = send(desk, value=b"[%b, %b ,%b]" % (good[0], bad, good[1]))
    assert set(desk.alerts()) == {"aa", "bb"}
    assert [one.value for one in dead] == [b"[%b]" % bad]


@pytest.mark.parametrize(
    "error", [RecursionError("deep"), UnicodeDecodeError("utf-8", b"\xe9", 0, 1, ""), KeyError("k")]
)
def test_an_alert_whose_rule_fails_is_dead_alone_and_may_be_redriven(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    opened = lifecycle.opened

    def failing(found: Alert, *args: Any, **kwargs: Any) -> Incident:
        if found.fingerprint == "bb":
            raise error
        return opened(found, *args, **kwargs)

    monkeypatch.setattr(lifecycle, "opened", failing)
    desk = Desk()
    bad = alert("bb", 2, at=AT)
    (dead,) = send(desk, alert("aa", at=AT), bad, alert("cc", at=AT))
    assert set(desk.alerts()) == {"aa", "cc"}
    assert decode_events(dead.value or b"") == [bad]
    monkeypatch.undo()
    for _ in range(2):
        assert send(desk, value=dead.value) == []
    assert desk.of("bb").count == 2


def test_events_for_a_row_of_another_release_are_dead_alone() -> None:
    desk = Desk()
    desk.send(alert("aa", at=AT))
    id = desk.one().id
    desk.partition.table.rows[id] = SPOILT
    command = Command(id="c", incident_id=id, action=Action.RESOLVE)
    dead = send(desk, command, alert("bb", at=AT))
    assert [one.failure.reason for one in dead] == ["row_set_aside"]
    assert desk.partition.table.rows[id] == SPOILT
    del desk.partition.table.rows[id]
    assert set(desk.alerts()) == {"aa", "bb"}


@pytest.mark.parametrize("key", [PAGES, pages_key(scope_of("t", "")), COLLECTIVE])
def test_a_guard_of_another_release_costs_no_page(key: str) -> None:
    limits = {"max_pages_per_scope": 1, "max_pages_per_minute": 1}
    desk = Desk(policy_with(routing=ROUTING, group_wait={}, **limits))
    desk.partition.table.rows[key] = SPOILT
    assert send(desk, alert("aa", at=AT)) == []
    assert send(desk, alert("bb", at=AT)) == []
    assert desk.partition.table.rows.pop(key) == SPOILT
    assert desk.of("aa").ticketed
    told = desk.of("bb").ticketed or desk.collective() is not None
    assert told


@pytest.mark.parametrize(
    ("module", "name"),
    [(timers, "elapsed"), (timers, "expired"), (timers, "next_due"), (fallback, "watched")],
)
def test_a_rule_of_time_that_fails_for_one_incident_keeps_none_of_the_others(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str
) -> None:
    desk = Desk()
    states = [alert("aa", at=AT), alert("bb", at=AT)]
    desk.send(*states)
    desk.send(*map(quiet, states))
    rule = getattr(module, name)

    def failing(incident: Incident, *args: Any) -> Any:
        if incident.fingerprint == "aa":
            raise RecursionError
        return rule(incident, *args)

    monkeypatch.setattr(module, name, failing)
    desk.quiet(AT + 5 * HOUR)
    for minute in range(1, 90):
        desk.tick(AT + 5 * HOUR + 60 * minute)
    assert (desk.of("aa").status, desk.of("bb").status) == (Status.OPEN, Status.RESOLVED)
    monkeypatch.undo()
    for minute in range(1, 90):
        desk.tick(AT + 7 * HOUR + 60 * minute)
    assert desk.of("aa").status is Status.RESOLVED


def test_an_alert_without_its_unreadable_row_is_dead_and_the_row_stays() -> None:
    desk = Desk()
    desk.partition.table.rows[alert_key("aa")] = SPOILT
    dead = send(desk, alert("aa", at=AT))
    assert [one.failure.reason for one in dead] == ["row_set_aside"]
    assert desk.partition.table.rows[alert_key("aa")] == SPOILT
