"""Converts configured values to the types that Jira's create metadata names.

https://developer.atlassian.com/server/jira/platform/jira-rest-api-examples/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from typing import Any

from sinks.calls.outcome import Reason
from sinks.jira.answers import Field
from sinks.jira.dialect import Dialect
from sinks.text.utf16 import cut_units
from ticketing.errors import Rejected

# Jira's limits of a one-line text field and of a label.
TEXT_UNITS_MAX = 255
LABEL_UNITS_MAX = 255
SHOWN_MAX = 12
"""Keeps a message readable; few fields have more values to choose from."""

Typed = Callable[[str, Field, Dialect], Any]


class BadValue(Rejected):
    """A value that the field can't hold; `detail` says why."""

    def __init__(self, detail: str) -> None:
        super().__init__(Reason.INVALID.value, detail)


def typed(value: Any, field: Field, dialect: Dialect) -> Any:
    """The value converted to the field's type; raises BadValue.

    An object is sent unchanged, as a value that is configured in Jira's own form.
    """
    if isinstance(value, dict) or (isinstance(value, list) and _has_objects(value)):
        return value
    if field.schema.type == "array":
        one = _ITEMS.get(field.schema.items, _referred)
        return [one(item, field, dialect) for item in _parts(value, field)]
    if isinstance(value, list):
        value = ", ".join(_words(item) for item in value)
    return _KINDS.get(field.schema.type, _plain)(_words(value), field, dialect)


def find(fields: Iterable[tuple[str, Field]], wanted: str) -> tuple[str, Field] | None:
    """The field with the wanted id, else the only field with that name."""
    rows = list(fields)
    for key, field in rows:
        if key == wanted:
            return key, field
    named = [row for row in rows if row[1].name.casefold() == wanted.casefold()]
    return named[0] if len(named) == 1 else None


def allowed(field: Field) -> list[str]:
    """The names of the allowed values; empty if Jira does not list them."""
    names = [str(one.get("value") or one.get("name") or "") for one in field.allowed_values]
    return [name for name in names if name]


def label(text: str) -> str:
    """The text as a label, in which no white space is allowed."""
    return cut_units(re.sub(r"\s+", "-", text.strip()), LABEL_UNITS_MAX)


def _has_objects(value: list[Any]) -> bool:
    return any(isinstance(item, dict) for item in value)


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _parts(value: Any, field: Field) -> list[str]:
    """The items of a list, or of a text with commas; white space also separates labels."""
    if isinstance(value, list):
        return [_words(item) for item in value if _words(item).strip()]
    separators = r"[,\s]+" if _is_labels(field) else r","
    return [part.strip() for part in re.split(separators, _words(value)) if part.strip()]


def _is_labels(field: Field) -> bool:
    return field.schema.items == "string"


def _plain(value: str, field: Field, dialect: Dialect) -> Any:
    return value


def _string(value: str, field: Field, dialect: Dialect) -> Any:
    kind = field.schema.custom.rpartition(":")[2]
    if kind == "textarea" or field.schema.system in ("description", "environment"):
        return dialect.paragraphs(value)
    return cut_units(" ".join(value.split()), TEXT_UNITS_MAX)


def _number(value: str, field: Field, dialect: Dialect) -> float:
    try:
        number = float(value)
    except ValueError:
        raise BadValue(f'"{cut_units(value, 40)}" is not a number') from None
    if not -1e15 < number < 1e15:
        raise BadValue("the number is too large")
    return int(number) if number == int(number) else number


def _date(value: str, field: Field, dialect: Dialect) -> str:
    return _moment(value).strftime("%Y-%m-%d")


def _datetime(value: str, field: Field, dialect: Dialect) -> str:
    moment = _moment(value)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"


def _moment(value: str) -> datetime:
    """A time in ISO 8601 or Unix seconds, in UTC; raises BadValue."""
    text = value.strip()
    try:
        if re.fullmatch(r"\d{9,10}(\.\d+)?", text):
            return datetime.fromtimestamp(float(text), timezone.utc)
        # Our own times end in the zone's name; Python 3.10 does not parse a final Z.
        found = datetime.fromisoformat(re.sub(r"( UTC|Z)$", "+00:00", text))
    except ValueError:
        short = cut_units(value, 40)
        raise BadValue(f'"{short}" is not a time, expected ISO 8601 or Unix seconds') from None
    if found.tzinfo is None:
        return found.replace(tzinfo=timezone.utc)
    return found.astimezone(timezone.utc)


def _referred(value: str, field: Field, dialect: Dialect) -> dict[str, str]:
    """The allowed object named `value`; a kind that is not known takes no mere names."""
    for one in field.allowed_values:
        if value.casefold() in (
            str(one.get(key, "")).casefold() for key in ("name", "value", "id")
        ):
            return {"id": str(one.get("id", ""))}
    raise BadValue(
        f'"{cut_units(value, 40)}" is a name; the field takes objects of Jira\'s own form, such as '
        '[{"id": "..."}]'
    )


def _option(value: str, field: Field, dialect: Dialect) -> dict[str, str]:
    return {"value": _chosen(value, field)}


def _cascading(value: str, field: Field, dialect: Dialect) -> dict[str, Any]:
    parent, _, child = (part.strip() for part in value.partition("/"))
    chosen: dict[str, Any] = {"value": _chosen(parent, field)}
    return {**chosen, "child": {"value": child}} if child else chosen


def _named(value: str, field: Field, dialect: Dialect) -> dict[str, str]:
    return {"name": _chosen(value, field)}


def _chosen(value: str, field: Field) -> str:
    """The allowed value named `value`, in Jira's spelling."""
    names = allowed(field)
    if not names:
        return value
    for name in names:
        if name.casefold() == value.strip().casefold():
            return name
    more = len(names) - SHOWN_MAX
    said = ", ".join(names[:SHOWN_MAX]) + (f" and {more} more" if more > 0 else "")
    raise BadValue(f'"{cut_units(value, 40)}" is not allowed; allowed: {said}')


def _user(value: str, field: Field, dialect: Dialect) -> dict[str, str]:
    return dialect.user(value.strip())


def _keyed(value: str, field: Field, dialect: Dialect) -> dict[str, str]:
    return {"key": value.strip()}


def _label(value: str, field: Field, dialect: Dialect) -> str:
    return label(value)


_NAMED = ("priority", "resolution", "version", "component", "group", "issuetype", "securitylevel")
_KINDS: dict[str, Typed] = {
    "string": _string,
    "number": _number,
    "date": _date,
    "datetime": _datetime,
    "option": _option,
    "option-with-child": _cascading,
    "user": _user,
    "project": _keyed,
    "issuelink": _keyed,
    **dict.fromkeys(_NAMED, _named),
}
_ITEMS: dict[str, Typed] = {**_KINDS, "string": _label}
