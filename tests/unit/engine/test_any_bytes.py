"""Any bytes in a topic and any row in a table: neighbours are handled, nothing raises, sums add up.

The real agents and machines work over the simulation's broker and disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from logging import FATAL
from typing import Any, TypeVar

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from support import simulation
from support.configured import policy_with
from support.fuzz import fuzz
from support.incidents import anomalies, incident, ticketed, wish
from support.mutations import mutated
from support.simulation import Adapter, Disk, Keyed, Platform, Sinks, World

from agents.incidents import IncidentMachine
from sinks.calls.outcome import Delivered, Reason, Refused, RetryAfter
from sinks.delivery.wishes import OperationResult, Retry, encode_result, encode_retry
from sinks.platform import STATUS_STEPS, Repeat, Traits
from tables.deliveries import Operation, Why
from ticketing import metrics
from ticketing.domain.events import Action, Command, Receipt, Summary, TicketState
from ticketing.domain.incidents.incident import Incident
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Progress, Redriven
from ticketing.engine import keyed_agent, table
from ticketing.engine.statemachine import TICK_KEY
from ticketing.wire import topics
from ticketing.wire.dead_letters import DeadLetter, decode_dead_letter
from ticketing.wire.incidents import encode_incident
from ticketing.wire.signals import elements, encode_signals

pytestmark = pytest.mark.fuzz

POLICY = policy_with(
    routing={severity: (simulation.PLATFORM,) for severity in Severity},
    group_wait={},
    max_patterns_per_service=3,
    max_pages_per_minute=3,
)
TRAITS = Traits(
    repeat=Repeat.AFTER_LOOK_UP,
    updates=frozenset({Why.SEVERITY, Why.TITLE, Why.LINKS, Why.SUMMARY, Why.COUNT}),
    steps=STATUS_STEPS,
    search_lag=3.0,
)
NEIGHBOUR = "ffff"
"""The fingerprint that no mutation knows."""
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


def own(found: Any) -> Any:
    return replace(found, tenant="n", service="n")


SIGNALS: list[Any] = [
    anomalies("aa", 1, 2, 5),
    anomalies("bb", 3, severity=Severity.CRITICAL, environment="prod"),
    Redriven(anomalies=anomalies("aa", 1, 2)),
    Command(id="c1", incident_id="aa-0-0", action=Action.ACKNOWLEDGE, by="anna", note="n"),
    Command(id="c2", incident_id="aa-0-0", action=Action.FORWARD, to=["jira"]),
    Receipt(
        incident_id="aa-0-0", platform="jira", state=TicketState.OPEN, revision=1, external_id="1"
    ),
    Progress(topic="t", partition=0, partitions=1, through=simulation.START),
    Summary(
        incident_id="aa-0-0", revision=1, generated_by="rules", title="t", text="t", steps=["a"]
    ),
]
MESSAGES = [encode_signals(SIGNALS), *(encode_signals([body]) for body in SIGNALS)]
ALL_ANOMALIES = encode_signals([*SIGNALS[:2], anomalies("cc", 9), anomalies("dd", 10)])
INCIDENTS = [
    encode_incident(ticketed("aa", id="aa-0-0", routes=[simulation.PLATFORM])),
    encode_incident(incident("aa", id="aa-0-0", environment="prod")),
]


def letters(world: World) -> list[DeadLetter]:
    found = world.logs.get(topics.DEAD_LETTERS, [])
    return [decode_dead_letter(record.value or b"") for record in found]


def broken() -> float:
    """How often a rule of a whole batch has failed."""
    rules = "begin_batch", "end_batch"
    agents = "incidents", f"{simulation.PLATFORM}-deliveries"
    counter = metrics.rules_failed_total
    return sum(counter.labels(agent, rule)._value.get() for agent in agents for rule in rules)


def handled() -> float:
    """How many signals were handled so far."""
    kinds = metrics.signals_total._metrics.values()
    return sum(kind._value.get() for kind in kinds)


def work(process: Any) -> None:
    """Handle everything that is unread, as one batch."""
    batch = process.world.logs[process.topic][process.position :]
    _loop.run_until_complete(process.handle(batch))
    process.position = batch[-1].offset + 1


def tick(process: Any, seconds: float = 30.0) -> None:
    process.world.now += seconds
    process.world.append(process.topic, TICK_KEY, b"{}")
    work(process)


def writer_over(world: World) -> Keyed:
    machine = IncidentMachine(POLICY, partitions=1)
    return Keyed(world, topics.SIGNALS, "incidents", machine)


def counts(process: Keyed) -> int:
    stored = process.agent.table.data.rows[NEIGHBOUR.encode()]
    state = process.machine.decode(simulation.statemachine.unpack_state(stored))
    assert isinstance(state, Incident)
    return state.count


@fuzz(0.35)
@given(st.lists(mutated([*MESSAGES, ALL_ANOMALIES]), min_size=1, max_size=3), st.booleans())
def test_any_signals(messages: list[bytes], known: bool) -> None:
    world = World()
    process = writer_over(world)
    before, faults = handled(), broken()
    good = 0
    if known:
        world.append(topics.SIGNALS, None, MESSAGES[0])
        good += len(SIGNALS)
    for number, message in enumerate(messages):
        world.append(topics.SIGNALS, None, encode_signals([own(anomalies(NEIGHBOUR, 2 * number))]))
        world.append(topics.SIGNALS, None, message)
        good += 1
    work(process)
    tick(process)
    process = writer_over(world)
    process.position = len(world.logs[topics.SIGNALS])
    world.append(topics.SIGNALS, None, encode_signals([own(anomalies(NEIGHBOUR, 99))]))
    work(process)
    assert counts(process) == len(messages) + 1
    dead = [letter for letter in letters(world) if not letter.of_row]
    whole = sum(len(elements(message)) or 1 for message in messages if message.strip() != b"[]")
    assert handled() - before + len(dead) == good + 1 + whole
    assert all(letter.whole or letter.size == 0 for letter in dead)
    assert broken() == faults


WISHES = [
    wish(ticketed("aa", id="aa-0-0")),
    encode_retry(Retry(incident_id="aa-0-0", by="anna")),
    *(
        encode_result(
            OperationResult(incident_id="aa-0-0", number=1, operation=operation, outcome=outcome)
        )
        for operation in (Operation.CREATE, Operation.UPDATE)
        for outcome in (
            Delivered(external_id="1", key="K-1", url="u"),
            RetryAfter(Reason.RATE_LIMITED, 3.0),
            Refused(Reason.INVALID),
        )
    ),
]
NEIGHBOUR_ID = f"{NEIGHBOUR}-0-7"


def adapter_over(world: World) -> Adapter:
    return Adapter(world, Platform(world, TRAITS), [], 100)


def wanted_neighbour(world: World, revision: int = 1) -> bytes:
    found = ticketed(
        NEIGHBOUR, id=NEIGHBOUR_ID, revision=revision, ticket_at=world.now, opened_at=world.now
    )
    return wish(found)


def is_taken_up(process: Adapter) -> bool:
    """True if the neighbour's request runs, or waits as a result has closed the account's gate."""
    row = process.agent.table.data.rows[NEIGHBOUR_ID.encode()]
    state = process.machine.decode(simulation.statemachine.unpack_state(row))
    assert state.want is not None
    assert state.rejection is None
    return NEIGHBOUR_ID in process.requests.running or process.machine.ready(0) or waits(process)


def waits(process: Adapter) -> bool:
    due = simulation.statemachine.unpack_due(process.agent.table.data.rows[NEIGHBOUR_ID.encode()])
    return due is not None and not process.machine._gates.may_admit("a", process.world.now)


@fuzz(0.25)
@given(st.lists(mutated(WISHES), min_size=1, max_size=3), st.booleans())
def test_any_wishes(messages: list[bytes], known: bool) -> None:
    world = World()
    process = adapter_over(world)
    faults = broken()
    if known:
        world.append(simulation.PLATFORM_TOPIC, b"aa-0-0", WISHES[0])
        work(process)
    for message in messages:
        world.append(simulation.PLATFORM_TOPIC, b"k", message)
    world.append(simulation.PLATFORM_TOPIC, b"k", wanted_neighbour(world))
    for message in messages:
        world.append(simulation.PLATFORM_TOPIC, b"k", message)
    work(process)
    assert is_taken_up(process)
    tick(process)
    process = adapter_over(world)
    process.position = len(world.logs[simulation.PLATFORM_TOPIC])
    tick(process)
    assert broken() == faults


def rows_of(process: Keyed) -> list[bytes]:
    return [v for k, v in process.agent.table.data.items() if k != Disk.offset_key]


def _stored_incidents() -> tuple[list[bytes], list[bytes]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "WriteBatch", simulation.Batch)
        process = writer_over(World())
        process.world.append(topics.SIGNALS, None, MESSAGES[0])
        work(process)
        tick(process)
        keys = [k for k, _ in process.agent.table.data.items() if k != Disk.offset_key]
        return keys, rows_of(process)


def _stored_deliveries() -> list[bytes]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "WriteBatch", simulation.Batch)
        process = adapter_over(World())
        for message in WISHES:
            process.world.append(simulation.PLATFORM_TOPIC, b"k", message)
            work(process)
        return rows_of(process)


P = TypeVar("P", bound=Keyed)


def handled_before(process: P, make: Callable[[World], P]) -> P:
    """A new process on a topic with more records than any row reflects: none is another topic's."""
    for _ in range(20):
        process.world.append(process.topic, TICK_KEY, b"{}")
    work(process)
    after = make(process.world)
    after.position = process.position
    return after


