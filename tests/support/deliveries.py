"""Deliveries at any point of their life, by the adapter's own rules."""

from __future__ import annotations

from support.configured import timing_with
from support.incidents import ticketed

from sinks.calls.outcome import Outcome
from sinks.delivery import fold, reconcile
from sinks.delivery.fold import Timing
from sinks.delivery.wishes import OperationResult
from sinks.platform import Traits
from tables.deliveries import Delivery
from ticketing.domain.incidents.incident import Incident

PLATFORM = "p"
TIMING = timing_with(timeout=10.0, start_within=5.0, grace=5.0)


def wanting(want: Incident | None = None) -> Delivery:
    """A delivery of which nothing has been tried yet."""
    want = want or ticketed()
    return fold.desired(Delivery(incident_id=want.id), want)


def begun(
    delivery: Delivery,
    now: float,
    traits: Traits,
    timing: Timing = TIMING,
    *,
    account: str = "a",
) -> Delivery:
    """The delivery with the next planned operation under way; there must be one."""
    planned = reconcile.plan(delivery, now, traits, PLATFORM)
    assert planned is not None
    return fold.started(
        delivery, planned, now, platform=PLATFORM, account=account, traits=traits, timing=timing
    )


def ended(
    delivery: Delivery,
    outcome: Outcome,
    now: float,
    traits: Traits,
    timing: Timing = TIMING,
    *,
    number: int = 0,
) -> Delivery:
    """The delivery after its operation under way, or the one of this number, has ended so."""
    assert delivery.intent is not None
    result = OperationResult(
        incident_id=delivery.incident_id,
        number=number or delivery.intent.number,
        operation=delivery.intent.operation,
        outcome=outcome,
    )
    return fold.concluded(delivery, result, now, traits, timing)
