"""Evidence of where a fault began: what is otherwise in recent requests than in those before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ticketing.domain.traces.calltree import call_tree
from ticketing.domain.traces.comparison import (
    Evidence,
    Sign,
    blamed,
    compared,
    usual_children,
)
from ticketing.domain.traces.facts import Facts, facts_of, mentioned
from ticketing.domain.traces.likelihood import ranked, strength
from ticketing.domain.traces.spans import Line, gathered

NAMES = ("shop", "cart", "stock", "pay-service")


def call(
    service: str,
    at: float,
    seconds: float,
    *children: list[Line],
    error: str = "",
    lines: int = 1,
    **fields: Any,
) -> list[Line]:
    """The lines of a call: its own at the beginning, an error at its end."""
    base = {
        "span_id": f"{service}{at}",
        "parent_id": "",
        "service": service,
        "endpoint": "op",
        "duration": seconds,
        "score": 0.0,
        **fields,
    }
    own = [Line(at=at, level="INFO", message="m", **base) for _ in range(lines)]
    if error:
        own.append(Line(at=at + seconds, level="ERROR", message=error, **base))
    return [*own, *(line for child in children for line in child)]


def request(number: int, lines: list[Line]) -> Facts:
    tree = call_tree(gathered(sorted(lines, key=lambda line: line.at)))
    return facts_of(f"trace-{number}", tree, NAMES)


def usual(numbers: range) -> Iterator[Facts]:
    """A shop that asks the cart, which asks the stock, and then the payment."""
    for number in numbers:
        cart = call("cart", 0.1, 0.3, call("stock", 0.2, 0.1))
        yield request(number, call("shop", 0.0, 1.0, cart, call("pay-service", 0.5, 0.2), lines=2))


BEFORE = list(usual(range(100)))
USUAL = usual_children(BEFORE)


def first(recent: list[Facts]) -> str:
    return next(iter(ranked(compared(recent, BEFORE, USUAL))))


def test_nothing_new_is_no_evidence() -> None:
    assert compared(list(usual(range(20))), BEFORE, USUAL) == []


def test_the_deepest_service_that_fails_is_blamed_not_its_callers() -> None:
    cart = call("cart", 0.1, 0.3, call("stock", 0.2, 0.1, error="disk"), error="500")
    failing = [request(n, call("shop", 0.0, 0.5, cart, error="500", lines=2)) for n in range(10)]
    assert failing[0].blamed == {"stock": 1.0}
    assert first(failing) == "stock"


def test_what_always_fails_is_no_news() -> None:
    def chronic(numbers: range) -> list[Facts]:
        lines = call("cart", 0.1, 0.3, call("stock", 0.2, 0.1, error="no such item"))
        return [request(n, call("shop", 0.0, 0.5, lines)) for n in numbers]

    evidence = compared(chronic(range(20)), chronic(range(100)), {})
    assert [one for one in evidence if one.sign is Sign.ERRORS] == []


def test_an_error_that_names_another_service_blames_that_one() -> None:
    text = "connect to pay-service:8080 failed: connection refused"
    failing = [request(n, call("shop", 0.0, 0.5, error=text)) for n in range(10)]
    assert failing[0].blamed == {"pay-service": 1.0}


def test_a_service_that_falls_silent_is_found_by_its_missing_calls() -> None:
    cart = call("cart", 0.1, 0.3)
    silent = [
        request(n, call("shop", 0.0, 1.0, cart, call("pay-service", 0.5, 0.2), lines=2))
        for n in range(10)
    ]
    assert first(silent) == "stock"


def test_the_callee_that_never_answers_gets_the_blame() -> None:
    cart = call("cart", 0.1, 0.05, error="upstream failed")
    failing = request(1, call("shop", 0.0, 0.5, cart, error="500"))
    shares, reasons = blamed(failing, USUAL)
    assert max(shares, key=lambda name: shares[name]) == "stock"
    assert abs(sum(shares.values()) - 1.0) < 1e-9
    assert "usually calls stock" in reasons["stock"]


def test_what_was_broken_off_by_a_failing_callee_lacks_nothing() -> None:
    cart = call("cart", 0.1, 0.3, call("stock", 0.2, 0.1, error="disk"), error="500")
    failing = [request(n, call("shop", 0.0, 0.5, cart, error="500")) for n in range(10)]
    evidence = compared(failing, BEFORE, USUAL)
    assert not [one for one in evidence if one.service == "pay-service"]


def test_slow_callers_of_a_slow_service_are_symptoms() -> None:
    cart = call("cart", 0.1, 1.3, call("stock", 0.2, 1.1))
    slow = [
        request(n, call("shop", 0.0, 2.0, cart, call("pay-service", 1.5, 0.2), lines=2))
        for n in range(10)
    ]
    assert first(slow) == "stock"


def test_a_call_that_breaks_off_early_is_noticed() -> None:
    cart = call("cart", 0.1, 0.3, call("stock", 0.2, 0.1))
    short = [
        request(n, call("shop", 0.0, 1.0, cart, call("pay-service", 0.5, 0.2))) for n in range(10)
    ]
    assert [one.sign for one in compared(short, BEFORE, USUAL)] == [Sign.SHORTER]


def test_more_cases_of_the_same_rate_are_stronger_evidence() -> None:
    assert strength(1, 1, 0, 10) < strength(10, 10, 0, 10) < strength(10, 10, 0, 1000)
    assert strength(1e6, 1e6, 0, 1e6) <= 40.0
    assert strength(5, 10, 50, 100) == 0.0
    assert strength(0, 10, 0, 10) == 0.0


def test_the_same_fault_seen_in_many_operations_counts_less_each_time() -> None:
    once = Evidence("a", Sign.ERRORS, 10.0, "")
    assert ranked([once])["a"] < ranked([once] * 3)["a"] < 30.0


def test_a_plain_word_is_a_service_only_as_an_address() -> None:
    names = frozenset({"cart", "ts-cart", "cartservice"})
    assert mentioned("could not add to cart: full", names, "shop") == []
    assert mentioned("GET http://cart/items: refused", names, "shop") == ["cart"]
    assert mentioned("cart:7070 refused", names, "shop") == ["cart"]
    assert mentioned("no instances available for ts-cart]", names, "shop") == ["ts-cart"]
    assert mentioned("rpc to cartservice.prod failed", names, "shop") == ["cartservice"]
    assert mentioned("ts-cart is down", names, "ts-cart") == []
