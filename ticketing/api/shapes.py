"""JSON schemas, made of types in words: those of the field tables, and of small answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ticketing.view import fields
from ticketing.view.fields import Field

Schema = dict[str, Any]
"""A schema of JSON Schema 2020-12; one with a `title` becomes a component of the description."""

_TYPES: dict[str, Schema] = {
    "text": {"type": "string"},
    "time": {"type": "string", "format": "date-time"},
    "number": {"type": "number"},
    "milliseconds": {"type": "number"},
    "yes/no": {"type": "boolean"},
    "object": {"type": "object"},
}
_REMARKS: dict[str, Schema] = {
    "16 hex digits": {"pattern": "^[0-9a-f]{16}$"},
    "0 to 1": {"minimum": 0, "maximum": 1},
}
_EVERY = (*fields.LISTED, *fields.ALONE, *fields.TRACED, *fields.ALERT)
_NULL, _LIST, _COUNT = " or null", "list of ", "number of "


def shape(words: str) -> Schema:
    """The schema of a type such as `text, 16 hex digits`, `time or null`, `list of text`.

    Raises KeyError for words that name no type.
    """
    type, _, remark = words.partition(", ")
    if type.endswith(_NULL):
        return or_null(shape(type.removesuffix(_NULL)))
    if type.startswith(_LIST):
        return listing(shape(type.removeprefix(_LIST).removesuffix("s")))
    found = {"type": "integer"} if type.startswith(_COUNT) else _TYPES[type]
    return {**found, **(_REMARKS[remark] if remark else {})}


def or_null(schema: Schema) -> Schema:
    """The schema of a value that may be null."""
    if isinstance(schema.get("type"), str) and schema.keys().isdisjoint({"title", "enum"}):
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def listing(items: Schema) -> Schema:
    """The schema of a list."""
    return {"type": "array", "items": items}


def choice(values: Iterable[str]) -> Schema:
    """The schema of a text that is one of `values`."""
    return {"type": "string", "enum": list(values)}


def record(
    properties: Mapping[str, str | Schema], *, optional: Sequence[str] = (), title: str = ""
) -> Schema:
    """The schema of an object: its fields by name, each a type in words or a schema."""
    found = {name: shape(one) if isinstance(one, str) else one for name, one in properties.items()}
    return {
        **({"title": title} if title else {}),
        "type": "object",
        "properties": found,
        "required": [name for name in found if name not in optional],
    }


def request_body(properties: Mapping[str, str | Schema], *, optional: Sequence[str] = ()) -> Schema:
    """The schema of a request's object, in which null leaves an optional field out."""
    found = record(properties, optional=optional)
    for name in optional:
        found["properties"][name] = or_null(found["properties"][name])
    return found


def group(given: Sequence[Field], *, optional: Sequence[str] = (), title: str = "") -> Schema:
    """The schema of an object with the fields of a table; the first of one name counts."""
    parts: dict[str, list[Field]] = {}
    for field in given:
        head = field.path.partition(".")[0]
        parts.setdefault(head.rstrip("[]?"), []).append(field)
    properties = {name: _part(name, found) for name, found in parts.items()}
    return record(properties, optional=optional, title=title)


def _part(name: str, given: Sequence[Field]) -> Schema:
    """The schema of a field by its own row, by the rows below it, or by those it is like."""
    own = next((field for field in given if field.name == name), None)
    below = [field for field in given if "." in field.path]
    if below:
        schema = _wrapped(below[0].path.partition(".")[0], group(_stripped(below)))
    elif own is not None and own.like:
        rows = [field for field in _EVERY if field.name.startswith(f"{own.like}.")]
        element = group(_stripped(rows, own.like.count(".") + 1))
        schema = listing(element) if own.type.startswith(_LIST) else or_null(element)
    else:
        assert own is not None, "a field has its own row or rows below it"
        schema = shape(own.type)
    return {**schema, "description": own.meaning} if own is not None else schema


def _wrapped(part: str, schema: Schema) -> Schema:
    if part.endswith("[]"):
        return listing(schema)
    return or_null(schema) if part.endswith("?") else schema


def _stripped(given: Iterable[Field], depth: int = 1) -> list[Field]:
    """The fields without the first `depth` parts of each path."""
    return [
        Field(field.path.split(".", depth)[depth], field.type, field.meaning) for field in given
    ]


LISTED = group(fields.LISTED, title="Incident in a list")
INCIDENT = group(
    (*fields.LISTED, *fields.ALONE, *fields.TRACED, *fields.OTHER_NAMES),
    optional=("resolved_at",),
    title="Incident",
)
ALERT = group(fields.ALERT, title="Alert")
ALERTS, TIMELINE = (INCIDENT["properties"][name] for name in ("alerts", "timeline"))
"""The lists of an incident that have a route of their own."""
PROBLEM = record(
    {
        "type": "text",
        "title": "text",
        "status": "number of HTTP",
        "detail": "text",
        "field": "text",
        "allowed": "list of text",
        "currentStatus": "text",
        "commandId": "text",
        "role": "text",
        "rebuilding": "yes/no",
        "reasons": "list of text",
    },
    optional=("field", "allowed", "currentStatus", "commandId", "role", "rebuilding", "reasons"),
    title="Problem",
)
"""Every error (RFC 9457)."""
