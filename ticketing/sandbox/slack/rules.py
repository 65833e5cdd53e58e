"""The rules that a message must obey: its text, its blocks, its metadata."""

from __future__ import annotations

import json
from typing import Any

from ticketing.sandbox.slack import blocks
from ticketing.sandbox.slack.answers import Arguments, Failure
from ticketing.sandbox.slack.behaviours import SlackBehaviours


def check_message(arguments: Arguments, behaviours: SlackBehaviours) -> None:
    """Raise a Failure for the first rule that the message breaks."""
    given = arguments.get("blocks")
    if given and behaviours.refuses_blocks:
        raise Failure("invalid_blocks")
    if given is not None:
        _check_blocks(given)
    text = arguments.get("text")
    if text is not None and not isinstance(text, str):
        raise Failure("invalid_arguments")
    if not given and not text and not arguments.get("attachments"):
        raise Failure("no_text")
    metadata = arguments.get("metadata")
    if metadata is None:
        return
    if list(blocks.METADATA.problems(metadata)):
        raise Failure("invalid_metadata_format")
    if len(json.dumps(metadata)) > blocks.METADATA_CHARS_MAX:
        raise Failure("metadata_too_large")


def _check_blocks(given: Any) -> None:
    if not isinstance(given, list):
        raise Failure("invalid_blocks_format")
    problems = blocks.problems_of(given)
    if problems:
        said = [f"{one.text} [json-pointer:{one.pointer}]" for one in problems[:20]]
        messages = [f"[ERROR] {text}" for text in said]
        raise Failure("invalid_blocks", errors=said, response_metadata={"messages": messages})
    if blocks.characters_in(given) > blocks.BLOCKS_CHARS_MAX:
        raise Failure("msg_blocks_too_long")
