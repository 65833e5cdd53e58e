"""Receipts: reports on a ticket to the incidents' writer."""

from __future__ import annotations

import dataclasses

from tables.deliveries import Delivery
from ticketing.domain.events import Receipt, TicketState

FAILURES_BEFORE_TOLD = 3
"""One or two failures in a row mostly pass by themselves and are not worth a revision of the
incident; at the third a person may have to act."""


def receipt(delivery: Delivery, platform: str) -> Receipt:
    """The receipt for the present state of a delivery."""
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
    """The receipt, or None if only the revision differs from the receipt published last."""
    now = receipt(delivery, platform)
    told = delivery.told or Receipt(
        incident_id=delivery.incident_id,
        platform=platform,
        state=TicketState.PENDING,
        revision=0,
    )
    return None if dataclasses.replace(now, revision=told.revision) == told else now


def _error(delivery: Delivery) -> str:
    """The error for the receipt: a refusal in full, or why the delivery is late.

    The first error published stays while attempts go on, so that no attempt makes a new receipt.
    """
    if delivery.rejection is not None:
        return delivery.error
    if delivery.failures < FAILURES_BEFORE_TOLD:
        return ""
    if delivery.told is not None and delivery.told.error:
        return delivery.told.error
    return f"not delivered yet: {delivery.error}"
