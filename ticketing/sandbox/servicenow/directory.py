"""The groups, people, services and choices of the instance: fixed rows of read-only tables."""

from __future__ import annotations

import hashlib

from ticketing.sandbox.servicenow import credentials

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
    [credentials.ASSIGNMENT_GROUP, "Database", "Management"],
    active="true",
)
_USERS = [
    {"sys_id": sys_id_of("sys_user", name), "user_name": name, "name": name, "active": "true"}
    for name in (credentials.USER, "alice", "bob")
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
"""The codes of old and new releases."""

TABLES: dict[str, list[Row]] = {
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
"""The rows of the read-only tables, by table."""
