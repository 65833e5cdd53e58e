"""Records whose bytes are not quite JSON in UTF-8, made readable: one bad byte never costs a page."""

from __future__ import annotations

import json
import math
import re

REPLACEMENT = "\ufffd"
"""Stands in a text for bytes that are no character."""
_AROUND = "\ufeff\0 \t\r\n"
"""Byte order marks, and the NUL that ends a text in C, around a record."""
_HALVES = re.compile("[\ud800-\udfff]")


def repaired(value: bytes) -> bytes:
    """The record as JSON in UTF-8, with U+FFFD in the place of everything that is no character.

    Bytes of another encoding, a byte order mark, raw control characters and halves of surrogate
    pairs come from agents that cut lines by bytes or read files as they are. A number that JSON does
    not have, such as NaN, becomes a text: it fits no field of numbers. Raises ValueError or
    RecursionError for a record that is not JSON even so.
    """
    text = value.decode("utf-8", "replace").strip(_AROUND)
    document = json.loads(text, strict=False, parse_constant=str, parse_float=_number)
    return _HALVES.sub(REPLACEMENT, json.dumps(document, ensure_ascii=False)).encode()


def _number(digits: str) -> float | str:
    """A number, or, out of the range of numbers, its digits as a text."""
    number = float(digits)
    return number if math.isfinite(number) else digits
