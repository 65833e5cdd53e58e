"""A platform in trouble costs its own tickets time, and nobody else's anything.

Snapshots of incidents are written to ticketing-incidents as the pipeline would; from there on
everything is the real thing: the sink agent, Kafka, an adapter process per platform, HTTP.
"""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from confluent_kafka import Producer
from support.contract import Subject
from support.fleet import Fleet, Worker
from support.life import Clock
from support.load import Fault, record
from support.shapes import enable, plain_subjects
from support.story import Story
from support.waiting import wait_for

from ticketing.domain.incidents.incident import Incident, Status
from ticketing.domain.severity import Severity
from ticketing.wire.dead_letters import encode_dead_letter
from ticketing.wire.topics import INCIDENTS, platform_topic

pytestmark = [pytest.mark.crash, pytest.mark.kafka]

INCIDENTS_COUNT = 100
UPDATES_EACH = 100
CALM = 40
APART_SECONDS = 0.05
"""Incidents that come one after the other, so that each has a time to its ticket of its own."""


class Stage:
    """A pipeline for its sink agent, all adapters, and incidents to show them."""

    def __init__(self, fleet: Fleet, **section: Any) -> None:
        self.platforms: dict[str, Subject] = plain_subjects()
        self.sandbox = enable(fleet, self.platforms, **section)
        fleet.configure(delivery={"backoffMin": "0.2s", "backoffMax": "2s"})
        fleet.create_topics()
        self.fleet = fleet
        self.worker: Worker = fleet.worker("a", "pipeline", *self.platforms)
        self.worker.wait_ready()
        self.told_at: dict[str, float] = {}
        self._producer = Producer({**fleet.kafka.client, "enable.idempotence": True})

    def stories(self, count: int, first: int = 0) -> list[Story]:
        """Incidents that begin now."""
        clock = Clock(time.time())
        return [
            Story(
                clock,
                id=f"{number % 4:016x}-{number:016x}",
                fingerprint=f"{number:016x}",
                routes=list(self.platforms),
            )
            for number in range(first, first + count)
        ]

    def tell(self, incidents: Iterable[Incident]) -> None:
        """Publish snapshots."""
        for incident in incidents:
            self.told_at.setdefault(incident.id, time.time())
            self._producer.produce(INCIDENTS, encode_dead_letter(incident), incident.id)
            self._producer.poll(0)
        assert self._producer.flush(60) == 0

    def tickets(self) -> dict[tuple[str, str], list[dict[str, Any]]]:
        """The sandbox's tickets by platform and incident."""
        found: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for ticket in self.sandbox.tickets():
            found.setdefault((ticket["platform"], ticket["correlation"]), []).append(ticket)
        return found

    def right(self, stories: Iterable[Story], platforms: Iterable[str]) -> bool:
        """Whether each of these platforms shows each incident as it is, once."""
        tickets = self.tickets()
        for name in platforms:
            subject = self.platforms[name]
            for story in stories:
                found = tickets.get((name, story.incident.id), [])
                if len(found) != 1 or found[0]["state"] != subject.states[story.incident.status]:
                    return False
        return True

    def wait_right(
        self, stories: list[Story], platforms: Iterable[str], seconds: float = 180.0
    ) -> None:
        """Wait for that."""
        names = list(platforms)
        wait_for(lambda: self.right(stories, names), f"tickets on {', '.join(names)}", seconds)

    def wait_read(self, name: str, seconds: float = 120.0) -> None:
        """Wait until an adapter has folded everything that its topic holds by now."""
        topic = platform_topic(name)
        ends = self.fleet.kafka.ends(topic)

        def read() -> bool:
            committed = self.fleet.kafka.committed(topic, topic)
            return all(committed[number] >= end for number, end in ends.items())

        wait_for(read, f"the adapter of {name} to have read its topic", seconds)

    def delivered(self) -> Counter[str]:
        """How many requests each platform has taken so far."""
        metrics = self.worker.metrics()
        name = "ticketing_deliveries_total{outcome=delivered,platform=%s}"
        return Counter({p: int(metrics.get(name % p, 0)) for p in self.platforms})

    def seconds_to_ticket(self, stories: Iterable[Story], name: str) -> list[float]:
        """From the snapshot to the ticket, by the sandbox's clock, which is this machine's."""
        tickets = self.tickets()
        return sorted(
            tickets[name, story.incident.id][0]["openedAt"] - self.told_at[story.incident.id]
            for story in stories
        )


