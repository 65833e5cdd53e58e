"""The values of fields as they really come, each turned into the type that is used, or None."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from ticketing.domain.alerts.event_times import in_seconds, moment_of
from ticketing.domain.alerts.field_names import LevelScale
from ticketing.domain.alerts.record_fields import BadInput, Unfit

_SAYING = ("msg", "message", "error", "body", "log", "event")
"""The keys of an object under which its message stands, the likeliest first."""
SAID_DEPTH_MAX = 3
"""Objects in objects that are searched for a message: a log in an event in a message."""
_NAMING = ("name", "id", "path", "value", "text")
"""The keys of an object that name it."""
_NUMBER = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*", re.ASCII)
NUMBER_CHARS_MAX = 400
"""Characters of a number: the largest float has 309 digits."""
_NOT_JSON = frozenset({"nan", "inf", "infinity"})

_SYSLOG = ("EMERG", "ALERT", "CRIT", "ERROR", "WARN", "NOTICE", "INFO", "DEBUG")
_PINO = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
PINO_STEP = 10
"""Between two levels of pino and bunyan; Python's own levels differ from 30 on, and come as words."""
_OTEL = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
OTEL_STEP = 4
"""Numbers of OpenTelemetry that share a word: INFO, INFO2, INFO3, INFO4."""


def text_from(value: Any) -> str | None:
    """A name, id or word: text that is not blank, a number, or what names an object."""
    if isinstance(value, str):
        return value if value and not value.isspace() else None
    if isinstance(value, dict):
        names = (value.get(key) for key in _NAMING)
        return next((str(one) for one in names if _is_simple(one)), None)
    if isinstance(value, list) and len(value) == 1:
        return None if isinstance(value[0], list) else text_from(value[0])
    return _digits(value)


def message_from(value: Any) -> str | None:
    """The text of a message: of an object the message in it, else the value as compact JSON."""
    if isinstance(value, str):
        return value if value and not value.isspace() else None
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], (str, dict)):
        return message_from(value[0])
    if isinstance(value, (dict, list)):
        said = _said(value, SAID_DEPTH_MAX) if isinstance(value, dict) else None
        return said or (_compact(value) if value else None)
    return _digits(value)


def level_from(value: Any, scale: LevelScale) -> str | None:
    """The word of a level; a number that is on no scale stays as it is written."""
    text = text_from(value)
    if text is None or len(text) > NUMBER_CHARS_MAX:
        return text
    if not _NUMBER.fullmatch(text):
        return _otel_word(text) if scale is LevelScale.OTEL else text
    number = float(text)
    if scale is LevelScale.OTEL:
        if 1 <= number < len(_OTEL) * OTEL_STEP + 1:
            return _OTEL[(int(number) - 1) // OTEL_STEP]
        return text
    if 0 <= number < len(_SYSLOG) and number == int(number):
        return _SYSLOG[int(number)]
    if scale is LevelScale.BY_RANGE and PINO_STEP <= number < (len(_PINO) + 1) * PINO_STEP:
        return _PINO[int(number) // PINO_STEP - 1]
    return text


def time_from(value: Any) -> float | None:
    """A moment in Unix seconds: a date and time as text, or a number of any usual unit."""
    number = number_from(value)
    if number is not None:
        return in_seconds(number) if math.isfinite(number) else None
    return moment_of(value) if isinstance(value, str) else None


def number_from(value: Any) -> float | None:
    """A number, or a text that is one."""
    if isinstance(value, str):
        fits = len(value) <= NUMBER_CHARS_MAX and _NUMBER.fullmatch(value)
        return float(value) if fits else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.copysign(math.inf, value)


def score_from(value: Any) -> float:
    """The score, from a number or a text that is one; raises Unfit for anything else."""
    number = number_from(value)
    if number is not None:
        return number
    if isinstance(value, str) and value.strip().lower().lstrip("-+") in _NOT_JSON:
        raise Unfit(BadInput.UNDECODABLE, f"{value.strip()} is not JSON")
    raise Unfit(BadInput.INVALID_SCORE, f"the score is not a number but {type(value).__name__}")


def names_from(value: Any) -> list[str] | None:
    """The names in a list; entries that name nothing are left out."""
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list):
        return None
    return [name for one in value if (name := text_from(one)) is not None]


def _said(value: dict[str, Any], depth: int) -> str | None:
    for key in _SAYING:
        inner = value.get(key)
        if isinstance(inner, str) and inner.strip():
            return inner
        if isinstance(inner, dict) and depth > 1:
            found = _said(inner, depth - 1)
            if found is not None:
                return found
    return None


def _otel_word(text: str) -> str:
    """A level's word without OpenTelemetry's finer steps and protobuf's prefix."""
    word = text.upper().removeprefix("SEVERITY_NUMBER_").rstrip("234")
    return word if word in _OTEL else text


def _is_simple(value: Any) -> bool:
    if isinstance(value, str):
        return bool(value.strip())
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _digits(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return str(value)
    except ValueError:
        return None  # An integer of thousands of digits.


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
