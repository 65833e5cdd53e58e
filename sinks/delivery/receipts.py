"""Receipts: reports on a ticket to the incidents' writer."""

from __future__ import annotations

import dataclasses

from sinks.delivery import reconcile
from sinks.platform import Traits
from tables.deliveries import Delivery, Track
from ticketing.domain.events import Receipt, TicketState

FAILURES_BEFORE_TOLD = 3
"""One or two failures in a row mostly pass by themselves and are not worth a revision of the
incident; at the third a person may have to act."""


def receipt(delivery: Delivery, platform: str, traits: Traits) -> Receipt:
    """The receipt for the present state of a delivery."""
    have = delivery.have
    return Receipt(
        incident_id=delivery.incident_id,
        platform=platform,
        state=_state(delivery, traits),
        revision=have.shown.revision if have else 0,
        external_id=have.external_id if have else "",
        key=have.key if have else "",
        url=have.url if have else "",
        on_call=have.on_call if have else "",
        error=_error(delivery),
    )


def news(delivery: Delivery, platform: str, traits: Traits) -> Receipt | None:
    """The receipt, or None if only the revision differs from the receipt published last."""
    if delivery.forgotten_at is not None:
        return None
    now = receipt(delivery, platform, traits)
    told = delivery.told or Receipt(
        incident_id=delivery.incident_id,
        platform=platform,
        state=TicketState.PENDING,
        revision=0,
    )
    return None if dataclasses.replace(now, revision=told.revision) == told else now


def _state(delivery: Delivery, traits: Traits) -> TicketState:
    """The ticket's state; rejected if the platform refuses the ticket, or to page people.

    A ticket that would page those who know of the fault already counts as acknowledged.
    """
    have, want = delivery.have, delivery.want
    if _pages_nobody_now(delivery):
        return TicketState.REJECTED
    if have is not None:
        return have.state
    if want is not None and reconcile.pages_nobody(want, traits):
        return TicketState.ACKNOWLEDGED
    return TicketState.PENDING


def _pages_nobody_now(delivery: Delivery) -> bool:
    """True if what brings the incident to people was refused: the ticket, its reopening, a page.

    So it is if somebody has deleted the ticket.
    """
    gone = any(trial.gone for trial in delivery.trials.values())
    if gone or delivery.trial(Track.PLANNING).refused:
        return True
    if delivery.have is None:
        return bool(delivery.trial(Track.TICKET).refused)
    reopening = TicketState.OPEN.value in delivery.trial(Track.STATE).refused
    return reopening or bool(delivery.trial(Track.PAGES).refused)


def _error(delivery: Delivery) -> str:
    """The error for the receipt: a refusal in full, or why the delivery is late.

    The first error published stays while attempts go on, so that no attempt makes a new receipt.
    """
    failing = delivery.failing
    if failing.refused:
        return failing.error
    if failing.failures < FAILURES_BEFORE_TOLD:
        return ""
    if delivery.told is not None and delivery.told.error:
        return delivery.told.error
    return f"not delivered yet: {failing.error}"
