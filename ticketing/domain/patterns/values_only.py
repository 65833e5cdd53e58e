"""The key of a text that says nothing in words: the kinds of its values, in their order."""

from __future__ import annotations

import re
from itertools import groupby

TEXT_CHARS_MAX = 300
"""A longer row of values is of the same kind as its beginning."""
KINDS_MAX = 8
"""So many kinds tell one row of values from another."""

_PLACEHOLDER = re.compile(r"<[^<>\s]{0,32}>")
_LETTER = re.compile(r"[^\W\d_]")
_TOKEN = re.compile(r"<([^<>\s]{1,32})>|([^\s=,;()\[\]{}<>\"'`|&]+)|(=)")
_KINDS = (
    ("number", re.compile(r"[+-]?\d[\d,]*(?:\.\d+)?(?:[eE][+-]?\d+)?(?:%|[a-zA-Zµμ]{1,3})?")),
    (
        "uuid",
        re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"),
    ),
    (
        "address",
        re.compile(r"\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?(?:/\d+)?|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*"),
    ),
    ("time", re.compile(r"\d{2,4}[-/]\d\d[-/]\d{2,4}\S*|\d{1,2}:\d\d(?::\d\d\S*)?")),
    ("url", re.compile(r"[a-zA-Z][\w+.-]*://\S*")),
    ("mail", re.compile(r"[^@]+@[^@]+")),
    ("path", re.compile(r".*[/\\].*")),
    ("word", re.compile(r"[^\W\d_]+")),
)
_ADDRESS = _KINDS[2][1]
_TIME = _KINDS[3][1]


def says_nothing(pattern: str) -> bool:
    """True for a pattern of placeholders and punctuation: such a key would join all faults."""
    # Nearly every pattern begins with a word, and this is asked for each message.
    return not pattern[:1].isalpha() and _LETTER.search(_PLACEHOLDER.sub("", pattern)) is None


def kinds_of(text: str) -> str:
    """The kinds of values in a text, such as `values only: id=number`; never without a word."""
    kinds = [_kind(match) for match in _TOKEN.finditer(text[:TEXT_CHARS_MAX])]
    shape = " ".join(kind for kind, _ in groupby(kind for kind in kinds if kind))
    shape = shape.replace(" = ", "=").replace(" =", "=")
    words = shape.split(" ")[:KINDS_MAX]
    if shape:
        return f"values only: {' '.join(words)}"
    symbols = "".join(char for char, _ in groupby("".join(text[:TEXT_CHARS_MAX].split())))
    return f"no words: {symbols[:KINDS_MAX]}" if symbols else "empty text"


def _kind(match: re.Match[str]) -> str:
    placeholder, value, equals = match.groups()
    if equals:
        return "="
    if placeholder:
        return str(placeholder) if placeholder != "*" else "value"
    value = str(value).strip(".,:!?#$*+~-")
    if not any(map(str.isalnum, value)):
        return ""
    if _TIME.fullmatch(value):
        return "time"
    return next((kind for kind, form in _KINDS if form.fullmatch(value)), "id")