def lives(number: int, story: Story) -> Callable[[], Incident]:
    """How an incident ends up: a third each is resolved, acknowledged, or goes on."""
    return (story.resolved, story.acknowledged, story.counted)[number % 3]


def test_a_platform_that_is_back_gets_a_short_backlog(fleet: Fleet) -> None:
    stage = Stage(fleet)
    down = list(stage.platforms)[-1]
    others = [name for name in stage.platforms if name != down]
    stage.sandbox.set_fault(down, "down")
    stories = stage.stories(INCIDENTS_COUNT)
    stage.tell(story.opened() for story in stories)
    stage.wait_right(stories, others)

    for update in range(UPDATES_EACH - 1):
        stage.tell(story.changed(title=f"Payment timed out, step {update}") for story in stories)
    stage.tell(lives(number, story)() for number, story in enumerate(stories))
    stage.wait_right(stories, others)
    assert not any(name == down for name, _ in stage.tickets())
    assert stage.delivered()[down] == 0

    # An adapter that still reads its backlog would write what the rest of it changes again.
    stage.wait_read(down)
    stage.sandbox.set_fault(down, "none")
    lasting = [story for story in stories if story.incident.status is not Status.RESOLVED]
    stage.wait_right(lasting, stage.platforms)
    # What was over before anything was tried there is told to nobody.
    over = [story for story in stories if story.incident.status is Status.RESOLVED]
    tried = [story for story in over if (down, story.incident.id) in stage.tickets()]
    assert len(tried) < len(over)
    stage.wait_right(tried, [down])
    # A ticket each, a transition for those that are not open any more, and a search for a duplicate
    # where the outage left open if a create had arrived.
    calls = stage.delivered()[down]
    print(f"{INCIDENTS_COUNT * (UPDATES_EACH + 1)} snapshots cost {down} {calls} calls")
    assert len(lasting) <= calls <= 3 * INCIDENTS_COUNT
    passed = f"step {UPDATES_EACH // 2}"
    for story in [*lasting, *tried]:
        (ticket,) = stage.tickets()[down, story.incident.id]
        history = [entry["what"] for entry in ticket["history"]]
        assert not any(passed in what for what in history)
        assert sum(what.startswith("created") for what in history) == 1
        assert sum(what.startswith("updated") for what in history) <= 1
    assert not fleet.dead_letters()


def test_a_burst_of_counts_costs_about_a_call_an_incident(fleet: Fleet) -> None:
    stage = Stage(fleet)
    stories = stage.stories(INCIDENTS_COUNT)
    for _ in range(UPDATES_EACH):
        stage.tell(story.counted(7) for story in stories)
    stage.wait_right(stories, stage.platforms)
    groups = [platform_topic(name) for name in stage.platforms]
    size = INCIDENTS_COUNT * UPDATES_EACH
    assert all(sum(fleet.kafka.ends(group).values()) > INCIDENTS_COUNT for group in groups)
    # Ticks and results go on, so that the very end is never reached.
    wait_for(
        lambda: all(fleet.lag(group, group) < INCIDENTS_COUNT for group in groups),
        "the backlog to be read",
    )
    calls = stage.delivered()
    print(f"{size} snapshots cost {dict(calls)} calls")
    for name in stage.platforms:
        assert INCIDENTS_COUNT <= calls[name] <= 1.5 * INCIDENTS_COUNT, name