INCIDENT_KEYS, INCIDENT_ROWS = _stored_incidents()
DELIVERY_ROWS = _stored_deliveries()


@fuzz(0.2)
@given(
    st.dictionaries(
        st.sampled_from(INCIDENT_KEYS) | st.binary(max_size=4), mutated(INCIDENT_ROWS), max_size=4
    )
)
def test_any_rows_of_incidents(rows: dict[bytes, bytes]) -> None:
    world = World()
    process = writer_over(world)
    faults = broken()
    world.append(topics.SIGNALS, None, encode_signals([own(anomalies(NEIGHBOUR, 0))]))
    process = handled_before(process, writer_over)
    rows.pop(Disk.offset_key, None)
    process.agent.table.data.rows.update(rows)
    tick(process)
    world.append(topics.SIGNALS, None, MESSAGES[0])
    world.append(topics.SIGNALS, None, encode_signals([own(anomalies(NEIGHBOUR, 1))]))
    work(process)
    for _ in range(3):
        tick(process, 1_000.0)
    process = writer_over(world)
    process.position = len(world.logs[topics.SIGNALS])
    world.append(topics.SIGNALS, None, encode_signals([own(anomalies(NEIGHBOUR, 2))]))
    work(process)
    assert counts(process) == 3
    assert broken() == faults


