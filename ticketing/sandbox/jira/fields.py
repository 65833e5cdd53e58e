"""Jira's fields: those of the screens, and the values that each kind takes.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from ticketing.sandbox.jira.adf import CHARS_MAX, document_problems
from ticketing.sandbox.jira.directory import (
    ACCOUNTS,
    ISSUE_TYPES,
    PRIORITIES,
    PROJECTS,
    RESOLUTIONS,
)

SUMMARY_MAX, LABEL_MAX, TEXT_FIELD_MAX = 255, 255, 255
"""Jira's limits."""

SELECTIONS = {"customfield_10010": ("Prod", "Staging"), "customfield_10016": ("EU", "US", "APAC")}

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_DATETIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4}")
_PREFIX = "com.atlassian.jira.plugin.system.customfieldtypes"
CREATE_FIELDS: dict[str, tuple[str, bool, dict[str, Any]]] = {
    "project": ("Project", True, {"type": "project", "system": "project"}),
    "issuetype": ("Issue Type", True, {"type": "issuetype", "system": "issuetype"}),
    "summary": ("Summary", True, {"type": "string", "system": "summary"}),
    "description": ("Description", False, {"type": "string", "system": "description"}),
    "labels": ("Labels", False, {"type": "array", "items": "string", "system": "labels"}),
    "priority": ("Priority", False, {"type": "priority", "system": "priority"}),
    "assignee": ("Assignee", False, {"type": "user", "system": "assignee"}),
    "reporter": ("Reporter", False, {"type": "user", "system": "reporter"}),
    "duedate": ("Due date", False, {"type": "date", "system": "duedate"}),
    "customfield_10010": ("Environment", False, {"type": "option", "custom": f"{_PREFIX}:select"}),
    "customfield_10011": ("Service", False, {"type": "string", "custom": f"{_PREFIX}:textfield"}),
    "customfield_10012": ("Evidence", False, {"type": "string", "custom": f"{_PREFIX}:textarea"}),
    "customfield_10013": ("On call", False, {"type": "user", "custom": f"{_PREFIX}:userpicker"}),
    "customfield_10014": ("Errors", False, {"type": "number", "custom": f"{_PREFIX}:float"}),
    "customfield_10015": (
        "Teams",
        False,
        {"type": "array", "items": "string", "custom": f"{_PREFIX}:labels"},
    ),
    "customfield_10017": (
        "Began",
        False,
        {"type": "datetime", "custom": f"{_PREFIX}:datetime"},
    ),
    "customfield_10018": (
        "Affected services",
        False,
        {"type": "array", "items": "service", "custom": f"{_PREFIX}:services"},
    ),
    "customfield_10016": (
        "Regions",
        False,
        {"type": "array", "items": "option", "custom": f"{_PREFIX}:multiselect"},
    ),
}
"""Field id: name, True if required, schema. The same on every create screen."""

Rule = Callable[[str, Any, bool], str]
"""Takes field id, value, and True for v3; returns the problem, or an empty string."""


def _chosen(known: dict[str, str], text: str) -> Rule:
    def rule(field: str, value: Any, v3: bool) -> str:
        if not isinstance(value, dict):
            return "data was not an object"
        if value.get("name") in known or value.get("id") in known.values():
            return ""
        return "" if field == "project" and value.get("key") in known else text

    return rule


def _summary(field: str, value: Any, v3: bool) -> str:
    if not isinstance(value, str):
        return "Operation value must be a string"
    if not value.strip():
        return "You must specify a summary of the issue."
    if "\n" in value:
        return "The summary is invalid because it contains newline characters."
    return "" if len(value) <= SUMMARY_MAX else f"Summary can't exceed {SUMMARY_MAX} characters."


def long_text(field: str, value: Any, v3: bool) -> str:
    """A document in v3, a string in v2."""
    if value is None:
        return ""
    if v3:
        return next(iter(document_problems(value)), "")
    if not isinstance(value, str):
        return "Operation value must be a string"
    over = len(value) > CHARS_MAX
    limit = f"The entered text is too long. It exceeds the allowed limit of {CHARS_MAX:,}"
    return f"{limit} characters." if over else ""