def test_a_slow_platform_and_a_failing_one_delay_no_other(fleet: Fleet) -> None:
    stage = Stage(fleet, timeout="15s")
    slow, failing, *others = stage.platforms
    if not others:
        pytest.skip("it takes three platforms")
    calm = stage.stories(CALM)
    for story in calm:
        stage.tell([story.opened()])
        time.sleep(APART_SECONDS)
    stage.wait_right(calm, stage.platforms)

    stage.sandbox.set_fault(slow, "latency", seconds=10)
    stage.sandbox.set_fault(failing, "server_error")
    troubled = stage.stories(CALM, first=CALM)
    for story in troubled:
        stage.tell([story.opened()])
        time.sleep(APART_SECONDS)
    stage.wait_right(troubled, others)
    behind = [s for s in troubled if (failing, s.incident.id) not in stage.tickets()]
    assert len(behind) == CALM, "the failing platform was to fail"
    assert not stage.right(troubled, [slow]), "the slow platform was to be slow"
    for name in others:
        before = stage.seconds_to_ticket(calm, name)
        after = stage.seconds_to_ticket(troubled, name)
        print(
            f"{name}: median {statistics.median(before):.2f} s, then {statistics.median(after):.2f}"
            f" s; p99 {before[-1]:.2f} s, then {after[-1]:.2f} s"
        )
        # Far below the ten seconds that an answer of the slow one takes.
        assert statistics.median(after) <= 3 * statistics.median(before) + 1.0
        assert after[-1] <= 3 * before[-1] + 2.0

    stage.sandbox.set_fault(slow, "none")
    stage.sandbox.set_fault(failing, "none")
    stage.wait_right(troubled, stage.platforms)


def test_more_severity_brings_more_platforms_and_less_routing_orphans_none(fleet: Fleet) -> None:
    platforms = plain_subjects()
    first, *more = platforms
    sandbox = enable(fleet, platforms)
    fleet.configure(routing={"medium": [first], "critical": [first, *more]})
    fleet.create_topics()
    worker = fleet.worker("a", "pipeline", *platforms)
    worker.wait_ready()
    fault = Fault("checkout", "pool", "medium")

    def states() -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for ticket in sandbox.tickets():
            found.setdefault(ticket["platform"], []).append(ticket["state"])
        return found

    fleet.feed([record(fault, 1)])
    fleet.wait_tickets(lambda _: states() == {first: ["open"]}, f"a ticket on {first} alone")
    fleet.feed([record(fault, 2, "critical")])
    opened = {name: ["open"] for name in platforms}
    fleet.wait_tickets(lambda _: states() == opened, "a ticket on each")

    worker.stop("pipeline")
    fleet.configure(routing={severity.value: [] for severity in Severity})
    second = fleet.worker("b", "pipeline", "view")
    second.wait_ready()
    fleet.feed([record(fault, 3)])
    # Resolved before the third is counted, the incident would rightly be reopened by it.
    fleet.wait_counted(3)
    incident = second.only_incident()
    status, body = second.post(f"/api/incidents/{incident['id']}/resolve", {})
    assert status == 200, body
    wanted = {name: [s.states[Status.RESOLVED]] for name, s in platforms.items()}
    fleet.wait_tickets(lambda _: states() == wanted, "all of them to be resolved")


def test_an_adapter_that_stops_in_order_leaves_nothing_in_doubt(fleet: Fleet) -> None:
    stage = Stage(fleet)
    name = list(stage.platforms)[-1]
    stage.sandbox.set_fault(name, "latency", seconds=2)
    before = stage.sandbox.requests(name)
    stories = stage.stories(5)
    stage.tell(story.opened() for story in stories)
    wait_for(lambda: stage.sandbox.requests(name) > before, "a request to be under way")
    stage.worker.stop(name)
    stage.sandbox.set_fault(name, "none")
    stage.worker.start(name)
    stage.wait_right(stories, [name])
    ends = stage.worker.metrics()
    assert stage.delivered()[name] == len(stories)
    assert not ends.get(f"ticketing_deliveries_total{{outcome=unknown,platform={name}}}")
