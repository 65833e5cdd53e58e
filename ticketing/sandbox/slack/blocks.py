"""Slack's Block Kit and message metadata: the blocks and texts that a message may hold.

https://docs.slack.dev/reference/block-kit/blocks
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ticketing.sandbox.checks import (
    Anything,
    Check,
    Either,
    Flag,
    ListOf,
    MapOf,
    Path,
    Problem,
    Record,
    Text,
)

# Slack's limits; that of all blocks together is not documented, but observed:
# https://github.com/slackapi/bolt-js/issues/2509
BLOCKS_MAX = 50
BLOCKS_CHARS_MAX = 13_000
TEXT_CHARS_MAX = 40_000
METADATA_CHARS_MAX = 8_000

ID = Text(min=1, max=255)


def plain(limit: int) -> Record:
    """The rule of a plain_text object of at most `limit` characters."""
    return Record(
        {
            "type": Text(choices=("plain_text",)),
            "text": Text(min=1, max=limit),
            "emoji": Flag(),
        },
        required=("type", "text"),
        closed=True,
    )


def mrkdwn(limit: int) -> Record:
    """The rule of a mrkdwn object of at most `limit` characters."""
    return Record(
        {
            "type": Text(choices=("mrkdwn",)),
            "text": Text(min=1, max=limit),
            "verbatim": Flag(),
        },
        required=("type", "text"),
        closed=True,
    )


def any_text(limit: int) -> Either:
    """The rule of either text object."""
    return Either((plain(limit), mrkdwn(limit)))


@dataclass(frozen=True)
class ByType:
    """An object whose rule depends on its `type`."""

    kinds: dict[str, Check]

    def problems(self, value: Any, at: Path = ()) -> Iterator[Problem]:
        """An unknown type, or the problems by the rule of the type."""
        kind = value.get("type") if isinstance(value, dict) else None
        if not isinstance(kind, str) or kind not in self.kinds:
            yield Problem((*at, "type"), "unsupported type")
        else:
            yield from self.kinds[kind].problems(value, at)


CONFIRM = Record(
    {
        "title": plain(100),
        "text": any_text(300),
        "confirm": plain(30),
        "deny": plain(30),
        "style": Text(choices=("primary", "danger")),
    },
    required=("title", "text", "confirm", "deny"),
    closed=True,
)
BUTTON = Record(
    {
        "type": Text(),
        "text": plain(75),
        "action_id": ID,
        "value": Text(max=2000),
        "url": Text(min=1, max=3000, pattern=r"[a-z][a-z0-9+.-]*:\S+"),
        "style": Text(choices=("primary", "danger")),
        "confirm": CONFIRM,
        "accessibility_label": Text(max=75),
    },
    required=("type", "text"),
    closed=True,
)
OPTION = Record(
    {"text": any_text(75), "value": Text(min=1, max=150), "description": plain(75)},
    required=("text", "value"),
)
SELECT = Record(
    {
        "type": Text(),
        "action_id": ID,
        "placeholder": plain(150),
        "options": ListOf(OPTION, min=1, max=100),
        "initial_option": OPTION,
        "confirm": CONFIRM,
    },
    required=("type", "options"),
)
OVERFLOW = Record(
    {"type": Text(), "action_id": ID, "options": ListOf(OPTION, min=1, max=5)},
    required=("type", "options"),
)
IMAGE_ELEMENT = Record(
    {"type": Text(), "image_url": Text(min=1, max=3000), "alt_text": Text(min=1, max=2000)},
    required=("type", "image_url", "alt_text"),
)
ELEMENTS: dict[str, Check] = {
    "button": BUTTON,
    "static_select": SELECT,
    "overflow": OVERFLOW,
}


_RICH_TEXT = Record({"type": Text(), "elements": ListOf(Record())}, required=("type", "elements"))
RICH_TEXT = ByType(
    {
        "rich_text_section": _RICH_TEXT,
        "rich_text_list": _RICH_TEXT,
        "rich_text_preformatted": _RICH_TEXT,
        "rich_text_quote": _RICH_TEXT,
    }
)


@dataclass(frozen=True)
class Section:
    """The rule of a section, which has a text, fields, or both."""

    rule = Record(
        {
            "type": Text(),
            "block_id": ID,
            "text": any_text(3000),
            "fields": ListOf(any_text(2000), min=1, max=10),
            "accessory": ByType({**ELEMENTS, "image": IMAGE_ELEMENT}),
            "expand": Flag(),
        },
        closed=True,
    )

    def problems(self, value: Any, at: Path = ()) -> Iterator[Problem]:
        """The problems of the parts, or the lack of both."""
        if "text" not in value and "fields" not in value:
            yield Problem((*at, "text"), "missing required field: text or fields")
        yield from self.rule.problems(value, at)


BLOCK = ByType(
    {
        "section": Section(),
        "header": Record(
            {"type": Text(), "block_id": ID, "text": plain(150)},
            required=("text",),
            closed=True,
        ),
        "divider": Record({"type": Text(), "block_id": ID}, closed=True),
        "context": Record(
            {
                "type": Text(),
                "block_id": ID,
                "elements": ListOf(
                    ByType(
                        {
                            "plain_text": plain(2000),
                            "mrkdwn": mrkdwn(2000),
                            "image": IMAGE_ELEMENT,
                        }
                    ),
                    min=1,
                    max=10,
                ),
            },
            required=("elements",),
            closed=True,
        ),
        "actions": Record(
            {"type": Text(), "block_id": ID, "elements": ListOf(ByType(ELEMENTS), min=1, max=25)},
            required=("elements",),
            closed=True,
        ),
        "image": Record(
            {
                "type": Text(),
                "block_id": ID,
                "image_url": Text(min=1, max=3000),
                "alt_text": Text(min=1, max=2000),
                "title": plain(2000),
            },
            required=("image_url", "alt_text"),
            closed=True,
        ),
        "rich_text": Record(
            {"type": Text(), "block_id": ID, "elements": ListOf(RICH_TEXT, min=1)},
            required=("elements",),
            closed=True,
        ),
    }
)
BLOCKS = ListOf(BLOCK, max=BLOCKS_MAX)

METADATA = Record(
    {"event_type": Text(min=1, max=255), "event_payload": MapOf(Anything())},
    required=("event_type", "event_payload"),
)


def problems_of(blocks: Any) -> list[Problem]:
    """Every problem of the blocks of one message."""
    found = list(BLOCKS.problems(blocks, ("blocks",)))
    return found or list(_repeated(blocks))


def _repeated(blocks: list[dict[str, Any]]) -> Iterator[Problem]:
    """Repeated ids: block ids must be unique in the message, action ids in their block."""
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        block_id = block.get("block_id")
        if block_id in seen:
            yield Problem(("blocks", index, "block_id"), "`block_id` must be unique")
        if block_id:
            seen.add(block_id)
        actions = [one["action_id"] for one in block.get("elements", []) if "action_id" in one]
        if len(actions) != len(set(actions)):
            yield Problem(("blocks", index), "`action_id` must be unique in its block")


def characters_in(value: Any) -> int:
    """The number of characters of text in the blocks, at any depth."""
    if isinstance(value, dict):
        own = value.get("text")
        inner = sum(characters_in(item) for item in value.values() if not isinstance(item, str))
        return inner + (len(own) if isinstance(own, str) else 0)
    if isinstance(value, list):
        return sum(characters_in(item) for item in value)
    return 0
