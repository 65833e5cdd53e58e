"""Headers with which platforms ask to be left alone for a while."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from sinks.calls import retry_after

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "30"}, 30.0),
        ({"Retry-After": "0"}, retry_after.SECONDS_MIN),
        ({"Retry-After": "-5"}, retry_after.SECONDS_MIN),
        ({"Retry-After": "99999999"}, retry_after.SECONDS_MAX),
        ({"Retry-After": "Fri, 15 Jan 2027 08:00:20 GMT"}, 20.0),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "soon"}, None),
        ({"ratelimit-reset": "17"}, 17.0),
        ({"x-ratelimit-reset": "2027-01-15T08:00:40Z"}, 40.0),
        ({"X-RateLimit-Reset": "2027-01-15T08:00:40"}, 40.0),
        ({"X-RateLimit-Reset": "1800000012"}, 12.0),
        ({"X-RateLimit-Reset": "1800000012000"}, 12.0),
        ({"X-RateLimit-Reset": "later"}, None),
        ({"X-RateLimit-State": "THROTTLED", "X-RateLimit-Period-In-Sec": "60"}, 60.0),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Interval-Seconds": "1"}, 1.0),
        ({"Retry-After": "5", "X-RateLimit-Reset": "1800000900"}, 5.0),
        ({}, None),
    ],
)
def test_each_vendors_way_to_ask_for_a_wait(headers: dict[str, str], seconds: float) -> None:
    assert retry_after.asked_for(_any_case(headers), NOW) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1800000012"}, 12.0),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "17"}, 17.0),
        ({"X-RateLimit-State": "THROTTLED", "X-RateLimit-Period-In-Sec": "60"}, 60.0),
        ({"X-RateLimit-Remaining": "3", "X-RateLimit-Reset": "1800000012"}, None),
        ({"X-RateLimit-State": "OK", "X-RateLimit-Period-In-Sec": "60"}, None),
        ({"X-RateLimit-Remaining": "0"}, None),
        # Of a request that was taken, when to ask what became of it.
        ({"Retry-After": "30"}, None),
    ],
)
def test_an_answer_tells_that_it_was_the_last_for_now(
    headers: dict[str, str], seconds: float
) -> None:
    assert retry_after.used_up(_any_case(headers), NOW) == seconds


def _any_case(headers: dict[str, str]) -> CIMultiDict[str]:
    return CIMultiDict(headers)
