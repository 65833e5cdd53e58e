"""Any bytes in a topic and any row in a table: neighbours are handled, nothing raises, sums add up.

The real agents and machines work over a broker and a disk in memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from logging import FATAL
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from support import simulation
from support.alerts import INPUT, START, TOPIC_ID, alert_policy_with, anomalies, origin
from support.configured import gate_for, policy_with, timing_with
from support.fuzz import fuzz
from support.incidents import alert, id_of, ticketed, wish
from support.mutations import mutated
from support.simulation import Disk, Keyed, Sinks, World

from agents.alerts import AlertMachine
from agents.incidents import IncidentMachine
from sinks.calls.outcome import Delivered, Reason, Refused, RetryAfter
from sinks.delivery.machine import AdapterMachine
from sinks.delivery.wishes import OperationResult, Retry, encode_result, encode_retry
from sinks.platform import STATUS_STEPS, Repeat, Request, Traits
from tables.deliveries import Operation, Why
from tables.incidents import alert_key
from ticketing import metrics
from ticketing.domain.events import Action, Command, Receipt, Summary, TicketState
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Progress, Redriven
from ticketing.engine import keyed_agent, table
from ticketing.engine.row import OWN_KEYS
from ticketing.engine.row_index import INDEX_KEY
from ticketing.engine.statemachine import TICK_KEY, unpack_state
from ticketing.wire import topics
from ticketing.wire.dead_letters import DeadLetter, decode_dead_letter
from ticketing.wire.events import encode_events
from ticketing.wire.incidents import encode_incident
from ticketing.wire.signals import encode_signals

pytestmark = pytest.mark.fuzz

NEIGHBOUR = "f" * 16
"""The fingerprint that no mutation knows."""
NEIGHBOUR_ID = id_of(7)
KNOWN_ID = id_of(1)
_loop = asyncio.new_event_loop()


@pytest.fixture(autouse=True, scope="module")
def disk() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "WriteBatch", simulation.Batch)
        patch.setattr(keyed_agent, "leave", left)
        # Each case would write dozens of lines.
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(FATAL))
        yield
    structlog.reset_defaults()
    _loop.close()


def left(why: str, status: int = 0) -> None:
    raise AssertionError(why)


@dataclass(frozen=True)
class Stage:
    """A machine with its topic and its usual messages."""

    name: str
    topic: str
    machine: Callable[[], Any]
    messages: list[bytes]
    neighbour: Callable[[int], bytes]
    """The message after which the neighbour's row says this number."""
    key: str
    number: Callable[[Any], int]
    """The number that the neighbour's row says."""

    def process(self, world: World) -> Keyed:
        return Keyed(world, self.topic, self.name, self.machine())

    def said(self, process: Keyed) -> int:
        row = process.agent.table.data.rows[self.key.encode()]
        return self.number(process.machine.decode(unpack_state(row)))


SIGNALS: list[Any] = [
    origin(9),
    anomalies("a" * 16, 1, 2, 5),
    anomalies("b" * 16, 3, severity=Severity.CRITICAL, environment="test"),
    Redriven(anomalies=anomalies("a" * 16, 1, 2)),
    Progress(topic=INPUT, partition=0, partitions=1, through=START),
]


def neighbours_signal(number: int) -> bytes:
    found = anomalies(NEIGHBOUR, number, tenant="n", service="n", source=f"{TOPIC_ID}:7", at=START)
    return encode_signals([origin(number, partition=7), found])


ALERTS = Stage(
    "alerts",
    topics.SIGNALS,
    lambda: AlertMachine(
        alert_policy_with(max_patterns_per_service=3), inputs=[INPUT], partitions=1
    ),
    [encode_signals(SIGNALS), *(encode_signals([SIGNALS[0], body]) for body in SIGNALS[1:])],
    neighbours_signal,
    NEIGHBOUR,
    lambda state: state.count - 1,
)

EVENTS: list[Any] = [
    alert("a" * 16, at=START),
    alert("b" * 16, at=START, severity=Severity.CRITICAL),
    Command(id="c1", incident_id=KNOWN_ID, action=Action.ACKNOWLEDGE, by="anna", note="n"),
    Command(id="c2", incident_id=KNOWN_ID, action=Action.FORWARD, to=["jira"]),
    Receipt(
        incident_id=KNOWN_ID, platform="jira", state=TicketState.OPEN, revision=1, external_id="1"
    ),
    Progress(topic=topics.SIGNALS, partition=0, partitions=1, through=START),
    Summary(
        incident_id=KNOWN_ID, revision=1, generated_by="rules", title="t", text="t", steps=["a"]
    ),
]


