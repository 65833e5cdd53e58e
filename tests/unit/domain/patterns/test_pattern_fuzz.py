# ruff: noqa: RUF001  (texts in other scripts)
"""Any text has a pattern and a title, of a bounded size, in steps that grow with the text alone."""

from __future__ import annotations

import json
import sys

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.fuzz import fuzz

from ticketing.domain.patterns.frames import only_frames
from ticketing.domain.patterns.pattern import PATTERN_CHARS_MAX, Patterns, Rule
from ticketing.domain.patterns.reading import TITLE_CHARS_MAX, read
from ticketing.domain.patterns.trace import FRAME_CHARS_MAX, FRAMES_MAX
from ticketing.domain.patterns.values_only import says_nothing
from ticketing.domain.text import cleaned

PIECES = [
    *"\"'`=:;,.|/\\<>()[]{}@#$%&*~^!?-_+",
    *[
        "\n",
        "\t",
        "\r\n",
        " ",
        "  ",
        "\x1b[31m",
        "\x00",
        "\ufeff",
        "\u200b",
        "\u202e",
        "\ud83d",
        "\\n",
    ],
    *["<*>", "<->", "<order>", "0", "17", "٢٥", "7c9e6679-7425-40de-944b-e07fc1f90ae7", "0x1f"],
    *["10.0.0.1:80", "fe80::1", "a@b.c", "http://a/b?c=d", "db.acme.zone:443", "PEER(3)", "1 ms"],
    *["user ", "for ", " from 10.0.0.1", "invalid user ", "state changed from 'A' to 'B'", "msg="],
    *["node a up ", "node b up ", "exit code 137", "HTTP 503", "errno=5", "healthy=false"],
    *["订单20931支付失败，", "ล้มเหลว", "заказ15 ", "Zähler5 ", "e\u0301", "🙂"],
    *["Traceback (most recent call last):\n", '  File "/a/b.py", line 5, in c\n', "    d()\n"],
    *["a.b.FooException: no bar\n", "\tat a.B.c(B.java:5)\n", "\t... 3 more\n", "Caused by: "],
    *[
        "goroutine 5 [running]:\n",
        "main.main()\n",
        "panic: x\n",
        "thread 'm' panicked at a.rs:1:2:\n",
    ],
    *[
        "#0 /a.php(12): f()\n",
        "\tfrom a.rb:5:in `b'\n",
        "    at f (/a.js:1:2)\n",
        " ---> X.YError: z\n",
    ],
    *[
        '{"msg":"',
        '","level":"error"}',
        '{"error":{"stack":"',
        "ERROR:root:",
        "2024-01-02 10:00:00 ",
    ],
]
TEXTS = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=40).map("".join),
    st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), max_size=30).map("".join),
    st.text(st.characters(exclude_categories=[]), max_size=200),
    st.tuples(st.text(min_size=1, max_size=6), st.integers(1, 600)).map(
        lambda pair: pair[0] * pair[1]
    ),
)
JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.sampled_from(PIECES), st.text(max_size=20)
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["msg", "message", "error", "stack", "type", "a", "code", "cause"]),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
).map(json.dumps)
PATTERN_BYTES_MAX = PATTERN_CHARS_MAX + FRAMES_MAX * (FRAME_CHARS_MAX + len(" at "))
RULES = [Rule(name="a", pattern=r"(\w+\s?)+;", replace="<x>"), Rule(name="b", pattern=r"\d*")]

patterns, ruled = Patterns(), Patterns(RULES)


def look(text: str) -> None:
    """Everything that must hold for a text."""
    pattern, title = patterns.of(text), read(text).title()
    assert 0 < len(pattern) <= PATTERN_BYTES_MAX
    assert not says_nothing(pattern), pattern
    assert "\n" not in pattern
    assert cleaned(pattern) == pattern
    assert pattern == Patterns().of(text)
    key = patterns.key(text)
    assert (key is None) == only_frames(read(text))
    assert key is None or key.pattern == pattern
    assert key is None or key.shown().startswith(pattern)
    assert len(title) <= TITLE_CHARS_MAX
    assert title == "" if not cleaned(text).strip() else title.strip() != ""
    assert "\n" not in title
    assert "Traceback (most recent call last)" not in title


@pytest.mark.fuzz
@fuzz(0.3)
@given(TEXTS)
@example("")
@example("\x00")
@example("<*>" * 1000)
def test_any_text_has_a_pattern_and_a_title(text: str) -> None:
    look(text)


@pytest.mark.fuzz
@fuzz(0.1)
@given(JSON)
def test_any_document_has_a_pattern_and_a_title(text: str) -> None:
    look(text)
    look(f"2024-01-02 ERROR {text}")


@pytest.mark.fuzz
@fuzz(0.05)
@given(TEXTS)
def test_own_rules_stop_nothing(text: str) -> None:
    assert not says_nothing(ruled.of(text))


def calls(text: str) -> int:
    """How many calls, of Python and of C, the key and the title of a text take."""
    count = 0

    def counted(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    fresh = Patterns()
    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        fresh.key(text)
        read(text).title()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.fuzz
@settings(fuzz(0.01), suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join))
def test_twice_the_text_takes_about_twice_the_steps(piece: str) -> None:
    small, large = (calls(piece * (chars // len(piece) + 1)) for chars in (900, 1_800))
    assert large <= 3 * small + 300
    huge = calls(piece * (200_000 // len(piece)))
    more = calls(piece * (2_000_000 // len(piece)))
    assert more <= 1.1 * huge + 300
