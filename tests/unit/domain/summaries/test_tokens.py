"""The cheap upper estimate of tokens, held against a real tokenizer where one is installed."""

from __future__ import annotations

import os

import pytest

from ticketing.domain.summaries.tokens import tokens_at_most

TEXTS = [
    "",
    "Payment 17 timed out after 3000 ms while calling the card gateway",
    "2026-01-31T03:04:05.678Z ERROR [pool-1-thread-12] c.e.p.PaymentService - charge failed",
    'java.lang.NullPointerException: Cannot invoke "Cart.total()" because "cart" is null\n'
    "\tat com.example.shop.CheckoutController.pay(CheckoutController.java:112)\n",
    '{"level":"error","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","code":503,"ms":1500.25}',
    "GET /api/v1/orders/550e8400-e29b-41d4-a716-446655440000?expand=items&limit=50 HTTP/1.1",
    "Überweisung fehlgeschlagen: Größe ungültig — 支払いがタイムアウトしました — ошибка сети",
    "=" * 200,
    " " * 50 + "\n" * 50,
    "1234567890" * 20,
]


@pytest.mark.parametrize("text", TEXTS)
def test_it_is_no_less_than_what_a_tokenizer_counts(text: str) -> None:
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    litellm = pytest.importorskip("litellm")
    assert tokens_at_most(text) >= len(litellm.encode(model="gpt-4", text=text))


def test_it_is_not_absurdly_more() -> None:
    text = " ".join(TEXTS[1:6])
    assert tokens_at_most(text) < len(text) / 1.5
