"""No set of links, in any order of messages, leaves a group of incidents without a ticket."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st
from support import incidents
from support.configured import policy_with

from ticketing.domain.incidents import linking
from ticketing.domain.incidents.incident import Incident, Status
from ticketing.domain.incidents.lifecycle import resolved
from ticketing.domain.incidents.linking import LEASE_SECONDS, Linked
from ticketing.domain.incidents.timers import elapsed, next_due
from ticketing.domain.severity import Severity
from ticketing.domain.traces.findings import Peer, Relation

NAMES = ("a0", "b1", "c2", "d3", "e4")
POLICY = policy_with(
    hold_symptoms=True, routing={Severity.HIGH: ("slack",), Severity.CRITICAL: ("pagerduty",)}
)


def incident(name: str, wait: float, severity: Severity) -> Incident:
    return incidents.incident(
        name,
        at=0.0,
        service=f"service-{name}",
        severity=severity,
        routes=["slack"],
        ticket_at=wait,
    )


@dataclass
class World:
    """The writers of all incidents, and messages between them that may be lost or come twice."""

    incidents: dict[str, Incident]
    now: float = 0.0
    waiting: list[Linked] = field(default_factory=list)

    def met(self, name: str, other: str, relation: Relation) -> None:
        peer = Peer(fingerprint=other, service=f"service-{other}", relation=relation, traces=1)
        self._took(name, linking.met(self.incidents[name], [peer], self.now, POLICY))

    def deliver(self, index: int, keep: bool) -> None:
        if not self.waiting:
            return
        index %= len(self.waiting)
        message = self.waiting[index] if keep else self.waiting.pop(index)
        name = message.to_fingerprint
        self._took(name, linking.told(self.incidents[name], message, self.now, POLICY))

    def lose(self, index: int) -> None:
        if self.waiting:
            self.waiting.pop(index % len(self.waiting))

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        for name, was in list(self.incidents.items()):
            after = elapsed(was, self.now, None, POLICY)
            self._took(name, linking.asking_again(after, self.now))

    def resolve(self, name: str) -> None:
        if self.incidents[name].status is not Status.RESOLVED:
            after = resolved(self.incidents[name], self.now, POLICY)
            self.incidents[name] = after
            self.waiting += linking.released(after)

    def unlink(self, name: str, other: str) -> None:
        after = linking.unlinked_from(self.incidents[name], other, self.now, POLICY)
        self.incidents[name] = after

    def _took(self, name: str, said: linking.Said) -> None:
        before, (after, messages) = self.incidents[name], said
        assert after.ticketed or not before.ticketed, "a ticket is never taken back"
        self.incidents[name] = after
        self.waiting += messages

    def check(self) -> None:
        for one in self.incidents.values():
            if one.status is Status.RESOLVED or one.ticketed:
                assert not (one.ticketed and one.held_by)
                continue
            if one.held_by:
                holder = self.incidents[one.held_by.split("-")[0]]
                assert holder.ticketed, "what speaks for it has a ticket"
                assert not holder.held_by
                assert one.held_until <= self.now + LEASE_SECONDS
                due = next_due(one, self.now, POLICY)
                assert due is not None
                assert due <= self.now + LEASE_SECONDS
            else:
                assert one.ticket_at > self.now, "whatever nobody speaks for is ticketed in time"


name = st.sampled_from(NAMES)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("met"), name, name, st.sampled_from(list(Relation))),
        st.tuples(st.just("deliver"), st.integers(0, 50), st.booleans()),
        st.tuples(st.just("lose"), st.integers(0, 50)),
        st.tuples(st.just("pass_time"), st.sampled_from([0.5, 5.0, 31.0, 61.0, 181.0])),
        st.tuples(st.just("resolve"), name),
        st.tuples(st.just("unlink"), name, name),
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(steps, st.lists(st.sampled_from([0.0, 5.0, 30.0]), min_size=5, max_size=5))
def test_no_links_in_any_order_leave_incidents_without_a_ticket(
    todo: list[tuple[object, ...]], waits: list[float]
) -> None:
    severities = [Severity.CRITICAL if wait == 5.0 else Severity.HIGH for wait in waits]
    made = zip(NAMES, waits, severities, strict=True)
    world = World({name: incident(name, wait + 1, severity) for name, wait, severity in made})
    for step, *arguments in todo:
        getattr(world, str(step))(*arguments)
        world.pass_time(0.0)
        world.check()
    # Every message from now on is lost: nobody is left to wait for an answer.
    world.waiting.clear()
    world.pass_time(LEASE_SECONDS + 31.0)
    world.check()
    for one in world.incidents.values():
        assert one.ticketed or one.status is Status.RESOLVED


@settings(max_examples=100, deadline=None)
@given(st.permutations(list(NAMES)), st.data())
def test_a_circle_of_causes_has_a_ticket(order: list[str], data: st.DataObject) -> None:
    world = World({name: incident(name, 30.0, Severity.HIGH) for name in NAMES})
    for here, there in zip(order, [*order[1:], order[0]], strict=True):
        world.met(here, there, Relation.CAUSE)
    for _ in range(200):
        if not world.waiting:
            break
        world.deliver(data.draw(st.integers(0, 50)), False)
        world.check()
    world.pass_time(31.0)
    world.check()
    assert any(one.ticketed for one in world.incidents.values())
