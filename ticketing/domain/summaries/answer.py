"""A model's answer, made harmless: known fields, cut to length, and nothing that acts.

Anyone who can write a log line can speak to the model. So an answer is text and opinion only: read
as JSON with known fields, cut, one line each, without links, markup, mentions or control
characters. No answer decides an incident's state, routes or end.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from ticketing.domain.severity import Severity
from ticketing.domain.summaries.neutral import neutral
from ticketing.errors import Rejected

ANSWER_CHARS_MAX = 32_000
"""Several times all parts together: a longer answer has not kept the form."""
# Parts of a ticket: a headline, a paragraph, and lists that can be taken in at a glance.
TITLE_CHARS_MAX = 120
TEXT_CHARS_MAX = 1_500
PART_CHARS_MAX = 600
STEP_CHARS_MAX = 250
STEPS_MAX = 6
TAG_CHARS_MAX = 32
TAGS_MAX = 8


class Fault(str, Enum):
    """The reasons why an answer can't be used."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    NO_JSON = "no_json"
    WRONG_SHAPE = "wrong_shape"


class BadAnswer(Rejected, ValueError):
    """The answer can't be used. The message leaves out its text, which may be hostile."""

    def __init__(self, fault: Fault, detail: str = "") -> None:
        self.fault = fault
        super().__init__(fault.value, detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A model's answer, made harmless. `severity` is an opinion."""

    title: str
    summary: str
    root_cause: str = ""
    impact: str = ""
    steps: list[str] = field(default_factory=list)
    severity: Severity | None = None
    tags: list[str] = field(default_factory=list)


def read(text: str | None) -> Answer:
    """The answer in a model's text; raises BadAnswer.

    Title and summary must be there; what else is missing is empty. A field of a wrong type refuses
    the whole answer, since a model that does not keep the form has not understood the task.
    """
    if text is None or not text.strip():
        raise BadAnswer(Fault.EMPTY)
    if len(text) > ANSWER_CHARS_MAX:
        raise BadAnswer(Fault.TOO_LONG, f"{len(text)} characters")
    found = _object(text)
    title, summary = _text(found, "title"), _text(found, "summary")
    shown = neutral(title, TITLE_CHARS_MAX), neutral(summary, TEXT_CHARS_MAX)
    if not all(shown):
        raise BadAnswer(Fault.WRONG_SHAPE, "title or summary is empty")
    steps = [neutral(step, STEP_CHARS_MAX) for step in _texts(found, "steps")[:STEPS_MAX]]
    tags = [tag(name) for name in _texts(found, "tags")[:TAGS_MAX]]
    return Answer(
        title=shown[0],
        summary=shown[1],
        root_cause=neutral(_text(found, "root_cause"), PART_CHARS_MAX),
        impact=neutral(_text(found, "impact"), PART_CHARS_MAX),
        steps=[step for step in steps if step],
        severity=_severity(found.get("severity")),
        tags=list(dict.fromkeys(name for name in tags if name)),
    )


_FENCED = re.compile(r"```(?:json)?\s*(\{.*\})\s*```", re.DOTALL)


def _object(text: str) -> Mapping[str, object]:
    fenced = _FENCED.search(text)
    first = text.find("{")
    for attempt in (text, fenced[1] if fenced else "", text[first:] if first >= 0 else ""):
        try:
            # Anything after the object is chatter.
            found, _ = json.JSONDecoder().raw_decode(attempt.strip())
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            return found
    raise BadAnswer(Fault.NO_JSON)


def _text(found: Mapping[str, object], name: str) -> str:
    value = found.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadAnswer(Fault.WRONG_SHAPE, f"{name} is not a string")
    return value


def _texts(found: Mapping[str, object], name: str) -> list[str]:
    value = found.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadAnswer(Fault.WRONG_SHAPE, f"{name} is not a list of strings")
    return value


def _severity(value: object) -> Severity | None:
    try:
        return Severity.strictly(value.strip().lower()) if isinstance(value, str) else None
    except ValueError:
        return None


def tag(text: str) -> str:
    """A tag as every platform takes it: lower-case letters, digits and dashes."""
    words = re.sub(r"[^a-z0-9]+", "-", unicodedata.normalize("NFKC", text[:200]).lower())
    return words.strip("-")[:TAG_CHARS_MAX].strip("-")
