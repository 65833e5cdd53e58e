"""Texts of a platform's answer, cleaned and bounded before they are stored and shown."""

from __future__ import annotations

import msgspec

from sinks.calls.outcome import Absent, Delivered, Outcome, Reason, Unknown
from ticketing.domain.intake import ERROR_BYTES_MAX, LABEL_BYTES_MAX, address, text
from ticketing.domain.text import encoded_size

REQUEST_BYTES_MAX = 64_000
"""A request in a dead letter: as much as one holds of a record (`wire.dead_letters`)."""
LEFT_OUT_MAX = 10
"""More fields than a person mends at once; the log has them all."""


def contained(outcome: Outcome) -> Outcome:
    """The outcome with its texts in bounds; an id that can't be kept is an answer not understood."""
    if isinstance(outcome, Absent):
        return outcome
    if not isinstance(outcome, Delivered):
        return msgspec.structs.replace(
            outcome,
            detail=text(outcome.detail, ERROR_BYTES_MAX),
            request=text(outcome.request, REQUEST_BYTES_MAX),
        )
    size = encoded_size(outcome.external_id)
    if size > LABEL_BYTES_MAX or text(outcome.external_id, LABEL_BYTES_MAX) != outcome.external_id:
        detail = f"answered with an id of {size} bytes, or with control characters in it"
        return Unknown(reason=Reason.MALFORMED, over=True, detail=detail)
    return msgspec.structs.replace(
        outcome,
        key=text(outcome.key, LABEL_BYTES_MAX),
        url=address(outcome.url),
        on_call=text(outcome.on_call, LABEL_BYTES_MAX),
        left_out=tuple(text(one, LABEL_BYTES_MAX) for one in outcome.left_out[:LEFT_OUT_MAX]),
    )
