"""Operations of endpoints, and the title of an alert of slow work."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.domain.alerts.slow_spans import operation_of, slow_title


@pytest.mark.parametrize(
    ("endpoint", "operation"),
    [
        ("GET /cart", "GET /cart"),
        ("GET /api/v2/cart/17/items", "GET /api/v2/cart/<*>/items"),
        ("/users/7c9e6679-7425-40de-944b-e07fc1f90ae7/", "/users/<*>/"),
        ("GET /cart/{id}/items", "GET /cart/{id}/items"),
        ("GET /cart/:id", "GET /cart/:id"),
        ("/cart/<int:id>", "/cart/<int:id>"),
        ("/search?q=a+b&page=3", "/search"),
        ("CartController.readItems", "CartController.readItems"),
        ("shop.v1.CartService/ReadItems", "shop.v1.CartService/ReadItems"),
        ("POST http://10.0.0.7:8080/cart/17", "POST /cart/<*>"),
        ("https://shop.example.com/v1/orders/ord-20931", "/v1/orders/<*>"),
        ("?a=1", "<*>"),
        ("\x1b[31mGET\x1b[0m  /cart\n", "GET /cart"),
    ],
)
def test_an_operation_has_no_values(endpoint: str, operation: str) -> None:
    assert operation_of(endpoint) == operation


@pytest.mark.parametrize(
    ("duration_ms", "said"),
    [
        (10.0, "10 ms"),
        (379.428, "379 ms"),
        (999.4, "999 ms"),
        (999.6, "1.0 s"),
        (2_349.0, "2.3 s"),
        (9_960.0, "10 s"),
        (99_400.0, "99 s"),
        (240_000.0, "4 min"),
        (86_400_000.0, "1440 min"),
    ],
)
def test_a_title_states_the_duration(duration_ms: float, said: str) -> None:
    assert slow_title("GET /x", duration_ms, 200) == f"GET /x is slow: {said}"


def test_a_long_endpoint_leaves_room_for_the_duration() -> None:
    title = slow_title("/a" * 500, 2_300.0, 200)
    assert len(title) <= 200
    assert title.endswith(" is slow: 2.3 s")


@given(st.text(max_size=400))
def test_any_endpoint_is_an_operation_that_stays_one(endpoint: str) -> None:
    operation = operation_of(endpoint)
    assert operation
    assert "\0" not in operation
    assert "\n" not in operation
    assert len(operation) <= 3 * 256
