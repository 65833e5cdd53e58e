"""The mentions that notify people when a message is posted.

https://docs.slack.dev/messaging/formatting-message-text#advanced
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_MENTION = re.compile(
    r"<(!(?:here|channel|everyone)|!subteam\^[A-Z0-9]+|@[UW][A-Z0-9]+)(?:\|[^<>]*)?>"
)


def mentions_in(message: dict[str, Any]) -> list[str]:
    """Each mention once, in order. While there are blocks, the text only stands in notifications."""
    blocks = message.get("blocks")
    texts = _mrkdwn(blocks) if blocks else [str(message.get("text") or "")]
    return list(dict.fromkeys(found for text in texts for found in _MENTION.findall(text)))


def _mrkdwn(value: Any) -> Iterator[str]:
    """The texts of a message in which mark-up counts, at any depth."""
    if isinstance(value, dict):
        if value.get("type") == "mrkdwn" and isinstance(value.get("text"), str):
            yield value["text"]
        for inner in value.values():
            yield from _mrkdwn(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _mrkdwn(inner)
