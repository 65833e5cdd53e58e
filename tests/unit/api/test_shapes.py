"""Types in words become schemas, and tables of fields schemas of groups."""

from __future__ import annotations

from typing import Any

import pytest

from ticketing.api.shapes import group, or_null, shape
from ticketing.view import fields
from ticketing.view.fields import Field


@pytest.mark.parametrize(
    ("words", "schema"),
    [
        ("text", {"type": "string"}),
        ("text, 16 hex digits", {"type": "string", "pattern": "^[0-9a-f]{16}$"}),
        ("time or null", {"type": ["string", "null"], "format": "date-time"}),
        ("list of times", {"type": "array", "items": {"type": "string", "format": "date-time"}}),
        ("number of records", {"type": "integer"}),
        ("number, 0 to 1", {"type": "number", "minimum": 0, "maximum": 1}),
        ("yes/no", {"type": "boolean"}),
    ],
)
def test_a_type_in_words_has_its_schema(words: str, schema: dict[str, Any]) -> None:
    assert shape(words) == schema


@pytest.mark.parametrize("words", ["texts", "list of things", "text, 15 hex digits"])
def test_words_that_name_no_type_are_refused(words: str) -> None:
    with pytest.raises(KeyError):
        shape(words)


def test_a_table_becomes_nested_groups() -> None:
    rows = [
        Field("id", "text", "the id"),
        Field("cause?.service", "text", "where"),
        Field("windows[].count", "number of records", "in it"),
    ]
    assert group(rows) == {
        "type": "object",
        "properties": {
            "id": {"type": "string", "description": "the id"},
            "cause": or_null(group([Field("service", "text", "where")])),
            "windows": {
                "type": "array",
                "items": group([Field("count", "number of records", "in it")]),
            },
        },
        "required": ["id", "cause", "windows"],
    }


def test_what_is_like_another_list_has_the_fields_of_its_elements() -> None:
    rows = [
        Field("bars", "list of objects", "as `windows[]`"),
        Field("last", "object or null", "as `windows[]`"),
    ]
    shown = group(rows)["properties"]
    assert set(shown["bars"]["items"]["properties"]) == {"start", "count"}
    assert shown["last"] == {**or_null(shown["bars"]["items"]), "description": "as `windows[]`"}


def test_every_field_of_the_tables_has_a_known_type() -> None:
    for field in (
        *fields.LISTED,
        *fields.ALONE,
        *fields.TRACED,
        *fields.OTHER_NAMES,
        *fields.ALERT,
    ):
        assert shape(field.type), field.path
        assert field.meaning, field.path
