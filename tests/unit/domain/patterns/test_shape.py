"""Shapes: what differs by values only becomes one text, and what is masked of it stays the same."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketing.domain.patterns.masking import mask
from ticketing.domain.patterns.shape import shaped

ONE_SHAPE = [
    ("order 5123 lost after 77777 ms", "order 99182 lost after 123 ms"),
    ("step 3 of 12", "step 7 of 40"),
    ("request 076e7652a8aa470a lost", "request 32d5439b8006fa20 lost"),
    ("request 4D2A46C771CB lost", "request B5BBB68406D9DA6F lost"),
    (
        "order 4d2a46c7-71cb-4cf1-b5bb-b68406d9da6f lost",
        "order 1b671a64-40d5-491e-99b0-da01ff1f3341 lost",
    ),
    ("node-39 is down (10.0.0.1:5432)", "node-17 is down (10.0.0.7:9090)"),
    ("at 2023-01-29 08:50:08,123 it broke", "at 2024-12-01 17:00:01,999 it broke"),
    ("took 12ms, read 34KB", "took 99ms, read 77KB"),
    ("segment seg_7730155 is bad", "segment seg_20441 is bad"),
]
NAMES = [
    "ipv6",
    "sha256",
    "s3",
    "2fa",
    "3des",
    "http2",
    "ORA-00942",
    "MY010914",
    "getV2Client()",
    "com.acme.v2.Order",
    "Http404Error",
    "cannot",
    "decade",
]
WORDS = ["user", "for", "Mar", "May", "key=", '"a":', "[", "]", "(", ")", "3", "17", "404", "2024"]
TEXTS = [*NAMES, *WORDS, *(text for pair in ONE_SHAPE for text in pair)]


@pytest.mark.parametrize(("left", "right"), ONE_SHAPE)
def test_texts_that_differ_by_values_have_one_shape(left: str, right: str) -> None:
    assert shaped(left) == shaped(right)


@pytest.mark.parametrize("name", NAMES)
def test_names_stay(name: str) -> None:
    assert shaped(f"{name} x {name}") == f"{name} x {name}"


@settings(max_examples=500)
@given(st.lists(st.sampled_from(TEXTS), max_size=8).map(" ".join))
def test_a_shape_is_masked_as_its_text(text: str) -> None:
    assert mask(shaped(text)) == mask(text)
