"""ServiceNow's tables: columns, reference rows and encoded queries.

https://www.servicenow.com/docs/r/api-reference/rest-apis/c_TableAPI.html
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Any

from ticketing.sandbox import credentials

Row = dict[str, str]


def sys_id_of(*parts: str) -> str:
    """A stable sys_id: 32 hexadecimal digits."""
    return hashlib.sha256("/".join(parts).encode()).hexdigest()[:32]


def _rows(table: str, names: list[str], **more: str) -> list[Row]:
    return [
        {"sys_id": sys_id_of(table, name, str(index)), "name": name, **more}
        for index, name in enumerate(names)
    ]


_GROUPS = _rows(
    "sys_user_group",
    [credentials.SERVICENOW_ASSIGNMENT_GROUP, "Database", "Management"],
    active="true",
)
_USERS = [
    {"sys_id": sys_id_of("sys_user", name), "user_name": name, "name": name, "active": "true"}
    for name in (credentials.SERVICENOW_USER, "alice", "bob")
]
_SERVICES = [
    *_rows("cmdb_ci_service", ["checkout", "payment"], support_group=_GROUPS[1]["sys_id"]),
    *_rows("cmdb_ci_service", ["twice", "twice"], support_group=""),
]
for _service in _SERVICES:
    _service["assignment_group"] = ""
    _service["sys_class_name"] = "cmdb_ci_service"
_HOSTS = _rows("cmdb_ci", ["db-01"], support_group="", assignment_group="")

CLOSE_CODES = (
    "Solved (Permanently)",
    "Solved (Work Around)",
    "Not Solved (Not Reproducible)",
    "Closed/Resolved by Caller",
    "Solution provided",
    "Workaround provided",
    "Duplicate",
    "Known error",
    "No resolution provided",
)
"""Those of old and of new releases."""

STATIC: dict[str, list[Row]] = {
    "sys_user_group": _GROUPS,
    "sys_user": _USERS,
    "cmdb_ci_service": _SERVICES,
    "cmdb_ci": [*_SERVICES, *_HOSTS],
    "sys_choice": [
        {
            "sys_id": sys_id_of("sys_choice", code),
            "name": "incident",
            "element": "close_code",
            "value": code,
            "label": code,
            "inactive": "false",
        }
        for code in CLOSE_CODES
    ],
}

REFERENCES = {
    "assignment_group": "sys_user_group",
    "assigned_to": "sys_user",
    "caller_id": "sys_user",
    "opened_by": "sys_user",
    "cmdb_ci": "cmdb_ci",
    "business_service": "cmdb_ci_service",
    "support_group": "sys_user_group",
}
"""Column: the table it points into."""

LENGTHS = {
    "short_description": 160,
    "correlation_id": 100,
    "correlation_display": 100,
    "description": 4000,
    "close_notes": 4000,
}
"""The real one cuts longer values without a word; here they are refused, so that it shows."""
CHOICES = {
    "impact": ("1", "2", "3"),
    "urgency": ("1", "2", "3"),
    "state": ("1", "2", "3", "6", "7", "8"),
    "close_code": ("", *CLOSE_CODES),
}
JOURNALS = ("work_notes", "comments")
DERIVED = frozenset(
    {
        "sys_id",
        "number",
        "priority",
        "active",
        "opened_at",
        "sys_created_on",
        "sys_updated_on",
        "incident_state",
        "resolved_at",
        "sys_mod_count",
        "opened_by",
    }
)
"""Columns that a caller cannot set; what it sends for them is ignored."""
COLUMNS: dict[str, str] = {
    **dict.fromkeys(DERIVED, ""),
    **dict.fromkeys(LENGTHS, ""),
    **dict.fromkeys(REFERENCES, ""),
    **dict.fromkeys(JOURNALS, ""),
    "impact": "3",
    "urgency": "3",
    "state": "1",
    "hold_reason": "",
    "close_code": "",
    "category": "inquiry",
    "subcategory": "",
    "contact_type": "",
    "severity": "3",
    "sys_class_name": "incident",
}
del COLUMNS["support_group"]

PRIORITY = {
    (impact, urgency): str(min(5, int(impact) + int(urgency) - 1))
    for impact in "123"
    for urgency in "123"
}
"""Priority by impact and urgency, as the base system derives it."""

_CONDITION = re.compile(
    r"([a-z_0-9]+(?:\.[a-z_0-9]+)?)"
    r"(ISNOTEMPTY|ISEMPTY|STARTSWITH|NOT IN|LIKE|IN|>=|<=|!=|=|>|<)(.*)",
    re.DOTALL,
)
_TESTS: dict[str, Callable[[str, str], bool]] = {
    "=": lambda have, want: have == want,
    "!=": lambda have, want: have != want,
    ">": lambda have, want: have > want,
    "<": lambda have, want: have < want,
    ">=": lambda have, want: have >= want,
    "<=": lambda have, want: have <= want,
    "LIKE": lambda have, want: want.lower() in have.lower(),
    "STARTSWITH": lambda have, want: have.lower().startswith(want.lower()),
    "IN": lambda have, want: have in want.split(","),
    "NOT IN": lambda have, want: have not in want.split(","),
    "ISEMPTY": lambda have, want: not have,
    "ISNOTEMPTY": lambda have, want: bool(have),
}

Value = Callable[[Any, str], str]


def query(text: str, columns: set[str], value: Value) -> tuple[Callable[[Any], bool], str, bool]:
    """An encoded query as a predicate, the column to order by ("" for none), and descending.

    What is not understood is ignored, as ServiceNow does unless
    `glide.invalid_query.returns_no_rows` is set: then every row matches.
    """
    alternatives: list[list[tuple[str, str, str]]] = []
    order, descending = "", False
    for joined, part in _parts(text):
        if part.startswith("ORDERBY"):
            descending = part.startswith("ORDERBYDESC")
            order = part.removeprefix("ORDERBYDESC").removeprefix("ORDERBY")
            continue
        match = _CONDITION.fullmatch(part)
        if match is None or match[1].split(".")[0] not in columns:
            continue
        condition = (match[1], match[2], match[3])
        if joined == "OR" and alternatives:
            alternatives[-1].append(condition)
        else:
            alternatives.append([condition])

    def matches(row: Any) -> bool:
        return all(
            any(_TESTS[test](value(row, column), want) for column, test, want in either)
            for either in alternatives
        )

    return matches, order, descending


def _parts(text: str) -> Iterator[tuple[str, str]]:
    for part in text.split("^"):
        if part.startswith("OR") and not part.startswith("ORDERBY"):
            yield "OR", part[2:]
        elif part:
            yield "AND", part
