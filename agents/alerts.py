"""The counter of alerts: folds signals into the table `alerts` and sends what changed.

The rules are in ticketing.domain.alerts; this module applies them in a transaction. A batch sends
each changed alert once, in its last state: to the writer of its scope's incidents, and into the
topic of alerts. Openings, rises and quiet go at once and ahead of counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from agents.signal_counter import SignalCounter
from tables.alerts import SOURCES, Record, decode, encode, is_firing, is_stored_firing
from ticketing import metrics
from ticketing.domain.alerts import episodes, storm
from ticketing.domain.alerts.alert import Alert, AlertKind, AlertState
from ticketing.domain.alerts.conservation import Counted, counting, counting_redriven
from ticketing.domain.alerts.counting import Fresh, fresh_above
from ticketing.domain.alerts.fingerprint import stray_fingerprint
from ticketing.domain.alerts.policy import AlertPolicy
from ticketing.domain.alerts.quiet_clock import QuietClock
from ticketing.domain.alerts.redriven import (
    KEPT_SECONDS,
    RedrivenOffsets,
    redriven_key,
    with_offsets,
    without,
)
from ticketing.domain.alerts.storm import Guard
from ticketing.domain.scope import partition_of_scope, scope_of
from ticketing.domain.signals import Anomalies, Forget, Origin, Progress, Redriven
from ticketing.engine.guarded import UNDECODABLE, Failure
from ticketing.engine.statemachine import Machine, Transaction
from ticketing.wire import signals, topics
from ticketing.wire.alerts import encode_alert, within_bound
from ticketing.wire.events import encode_events
from ticketing.wire.packed import Packed
from ticketing.wire.signals import SignalBody

Tx = Transaction[Record]
Placed = list[tuple[int, Anomalies]]
"""Anomalies with their places in a message."""

ALERTS_TOGETHER_MAX = 100
"""Alerts of one event message: the rows that it changes must fit one batch of the changelog."""
FORWARD_EVERY_SECONDS = 10.0
"""Small beside the times that wait for it, such as `autoResolveAfter`; each time costs a message per
partition of the events."""
QUIET_TOGETHER_MAX = 1_000
"""Alerts that become quiet in one batch, which stays well within the watchdog's limit."""
NO_ORIGIN = "no_origin"
"""The reason of anomalies that come without the origin of their source."""
_NOTHING_COUNTED = Counted()
_NO_GUARD = Guard()
_NONE_REDRIVEN = RedrivenOffsets()


@dataclass
class _Memory:
    """The memory of one partition; all of it may be lost."""

    clock: QuietClock
    forwarded: float = float("-inf")
    """The time of the quiet clock that was forwarded last."""
    forwarded_at: float = float("-inf")
    silent: dict[str, float] = field(default_factory=dict)
    """Alerts that wait for the quiet clock alone: fingerprint, and the time that they wait for."""
    more: bool = False
    """True while more alerts have become quiet than one batch takes."""


