"""The JSON Schema of the configuration, for editors and for the Helm chart.

The schema takes whatever a start takes, and a little more: contradictions between settings are left
to `ticketing config check`. A value may be null, or an empty string, which both mean "not set".
"""

from __future__ import annotations

from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BeforeValidator, SecretStr
from pydantic.fields import FieldInfo

from ticketing.config.model import Config
from ticketing.config.schema import is_section, keyed_by_severity
from ticketing.config.values import Section, seconds, seconds_or_off
from ticketing.domain.severity import Severity

DIALECT = "http://json-schema.org/draft-07/schema#"
"""The draft that both Helm and editors read."""
_DURATION = r"^ *([0-9]+([.][0-9]+)?|([0-9]+([.][0-9]+)? *(ms|s|m|h|d|w) *)+)? *$"
_OFF = "^ *([Oo]ff|[Nn]one|[Nn]ever|[Nn]ull) *$"
_PLAIN: dict[Any, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    Path: "string",
    SecretStr: "string",
}
_BOUNDS = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}


def document() -> dict[str, Any]:
    """The schema of a configuration file."""
    return {"$schema": DIALECT, "title": "Ticketing agent", **of_section(Config)}


def of_section(section: type[Section]) -> dict[str, Any]:
    """The schema of a group of settings."""
    properties = {
        field.alias or name: _described(field) for name, field in section.model_fields.items()
    }
    return {"type": ["object", "null"], "additionalProperties": False, "properties": properties}


def _described(field: FieldInfo) -> dict[str, Any]:
    text = " ".join((field.description or "").split())
    # Pydantic has taken the outermost Annotated apart.
    schema = _of(field.annotation, list(field.metadata))
    return {"description": text, **schema} if text else schema


def _of(annotation: Any, metadata: list[Any]) -> dict[str, Any]:
    """The schema of a type with what is said of the type: validators and bounds."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _of(args[0], [*metadata, *args[1:]])
    if origin in (Union, UnionType):
        (inner,) = (arg for arg in args if arg is not type(None))
        return _of(inner, metadata)
    validators = [part.func for part in metadata if isinstance(part, BeforeValidator)]
    if seconds in validators or seconds_or_off in validators:
        return _duration(optional=seconds_or_off in validators)
    schema = _of_type(annotation) | _bounds(metadata)
    if validators and not keyed_by_severity(annotation):
        # A single value may stand for a group, a list or a text.
        return {"anyOf": [schema, {"type": ["string", "number", "boolean"]}]}
    return schema


def _duration(*, optional: bool) -> dict[str, Any]:
    if not optional:
        return {"type": ["string", "number", "null"], "pattern": _DURATION}
    return {
        "type": ["string", "number", "boolean", "null"],
        "anyOf": [{"type": "boolean", "const": False}, {"pattern": _DURATION}, {"pattern": _OFF}],
    }


def _bounds(metadata: list[Any]) -> dict[str, Any]:
    """The bounds of a number; pydantic nests those of one `Field` below its metadata."""
    parts = [inner for part in metadata for inner in (part, *getattr(part, "metadata", []))]
    return {
        keyword: getattr(part, name)
        for part in parts
        for name, keyword in _BOUNDS.items()
        if getattr(part, name, None) is not None
    }


def _of_type(annotation: Any) -> dict[str, Any]:
    origin, args = get_origin(annotation), get_args(annotation)
    if is_section(annotation):
        return of_section(annotation)
    if origin is tuple:
        return {"type": ["array", "null"], "items": _of(args[0], [])}
    if origin is dict:
        return _of_mapping(annotation)
    if origin is Literal:
        return {"enum": [*args, "", None]}
    if annotation is Severity:
        return {"enum": [*(severity.value for severity in Severity), "", None]}
    if annotation is Any:
        return {}
    return {"type": [_PLAIN[annotation], "null"]}


def _of_mapping(annotation: Any) -> dict[str, Any]:
    value = _of(get_args(annotation)[1], [])
    if not keyed_by_severity(annotation):
        return {"type": ["object", "null"], "additionalProperties": value}
    keys = {severity.value: value for severity in Severity}
    return {"type": ["object", "null"], "additionalProperties": False, "properties": keys}
