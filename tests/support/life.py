"""An adapter in memory: the real machine, runner and gate, a table that is a dict, a clock to turn.

Time stands still while requests run and jumps to whatever is due next, so that days pass at once.
"""

from __future__ import annotations

import asyncio
import math
from typing import Any

from support.configured import gate_for, timing_with
from support.incidents import wish
from support.partition import MemoryTable
from support.records import Record

from sinks.calls.outcome import Outcome
from sinks.delivery import fold, wishes
from sinks.delivery.machine import AdapterMachine
from sinks.delivery.runner import Runner
from sinks.delivery.wishes import OperationResult
from sinks.platform import Request, Sink
from tables import deliveries
from tables.deliveries import Delivery, Operation
from ticketing.domain.events import Receipt
from ticketing.domain.incidents.incident import Incident
from ticketing.engine import statemachine
from ticketing.wire.dead_letters import DeadLetter, decode_dead_letter
from ticketing.wire.signals import decode_signals
from ticketing.wire.topics import DEAD_LETTERS, SIGNALS

START = 1_800_000_000.0
STEPS_MAX = 2_000
REQUEST_SECONDS_MAX = 60.0
PARTITION = 0


class Clock:
    """Unix seconds that move only when told to."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Watched:
    """A platform whose requests and outcomes are written down."""

    def __init__(self, platform: Sink) -> None:
        self._platform = platform
        self.name = platform.name
        self.traits = platform.traits
        self.account = platform.account
        self.test_connection = platform.test_connection
        self.close = platform.close
        self.requests: list[Request] = []
        self.outcomes: list[tuple[Operation, Outcome]] = []

    async def perform(self, request: Request) -> Outcome:
        self.requests.append(request)
        return await self._platform.perform(request)


class Life:
    """One platform's adapter, from wishes to what is told about its tickets."""

    def __init__(
        self,
        platform: Sink,
        *,
        clock: Clock | None = None,
        timing: fold.Timing | None = None,
        concurrency: int = 8,
    ) -> None:
        self.clock = clock or Clock()
        self.platform = Watched(platform)
        self.store = MemoryTable()
        self.dead_letters: list[DeadLetter] = []
        self.receipts: list[Receipt] = []
        self._timing = timing or timing_with()
        self._concurrency = concurrency
        self._offset = 0
        self._inbox: list[Any] = []
        self._reported = asyncio.Event()
        self._fatal: list[BaseException] = []
        self._handled: list[Any] = []
        self._begin(0)

    def _begin(self, first: int) -> None:
        self.gate = gate_for(self.platform.name)
        self.runner = Runner(
            self.platform,
            self._report,
            concurrency=self._concurrency,
            fence=lambda: None,
            fatal=self._fatal.append,
            clock=self.clock,
        )
        self.machine = AdapterMachine(
            self.platform, self.runner, self.gate, self._timing, clock=self.clock
        )
        self.partition = statemachine.PartitionState()
        tx = statemachine.Transaction(self.store, self.machine, PARTITION)
        statemachine.scan(self.machine, tx, self.partition, first, self.clock.now)
        self._commit(tx)

    def delivery(self, incident_id: str) -> Delivery:
        """What the table holds of an incident."""
        return deliveries.decode(statemachine.unpack_state(self.store.rows[incident_id]))

    @property
    def operations(self) -> list[Operation]:
        """What was asked of the platform so far, in order."""
        return [request.operation for request in self.platform.requests]

    async def want(self, incident: Incident, seconds: float = 0.0) -> None:
        """A snapshot arrives; then so much time passes."""
        self.send(wish(incident))
        await self.run(seconds)

    async def retry(self, incident_id: str, seconds: float = 0.0) -> None:
        """Somebody wants it tried again; then so much time passes."""
        self.send(wishes.encode_retry(wishes.Retry(incident_id=incident_id)))
        await self.run(seconds)

    def send(self, value: bytes, key: bytes = b"") -> None:
        """Put a message into the adapter's topic."""
        self._offset += 1
        timestamp = math.ceil(self.clock.now * 1000.0)
        self._inbox.append(
            Record(value, self._offset, timestamp, key, PARTITION, self.platform.name)
        )

    async def run(self, seconds: float = 0.0, *, steps_max: int = STEPS_MAX) -> None:
        """Let time pass until nothing is under way and nothing more is due."""
        end = self.clock.now + seconds
        for _ in range(steps_max):
            assert not self._fatal, self._fatal
            if self._inbox:
                self.fold()
            elif len(self.runner):
                await self._next_result()
            elif self.partition.timers.earliest() <= end:
                # Kafka's timestamps are whole milliseconds: one that is rounded down is too early.
                due = math.ceil(self.partition.timers.earliest() * 1000.0) / 1000.0
                self.clock.now = max(self.clock.now, due + 0.001)
                self.send(b"{}", statemachine.TICK_KEY)
            else:
                self.clock.now = end
                return
        raise AssertionError(f"it goes in circles: {self.operations[-20:]}")

    def fold(self) -> None:
        """Handle what is in the inbox as one batch."""
        records, self._inbox = self._inbox, []
        self._handled += records
        tx = statemachine.Transaction(self.store, self.machine, PARTITION)
        folded = statemachine.fold(self.machine, tx, records, self.partition)
        assert not folded.dead, folded.dead
        self._commit(tx)

    async def lose_results(self) -> None:
        """What is under way ends at the platform, and nobody here hears of it."""
        while len(self.runner):
            await self._next_result()
        self._inbox = []

    async def _next_result(self) -> None:
        self._reported.clear()
        await asyncio.wait_for(self._reported.wait(), REQUEST_SECONDS_MAX)

    async def crash(self, replayed: int = 0) -> None:
        """The process dies: results of what is under way are lost, the table and the topic stay.

        The last so many messages are read again.
        """
        await self.runner.cancel({PARTITION})
        again = self._handled[len(self._handled) - replayed :]
        self._inbox = [*again, *self._inbox]
        self._begin(self._inbox[0].offset if self._inbox else self._offset + 1)

    def take_over(self, other: Life) -> None:
        """Go on where another worker has stopped, maybe with another configuration."""
        self.store.rows = dict(other.store.rows)
        self._offset = other._offset
        self._begin(self._offset + 1)

    async def close(self) -> None:
        """Stop what is under way and close the connections."""
        await self.runner.cancel({PARTITION})
        await self.platform.close()

    def _commit(self, tx: statemachine.Transaction[Delivery]) -> None:
        self.store.keep(tx, self.machine)
        for topic, _, value, _ in tx.sends():
            assert value is not None
            if topic == DEAD_LETTERS:
                self.dead_letters.append(decode_dead_letter(value))
            elif topic == SIGNALS:
                bodies = decode_signals(value)
                self.receipts += [body for body in bodies if isinstance(body, Receipt)]
        for callback in tx.callbacks():
            callback()

    async def _report(self, result: OperationResult, partition: int) -> None:
        self.platform.outcomes.append((result.operation, result.outcome))
        self.send(wishes.encode_result(result))
        self._reported.set()
