"""The state machine of an adapter: reconciles tickets with their incidents."""

from __future__ import annotations

import dataclasses
import heapq
import math
import random
from collections.abc import Callable, Iterable
from functools import partial

import msgspec
import structlog

from sinks.calls.outcome import Absent, Delivered
from sinks.delivery import fold, receipts, reconcile, wishes
from sinks.delivery.gate import Gate, Gates
from sinks.delivery.runner import Runner
from sinks.delivery.wishes import OperationResult
from sinks.platform import Request, Sink
from tables import deliveries
from tables.deliveries import Delivery, Intent, Track
from ticketing import metrics
from ticketing.domain.incidents.incident import Status
from ticketing.domain.scope import partition_of_incident
from ticketing.engine.boottime import boottime
from ticketing.engine.due_times import HORIZON_SECONDS
from ticketing.engine.guarded import Failure
from ticketing.engine.statemachine import Machine, Transaction
from ticketing.errors import BadRecord
from ticketing.wire.dead_letters import DeadLetter, encode_dead_letter
from ticketing.wire.events import encode_events
from ticketing.wire.pulses import Circuit, Pulse
from ticketing.wire.topics import DEAD_LETTERS, EVENTS, platform_topic

log = structlog.get_logger(__name__)

WAIT_SECONDS = 5.0
"""The wait of a delivery that found no room. Results wake most deliveries before; the tick only
has to keep room from staying unused for long."""
SET_ASIDE_SECONDS = 300.0
"""The wait of a delivery whose planning failed: a fault of our own that mostly repeats, and then
should not fill the log."""
WAIT_SECONDS_EACH = 0.01
"""Spreads the ticks over time, at most a hundred a second, so that a long backlog costs little."""
WITHOUT_TICKET_RANKS = 10
"""More than there are severities: any incident without a ticket goes before all with one."""


class Waiting:
    """Keys of deliveries that wait for room in one partition, the most severe first."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, float, str]] = []
        self._places: dict[str, tuple[int, float, str]] = {}

    def __len__(self) -> int:
        return len(self._places)

    @property
    def first(self) -> tuple[int, float, str]:
        """The place of the first key: rank, time, key. There must be a key."""
        # A key that has moved forward leaves its old place on the heap.
        while self._places.get(self._heap[0][2]) != self._heap[0]:
            heapq.heappop(self._heap)
        return self._heap[0]

    def push(self, delivery: Delivery, now: float) -> None:
        """Add a delivery's key, or move the key forward."""
        if delivery.want is None:
            return
        key = delivery.incident_id
        rank = -delivery.want.severity.rank
        if delivery.have is None:
            rank -= WITHOUT_TICKET_RANKS
        known = self._places.get(key)
        if known is not None and known[0] <= rank:
            return
        place = (rank, now if known is None else known[1], key)
        self._places[key] = place
        heapq.heappush(self._heap, place)

    def pop(self) -> str:
        """Take the first key."""
        key = self.first[2]
        heapq.heappop(self._heap)
        del self._places[key]
        return key


