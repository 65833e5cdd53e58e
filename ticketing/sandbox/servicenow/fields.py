"""The columns of an incident: lengths, choices, references, and derived columns."""

from __future__ import annotations

from ticketing.sandbox.servicenow.directory import CLOSE_CODES

STATES = {
    "1": "open",
    "2": "acknowledged",
    "3": "acknowledged",
    "6": "resolved",
    "7": "resolved",
    "8": "resolved",
}
"""The sandbox's state of a ticket, by ServiceNow's state of an incident."""
RESOLVED, ON_HOLD = ("6", "7"), "3"
CLOSED = ("7", "8")
"""States after which only journals can be written."""

REFERENCES = {
    "assignment_group": "sys_user_group",
    "assigned_to": "sys_user",
    "caller_id": "sys_user",
    "opened_by": "sys_user",
    "cmdb_ci": "cmdb_ci",
    "business_service": "cmdb_ci_service",
    "support_group": "sys_user_group",
}
"""The table to which a reference points, by column."""

LENGTHS = {
    "short_description": 160,
    "correlation_id": 100,
    "correlation_display": 100,
    "description": 4000,
    "close_notes": 4000,
}
"""Lengths in the base system. ServiceNow cuts longer values silently; the sandbox refuses them, so
that a test fails."""
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
"""Columns that a caller cannot set; values sent for them are ignored."""
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
    "u_cause": "",
}
del COLUMNS["support_group"]

PRIORITY = {
    (impact, urgency): str(min(5, int(impact) + int(urgency) - 1))
    for impact in "123"
    for urgency in "123"
}
"""Priority by impact and urgency, as the base system derives it."""

LABELS = {
    "state": {
        "1": "New",
        "2": "In Progress",
        "3": "On Hold",
        "6": "Resolved",
        "7": "Closed",
        "8": "Canceled",
    },
    "impact": {"1": "1 - High", "2": "2 - Medium", "3": "3 - Low"},
    "urgency": {"1": "1 - High", "2": "2 - Medium", "3": "3 - Low"},
    "priority": {
        "1": "1 - Critical",
        "2": "2 - High",
        "3": "3 - Moderate",
        "4": "4 - Low",
        "5": "5 - Planning",
    },
}
"""The display values of a column's choices, by column."""
