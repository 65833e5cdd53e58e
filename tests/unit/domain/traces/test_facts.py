"""The facts of a request: the services that its errors lead to."""

from __future__ import annotations

from typing import Any

from ticketing.domain.traces.calltree import call_tree
from ticketing.domain.traces.facts import Facts, facts_of, mentioned
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


def request(lines: list[Line]) -> Facts:
    tree = call_tree(gathered(sorted(lines, key=lambda line: line.at)))
    return facts_of("trace", tree, NAMES)


def test_the_deepest_service_that_fails_is_blamed_not_its_callers() -> None:
    cart = call("cart", 0.1, 0.3, call("stock", 0.2, 0.1, error="disk"), error="500")
    failing = request(call("shop", 0.0, 0.5, cart, error="500", lines=2))
    assert failing.blamed == {"stock": 1.0}


def test_an_error_that_names_another_service_blames_that_one() -> None:
    text = "connect to pay-service:8080 failed: connection refused"
    failing = request(call("shop", 0.0, 0.5, error=text))
    assert failing.blamed == {"pay-service": 1.0}


def test_a_plain_word_is_a_service_only_as_an_address() -> None:
    names = frozenset({"cart", "ts-cart", "cartservice"})
    assert mentioned("could not add to cart: full", names, "shop") == []
    assert mentioned("GET http://cart/items: refused", names, "shop") == ["cart"]
    assert mentioned("cart:7070 refused", names, "shop") == ["cart"]
    assert mentioned("no instances available for ts-cart]", names, "shop") == ["ts-cart"]
    assert mentioned("rpc to cartservice.prod failed", names, "shop") == ["cartservice"]
    assert mentioned("ts-cart is down", names, "ts-cart") == []
