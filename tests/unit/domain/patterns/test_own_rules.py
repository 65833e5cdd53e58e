"""Operators' expressions: in linear time and Python's words, or refused with the fix."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketing.domain.patterns.own_rules import Replacement, check
from ticketing.domain.patterns.pattern import Patterns, Rule

EXPLOSIVE = [
    (r"(\w+\s?)+;", "a" * 60 + "!"),
    (r"(a+)+b", "a" * 2_000),
    (r"(a|a)*c", "a" * 2_000),
    (r"^(([a-z])+.)+[A-Z]([a-z])+$", "a" * 2_000),
    (r"(x+x+)+y", "x" * 2_000),
    (r"(.*)*,(.*)*;", "," * 2_000),
]


@pytest.mark.parametrize(("pattern", "text"), EXPLOSIVE)
def test_an_expression_that_explodes_elsewhere_ends_here(pattern: str, text: str) -> None:
    """With a backtracking engine these do not end in a lifetime."""
    assert Replacement("r", pattern, "<x>").apply(text) == text


@pytest.mark.parametrize(("pattern", "text"), EXPLOSIVE)
def test_a_message_that_would_explode_has_a_pattern(pattern: str, text: str) -> None:
    assert Patterns([Rule(name="r", pattern=pattern)]).of(text)


@pytest.mark.parametrize(
    ("pattern", "fix"),
    [
        (r"foo(?=bar)", "put it back by the replacement"),
        (r"(?<!a)b", "put it back by the replacement"),
        (r"(?<=a)b", "put it back by the replacement"),
        (r"(a+)-\1", "write out what it repeats"),
        (r"(?P<x>a)(?P=x)", "write out what it repeats"),
        (r"(", "missing )"),
        (r"a{1001}", "repetition"),
        (r"((a{100}){100}){100}", "RE2"),
        ("\ud800", "RE2"),
    ],
)
def test_what_cannot_be_bounded_is_refused_with_the_fix(pattern: str, fix: str) -> None:
    with pytest.raises(ValueError, match=re.escape(fix)):
        check(pattern, "")
    with pytest.raises(ValueError, match="rule 'mine'"):
        Patterns([Rule(name="mine", pattern=pattern)])


@pytest.mark.parametrize("replace", [r"\2", r"\g<2>", r"\g<nobody>", r"\q", "a\\"])
def test_a_replacement_that_cannot_be_made_is_refused(replace: str) -> None:
    with pytest.raises(ValueError, match="replacement"):
        check("(a)", replace)


@pytest.mark.parametrize(
    ("pattern", "replace", "text"),
    [
        (r"ord-(\d+)", "<order>", "lost ord-17 and ord-18"),
        (r"(\w+)-(\d+)", r"\2-\1", "lost ord-17"),
        (r"(?P<kind>\w+)-(\d+)", r"\g<kind>-<n> \g<0>", "lost ord-17"),
        (r"(?i)ORD-\d+", "<order>", "lost ord-17"),
        (r"(?i:ORD)-\d+", "<order>", "lost ord-17"),
        (r"(?s)a.b", "<x>", "a\nb"),
        (r"(?m)^b$", "<x>", "a\nb"),
        (r"b\Z", "<x>", "b b"),
        (r"\d+", "<n>", "الطلب ٢٥ 17"),
        (r"\w+", "<w>", "заказ потерян"),
        (r"[\w.]+@[\w.]+", "<mail>", "für jürgen@köln.example"),
        (r"\W", "_", "é è"),
        (r"[^\d]+", "-", "a1b٢c"),
        (r"[]a]", "<x>", "]a["),
        (r"[^]a]", "<x>", "]a["),
        (r"[\[:]x", "<x>", "[x :x"),
        (r"\s+", " ", "a \u00a0\t b"),
        (r"a*", "-", "baac"),
        (r"(x)?y", r"[\1]", "xy y"),
        (r"17", "\\\\<é>\\n", "ord-17"),
    ],
)
def test_rules_mean_what_they_mean_in_python(pattern: str, replace: str, text: str) -> None:
    assert Replacement("r", pattern, replace).apply(text) == re.sub(pattern, replace, text)


@settings(max_examples=300)
@given(st.text(max_size=60))
def test_any_text_is_replaced_as_in_python(text: str) -> None:
    text = re.sub("[\ud800-\udfff]", "\ufffd", text)
    assert Replacement("r", r"[a-z]+(\d*)", r"<\1>").apply(text) == re.sub(
        r"[a-z]+(\d*)", r"<\1>", text
    )


def test_half_a_surrogate_pair_harms_nothing() -> None:
    assert Replacement("r", "b", "<x>").apply("a\ud800b") == "a\ufffd<x>"