def neighbours_event(number: int) -> bytes:
    found = alert(NEIGHBOUR, number + 1, at=START, tenant="n", service="n")
    return encode_events([found])


INCIDENTS = Stage(
    "incidents",
    topics.EVENTS,
    lambda: IncidentMachine(
        policy_with(
            routing={severity: (simulation.PLATFORM,) for severity in Severity}, group_wait={}
        ),
        partitions=1,
        topic_id="events",
    ),
    [encode_events(EVENTS), *(encode_events([body]) for body in EVENTS)],
    neighbours_event,
    alert_key(NEIGHBOUR),
    lambda row: row.alert.count - 1,
)

TRAITS = Traits(
    repeat=Repeat.AFTER_LOOK_UP,
    updates=frozenset({Why.SEVERITY, Why.TITLE, Why.LINKS, Why.SUMMARY, Why.COUNT}),
    steps=STATUS_STEPS,
    search_lag=3.0,
)


class Platform:
    """A platform as the machine knows it."""

    name = simulation.PLATFORM
    traits = TRAITS

    def account(self, want: Any) -> str:
        return "a"


class Requests:
    """A runner with room for all, whose requests never end."""

    def __init__(self) -> None:
        self.running: dict[str, Request] = {}
        self.room = 100

    def busy(self, incident_id: str) -> bool:
        return incident_id in self.running

    def now(self) -> float:
        return simulation.START

    def start(self, request: Request) -> None:
        self.running[request.incident_id] = request


def adapter_machine() -> AdapterMachine:
    return AdapterMachine(
        Platform(),  # type: ignore[arg-type]
        Requests(),  # type: ignore[arg-type]
        gate_for(simulation.PLATFORM),
        timing_with(),
        partitions=1,
        clock=lambda: simulation.START,
    )


WISHES = [
    wish(ticketed("a" * 16, id=KNOWN_ID, at=START)),
    encode_retry(Retry(incident_id=KNOWN_ID, by="anna")),
    *(
        encode_result(
            OperationResult(incident_id=KNOWN_ID, number=1, operation=operation, outcome=outcome)
        )
        for operation in (Operation.CREATE, Operation.UPDATE)
        for outcome in (
            Delivered(external_id="1", key="K-1", url="u"),
            RetryAfter(Reason.RATE_LIMITED, 3.0),
            Refused(Reason.INVALID),
        )
    ),
]


def neighbours_wish(number: int) -> bytes:
    return wish(ticketed(NEIGHBOUR, id=NEIGHBOUR_ID, revision=number + 1, at=START))


DELIVERIES = Stage(
    f"{simulation.PLATFORM}-deliveries",
    simulation.PLATFORM_TOPIC,
    adapter_machine,
    WISHES,
    neighbours_wish,
    NEIGHBOUR_ID,
    lambda state: state.want.revision - 1,
)
STAGES = [ALERTS, INCIDENTS, DELIVERIES]


def letters(world: World) -> list[DeadLetter]:
    found = world.logs.get(topics.DEAD_LETTERS, [])
    return [decode_dead_letter(record.value or b"") for record in found]


def broken() -> float:
    """How often a rule of a whole batch has failed."""
    rules = "begin_batch", "end_batch"
    counter = metrics.rules_failed_total
    return sum(
        counter.labels(stage.name, rule)._value.get()  # type: ignore[attr-defined]
        for stage in STAGES
        for rule in rules
    )


def work(process: Any) -> None:
    """Handle everything that is unread, as one batch."""
    batch = process.world.logs[process.topic][process.position :]
    _loop.run_until_complete(process.handle(batch))
    process.position = batch[-1].offset + 1


def tick(process: Any, seconds: float = 30.0) -> None:
    process.world.now += seconds
    process.world.append(process.topic, TICK_KEY, b"{}")
    work(process)


def again(stage: Stage, world: World) -> Keyed:
    """Another process goes on with what is unread."""
    process = stage.process(world)
    process.position = len(world.logs[stage.topic])
    return process


