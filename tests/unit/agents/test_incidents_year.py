"""A year of one partition's incidents: nothing is held, muted, collective or open without an end."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from support.configured import policy_with
from support.incident_desk import ROUTING, Desk
from support.incidents import again, alert, quiet

from ticketing.domain.alerts.alert import Alert
from ticketing.domain.events import Action
from ticketing.domain.incidents.incident import Incident, Kind, Status
from ticketing.domain.severity import Severity

HOUR, DAY = 3600.0, 86400.0
START = 1_800_000_000.0
POLICY = policy_with(routing=ROUTING, max_pages_per_scope=5, max_pages_per_minute=8)
LOOK = 660.0
"""The longest time until the next look while the quiet clock is behind."""
CHECK_EVERY_DAYS = 9
"""Coprime to the habits below, so that each is met on all of its days."""
ROWS_MAX = 2_500
"""A month of the incidents and alerts below: what is resolved is forgotten after `retention`."""


class Year:
    """A writer, faults of different habits, and a person who sometimes is there."""

    def __init__(self) -> None:
        self.random = random.Random(18)
        self.desk = Desk(POLICY)
        self.desk.now = START
        self.states: dict[str, Alert] = {}

    def fire(self, name: str, at: float, **changes: object) -> None:
        """An episode of a minute."""
        known = self.states.get(name)
        state = alert(name, at=at, **changes) if known is None else again(known, at=at)
        self.states[name] = quiet(state)
        self.desk.send(state, at=at)
        self.desk.send(self.states[name], at=at + 60)

    def day(self, number: int) -> Iterator[tuple[float, str]]:
        """The times at which faults fire on a day."""
        start = START + number * DAY
        yield start + 8 * HOUR, "nightly"
        if number % 7 < 2:
            yield from ((start + 9 * HOUR + 1200 * turn, "restless") for turn in range(12))
        if number % 50 < 3:
            yield from ((start + 10 * HOUR + 600 * turn, "flapping") for turn in range(40))
        if number % 30 == 3:
            yield from (
                (start + 12 * HOUR + turn * 0.2, f"storm {turn % 60}") for turn in range(60)
            )
        yield start + self.random.random() * DAY, f"seldom {self.random.randrange(200)}"
        yield start + 20 * HOUR, f"too few {number % 40}"

    def live(self, number: int) -> None:
        for at, name in sorted(self.day(number)):
            self.pass_until(at)
            needed = 5 if name.startswith("too few") else 0
            self.fire(name, at, needed=needed, tenant=name.split()[0])
            if name == "flapping" and self.desk.of(name).status is not Status.RESOLVED:
                self.desk.command(self.desk.of(name), Action.RESOLVE)
            elif self.random.random() < 0.3:
                self.touch(self.desk.of(name))
        self.pass_until(START + (number + 1) * DAY)

    def touch(self, incident: Incident) -> None:
        action = self.random.choice(
            [Action.ACKNOWLEDGE, Action.SNOOZE, Action.RESOLVE, Action.NOTE]
        )
        self.desk.command(incident, action, until=self.desk.now + 10 * DAY)

    def pass_until(self, at: float) -> None:
        """Time passes; the quiet clock follows, but for some hours in which detection is away."""
        while self.desk.now < at:
            now = min(self.desk.now + 5 * HOUR, at)
            self.desk.ticks_until(now)
            if self.random.random() < 0.9:
                self.desk.quiet(now)

    def check(self) -> None:
        now = self.desk.now
        for incident in self.desk.incidents().values():
            if incident.status is Status.RESOLVED:
                continue
            assert reason_to_be_open(incident, now), incident
            assert incident.snoozed_until <= now + 7 * DAY
            assert not incident.flapping or now - incident.reopenings[-1] <= DAY + LOOK
            assert not incident.collective_id or now - incident.held_at <= DAY
        assert len(self.desk.partition.table.rows) < ROWS_MAX
        assert max(map(len, self.desk.partition.table.rows.values()), default=0) < 64_000


def reason_to_be_open(incident: Incident, now: float) -> bool:
    """True for an incident with an end in sight."""
    if incident.kind is Kind.COLLECTIVE:
        return incident.ends_at is not None and incident.ends_at >= now
    after = 4 * HOUR * (4 if incident.flapping else 1)
    # Detection may have been away for a while.
    return incident.alerts_firing > 0 or now - (incident.quiet_since or 0.0) <= after + DAY


@pytest.mark.fuzz
def test_a_year_leaves_nothing_without_an_end() -> None:
    year = Year()
    for number in range(365):
        year.live(number)
        if number % CHECK_EVERY_DAYS == 0:
            year.check()
    published = [found for _, found in year.desk.published if found is not None]
    assert any(found.flapping for found in published)
    assert any(found.kind is Kind.COLLECTIVE for found in published)
    assert any(found.waits_for for found in published)
    for number in range(365, 365 + 65):
        year.pass_until(START + number * DAY)
    year.desk.quiet(year.desk.now)
    year.pass_until(START + 440 * DAY)
    assert year.desk.incidents() == {}
    assert year.desk.rows() == {}


def test_an_acknowledged_fault_is_silent_by_day_and_pages_after_a_night() -> None:
    year = Year()
    year.fire("restless", START)
    year.pass_until(START + 60)
    year.desk.command(year.desk.one(), Action.ACKNOWLEDGE)
    for turn in range(1, 36):
        year.pass_until(START + 1200 * turn)
        year.fire("restless", START + 1200 * turn)
    assert year.desk.one().page == 1
    incident = year.desk.one()
    morning = START + 36 * 1200 + 9 * HOUR
    year.pass_until(morning)
    year.fire("restless", morning)
    year.pass_until(morning + 60)
    new = year.desk.of("restless")
    assert (new.previous, new.paged_at >= morning) == (incident.id, True)
    assert new.severity is Severity.HIGH
