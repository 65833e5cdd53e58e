"""Create metadata: the fields on the screen of a new issue, by project and issue type.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from ticketing.sandbox.jira import directory, fields
from ticketing.sandbox.jira.access import authorize, is_cloud
from ticketing.sandbox.jira.answers import refuse, start_and_size
from ticketing.sandbox.jira.behaviours import JiraBehaviours
from ticketing.sandbox.platform import Call

METADATA_PAGE_MAX = 200
"""Cloud's largest page of create metadata; a request for more gets a page of this size."""


def all_fields(call: Call) -> web.Response:
    """GET field: every field of the instance."""
    authorize(call)
    rows = [
        {"id": key, "key": key, "name": name, "custom": "custom" in schema, "schema": schema}
        for key, (name, _, schema) in fields.CREATE_FIELDS.items()
    ]
    return web.json_response(rows)


def issue_types(call: Call) -> web.Response:
    """GET createmeta/{project}/issuetypes."""
    authorize(call)
    directory.project_of(call)
    rows = [{**one, "subtask": False} for one in directory.rows(directory.ISSUE_TYPES)]
    return _page(call, "issueTypes", rows)


def on_screen(behaviours: JiraBehaviours) -> list[str]:
    """The ids of the fields on the create screen."""
    missing = behaviours.screen_without.split(",")
    return [one for one in fields.CREATE_FIELDS if one not in missing]


class Screens:
    """The create screens, without the fields that an administrator took away."""

    def __init__(self, behaviours: JiraBehaviours) -> None:
        self._behaviours = behaviours

    def create_fields(self, call: Call) -> web.Response:
        """GET createmeta/{project}/issuetypes/{type}: the fields of a create screen."""
        authorize(call)
        directory.project_of(call)
        if call.params["type"] not in directory.ISSUE_TYPES.values():
            refuse(404, "Issue type with this id does not exist.")
        return _page(call, "fields", [_metadata(one) for one in on_screen(self._behaviours)])


def _page(call: Call, name: str, rows: list[dict[str, Any]]) -> web.Response:
    """Cloud names the list after its content, Data Center calls every list `values`."""
    start, size = start_and_size(dict(call.query))
    if is_cloud(call):
        size = min(size, METADATA_PAGE_MAX)
    page = {"maxResults": size, "startAt": start, "total": len(rows)}
    list_name = name if is_cloud(call) else "values"
    return web.json_response({**page, list_name: rows[start : start + size]})


def _metadata(field: str) -> dict[str, Any]:
    name, required, schema = fields.CREATE_FIELDS[field]
    choices: dict[str, Any] = {
        "priority": directory.rows(directory.PRIORITIES),
        "issuetype": directory.rows(directory.ISSUE_TYPES),
    }
    if field in fields.SELECTIONS:
        choices[field] = [
            {"id": str(index), "value": one} for index, one in enumerate(fields.SELECTIONS[field])
        ]
    more = {"allowedValues": choices[field]} if field in choices else {}
    custom = {"customId": int(field.rsplit("_", 1)[1])} if "custom" in schema else {}
    return {
        "fieldId": field,
        "key": field,
        "name": name,
        "required": required,
        "hasDefaultValue": field == "priority",
        "operations": ["add", "set", "remove"] if schema["type"] == "array" else ["set"],
        "schema": {**schema, **custom},
        **more,
    }
