"""One byte a character, whatever the script."""

# ruff: noqa: RUF001  letters that look alike are what is tested
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.domain.scrubbing.folding import folded
from ticketing.domain.scrubbing.scrub import scrub


@given(st.text())
def test_places_are_the_same_in_both(text: str) -> None:
    assert len(folded(text)) == len(text)


@pytest.mark.parametrize(
    ("text", "ascii_text"),
    [
        ("contraseña", "contrasena"),
        ("ｐａｓｓ＝１", "pass=1"),
        ("раsswоrd", "password"),
        ("a\u00a0b", "a b"),
        ("key→value", "key=value"),
        ("4111\u20111111", "4111-1111"),
    ],
)
def test_what_looks_like_ascii_is_ascii(text: str, ascii_text: str) -> None:
    assert folded(text) == ascii_text.encode()


@pytest.mark.parametrize("text", ["пароль неверный", "密码错误", "パスワードが違います"])
def test_a_word_for_a_password_alone_is_no_secret(text: str) -> None:
    assert scrub(text) == text
