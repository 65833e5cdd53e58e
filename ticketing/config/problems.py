"""Problems of a configuration, as sentences that name the key, the value and the fix."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path as FilePath
from typing import Any

from pydantic_core import ErrorDetails

from ticketing.config.model import Config
from ticketing.config.schema import at, bare, holds_secret, settings
from ticketing.domain.severity import Severity

Path = tuple[str | int, ...]
SHOWN_CHARS_MAX = 60
"""Enough to recognize a value in a line of output."""

ACCOUNTS = frozenset({"userEmail", "username"})
"""Accounts of a token or a password, which are kept where that is."""

_PLAIN = {
    "int": "must be a whole number",
    "float": "must be a number",
    "bool": "must be true or false",
    "path": "must be a path",
    "tuple": "must be a list",
    "list": "must be a list",
    "dict": "must be a group of keys",
    "model": "must be a group of keys",
}
"""By the first word of pydantic's error type, such as `int_parsing` and `int_from_float`."""
_BOUNDS = {
    "greater than or equal to": "at least",
    "less than or equal to": "at most",
    "greater than": "more than",
}


@dataclass(frozen=True)
class Problem:
    """A problem of the configuration: the path of the setting, and its fault."""

    path: Path
    text: str

    def __str__(self) -> str:
        return f"{dotted(self.path)}: {self.text}" if self.path else self.text


def of_absent_secret(problem: Problem) -> bool:
    """True for a problem that a secret, the account that it is of, or a mounted file would solve."""
    if problem.text.startswith("file not found") and at(Config, problem.path) is FilePath:
        return True
    if problem.text.startswith("is required"):
        return problem.path[-1] in ACCOUNTS or holds_secret(at(Config, problem.path))
    needed = problem.text.removeprefix("needs ")
    return needed != problem.text and holds_secret(at(Config, tuple(needed.split("."))))


def dotted(path: Path) -> str:
    """A path in dotted form: `routing.critical[0]`."""
    shown = ""
    for part in path:
        if isinstance(part, int):
            shown += f"[{part}]"
        else:
            shown += f".{part}" if shown else str(part)
    return shown


def nearest(given: str, valid: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The valid word nearest to the given one, ignoring case; None without a near one."""
    words = {word.lower().replace("_", "").replace("-", ""): word for word in valid}
    plain = given.lower().replace("_", "").replace("-", "")
    found = get_close_matches(plain, list(words), n=1, cutoff=cutoff)
    return words[found[0]] if found else None


def suggestion(given: str, valid: Iterable[str], cutoff: float = 0.6) -> str:
    """`; did you mean "x"?`, or the empty string."""
    found = nearest(given, valid, cutoff)
    return f'; did you mean "{found}"?' if found else ""


def unknown_key(path: Path) -> Problem:
    """The problem of an unknown key, without its value, as the key may be a secret's misspelt."""
    section, key = at(Config, path[:-1]), str(path[-1])
    valid = [field.alias or name for name, field in section.model_fields.items()]
    found = nearest(key, valid)
    if found is None:
        found = next(
            (s.dotted for s in settings(Config) if s.path[-1].lower() == key.lower()), None
        )
    elif path[:-1]:
        found = f"{dotted(path[:-1])}.{found}"
    if found:
        return Problem(path, f'is not a key here; did you mean "{found}"?')
    return Problem(path, f"is not a key here; keys: {', '.join(valid)}")


def explain(error: ErrorDetails, given: Mapping[str, Any]) -> Problem:
    """A pydantic error as a problem."""
    if error["loc"] and error["loc"][-1] == "[key]":
        return _wrong_severity(error["loc"][:-1])
    kind, path = error["type"], _given_path(error["loc"], given)
    context = error.get("ctx") or {}
    if kind == "extra_forbidden":
        return unknown_key(path)
    if kind == "missing":
        return Problem(path, "is required")
    if kind in ("literal_error", "enum"):
        return _wrong_choice(path, _value(given, path), str(context["expected"]))
    if kind == "too_short":
        return Problem(path, f"must hold at least {context['min_length']}")
    text = str(context["error"]) if kind == "value_error" else _must(kind, error["msg"])
    if kind == "string_type" and not isinstance(_value(given, path), (dict, list, type(None))):
        text = "must be text: put it in quotes"
    return Problem(path, f"{text}{_but(path, _value(given, path))}")


def _given_path(path: Path, given: Any) -> Path:
    """The path of the given value, as one duration may stand for all four severities."""
    for depth, part in enumerate(path):
        if not isinstance(given, (Mapping, list, tuple)) and given is not None:
            return path[:depth]
        given = _value(given, (part,))
    return path


def _must(kind: str, message: str) -> str:
    """Pydantic's message, in the words of a configuration file."""
    plain = _PLAIN.get(kind.partition("_")[0])
    if plain is not None:
        return plain
    for pydantic, ours in _BOUNDS.items():
        message = message.replace(pydantic, ours, 1)
    return message.replace("Input should ", "must ", 1).replace("String should ", "must ", 1)


def _wrong_severity(path: Path) -> Problem:
    names = [severity.value for severity in Severity]
    text = f"is not a severity; severities: {', '.join(names)}{suggestion(str(path[-1]), names)}"
    return Problem(path, text)


def _wrong_choice(path: Path, value: Any, expected: str) -> Problem:
    allowed = [word for word in expected.replace(" or ", ", ").replace("'", "").split(", ") if word]
    near = suggestion(value, allowed) if isinstance(value, str) else ""
    return Problem(path, f"must be one of {', '.join(allowed)}{_but(path, value)}{near}")


def _but(path: Path, value: Any) -> str:
    """The given value, unless it may be a secret."""
    if value is None:
        return ", but nothing was given"
    annotation = bare(at(Config, path))
    if annotation is None or holds_secret(annotation) or "@" in str(value):
        return ""
    if isinstance(value, (dict, list)):
        return ", not a list" if isinstance(value, list) else ", not a group of keys"
    shown = value if isinstance(value, str) else repr(value)
    if len(shown) > SHOWN_CHARS_MAX:
        shown = shown[:SHOWN_CHARS_MAX] + "…"
    return f', not "{shown}"'


def _value(given: Any, path: Sequence[str | int]) -> Any:
    for part in path:
        if isinstance(given, Mapping):
            given = given.get(part)
        elif isinstance(given, (list, tuple)) and isinstance(part, int) and part < len(given):
            given = given[part]
        else:
            return None
    return given
