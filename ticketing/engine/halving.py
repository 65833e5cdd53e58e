"""The search for the records that a batch fails for: half by half, until each stands alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from ticketing.engine.guarded import Failure, failure_of, is_outage

log = structlog.get_logger(__name__)


async def halved(
    name: str,
    records: list[Any],
    work: Callable[[list[Any]], Awaitable[None]],
    refuse: Callable[[Any, Failure], Awaitable[None]],
    passes: tuple[type[Exception], ...] = (),
) -> None:
    """Await `work` on the records; where it fails, on each half, and `refuse` a single record.

    Outages are raised (see ticketing.engine.guarded), as are the errors in `passes`. `work` must be
    safe to repeat for records whose effects are partly durable.
    """
    try:
        await work(records)
        return
    except passes:
        raise
    except Exception as error:
        if is_outage(error):
            raise
        failure = failure_of(error)
        first, last = records[0].offset, records[-1].offset
        log.error(
            "batch_failed",
            agent=name,
            first=first,
            last=last,
            reason=failure.reason,
            why=failure.detail,
        )
    if len(records) == 1:
        await refuse(records[0], failure)
        return
    half = len(records) // 2
    for part in (records[:half], records[half:]):
        await halved(name, part, work, refuse, passes)
