"""Times as the API and the command line show them."""

from __future__ import annotations

from datetime import datetime, timezone


def iso(seconds: float) -> str:
    """Unix seconds as ISO-8601 in UTC, to the millisecond, within the range of datetime."""
    bounded = min(max(seconds, 0.0), 253402300799.0)
    moment = datetime.fromtimestamp(round(bounded, 3), timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def iso_or_none(seconds: float | None) -> str | None:
    """As `iso`, with None for None."""
    return None if seconds is None else iso(seconds)