@fuzz(0.15)
@given(
    st.dictionaries(st.just(b"aa-0-0") | st.binary(max_size=4), mutated(DELIVERY_ROWS), max_size=3)
)
def test_any_rows_of_deliveries(rows: dict[bytes, bytes]) -> None:
    world = World()
    process = adapter_over(world)
    faults = broken()
    process = handled_before(process, adapter_over)
    rows.pop(Disk.offset_key, None)
    process.agent.table.data.rows.update(rows)
    tick(process)
    world.append(simulation.PLATFORM_TOPIC, b"k", wanted_neighbour(world))
    for message in WISHES:
        world.append(simulation.PLATFORM_TOPIC, b"k", message)
    work(process)
    assert is_taken_up(process)
    for _ in range(3):
        tick(process, 1_000.0)
    assert broken() == faults


@fuzz(0.05)
@given(st.lists(mutated(INCIDENTS), min_size=1, max_size=3))
def test_any_incidents_to_route(messages: list[bytes]) -> None:
    world = World()
    process = Sinks(world)
    for message in messages:
        world.append(topics.INCIDENTS, message[:3], message)
    world.append(topics.INCIDENTS, b"neighbour", INCIDENTS[0].replace(b'"aa-0-0"', b'"ee-0-0"'))
    work(process)
    assert b"neighbour" in {record.key for record in world.logs[simulation.PLATFORM_TOPIC]}