class AlertMachine(Machine[Record]):
    """One writer for all alerts of a partition of ticketing-signals.

    All anomalies of one service from one run of one source partition must come in one message.
    """

    latest_only = frozenset({topics.ALERTS})

    def __init__(
        self,
        policy: AlertPolicy,
        *,
        inputs: Iterable[str] = (),
        counted: Callable[[int, int, int], None] | None = None,
        hurry: Callable[[], None] | None = None,
        partitions: int,
    ) -> None:
        """`inputs` are the topics whose progress the quiet clock waits for.

        `counted` gets the partition, the offset behind each durable batch, and the number of the
        inputs' anomalies that the partition has counted up to there. `partitions` is the number of
        partitions of the signals and of the events. `hurry` is called once events are durable that
        tell more than counts.
        """
        self.policy = policy
        self._hurry = hurry
        self._inputs = tuple(inputs)
        self._counted = counted
        self._partitions = partitions
        self._memory: dict[int, _Memory] = {}
        self._sent: dict[str, bool] = {}
        """The alerts to send after this batch; True for those whose counts alone changed."""
        self._signals = SignalCounter()

    def encode(self, state: Record) -> bytes:
        """The record as the table keeps it."""
        return encode(state)

    def decode(self, value: bytes) -> Record:
        """The reverse of `encode`."""
        return decode(value)

    def unfinished(self, state: Record, now: float) -> bool:
        """True for a firing alert."""
        return is_firing(state)

    def stored_unfinished(self, value: bytes, due: float | None, now: float) -> bool:
        """True for a firing alert."""
        return is_stored_firing(value)

    def report_unfinished(self, unfinished: int) -> None:
        """Export the number of firing alerts in the partitions of this process."""
        metrics.alerts_firing.set(unfinished)

    def begin_batch(self, tx: Tx) -> None:
        """Forget the changes of the batch before."""
        self._sent = {}

    def end_batch(self, tx: Tx) -> None:
        """Send every changed alert in its last state, then the progress that they reflect."""
        self._signals.count_in(tx)
        self._tell_counted(tx)
        self._quieten(tx)
        self._send(tx)
        self._forward(tx)

    def recover(self, tx: Tx, key: str, state: Record, unpublished: bool) -> None:
        """Send an alert again that a lost process may have written and not sent."""
        if unpublished and isinstance(state, Alert):
            self._send_together(tx, [state])

    def apply(self, tx: Tx, value: bytes) -> None:
        """Fold one message. Anomalies come first: progress beside them says that they are counted.

        A signal that fails becomes a dead letter alone.
        """
        packed = signals.read_signals(value)
        refused = {place: Failure(UNDECODABLE, why) for place, why in packed.unreadable}
        self._count_runs(tx, packed, refused)
        for place, body in packed.bodies:
            if isinstance(body, (Progress, Redriven, Forget)):
                outcome = tx.attempt(partial(self._apply_one, tx, body))
                if isinstance(outcome, Failure):
                    refused[place] = outcome
        for place, failure in sorted(refused.items()):
            tx.refuse(packed.alone(place), failure)
        # Last: the signals of a message that fails were not handled.
        self._signals.note(body for place, body in packed.bodies if place not in refused)

    def _apply_one(self, tx: Tx, body: Progress | Redriven | Forget) -> None:
        if isinstance(body, Progress):
            # When the report arrived, not when a worker that is behind reads it; no later than the
            # partition's clock, which believes no single timestamp.
            self._of(tx).clock.report(body, min(tx.timestamp, tx.now))
        elif isinstance(body, Forget):
            self._forget(tx, body.fingerprint)
        else:
            self._count_redriven(tx, body.anomalies)

    def due(self, tx: Tx, key: str, state: Record) -> None:
        """Do what is due: send counts, become quiet, forget."""
        if isinstance(state, RedrivenOffsets):
            tx.delete(key)
        elif isinstance(state, Guard):
            self._prune(tx, key, state)
        elif isinstance(state, Alert):
            self._due(tx, key, state)

    def _due(self, tx: Tx, key: str, alert: Alert) -> None:
        if episodes.is_over(alert, tx.now, self.policy):
            self._forget(tx, key)
            return
        after = episodes.due(alert, tx.now)
        if after is not alert:
            self._sent.setdefault(key, True)
            self._put(tx, key, after)
        elif alert.state is AlertState.QUIET:
            self._put(tx, key, alert)
        else:
            # No row is written for a look: while input is behind, the quiet clock stands still.
            self._of(tx).silent[key] = episodes.quiet_from(alert, self.policy)

    def _forget(self, tx: Tx, key: str) -> None:
        """Delete an alert and its publication; its records stay counted, by the marks."""
        if _alert(tx.get(key)) is None:
            return
        self._sent.pop(key, None)
        tx.delete(key)
        tx.send(topics.ALERTS, key, None, stored=True)

    def stepped(self, state: Record, by: float) -> Record:
        """The record with its times of arrival moved along with the partition's clock."""
        if isinstance(state, Alert):
            return episodes.stepped(state, by)
        return storm.stepped(state, by) if isinstance(state, Guard) else state

    def ready(self, partition: int) -> bool:
        """True while more alerts have become quiet than one batch takes."""
        memory = self._memory.get(partition)
        return memory is not None and memory.more

    # Counting

    def _count_runs(self, tx: Tx, packed: Packed[SignalBody], refused: dict[int, Failure]) -> None:
        """Count the anomalies of a message, and move the marks of their sources."""
        origins = {body.source: body for _, body in packed.bodies if isinstance(body, Origin)}
        runs: dict[str, Placed] = {source: [] for source in origins}
        for place, body in packed.bodies:
            if not isinstance(body, Anomalies):
                continue
            if body.source in origins:
                runs[body.source].append((place, body))
            else:
                refused[place] = Failure(NO_ORIGIN, f"no origin beside anomalies of {body.source}")
        for source, run in runs.items():
            self._count_run(tx, origins[source], run, refused)

    def _count_run(self, tx: Tx, origin: Origin, run: Placed, refused: dict[int, Failure]) -> None:
        key = _sources_key(tx)
        before = _counted(tx.get(key))
        mark = before.mark(origin.source)
        redriven = _redriven(tx.peek(redriven_key(origin.source))) if run else _NONE_REDRIVEN
        good: list[Anomalies] = []
        highest = -1
        for place, anomalies in run:
            fresh = without(anomalies, redriven) if redriven.gaps else anomalies
            outcome = tx.attempt(partial(self._count, tx, fresh, mark))
            if isinstance(outcome, Failure):
                refused[place] = outcome
                highest = max([highest, *(found[-1] for found in anomalies.counted() if found)])
            else:
                good.append(fresh)
        after = counting(before, origin, good, refused=highest)
        if after is not before:
            tx.put(key, after, due=None)

    def _count(self, tx: Tx, anomalies: Anomalies, mark: int) -> None:
        """Count what lies above the mark."""
        fresh = fresh_above(anomalies, mark)
        if not fresh.count:
            return
        name = anomalies.fingerprint
        known = _alert(tx.get(name))
        kind = AlertKind.PATTERN
        if name == _stray(anomalies):
            kind = AlertKind.STRAY
        elif known is None and not self._admit(tx, anomalies):
            anomalies, kind = storm.overflowing(anomalies, self.policy), AlertKind.OVERFLOW
            known = _alert(tx.get(anomalies.fingerprint))
        self._count_in(tx, known, anomalies, fresh, kind)

    def _count_in(
        self, tx: Tx, known: Alert | None, anomalies: Anomalies, fresh: Fresh, kind: AlertKind
    ) -> None:
        after = episodes.counted(known, anomalies, fresh, tx.now, self.policy, kind)
        if known is None or any(
            getattr(after, name) is not getattr(known, name)
            for name in ("samples", "trace_ids", "endpoints", "affected_services")
        ):
            after = within_bound(after)
        key = after.fingerprint
        if episodes.was_sent(known, after):
            self._sent[key] = False
        if known is None or after.episode != known.episode:
            tx.after(metrics.alerts_opened_total.labels(after.severity.nearest.value).inc)
        self._put(tx, key, after)

    def _count_redriven(self, tx: Tx, anomalies: Anomalies) -> None:
        name = redriven_key(anomalies.source)
        known = _redriven(tx.get(name))
        tx.put(name, with_offsets(known, anomalies), due=tx.now + KEPT_SECONDS)
        anomalies = without(anomalies, known)
        key = _sources_key(tx)
        counted = _counted(tx.get(key))
        self._count(tx, anomalies, -1)
        changed = counting_redriven(counted, anomalies)
        if changed is not counted:
            tx.put(key, changed, due=None)

    def _tell_counted(self, tx: Tx) -> None:
        if self._counted is not None:
            total = _counted(tx.get(_sources_key(tx))).total(self._inputs)
            tx.after(partial(self._counted, tx.partition, tx.offset + 1, total))

    # The storm guard

    def _admit(self, tx: Tx, anomalies: Anomalies) -> bool:
        """Admit a new pattern; False if its service has too many."""
        if self.policy.max_patterns_per_service <= 0:
            return True
        key = storm.guard_key(anomalies)
        if tx.is_set_aside(key):
            return True  # A guard that can't be read guards nothing, and must not cost a page.
        guard = _guard(tx.get(key))
        if storm.is_full(guard, tx.now, self.policy):
            return False
        after = storm.admitting(guard, anomalies.fingerprint, tx.now, self.policy)
        tx.put(key, after, due=tx.now + self.policy.patterns_window)
        return True

    def _prune(self, tx: Tx, key: str, guard: Guard) -> None:
        after = storm.recent(guard, tx.now, self.policy)
        if not after.admitted:
            tx.delete(key)
            return
        due = min(max(after.admitted.values()), tx.now) + self.policy.patterns_window
        tx.put(key, after, due=due)

    # Quiet

    def _quieten(self, tx: Tx) -> None:
        """Let alerts become quiet whose time has come by the quiet clock."""
        memory = self._of(tx)
        quiet = memory.clock.now()
        if quiet is None:
            return
        come = [key for key, at in memory.silent.items() if at <= quiet][:QUIET_TOGETHER_MAX]
        for key in come:
            outcome = tx.attempt(partial(self._quieten_one, tx, key, quiet))
            if isinstance(outcome, Failure):
                tx.fails(key, "quiet", outcome)
        if come or memory.more:
            tx.after(partial(_forget, memory, come))

    def _quieten_one(self, tx: Tx, key: str, quiet: float) -> None:
        alert = _alert(tx.get(key))
        # One that has fired since then has a later due time.
        if alert is not None and episodes.is_silent(alert, quiet, self.policy):
            self._sent[key] = False
            self._put(tx, key, episodes.quietened(alert, tx.now))

    # Sending

    def _put(self, tx: Tx, key: str, alert: Alert) -> None:
        tx.put(key, alert, due=episodes.next_due(alert, tx.now, self.policy))

    def _send(self, tx: Tx) -> None:
        """Send the changed alerts, those with more than counts first, the worst ahead."""
        found = [
            (dull, -alert.severity.rank, alert)
            for key, dull in self._sent.items()
            if (alert := _alert(tx.peek(key))) is not None
        ]
        found.sort(key=lambda one: one[:2])
        self._send_together(tx, [alert for _, _, alert in found])
        if self._hurry is not None and not all(dull for dull, _, _ in found):
            tx.after(self._hurry)

    def _send_together(self, tx: Tx, alerts: list[Alert]) -> None:
        by_partition: dict[int, list[Alert]] = {}
        for alert in alerts:
            scope = scope_of(alert.tenant, alert.environment, self.policy.scope_by)
            target = partition_of_scope(scope, self._partitions)
            by_partition.setdefault(target, []).append(alert)
        for target, some in by_partition.items():
            for start in range(0, len(some), ALERTS_TOGETHER_MAX):
                self._send_events(tx, some[start : start + ALERTS_TOGETHER_MAX], target)
        for alert in alerts:
            self._attempt(tx, alert, partial(self._publish, tx, alert))

    def _publish(self, tx: Tx, alert: Alert) -> None:
        tx.send(topics.ALERTS, alert.fingerprint, encode_alert(alert))

    def _send_events(self, tx: Tx, alerts: list[Alert], target: int) -> None:
        """Send alerts in one message; where one fails, each in a message of its own."""

        def send(some: list[Alert]) -> None:
            tx.send(topics.EVENTS, None, encode_events(list(some)), target)

        if isinstance(tx.attempt(partial(send, alerts)), Failure):
            for alert in alerts:
                self._attempt(tx, alert, partial(send, [alert]))

    def _attempt(self, tx: Tx, alert: Alert, rule: Callable[[], None]) -> None:
        outcome = tx.attempt(rule)
        if isinstance(outcome, Failure):
            tx.fails(alert.fingerprint, "send", outcome)

    def _forward(self, tx: Tx) -> None:
        """Tell the writers of incidents how far the quiet clock is, behind the alerts."""
        memory = self._of(tx)
        quiet = memory.clock.now()
        if quiet is None or quiet == memory.forwarded:
            return
        if 0 <= tx.now - memory.forwarded_at < FORWARD_EVERY_SECONDS:
            return
        progress = Progress(
            topic=topics.SIGNALS,
            partition=tx.partition,
            partitions=self._partitions,
            through=quiet,
        )
        value = encode_events([progress])
        for target in range(self._partitions):
            tx.send(topics.EVENTS, None, value, target)
        tx.after(partial(_forwarded, memory, quiet, tx.now))

    def _of(self, tx: Tx) -> _Memory:
        memory = self._memory.get(tx.partition)
        if memory is None:
            memory = self._memory[tx.partition] = _Memory(QuietClock(self._inputs))
        return memory


def _forget(memory: _Memory, keys: list[str]) -> None:
    memory.more = len(keys) == QUIET_TOGETHER_MAX
    for key in keys:
        memory.silent.pop(key, None)


def _forwarded(memory: _Memory, quiet: float, now: float) -> None:
    memory.forwarded, memory.forwarded_at = quiet, now


def _sources_key(tx: Tx) -> str:
    """The key of the marks: the second where the first is set aside, since counting must go on."""
    first, second = SOURCES
    return second if tx.is_set_aside(first) else first


def _stray(anomalies: Anomalies) -> str:
    return stray_fingerprint(anomalies.tenant, anomalies.environment, anomalies.service)


def _alert(record: Record | None) -> Alert | None:
    return record if isinstance(record, Alert) else None


def _counted(record: Record | None) -> Counted:
    return record if isinstance(record, Counted) else _NOTHING_COUNTED


def _redriven(record: Record | None) -> RedrivenOffsets:
    return record if isinstance(record, RedrivenOffsets) else _NONE_REDRIVEN


def _guard(record: Record | None) -> Guard:
    return record if isinstance(record, Guard) else _NO_GUARD