def stored(stage: Stage) -> dict[bytes, bytes]:
    """The rows that the usual messages leave."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "WriteBatch", simulation.Batch)
        process = stage.process(World())
        for message in stage.messages:
            process.world.append(stage.topic, None, message)
            work(process)
        tick(process)
        found: dict[bytes, bytes] = process.agent.table.data.states()
        return found


STORED = {stage.name: stored(stage) for stage in STAGES}


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
@fuzz(0.2)
@given(st.data(), st.booleans())
def test_any_messages(stage: Stage, data: st.DataObject, known: bool) -> None:
    messages = data.draw(st.lists(mutated(stage.messages), min_size=1, max_size=3))
    world = World()
    process = stage.process(world)
    faults = broken()
    if known:
        world.append(stage.topic, None, stage.messages[0])
    for number, message in enumerate(messages):
        world.append(stage.topic, None, stage.neighbour(number))
        world.append(stage.topic, None, message)
    work(process)
    tick(process)
    assert stage.said(process) == len(messages) - 1
    process = again(stage, world)
    world.append(stage.topic, None, stage.neighbour(len(messages)))
    work(process)
    assert stage.said(process) == len(messages)
    dead = [letter for letter in letters(world) if not letter.of_row and letter.stage != "delivery"]
    assert all(letter.whole or letter.size == 0 for letter in dead)
    assert broken() == faults


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
@fuzz(0.1)
@given(st.data())
def test_any_rows(stage: Stage, data: st.DataObject) -> None:
    keys = st.sampled_from(sorted(STORED[stage.name])) | st.binary(max_size=4)
    values = mutated(list(STORED[stage.name].values()))
    rows = data.draw(st.dictionaries(keys, values, max_size=4))
    world = World()
    process = stage.process(world)
    faults = broken()
    world.append(stage.topic, None, stage.neighbour(0))
    # More records than any row reflects.
    for _ in range(20):
        tick(process, 0.0)
    process = again(stage, world)
    for reserved in (Disk.offset_key, *OWN_KEYS):
        rows.pop(reserved, None)
    process.agent.table.data.rows.update(rows)
    del process.agent.table.data.rows[INDEX_KEY]
    tick(process)
    world.append(stage.topic, None, stage.messages[0])
    world.append(stage.topic, None, stage.neighbour(1))
    work(process)
    for _ in range(3):
        tick(process, 1_000.0)
    process = again(stage, world)
    world.append(stage.topic, None, stage.neighbour(2))
    work(process)
    assert stage.said(process) == 2
    assert broken() == faults


@fuzz(0.1)
@given(st.binary(max_size=20), st.binary(max_size=20))
def test_any_mark_and_any_owner(mark: bytes, owner: bytes) -> None:
    world = World()
    process = ALERTS.process(world)
    world.append(ALERTS.topic, None, ALERTS.neighbour(0))
    world.append(ALERTS.topic, None, ALERTS.neighbour(1))
    work(process)
    process = ALERTS.process(world)
    process.agent.table.data.rows.update(dict(zip(sorted(OWN_KEYS), (mark, owner), strict=True)))
    world.append(ALERTS.topic, None, ALERTS.neighbour(2))
    work(process)
    assert ALERTS.said(process) == 2


SNAPSHOTS = [
    encode_incident(ticketed("a" * 16, id=KNOWN_ID, routes=[simulation.PLATFORM], at=START)),
    encode_incident(replace(ticketed("a" * 16, at=START), environment="prod")),
]


@fuzz(0.05)
@given(st.lists(mutated(SNAPSHOTS), min_size=1, max_size=3))
def test_any_incidents_to_route(messages: list[bytes]) -> None:
    world = World()
    process = Sinks(world)
    for message in messages:
        world.append(topics.INCIDENTS, message[:3], message)
    own = ticketed("b" * 16, id=NEIGHBOUR_ID, routes=[simulation.PLATFORM], at=START)
    world.append(topics.INCIDENTS, NEIGHBOUR_ID.encode(), encode_incident(own))
    work(process)
    keys = {record.key for record in world.logs[simulation.PLATFORM_TOPIC]}
    assert any(NEIGHBOUR_ID.encode() in (key or b"") for key in keys)
