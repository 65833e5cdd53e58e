"""The cells of a row as a call asks for them: values, display values, links of references."""

from __future__ import annotations

from typing import Any

from ticketing.sandbox.platform import Call
from ticketing.sandbox.servicenow import directory, fields


def shown(call: Call, row: dict[str, Any]) -> dict[str, Any]:
    """A row with the columns of `sysparm_fields`, or all of them."""
    names = call.query.get("sysparm_fields")
    wanted = names.split(",") if names else [name for name in row if name != "journal"]
    return {name: _cell(call, row, name) for name in wanted if name.split(".")[0] in row}


def column_of(row: dict[str, Any], name: str) -> str:
    """The value of a column; `a.b` is column b of the row to which reference a points."""
    own, _, inner = name.partition(".")
    value = str(row.get(own, ""))
    if not inner:
        return value
    rows = directory.TABLES.get(fields.REFERENCES.get(own, ""), [])
    return next((target.get(inner, "") for target in rows if target["sys_id"] == value), "")


def _cell(call: Call, row: dict[str, Any], name: str) -> Any:
    if name in fields.JOURNALS:
        return ""
    if "." in name:
        return column_of(row, name)
    value = str(row[name])
    table = fields.REFERENCES.get(name)
    display = call.query.get("sysparm_display_value", "false")
    label = _label(name, value)
    if display == "all":
        return {"display_value": label, "value": value}
    if not table or not value:
        return label if display == "true" else value
    link = f"{call.base_url}/api/now/table/{table}/{value}"
    if call.query.get("sysparm_exclude_reference_link") == "true":
        return label if display == "true" else value
    if display == "true":
        return {"display_value": label, "link": link}
    return {"link": link, "value": value}


def _label(name: str, value: str) -> str:
    if name in fields.REFERENCES:
        return column_of({name: value}, f"{name}.name")
    return fields.LABELS.get(name, {}).get(value, value)