def _short_text(field: str, value: Any, v3: bool) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return "Operation value must be a string"
    return "" if len(value) <= TEXT_FIELD_MAX else f"must not exceed {TEXT_FIELD_MAX} characters"


def _labels(field: str, value: Any, v3: bool) -> str:
    if not isinstance(value, list) or not all(isinstance(label, str) for label in value):
        return "data was not an array of strings"
    for label in value:
        if not label or any(character.isspace() for character in label):
            return f"The label '{label}' contains spaces which is invalid."
        if len(label) > LABEL_MAX:
            return f"The label '{label[:20]}...' exceeds the limit of {LABEL_MAX} characters."
    return ""


def user(field: str, value: Any, v3: bool) -> str:
    """An account id on Cloud, a user name on Data Center."""
    if value is None:
        return ""
    if not isinstance(value, dict):
        return "data was not an object"
    if v3:
        known = value.get("accountId", value.get("id")) in ACCOUNTS
    else:
        known = value.get("name") in ACCOUNTS.values() or value.get("accountId") in ACCOUNTS
    return "" if known else "User does not exist or cannot be assigned issues."


def _option(field: str, value: Any, v3: bool) -> str:
    if value is None:
        return ""
    if not isinstance(value, dict):
        return "Specify a valid 'id' or 'value' for the field"
    if value.get("value") in SELECTIONS[field]:
        return ""
    return f"Option value '{value.get('value')}' is not valid"


def _options(field: str, value: Any, v3: bool) -> str:
    if not isinstance(value, list):
        return "data was not an array"
    return next((text for item in value if (text := _option(field, item, v3))), "")


def _number(field: str, value: Any, v3: bool) -> str:
    good = value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))
    return "" if good else "Operation value must be a number"


def _date(field: str, value: Any, v3: bool) -> str:
    good = value is None or (isinstance(value, str) and _DATE.fullmatch(value))
    return "" if good else "Error parsing date string: expected yyyy-MM-dd."


def _datetime(field: str, value: Any, v3: bool) -> str:
    good = value is None or (isinstance(value, str) and _DATETIME.fullmatch(value))
    return "" if good else "Operation value must be a datetime in ISO 8601 with milliseconds."


def _objects(field: str, value: Any, v3: bool) -> str:
    good = isinstance(value, list) and all(isinstance(one, dict) and "id" in one for one in value)
    return "" if good else "data was not an array of objects with an id"


RULES: dict[str, Rule] = {
    "project": _chosen(PROJECTS, "valid project is required"),
    "issuetype": _chosen(ISSUE_TYPES, "Specify a valid issue type"),
    "summary": _summary,
    "description": long_text,
    "labels": _labels,
    "priority": _chosen(PRIORITIES, "The priority selected is invalid."),
    "assignee": user,
    "reporter": user,
    "duedate": _date,
    "customfield_10010": _option,
    "customfield_10011": _short_text,
    "customfield_10012": long_text,
    "customfield_10013": user,
    "customfield_10014": _number,
    "customfield_10015": _labels,
    "customfield_10016": _options,
    "customfield_10017": _datetime,
    "customfield_10018": _objects,
    "resolution": _chosen(RESOLUTIONS, "Specify a valid resolution"),
}


def field_problems(fields: dict[str, Any], screen: Iterable[str], v3: bool) -> dict[str, str]:
    """The problems by field id; a field that is not on the screen is one."""
    allowed = set(screen)
    problems: dict[str, str] = {}
    for name, value in fields.items():
        if name not in allowed:
            problems[name] = (
                f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."
            )
        elif text := RULES[name](name, value, v3):
            problems[name] = text
    return problems


def named(known: dict[str, str], value: dict[str, Any]) -> dict[str, str]:
    """The known id and name to which a value refers."""
    for name, key in known.items():
        if value.get("id") == key or value.get("name") == name or value.get("key") == name:
            return {"id": key, "name": name}
    raise KeyError(str(value))
