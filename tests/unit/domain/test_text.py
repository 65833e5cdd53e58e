"""Text is cleaned of what nobody sees, and bounded by its bytes in JSON."""

from __future__ import annotations

import json
import unicodedata

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.domain.text import bounded, cleaned, encoded_size, escaped

ANY_TEXT = st.text(st.characters(codec=None), max_size=60) | st.text(
    st.sampled_from(
        'a "\\\n\r\t\x0b\x1b[]31;m\x07\x9b\x9c\x00\x85é界😀\u200d\ufe0f\u200b\ud83d\ude00\ufeff'
    ),
    max_size=40,
)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("plain", "plain"),
        ("two\n\tlines", "two\n\tlines"),
        ("\x1b[31mred\x1b[0m and \x1b[1;38;5;196mbold\x1b[m", "red and bold"),
        ("\x1b]0;a title\x07text", "text"),
        ("\x1b]8;;https://example.com\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b(Bplain\x1b7\x1b=", "plain"),
        ("\x1b]0;never ended\nnext", "0;never ended\nnext"),
        ("cut \x1b[31", "cut "),
        ("cut \x1b", "cut "),
        ("\x9b31mred", "red"),
        ("nul\x00 bell\x07 del\x7f c1\x85\x9f", "nul bell del c1"),
        ("a\r\nb\rc\x0bd\x0ce\u2028f\u2029g", "a\nb\nc\nd\ne\nf\ng"),
        ("\ufeffbom", "bom"),
        ("zero\u200b\u200c\u200d\u2060width", "zerowidth"),
        ("\u202eright\u202c \u2066to\u2069 \u200eleft\u200f\u061c", "right to left"),
        ("hidden\U000e0041\U000e0042", "hidden"),
        ("half \ud83d of a pair", "half \ufffd of a pair"),
        ("whole \ud83d\ude00", "whole 😀"),
        ("👩\u200d🔧 and ❤\ufe0f\u200d🔥", "👩\u200d🔧 and ❤\ufe0f\u200d🔥"),
        ("Grüße, 错误, خطأ", "Grüße, 错误, خطأ"),
    ],
)
def test_text_is_cleaned_of_what_nobody_sees(text: str, clean: str) -> None:
    assert cleaned(text) == clean


@given(ANY_TEXT)
def test_clean_text_can_be_stored_and_holds_no_control_character(text: str) -> None:
    clean = cleaned(text)

    assert msgspec.json.decode(msgspec.json.encode(clean)) == clean
    assert not [one for one in clean if unicodedata.category(one) == "Cc" and one not in "\n\t"]
    assert cleaned(clean) == clean


@given(ANY_TEXT)
def test_the_size_is_that_of_the_text_in_json(text: str) -> None:
    text = text.encode("utf-8", "replace").decode()

    assert encoded_size(text) == len(msgspec.json.encode(text)) - 2


@given(ANY_TEXT, st.integers(0, 80))
def test_bounded_text_begins_like_the_text_and_fits(text: str, bytes_max: int) -> None:
    short = bounded(text, bytes_max)

    assert encoded_size(short) <= bytes_max
    assert text.startswith(short.removesuffix("…"))
    assert short == text or encoded_size(text) > bytes_max
    assert short == text or bytes_max < 3 or short.endswith("…")


@pytest.mark.parametrize(
    "kind", ["\x1b]", "\x1b[1;", "\x1b(", "\x9b1", "\u200d", "\x1b]8;;a\n", "\r"]
)
def test_hostile_text_of_megabytes_is_cleaned(kind: str) -> None:
    # Work that grew with the square of the length would not end in this test's time.
    clean = cleaned(kind * 500_000)

    assert "\x1b" not in clean
    assert bounded(clean, 100) == bounded(clean[:200], 100)


def test_what_acts_on_a_terminal_is_escaped_and_all_else_stays() -> None:
    plain = "tab\t, line\n, é, \u05e9\u05dc\u05d5\u05dd, 👩\u200d💻"
    assert escaped(plain) == plain
    acting = "\x1b]0;title\x07\x9b2J\r\x7f\u202e\u2066\u200f\u2028\ud800\U000e0041"
    seen = escaped(acting)
    assert seen.startswith("\\u001b]0;title\\u0007\\u009b2J\\u000d\\u007f\\u202e\\u2066")
    assert all(c.isprintable() or c == "\ufffd" for c in seen)
    assert json.loads(escaped(json.dumps(acting, ensure_ascii=False)))[:8] == acting[:8]
