"""Counts the changes of incidents; a batch that does not become durable counts nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from tables.incidents import Record
from ticketing import metrics
from ticketing.domain.incidents.incident import Failure, Incident, Status, StepKind
from ticketing.domain.incidents.lifecycle import POLICY
from ticketing.engine.statemachine import Transaction
from ticketing.wire.events import EventBody, kind_of

COMMAND = "command"
"""The label `by` of an escalation that a person or a platform has asked for."""


class EventCounter:
    """Counts the events of one batch by kind."""

    def __init__(self) -> None:
        self._found: Counter[str] = Counter()

    def note(self, bodies: Iterable[EventBody]) -> None:
        """Note the events of a folded message."""
        self._found.update(kind_of(body) for body in bodies)

    def count_in(self, tx: Transaction[Record]) -> None:
        """Count the noted events once the batch is durable, and start anew."""
        found, self._found = self._found, Counter()
        if found:
            tx.after(lambda: _count_events(found))


def _count_events(found: Mapping[str, int]) -> None:
    for kind, count in found.items():
        metrics.events_total.labels(kind).inc(count)


def count_changes(tx: Transaction[Record], before: Incident | None, after: Incident) -> None:
    """Count the changes between two states of an incident; `before` is None for a new one."""
    _count_status(tx, before, after)
    if after.escalated_at is not None and (
        before is None or after.escalated_at != before.escalated_at
    ):
        tx.after(metrics.incidents_escalated_total.labels(_escalated_by(after)).inc)
    if after.collective_id and (before is None or not before.collective_id):
        tx.after(metrics.incidents_held_total.inc)
    if after.paged_at and (before is None or after.paged_at != before.paged_at):
        tx.after(metrics.pages_total.labels(after.severity.nearest.value).inc)
    _count_failures(tx, before.failures if before else [], after.failures)


def _count_status(tx: Transaction[Record], before: Incident | None, after: Incident) -> None:
    severity = after.severity.nearest.value
    resolved = after.status is Status.RESOLVED
    if before is None:
        tx.after(metrics.incidents_opened_total.labels(severity).inc)
    elif before.status is Status.RESOLVED and not resolved:
        tx.after(metrics.incidents_reopened_total.labels(severity).inc)
    elif before.status is not Status.RESOLVED and resolved:
        tx.after(metrics.incidents_resolved_total.labels(severity).inc)


def _escalated_by(incident: Incident) -> str:
    steps = (step for step in reversed(incident.timeline) if step.kind is StepKind.ESCALATED)
    step = next(steps, None)
    return POLICY if step is not None and step.by == POLICY else COMMAND


def _count_failures(tx: Transaction[Record], known: list[Failure], now: list[Failure]) -> None:
    for failure in now:
        if failure not in known:
            tx.after(metrics.fallbacks_total.labels(failure.platform, failure.reason).inc)
