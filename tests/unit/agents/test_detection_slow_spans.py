"""Harmless lines of a slow span are one alert, known by its operation; failing lines keep theirs."""

from __future__ import annotations

from typing import Any

import pytest
from support.detecting import document, offsets, run

from ticketing.domain.alerts.fingerprint import slow_fingerprint
from ticketing.domain.signals import Anomalies

SLOW = {"level": "INFO", "endpoint": "GET /cart", "duration_ms": 2300.0, "message": "cart read"}


def slow(**fields: Any) -> dict[str, Any]:
    return document(**{**SLOW, **fields})


def signals(*values: Any) -> list[Anomalies]:
    return run(*values).signals


def test_the_lines_of_a_slow_span_are_one_alert() -> None:
    (found,) = signals(slow(), slow(message="3 items"), slow(message="cart sent", level="DEBUG"))
    assert found.title == "GET /cart is slow: 2.3 s"
    assert found.pattern == "slow: GET /cart"
    assert found.fingerprint == slow_fingerprint("acme", "", "checkout", "GET /cart")
    assert found.counted() == [[0, 1, 2], []]
    assert {sample.message for sample in found.samples} == {"cart read", "cart sent"}


def test_each_service_environment_and_operation_has_its_own() -> None:
    ones = (slow(), slow(service="b"), slow(environment="test"), slow(endpoint="GET /cart/items"))
    assert len(signals(*ones)) == len(ones)


def test_ids_and_queries_are_no_part_of_an_operation() -> None:
    (found,) = signals(slow(endpoint="GET /cart/17?a=1"), slow(endpoint="GET /cart/9?a=2"))
    assert found.title.startswith("GET /cart/17?a=1 is slow")
    assert found.pattern == "slow: GET /cart/<*>"


def test_an_endpoint_under_its_other_name_counts() -> None:
    (found,) = signals(slow(), slow(endpoint=None, affected_endpoint="GET /cart"))
    assert offsets(run(slow())) == [0]
    assert found.counted() == [[0, 1], []]


@pytest.mark.parametrize("level", ["WARN", "warning", "ERROR", "FATAL", "odd", None])
def test_a_line_of_any_other_level_keeps_its_text(level: str | None) -> None:
    one, other = signals(slow(level=level), slow())
    assert one.pattern == "cart read"
    assert other.pattern == "slow: GET /cart"


@pytest.mark.parametrize("order", [1, -1])
def test_equal_texts_of_a_failing_and_a_slow_line_stay_apart(order: int) -> None:
    found = signals(*[slow(level="ERROR"), slow(), slow(level="ERROR"), slow()][::order])
    assert {(one.pattern, len(one.counted()[0])) for one in found} == {
        ("cart read", 2),
        ("slow: GET /cart", 2),
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"duration_ms": None},
        {"duration_ms": 9.9},
        {"duration_ms": -2300},
        {"duration_ms": 1e300},
        {"duration_ms": True},
        {"duration_ms": {"a": 1}},
        {"endpoint": None},
        {"endpoint": ""},
        {"error_message": "card refused"},
    ],
)
def test_a_line_that_shows_no_slow_work_keeps_its_text(fields: dict[str, Any]) -> None:
    (found,) = signals(slow(**fields))
    assert found.pattern == "cart read"


def test_a_stack_trace_keeps_its_pattern_at_any_level() -> None:
    text = "java.io.IOException: disk is full\n\tat com.shop.Cart.add(Cart.java:11)"
    (traced,) = signals(slow(message=text))
    assert traced.pattern.startswith("java.io.IOException")
    (stray,) = signals(slow(message="\tat com.shop.Cart.add(Cart.java:11)"))
    assert stray.title == "stray stack frames"


@pytest.mark.parametrize("duration", ["2300", 2300, 2300.4])
def test_a_duration_may_be_a_text(duration: object) -> None:
    (found,) = signals(slow(duration_ms=duration))
    assert found.title == "GET /cart is slow: 2.3 s"


def test_levels_that_are_numbers_count_too() -> None:
    (found,) = signals(slow(level=6))
    assert found.pattern == "slow: GET /cart"


def test_a_byte_that_is_no_text_changes_nothing() -> None:
    value = b'{"anomaly_score":0.9,"service":"a","level":"INFO","message":"caf\xe9","endpoint":"x"'
    found = run(value + b',"duration_ms":40}')
    assert [one.pattern for one in found.signals] == ["slow: x"]
    assert found.repaired == 1
