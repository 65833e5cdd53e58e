"""Random lives of one partition's incidents: kills, repeats, commands in any order, and the balance."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from support.configured import policy_with
from support.fuzz import CASES, ROUND
from support.incident_desk import ROUTING, Desk
from support.incidents import again, alert, later, quiet
from support.records import Record

from ticketing.domain.alerts.alert import Alert, AlertState
from ticketing.domain.events import Action, Cause, Command, Hung, Receipt, TicketState, Verdict
from ticketing.domain.incidents.incident import Incident, Kind, Resolution, Status
from ticketing.domain.incidents.policy import Policy
from ticketing.domain.scope import scope_of
from ticketing.domain.severity import Severity
from ticketing.engine.statemachine import TICK_KEY
from ticketing.wire.incidents import decode_incident

AT = 1_000_000.0
HOUR = 3600.0
LIVES = max(20, CASES // 250)
GROUPS = 10
"""Tests that share the lives, so that a failure names few of them."""

POLICIES: dict[str, dict[str, Any]] = {
    "pattern": {},
    "service": {"group_by": "service"},
    "cause": {"group_by": "cause"},
    "cause, hasty": {"group_by": "cause", "group_wait": {}, "auto_resolve_after": 60.0},
    "cause, ceilings": {"group_by": "cause", "max_pages_per_scope": 2, "evidence_wait": 600.0},
    "ceilings": {"max_pages_per_scope": 2, "max_pages_per_minute": 3},
    "hasty": {"reopen_window": 0.0, "auto_resolve_after": 60.0, "group_wait": {}},
    "busy": {
        "group_by": "service",
        "acknowledge_timeout": 600.0,
        "escalate_after": {Severity.HIGH: 300.0},
        "escalation_to": ("opsgenie",),
        "flapping_count": 2,
    },
}
ACTIONS = [*(action for action in Action if action is not Action.DELETE), *[Action.MERGE] * 3]


@dataclass
class TrueAlert:
    """An alert as it really is; `told` holds every state that was ever sent."""

    state: Alert
    before: int = 0
    told: list[Alert] = field(default_factory=list)

    @property
    def total(self) -> int:
        """The records of all its episodes."""
        return self.before + self.state.count


class Life:
    """A writer, the alerts of its scopes, and people; everything follows from a seed."""

    def __init__(self, seed: int, policy: Policy) -> None:
        self.random = random.Random(seed)
        self.desk = Desk(policy)
        self.desk.now = AT
        self.alerts: dict[str, TrueAlert] = {}
        self.waiting: list[Record] = []
        """Messages that are not yet handled for good."""
        self.commands: list[Command] = []
        self.verdicts: list[Verdict] = []
        self.revisions: dict[str, int] = {}

    def run(self, steps: int) -> None:
        by_cause = self.desk.partition.machine.policy.group_by == "cause"
        for _ in range(steps):
            self.desk.now += self.random.choice([0.0, 0.1, 1.0, 20.0, 300.0, 2000.0])
            act = self.random.choice(
                (
                    *(self.fire, self.fire, self.fire, self.fall_quiet, self.repeat),
                    *(self.order, self.receipt, self.tick, self.progress),
                    *([self.judge_causes] * 3 if by_cause else []),
                )
            )
            act()
            if self.random.random() < 0.5:
                self.handle()
        self.settle()

    # What happens

    def fire(self) -> None:
        name = f"{self.random.randrange(6):x}"
        known = self.alerts.get(name)
        now, more = self.desk.now, self.random.randint(1, 5)
        severity = self.random.choice(list(Severity))
        if known is None:
            made = alert(
                name, more, at=now, tenant=self.random.choice("ab"), severity=severity,
                service=self.random.choice("xy"), needed=self.random.choice([0, 0, 3]),
            )  # fmt: skip
            known = self.alerts[name] = TrueAlert(made)
        elif known.state.state is AlertState.QUIET or self.random.random() < 0.1:
            # The last state of an episode is always sent: the counter sees to that.
            self.tell(known)
            known.before += known.state.count
            known.state = again(known.state, more, at=now, severity=severity)
        else:
            count = known.state.count + more
            needed = 0 if count > 3 else known.state.needed
            worst = max(severity, known.state.severity, key=lambda one: one.rank)
            at = now - self.random.choice([0.0, 0.0, 500.0])
            known.state = later(known.state, count, at=now, severity=worst, needed=needed)
            known.state = replace(known.state, last_seen=at)
        # A state may be lost: the next one makes up for it.
        if self.random.random() < 0.8:
            self.tell(known)

    def fall_quiet(self) -> None:
        firing = [one for one in self.alerts.values() if one.state.state is AlertState.FIRING]
        if firing:
            known = self.random.choice(firing)
            known.state = quiet(known.state)
            self.tell(known)

    def tell(self, known: TrueAlert) -> None:
        known.told.append(known.state)
        self.send(known.state)

    def repeat(self) -> None:
        told = [state for one in self.alerts.values() for state in one.told]
        if told:
            self.send(self.random.choice(told))

    def order(self) -> None:
        incidents = list(self.desk.incidents().values())
        if not incidents:
            return
        if self.commands and self.random.random() < 0.3:
            self.send(self.random.choice(self.commands))
            return
        one, other = self.random.choice(incidents), self.random.choice(incidents)
        names = list(self.alerts)
        command = Command(
            id=f"c{len(self.commands)}", incident_id=one.id, by="ada",
            action=self.random.choice(ACTIONS), target=other.id,
            alerts=self.random.sample(names, self.random.randint(0, len(names))),
            to=self.random.choice([[], ["jira"], [other.id]]),
            until=self.desk.now + self.random.choice([-5.0, 5000.0]),
        )  # fmt: skip
        self.commands.append(command)
        self.send(command)

    def receipt(self) -> None:
        incidents = list(self.desk.incidents().values())
        if incidents:
            one = self.random.choice(incidents)
            state = self.random.choice(list(TicketState))
            platform = self.random.choice(["slack", "pagerduty"])
            self.send(
                Receipt(incident_id=one.id, platform=platform, state=state, revision=one.revision)
            )

    def judge_causes(self) -> None:
        """A verdict, right or absurd, new, late or the same again."""
        if self.verdicts and self.random.random() < 0.3:
            self.send(self.random.choice(self.verdicts))
            return
        pick = self.random.choice
        names = [*self.alerts, "unknown"]
        causes = [
            Cause(service=pick("xyz"), strength=pick([-1.0, 2.0, 4.0, 6.0, 1e9]))
            for _ in range(self.random.randrange(4))
        ]
        hung = [
            Hung(
                fingerprint=pick(names), cause=self.random.randrange(-3, 5), fit=pick([0.0, 0.6, 1.0]),
                risen=self.random.random() < 0.8, near=self.random.sample(names, 1),
            )
            for _ in range(self.random.randrange(8))
        ]  # fmt: skip
        made = Verdict(
            scope=scope_of(pick("ab"), ""),
            at=self.desk.now + pick([0.0, 0.0, 0.0, -50.0, -1e6, 500.0, 1e6]),
            causes=causes, alerts=hung, ranking=causes[:2], edges=[("x", "y")][: pick([0, 1])],
        )  # fmt: skip
        self.verdicts.append(made)
        self.send(made)

    def tick(self) -> None:
        self.desk.offset += 1
        at = int(self.desk.now * 1000)
        self.waiting.append(Record(b"", self.desk.offset - 1, at, TICK_KEY))

    def progress(self) -> None:
        from ticketing.domain.signals import Progress
        from ticketing.wire import topics

        through = self.desk.now - self.random.choice([0.0, 30.0])
        self.send(Progress(topic=topics.SIGNALS, partition=0, partitions=1, through=through))

    def send(self, body: Any) -> None:
        self.waiting.append(self.desk.record(body))

    # The process

    def handle(self) -> None:
        """Handle what waits, perhaps dying before or behind the write of the batch."""
        if not self.waiting:
            return
        batch = self.waiting[: self.random.randint(1, len(self.waiting))]
        fate = self.random.choice([None, None, None, False, True])
        self.publish(self.desk.partition.fold(batch, fate))
        if fate is None:
            self.waiting = self.waiting[len(batch) :]
        else:
            self.desk.partition.restart()
            first = self.waiting[0]
            self.publish(self.desk.partition.scan(first.offset, first.timestamp / 1000))

    def publish(self, sent: list[Any]) -> None:
        for _, key, value, _ in sent:
            found = None if value is None else decode_incident(value)
            self.desk.published.append((key, found))
            if found is not None:
                assert found.revision >= self.revisions.get(key, 0)
                self.revisions[key] = found.revision

    def settle(self) -> None:
        """Tell all that was lost, and let everything that is due happen."""
        for known in self.alerts.values():
            self.tell(known)
        while self.waiting:
            self.handle()
        self.desk.ticks_until(self.desk.now + 2 * HOUR)

    # The judge

    def judge(self) -> None:
        incidents, rows = self.desk.incidents(), self.desk.alerts()
        assert sum(one.count for one in incidents.values()) == sum(
            one.total for one in self.alerts.values()
        )
        homes = {name: self.home(incidents, row.incident_id) for name, row in rows.items()}
        assert set(rows) == set(self.alerts)
        for name, row in rows.items():
            # A fault that still fires is open somewhere, unless a person has resolved it.
            found = incidents[homes[name]]
            if row.alert.state is AlertState.FIRING and found.status is Status.RESOLVED:
                assert found.resolution is Resolution.COMMAND
        for incident in incidents.values():
            if incident.status is not Status.RESOLVED:
                self.judge_open(
                    incident, [rows[name] for name in homes if homes[name] == incident.id]
                )
            assert all(count >= 0 for _, count in incident.windows)
        shown = Counter(
            part.fingerprint
            for one in incidents.values()
            for part in one.alerts
            if one.status is not Status.RESOLVED and part.state is AlertState.FIRING
        )
        assert all(times == 1 for times in shown.values())
        latest = {id: found for id, found in self.desk.published if found is not None}
        assert {id: shown_of(one) for id, one in latest.items()} == {
            id: shown_of(one) for id, one in incidents.items()
        }

    def judge_open(self, incident: Incident, rows: list[Any]) -> None:
        if incident.kind is Kind.COLLECTIVE:
            assert incident.ends_at is not None
            return
        home = {row.alert.fingerprint: row.alert for row in rows}
        left = [part for part in incident.alerts if part.fingerprint not in home]
        assert [part for part in incident.alerts if part not in left] == [
            home[part.fingerprint] for part in incident.alerts if part not in left
        ]
        assert incident.count == sum(part.count for part in [*home.values(), *left])
        assert incident.alerts_total == len(home) + len(left) > 0
        firing = sum(row.alert.state is AlertState.FIRING for row in rows)
        assert incident.alerts_firing == firing
        assert (incident.quiet_since is None) == (firing > 0)
        assert incident.ticketed or incident.waits_for
        assert incident.page == 1 or incident.paged_at > 0
        if incident.ticketed and incident.routes and not incident.quietly:
            assert incident.paged_at > 0

    def home(self, incidents: dict[str, Incident], id: str) -> str:
        while incidents[id].merged_into:
            id = incidents[id].merged_into
        return id


def shown_of(incident: Incident) -> Incident:
    """An incident without the parts that are for the writer alone."""
    tickets = {name: replace(one, revision=0) for name, one in incident.tickets.items()}
    return replace(incident, tickets=tickets, take_by={}, paged_at=0.0, updated_at=0.0)


@pytest.mark.fuzz
@pytest.mark.parametrize("group", range(GROUPS))
@pytest.mark.parametrize("name", POLICIES)
def test_every_life_keeps_its_balance(name: str, group: int) -> None:
    policy = policy_with(routing=ROUTING, **POLICIES[name])
    first = ROUND * LIVES + group
    for number in range(first, (ROUND + 1) * LIVES, GROUPS):
        life = Life(number, policy)
        life.run(60)
        try:
            life.judge()
        except AssertionError as error:
            raise AssertionError(f"life {number} of {name}") from error
