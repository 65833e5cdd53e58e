"""Waits that a platform asks for in the headers of its answer. Pure.

Headers by vendor:
Retry-After (RFC 9110, 10.2.3): seconds or a date.
ratelimit-reset (PagerDuty REST): seconds from now.
X-RateLimit-Reset (Jira Cloud: a date in ISO 8601; ServiceNow: Unix seconds).
X-RateLimit-Interval-Seconds (Jira Data Center): until the bucket is filled again.
X-RateLimit-State: THROTTLED with X-RateLimit-Period-In-Sec (OpsGenie).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

SECONDS_MIN = 0.5
"""Jira Data Center answers `Retry-After: 0` while it still refuses."""
SECONDS_MAX = 900.0
"""A header that asks for more is more likely wrong than meant: one request then asks again."""
UNIX_SECONDS_FROM = 1e8
"""A smaller number is a wait (three years would be longer), a larger one a time after 1973."""
UNIX_MILLISECONDS_FROM = 1e11
"""As seconds a date after the year 5000, so that such a number is in milliseconds."""
COMPUTABLE_SECONDS_MAX = 1e12
"""Far beyond any date; excludes infinity and "nan", with which no comparison is true."""


def retry_after(value: str | None, now: float) -> float | None:
    """Seconds to wait by a Retry-After header, bounded; None if it is missing or not readable.

    `now` is Unix seconds.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - now
        except ValueError:
            return None
    return _within(seconds)


def asked_for(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait after a refusal, by the first header that says so; None without one."""
    seconds = retry_after(headers.get("Retry-After"), now)
    return seconds if seconds is not None else _reset(headers, now)


def used_up(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait after an answer that used up the rate limit; None if there is room."""
    throttled = headers.get("X-RateLimit-State", "").upper() == "THROTTLED"
    left = headers.get("X-RateLimit-Remaining", headers.get("RateLimit-Remaining", ""))
    return _reset(headers, now) if throttled or left.strip() == "0" else None


def _reset(headers: Mapping[str, str], now: float) -> float | None:
    for name in ("RateLimit-Reset", "X-RateLimit-Reset"):
        if name in headers:
            return _until(headers[name], now)
    for name in ("X-RateLimit-Period-In-Sec", "X-RateLimit-Interval-Seconds"):
        if name in headers:
            return retry_after(headers[name], now)
    return None


def _until(value: str, now: float) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return _until_date(value.strip(), now)
    if number >= UNIX_MILLISECONDS_FROM:
        number /= 1000.0
    return _within(number - now if number >= UNIX_SECONDS_FROM else number)


def _until_date(value: str, now: float) -> float | None:
    try:
        # Python 3.10 does not parse a final Z.
        moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        return retry_after(value, now)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return _within(moment.timestamp() - now)


def _within(seconds: float) -> float | None:
    if not -COMPUTABLE_SECONDS_MAX < seconds < COMPUTABLE_SECONDS_MAX:
        return None
    return min(max(seconds, SECONDS_MIN), SECONDS_MAX)
