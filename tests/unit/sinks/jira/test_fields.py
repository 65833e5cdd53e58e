"""Configured values become what the field's type wants, or say why they can't."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from sinks.jira import fields
from sinks.jira.answers import Field
from sinks.jira.dialect import CLOUD, DATA_CENTER
from ticketing.sandbox.jira.adf import document_problems

CUSTOM = "com.atlassian.jira.plugin.system.customfieldtypes"


def a_field(type_: str, **schema: str) -> Field:
    return Field(name="Some field", schema=msgspec.convert({"type": type_, **schema}, _schema()))


def _schema() -> type:
    return type(Field().schema)


def with_values(field: Field, *names: str) -> Field:
    return msgspec.structs.replace(field, allowed_values=[{"value": name} for name in names])


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        (a_field("string", custom=f"{CUSTOM}:textfield"), "a\n b", "a b"),
        (a_field("number"), "17", 17),
        (a_field("number"), 0.5, 0.5),
        (a_field("option"), "Prod", {"value": "Prod"}),
        (with_values(a_field("option"), "Prod", "Staging"), "prod", {"value": "Prod"}),
        (
            a_field("option-with-child"),
            "EU / Berlin",
            {"value": "EU", "child": {"value": "Berlin"}},
        ),
        (a_field("user"), "5b10", {"accountId": "5b10"}),
        (a_field("array", items="string"), "one two, three", ["one", "two", "three"]),
        (a_field("array", items="string"), ["with space", 7], ["with-space", "7"]),
        (a_field("array", items="option"), "EU, US", [{"value": "EU"}, {"value": "US"}]),
        (a_field("array", items="component"), ["API"], [{"name": "API"}]),
        (a_field("priority"), "High", {"name": "High"}),
        (a_field("project"), "OPS", {"key": "OPS"}),
        (a_field("date"), "2026-01-31", "2026-01-31"),
        (a_field("date"), "2026-01-31 23:00:00 UTC", "2026-01-31"),
        (a_field("date"), "2026-01-31T23:30:00-02:00", "2026-02-01"),
        (a_field("datetime"), "2026-01-31 03:00:00 UTC", "2026-01-31T03:00:00.000+0000"),
        (a_field("datetime"), "2026-01-31T03:00:00.25Z", "2026-01-31T03:00:00.250+0000"),
        (a_field("datetime"), 1769828400, "2026-01-31T03:00:00.000+0000"),
        (
            msgspec.structs.replace(
                a_field("array", items="service"), allowed_values=[{"id": "7", "name": "Shop"}]
            ),
            "shop",
            [{"id": "7"}],
        ),
        (a_field("any"), "as it is", "as it is"),
        (a_field("option"), {"id": "10"}, {"id": "10"}),
        (a_field("array", items="option"), [{"id": "10"}], [{"id": "10"}]),
    ],
)
def test_a_value_takes_the_form_of_its_field(field: Field, value: Any, expected: Any) -> None:
    assert fields.typed(value, field, CLOUD) == expected


def test_a_text_area_is_a_document_on_cloud_only() -> None:
    area = a_field("string", custom=f"{CUSTOM}:textarea")
    assert document_problems(fields.typed("one\n\ntwo", area, CLOUD)) == []
    assert fields.typed("one\n\ntwo", area, DATA_CENTER) == "one\n\ntwo"


def test_a_user_is_named_differently_on_data_center() -> None:
    assert fields.typed("alice", a_field("user"), DATA_CENTER) == {"name": "alice"}


def test_a_long_text_is_cut_visibly() -> None:
    cut = fields.typed("🔥" * 300, a_field("string"), CLOUD)
    assert cut.endswith("…")
    assert len(cut.encode("utf-16-le")) // 2 <= 255


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        (a_field("number"), "many", "not a number"),
        (a_field("number"), "nan", "too large"),
        (a_field("date"), "soon", "not a time, expected ISO 8601 or Unix seconds"),
        (a_field("datetime"), "2026-13-01", "not a time"),
        (a_field("array", items="service"), "shop", "is a name; the field takes objects"),
        (a_field("number"), "1e300", "too large"),
        (
            with_values(a_field("option"), "Prod", "Staging"),
            "Test",
            "not allowed; allowed: Prod, Staging",
        ),
        (
            with_values(a_field("array", items="option"), "EU"),
            "EU,Mars",
            "not allowed; allowed: EU",
        ),
    ],
)
def test_a_value_that_does_not_fit_says_why(field: Field, value: Any, said: str) -> None:
    with pytest.raises(fields.BadValue, match=said):
        fields.typed(value, field, CLOUD)


def test_fields_are_found_by_id_or_by_a_name_that_is_unique() -> None:
    rows = [("cf_1", Field(name="Team")), ("cf_2", Field(name="Region")), ("Team", Field())]
    assert fields.find(rows, "region") == rows[1]
    assert fields.find(rows, "cf_1") == rows[0]
    assert fields.find(rows, "Team") == rows[2]
    assert fields.find([("a", Field(name="Same")), ("b", Field(name="Same"))], "Same") is None
