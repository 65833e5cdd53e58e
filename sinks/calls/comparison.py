"""Compares the fields that were asked for with the fields of the platform's answer. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ticketing.domain.text import line

SHOWN_CHARS_MAX = 40
"""Enough for a name or a sys_id; a longer text, which often changes, is not quoted."""


def differing(asked: Mapping[str, Any], answered: Mapping[str, Any]) -> dict[str, str]:
    """The answered values that are not those asked for, by field.

    White space and case don't count. A field that the answer lacks may be hidden from our account
    and is not compared.
    """
    return {
        name: _words(answered[name])
        for name, value in asked.items()
        if name in answered and _words(answered[name]).casefold() != _words(value).casefold()
    }


def not_taken(platform: str, asked: Mapping[str, Any], answered: Mapping[str, Any]) -> list[str]:
    """A sentence for each field that the platform did not take, though it said success."""
    return [
        f"{name}: {platform} has another text"
        if max(len(_words(asked[name])), len(kept)) > SHOWN_CHARS_MAX
        else f"{name}: asked for {_shown(asked[name])}, {platform} has {_shown(kept)}"
        for name, kept in differing(asked, answered).items()
    ]


def _words(value: Any) -> str:
    return " ".join(("" if value is None else str(value)).split())


def _shown(value: Any) -> str:
    words = line(_words(value))
    return f'"{words}"' if words else "nothing"
