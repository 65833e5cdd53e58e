"""The sandbox's accounts with ServiceNow, and the configuration that uses the user's account."""

from __future__ import annotations

from typing import Any

USER = "sandbox.itil"
PASSWORD = "sandbox-servicenow-password"
CLIENT_ID = "sandbox-servicenow-client"
CLIENT_SECRET = "sandbox-servicenow-client-secret"
ASSIGNMENT_GROUP = "Site Reliability"


def section(base: str) -> dict[str, Any]:
    """The section `servicenow` of the configuration for a sandbox at the address `base`."""
    return {
        "instanceUrl": f"{base}/servicenow",
        "username": USER,
        "password": PASSWORD,
        "table": "incident",
        "assignmentGroup": ASSIGNMENT_GROUP,
    }
