"""The sandbox's accounts with Jira, and the configuration that uses the account on Cloud."""

from __future__ import annotations

from typing import Any

USER = "bot@sandbox.example"
API_TOKEN = "sandbox-jira-token"
DATA_CENTER_TOKEN = "sandbox-jira-personal-access-token"
PROJECT = "OPS"


def section(base: str) -> dict[str, Any]:
    """The section `jira` of the configuration for a sandbox at the address `base`."""
    return {
        "baseUrl": f"{base}/jira",
        "projectKey": PROJECT,
        "issueType": "Incident",
        "userEmail": USER,
        "apiToken": API_TOKEN,
    }
