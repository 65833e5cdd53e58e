"""Snapshots with anything in any field, between two good ones, into every platform's adapter."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.configured import gate_for, timing_with
from support.fuzz import fuzz
from support.life import Clock
from support.newer import full
from support.partition import MemoryTable
from support.records import Record
from support.shapes import plain_subjects
from support.spoilt_documents import mutated, paths

from sinks.calls.limits import Limits
from sinks.calls.outcome import Failed, Outcome
from sinks.delivery import wishes
from sinks.delivery.machine import AdapterMachine
from sinks.delivery.wishes import OperationResult, encode_wish
from sinks.platform import Request, Sink
from sinks.platforms import create, dry_run
from tables import deliveries
from tables.deliveries import Operation
from ticketing.config import PLATFORMS
from ticketing.domain.events import TicketState
from ticketing.domain.incidents.incident import Incident
from ticketing.engine import statemachine
from ticketing.errors import BadRecord
from ticketing.wire.incidents import encode_incident

pytestmark = pytest.mark.fuzz

ESSENTIAL = ("id", "revision", "status", "severity", "title")
CLOCK = Clock()
SPOILT = full(CLOCK)
GOOD = [replace(SPOILT, id=f"{number:016x}-0-{number}") for number in (1, 2)]
DOCUMENT = json.loads(encode_incident(SPOILT))
PLACES = paths(DOCUMENT)


class Requests:
    """A runner that notes what it is to perform."""

    room = 100

    def __init__(self) -> None:
        self.begun: list[Request] = []

    def __len__(self) -> int:
        return 0

    def busy(self, key: str) -> bool:
        return False

    def now(self) -> float:
        return CLOCK.now

    def start(self, request: Request) -> None:
        self.begun.append(request)


class Adapter:
    """One platform's machine over a table in memory; requests get a dry run's answers."""

    def __init__(self, platform: Sink, loop: asyncio.AbstractEventLoop) -> None:
        self.platform = platform
        self.loop = loop
        self.runner: Any = Requests()
        self.table = MemoryTable()
        self.state = statemachine.PartitionState()
        self.machine = AdapterMachine(
            platform, self.runner, gate_for(platform.name), timing_with(), clock=CLOCK
        )
        self.offset = 0

    def take(self, *values: bytes) -> None:
        """Handle the messages in one batch, and all that follows from it."""
        left = list(values)
        while left:
            records = []
            for value in left:
                self.offset += 1
                records.append(Record(value, self.offset, int(CLOCK.now * 1000)))
            tx = statemachine.Transaction(self.table, self.machine, 0)
            statemachine.fold(self.machine, tx, records, self.state)
            self.table.keep(tx, self.machine)
            for callback in tx.callbacks():
                callback()
            begun, self.runner.begun = self.runner.begun, []
            left = [self.loop.run_until_complete(self._result(request)) for request in begun]

    async def _result(self, request: Request) -> bytes:
        outcome: Outcome
        try:
            outcome = await self._holder(request.incident_id).perform(request)
        except Failed as failed:
            outcome = failed.outcome
        return wishes.encode_result(
            OperationResult(
                incident_id=request.incident_id,
                number=request.number,
                operation=request.operation,
                outcome=outcome,
            )
        )

    def _holder(self, id: str) -> Sink:
        known = [good.id for good in GOOD]
        return platform(self.platform.name, known.index(id) if id in known else len(known))

    def state_of(self, id: str) -> TicketState | None:
        """The state of an incident's ticket, if there is one."""
        row = self.table.rows.get(id)
        have = None if row is None else deliveries.decode(statemachine.unpack_state(row)).have
        return None if have is None else have.state


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """One for all cases, since clients hold locks of the loop that they first ran on."""
    made = asyncio.new_event_loop()
    # These two wait for what a dry run answers at once, or never.
    with (
        mock.patch("sinks.pagerduty.client.ENRICH_PAUSE_SECONDS", 0.0),
        mock.patch("sinks.opsgenie.api.POLL_SECONDS_FIRST", 0.0),
    ):
        yield made
    made.close()


@lru_cache
def platform(name: str, holder: int = 0) -> Sink:
    """A platform as its stand-in configures it, without limits; its requests reach nobody.

    A dry run remembers one ticket, so each incident has a `holder` of its own.
    """
    config = plain_subjects()[name].config("http://127.0.0.1:9")
    boundless = Limits(name, "1000000/second", clock=CLOCK)
    with mock.patch("sinks.calls.http.limits_for", return_value=boundless):
        return create(name, config, lambda: None, dry_run(name, config, lambda *call: None))


def wish(document: dict[str, Any]) -> bytes:
    return encode_wish(json.dumps(document).encode())


def resolved(incident: Incident) -> bytes:
    return wish(as_resolved(json.loads(encode_incident(incident)), incident.revision))


def as_resolved(document: dict[str, Any], revision: int) -> dict[str, Any]:
    return {**document, "revision": revision + 1, "status": "resolved"}


def is_readable(document: dict[str, Any]) -> bool:
    """True for a document whose essential fields are as they were."""
    return all(document.get(name) == DOCUMENT[name] for name in ESSENTIAL)


@pytest.mark.parametrize("name", PLATFORMS)
@fuzz(0.01)
@given(data=st.data())
def test_a_spoilt_snapshot_costs_no_other_and_not_its_own_end(
    name: str, loop: asyncio.AbstractEventLoop, data: Any
) -> None:
    """The good ones get their tickets, and the spoilt one too where its essence can be read."""
    spoilt = data.draw(mutated(DOCUMENT, PLACES))
    adapter = Adapter(platform(name), loop)
    first, last = GOOD
    adapter.take(wish_of(first), wish(spoilt), wish_of(last))
    for good in GOOD:
        assert adapter.state_of(good.id) is TicketState.OPEN
    if is_readable(spoilt):
        assert adapter.state_of(SPOILT.id) is TicketState.OPEN
    ended = wish(as_resolved(spoilt, DOCUMENT["revision"])) if is_readable(spoilt) else wish(spoilt)
    adapter.take(resolved(first), ended, resolved(last))
    for good in GOOD:
        assert adapter.state_of(good.id) is TicketState.RESOLVED
    if is_readable(spoilt):
        # A time of resolution long ago: the delivery is over, and forgotten.
        assert adapter.state_of(SPOILT.id) in (TicketState.RESOLVED, None)


def wish_of(incident: Incident) -> bytes:
    return wish(json.loads(encode_incident(incident)))


@fuzz(0.05)
@given(data=st.data())
def test_a_spoilt_message_is_read_or_refused(data: Any) -> None:
    """Results and retries too, and any bytes changed: nothing else is raised."""
    result = {
        "incident_id": SPOILT.id,
        "number": 1,
        "operation": Operation.CREATE.value,
        "outcome": {"type": "retry_after", "reason": "timeout", "seconds": 1.0, "detail": "d"},
    }
    message = data.draw(
        st.sampled_from(
            [{"result": result}, {"desired": DOCUMENT}, {"retry": {"incident_id": "a"}}]
        )
    )
    value = bytearray(json.dumps(data.draw(mutated(message, paths(message)))).encode())
    for place in data.draw(st.lists(st.integers(0, len(value) - 1), max_size=3)):
        value[place] = data.draw(st.integers(0, 255))
    with contextlib.suppress(BadRecord):
        wishes.decode(bytes(value))
