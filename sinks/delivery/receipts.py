"""What the incidents' writer is told about a ticket, and when it is worth telling."""

from __future__ import annotations

import dataclasses

from tables.deliveries import Delivery
from ticketing.domain.signals import Receipt, TicketState

FAILURES_BEFORE_TOLD = 3
"""A failure that passes by itself is not worth a revision of the incident."""


def receipt(delivery: Delivery, platform: str) -> Receipt:
    """The ticket as it is known now."""
    have = delivery.have
    state = have.state if have else TicketState.PENDING
    return Receipt(
        incident_id=delivery.incident_id,
        platform=platform,
        state=TicketState.REJECTED if delivery.rejection else state,
        revision=have.shown.revision if have else 0,
        external_id=have.external_id if have else "",
        key=have.key if have else "",
        url=have.url if have else "",
        on_call=have.on_call if have else "",
        error=_error(delivery),
    )


def news(delivery: Delivery, platform: str) -> Receipt | None:
    """The receipt, if it differs from the one told last in anything but the revision."""
    now = receipt(delivery, platform)
    told = delivery.told or Receipt(
        incident_id=delivery.incident_id,
        platform=platform,
        state=TicketState.PENDING,
        revision=0,
    )
    return None if dataclasses.replace(now, revision=told.revision) == told else now


def _error(delivery: Delivery) -> str:
    """A refusal in full. While tries go on, what was told stays: no news at every attempt."""
    if delivery.rejection is not None:
        return delivery.error
    if delivery.failures < FAILURES_BEFORE_TOLD:
        return ""
    if delivery.told is not None and delivery.told.error:
        return delivery.told.error
    return f"not delivered yet: {delivery.error}"
