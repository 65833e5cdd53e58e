"""Slack's mrkdwn and text objects as Slack shows them: the text that a reader sees."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

FENCED = re.compile(r"```(.*?)```", re.DOTALL)
PHRASES = ("*", "_", "~", "`")


def shown(text: dict[str, Any]) -> str:
    """A text object; markup that is obeyed leaves its trace or is gone."""
    if text["type"] == "plain_text":
        return html.unescape(_unlinked(text["text"]))
    parts = FENCED.split(text["text"])
    # Every second part stood between fences.
    return "".join(_literal(one) if at % 2 else _rendered(one) for at, one in enumerate(parts))


def texts(blocks: list[dict[str, Any]]) -> Iterator[str]:
    """What each text object of a message's blocks shows."""
    for block in blocks:
        held = [block.get("text"), *block.get("fields", []), *block.get("elements", [])]
        yield from (shown(one) for one in held if one and one["type"] in ("plain_text", "mrkdwn"))


def _unlinked(text: str) -> str:
    return re.sub(r"<[^>]*>", "<mention>", text)


def _literal(text: str) -> str:
    return html.unescape(_unlinked(text))


def _rendered(text: str) -> str:
    found = _unlinked(text)
    for mark in map(re.escape, PHRASES):
        phrase = rf"(?<![^\W_]){mark}(?=\S)([^\n]*?)(?<=\S){mark}(?![^\W_])"
        found = re.sub(phrase, r"\1", found)
    found = re.sub(r"(?m)^&gt; ?", "<quote>", found)
    found = re.sub(r":[a-z0-9_+-]+:", "<emoji>", found)
    return html.unescape(found)
