"""Records whose bytes are not quite JSON in UTF-8, made readable: one bad byte never costs a page."""

from __future__ import annotations

import json
import re
from typing import NoReturn

REPLACEMENT = "\ufffd"
"""Stands in a text for bytes that are no character."""
_HALVES = re.compile("[\ud800-\udfff]")


def repaired(value: bytes) -> bytes:
    """The record as JSON in UTF-8, with U+FFFD in the place of everything that is no character.

    Bytes of another encoding, a byte order mark, raw control characters and halves of surrogate
    pairs come from agents that cut lines by bytes or read files as they are. Raises ValueError or
    RecursionError for a record that is not JSON even so.
    """
    text = value.decode("utf-8-sig", "replace")
    document = json.loads(text, strict=False, parse_constant=_refuse)
    return _HALVES.sub(REPLACEMENT, json.dumps(document, ensure_ascii=False)).encode()


def _refuse(name: str) -> NoReturn:
    """Refuse NaN and the infinities, which JSON does not have."""
    raise ValueError(f"{name} is not JSON")