class AdapterMachine(Machine[Delivery]):
    """Folds wishes and results per incident and starts the planned requests after each batch.

    An intent is durable before its request starts, and only the process that wrote the intent
    starts the request.
    """

    def __init__(
        self,
        platform: Sink,
        runner: Runner,
        gate: Gate,
        timing: fold.Timing,
        *,
        partitions: int,
        clock: Callable[[], float] = boottime,
    ) -> None:
        """`partitions` is of ticketing-events; `clock` gives seconds that only go forward."""
        self._platform = platform
        self._topic = platform_topic(platform.name)
        self._partitions = partitions
        self._runner = runner
        self._gates = Gates(gate, seed=platform.name)
        self._timing = timing
        self._clock = clock
        self._now = (-math.inf, 0.0)
        """The latest time of a partition, and the clock at that moment."""
        self._touched: dict[str, None] = {}
        self._starting = 0
        self._unfinished = 0
        self._waiting: dict[int, dict[str, Waiting]] = {}
        """Waiting keys by partition and account."""

    def encode(self, state: Delivery) -> bytes:
        """The delivery as it stands in the table."""
        return deliveries.encode(state)

    def decode(self, value: bytes) -> Delivery:
        """The reverse of encode."""
        return deliveries.decode(value)

    def unfinished(self, state: Delivery, now: float) -> bool:
        """True while the platform is behind with the incident."""
        return reconcile.behind(state, now, self._platform.traits, self._platform.name)

    def stored_unfinished(self, value: bytes, due: float | None, now: float) -> bool:
        """`unfinished` for a stored delivery, which is decoded only if it may be unfinished."""
        # A delivery that is behind is due within its backoff, a finished one after its retention.
        if due is None or due > now + HORIZON_SECONDS:
            return False
        return self.unfinished(self.decode(value), now)

    def report_unfinished(self, unfinished: int) -> None:
        """Publish the number of unfinished deliveries of this process, and the circuit."""
        name = self._platform.name
        self._unfinished = unfinished
        metrics.deliveries_pending.labels(name).set(unfinished)
        metrics.circuit_open.labels(name).set(1 if self._gates.probing else 0)

    def begin_batch(self, tx: Transaction[Delivery]) -> None:
        """Forget the keys and starts of the batch before, whose requests run by now."""
        self._touched = {}
        self._starting = 0

    def apply(self, tx: Transaction[Delivery], value: bytes) -> None:
        """Fold one message. Its key is planned once, at the end of the batch."""
        message = wishes.decode(value)
        if message.desired is not None:
            key = message.desired.id
            self._require_partition(key)
            found = tx.get(key)
            if found is None and message.desired.status is Status.RESOLVED:
                # Nobody is paged any more, and nothing is to be kept for the ticket that never was.
                return
            state = found or Delivery(incident_id=key)
            after = fold.desired(state, message.desired)
        elif message.result is not None:
            key = message.result.incident_id
            self._erase(tx, wishes.result_key(key, message.result.number))
            found = tx.get(key)
            if found is None:
                return
            state, after = found, self._concluded(tx, found, message.result)
        elif message.retry is not None:
            key = message.retry.incident_id
            self._erase(tx, wishes.retry_key(key))
            found = tx.get(key)
            if found is None:
                return
            state, after = found, fold.retried(found)
        else:
            return
        if after is not state:
            tx.put(key, after, due=None)
            self._touched[key] = None

    def erased(self, tx: Transaction[Delivery], key: bytes | None) -> None:
        """Forget the incident whose wish has ended; other ends are those of what was folded."""
        incident_id = wishes.unwished(key)
        state = None if incident_id is None else tx.get(incident_id)
        if state is not None and state.forgotten_at is None:
            tx.put(state.incident_id, fold.forgotten(state, tx.now), due=None)
            self._touched[state.incident_id] = None

    def _erase(self, tx: Transaction[Delivery], key: str) -> None:
        """End a message of the adapter's topic that is folded now."""
        tx.send(self._topic, key, None, tx.partition, stored=True)

    def _require_partition(self, id: str) -> None:
        """Refuse an id without a scope before anything is kept: its receipt must find a way."""
        try:
            partition_of_incident(id, self._partitions)
        except ValueError as error:
            raise BadRecord("undecodable", f"{id[:100]} is {error}") from None

    def due(self, tx: Transaction[Delivery], key: str, state: Delivery) -> None:
        """Plan the delivery at the end of the batch, as time may have changed the plan."""
        self._touched[key] = None

    def end_batch(self, tx: Transaction[Delivery]) -> None:
        """Plan the touched deliveries, then the waiting ones as far as there is room."""
        self._now = (tx.now, self._clock())
        for key in self._touched:
            self._advance(tx, key)
        closed: set[str] = set()
        for _ in range(self._waiting_in(tx.partition)):
            account = self._first_waiting(tx.partition, tx.now, closed)
            if account is None or not self._room:
                break
            started = self._starting
            self._advance(tx, self._waiting[tx.partition][account].pop())
            if self._starting == started and self._gates.probing_for(account):
                closed.add(account)

    def ready(self, partition: int) -> bool:
        """True if a waiting delivery could start, since another partition has freed room."""
        return (
            self._runner.room > 0
            and self._first_waiting(partition, self._time(), set()) is not None
        )

    def _time(self) -> float:
        """The partitions' time by now: that of the last batch, and as much as has passed since."""
        now, at = self._now
        return now + self._clock() - at

    def forget(self, partitions: Iterable[int]) -> None:
        """Drop the waiting keys of revoked partitions, which their next owner plans again."""
        for partition in partitions:
            self._waiting.pop(partition, None)

    def recover(self, tx: Transaction[Delivery], key: str, state: Delivery) -> None:
        """Publish a receipt again that may not have been published.

        A recovered intent waits for its due time: after its deadline nobody can be at its request.
        """
        self._publish_again(tx, state)

    def _waiting_in(self, partition: int) -> int:
        return sum(len(keys) for keys in self._waiting.get(partition, {}).values())

    def _first_waiting(self, partition: int, now: float, closed: set[str]) -> str | None:
        """The account with the most severe waiting key, among accounts whose gate is open."""
        open_ = [
            (keys.first, account)
            for account, keys in self._waiting.get(partition, {}).items()
            if keys and account not in closed and self._gates.may_admit(account, now)
        ]
        return min(open_)[1] if open_ else None

    def described(self, pulse: Pulse) -> Pulse:
        """The pulse with the pending deliveries and the circuit."""
        closed = self._gates.closed
        circuit = None if closed is None else Circuit(*closed)
        return msgspec.structs.replace(pulse, pending=self._unfinished, circuit=circuit)

    @property
    def circuit_open(self) -> bool:
        """True while the platform does not answer and gets only probes."""
        return self._gates.probing

    @property
    def _room(self) -> bool:
        return self._runner.room > self._starting

    def _advance(self, tx: Transaction[Delivery], key: str) -> None:
        starting = self._starting
        outcome = tx.attempt(partial(self._plan, tx, key))
        if not isinstance(outcome, Failure):
            return
        self._starting = starting
        if tx.is_set_aside(key):
            return
        log.error("planning_failed", platform=self._platform.name, key=key, why=outcome.detail)
        again = tx.attempt(partial(self._set_aside, tx, key, outcome))
        if isinstance(again, Failure):
            tx.fails(key, "plan", again)

    def _set_aside(self, tx: Transaction[Delivery], key: str, why: Failure) -> None:
        state = tx.get(key)
        if state is not None:
            aside = fold.set_aside(state, why.detail.partition(":")[0])
            after = self._dead_lettered(tx, state, aside, "")
            tx.put(key, after, due=tx.now + SET_ASIDE_SECONDS)

    def _plan(self, tx: Transaction[Delivery], key: str) -> None:
        state = tx.get(key)
        if state is None:
            return
        now = tx.now
        if not self._runner.busy(key):
            state = self._dead_lettered(
                tx, state, fold.expired(state, now, self._platform.traits, self._timing), ""
            )
        if state.forgotten_at is not None and self._is_over(state, now):
            tx.delete(key)
            return
        planned = reconcile.plan(state, now, self._platform.traits, self._platform.name)
        waits = planned is not None and not self._may_start(state, planned, now)
        if planned is not None and not waits:
            state = self._start(tx, state, planned)
        elif planned is None and self._is_over(state, now):
            tx.delete(key)
            return
        state = self._with_receipt(tx, state)
        tx.put(key, state, due=self._due_at(state, now, tx.partition, waits))

    def _may_start(self, state: Delivery, planned: reconcile.Planned, now: float) -> bool:
        if not self._room or self._runner.busy(state.incident_id):
            return False
        aside = planned.operation in self._platform.traits.aside
        return aside or self._gates.admits(self._account(state), now)

    def _account(self, state: Delivery) -> str:
        """The account by which the platform counts the delivery's requests."""
        if state.have is not None and state.have.account:
            return state.have.account
        if state.account or state.want is None:
            return state.account
        return self._platform.account(state.want)

    def _start(
        self, tx: Transaction[Delivery], state: Delivery, planned: reconcile.Planned
    ) -> Delivery:
        assert state.want is not None, "nothing is planned without a wish"
        begun = fold.started(
            state,
            planned,
            tx.now,
            platform=self._platform.name,
            account=state.account or self._platform.account(state.want),
            traits=self._platform.traits,
            timing=self._timing,
        )
        assert begun.intent is not None, "starting makes an intent"
        self._starting += 1
        tx.after(partial(self._runner.start, self._request(begun, begun.intent, tx.partition)))
        return begun

    def _request(self, state: Delivery, intent: Intent, partition: int) -> Request:
        assert state.want is not None, "nothing is planned without a wish"
        return Request(
            incident_id=state.incident_id,
            partition=partition,
            number=intent.number,
            operation=intent.operation,
            why=intent.why,
            want=state.want,
            have=state.have,
            account=state.account,
            steps=reconcile.steps_to_tell(state, self._platform.traits),
            uncertain=fold.uncertain(state, intent.operation, self._platform.traits),
            start_by=self._runner.now() + self._timing.start_within,
            timeout=self._timing.timeout,
        )

    def _concluded(
        self, tx: Transaction[Delivery], state: Delivery, result: OperationResult
    ) -> Delivery:
        if result.operation not in self._platform.traits.aside:
            self._gates.record(self._account(state), result.outcome, tx.now)
        after = fold.concluded(state, result, tx.now, self._platform.traits, self._timing)
        if state.have is None and after.have is not None and state.want is not None:
            name, opened_at = self._platform.name, state.want.opened_at
            took = max(0.0, tx.now - (state.want.ticket_at or opened_at))
            tx.after(partial(metrics.ticket_seconds.labels(name).observe, took))
            since = max(0.0, tx.now - opened_at)
            tx.after(partial(metrics.log_to_page_seconds.labels(name).observe, since))
        if isinstance(result.outcome, Delivered) or after is state:
            return after
        request = "" if isinstance(result.outcome, Absent) else result.outcome.request
        return self._dead_lettered(tx, state, after, request)

    def _dead_lettered(
        self, tx: Transaction[Delivery], before: Delivery, after: Delivery, request: str
    ) -> Delivery:
        """Send one dead letter per track and reason until a request of the track succeeds."""
        known = {trial.dead_lettered for trial in after.trials.values()}
        for track, trial in after.trials.items():
            is_new = trial.refused and trial.failures != before.trial(track).failures
            if (is_new or track is Track.PLANNING) and trial.error not in known:
                self._send_dead_letter(tx, after, trial.error, request)
                told = dataclasses.replace(trial, dead_lettered=trial.error)
                after = dataclasses.replace(after, trials={**after.trials, track: told})
        return after

    def _send_dead_letter(
        self, tx: Transaction[Delivery], after: Delivery, error: str, request: str
    ) -> None:
        letter = DeadLetter(
            reason=error.partition(":")[0],
            detail=error,
            stage="delivery",
            timestamp=tx.now,
            key=after.incident_id,
            value=request.encode() or None,
            size=len(request.encode()),
            platform=self._platform.name,
            incident_id=after.incident_id,
        )
        tx.send(DEAD_LETTERS, after.incident_id, encode_dead_letter(letter), stored=True)
        tx.after(metrics.dead_letters_total.labels("delivery", letter.reason).inc)

    def _with_receipt(self, tx: Transaction[Delivery], state: Delivery) -> Delivery:
        news = receipts.news(state, self._platform.name, self._platform.traits)
        if news is None:
            return state
        told = dataclasses.replace(state, told=news)
        self._publish_again(tx, told)
        return told

    def _publish_again(self, tx: Transaction[Delivery], state: Delivery) -> None:
        if state.told is not None:
            partition = partition_of_incident(state.incident_id, self._partitions)
            told = encode_events([state.told])
            tx.send(EVENTS, None, told, partition, about=state.incident_id)

    def _due_at(self, state: Delivery, now: float, partition: int, waits: bool) -> float | None:
        if state.intent is not None:
            return state.intent.deadline + self._timing.grace
        if waits:
            return self._waits_until(state, now, partition)
        wake = reconcile.wakes_at(state, now, self._platform.traits, self._platform.name)
        return wake if wake is not None else self._over_at(state, now)

    def _waits_until(self, state: Delivery, now: float, partition: int) -> float:
        account = self._account(state)
        waiting = self._waiting.setdefault(partition, {}).setdefault(account, Waiting())
        waiting.push(state, now)
        opens_at = self._gates.opens_at(account)
        spread = WAIT_SECONDS_EACH * len(waiting)
        if opens_at <= now:
            # The result of a request under way will most likely wake the delivery before. The
            # spread of a second keeps the ticks of many deliveries apart.
            opens_at, spread = now + WAIT_SECONDS, 1.0 + spread
        return opens_at + random.Random(state.incident_id).uniform(0.0, spread)

    def _over_at(self, state: Delivery, now: float) -> float | None:
        want = state.want
        if state.forgotten_at is not None:
            return state.forgotten_at + self._timing.remembered
        if want is None or want.status is not Status.RESOLVED:
            return None
        return max((want.resolved_at or want.updated_at) + self._timing.retention, now + 1.0)

    def _is_over(self, state: Delivery, now: float) -> bool:
        over_at = self._over_at(state, -1.0)
        return state.intent is None and over_at is not None and now >= over_at
