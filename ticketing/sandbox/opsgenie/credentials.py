"""The sandbox's accounts with OpsGenie and JSM, and the configuration that uses OpsGenie's."""

from __future__ import annotations

from typing import Any

API_KEY = "sandbox-opsgenie-integration-key"
TEAM = "SRE"
SCHEDULE = "SRE schedule"
ESCALATION = "SRE escalation"
JSM_CLOUD_ID = "00000000-0000-4000-8000-000000000001"
JSM_USER = "bot@sandbox.example"
JSM_API_TOKEN = "sandbox-jira-token"
"""The token of the account on the sandbox's Jira Cloud, to which JSM belongs."""


def section(base: str) -> dict[str, Any]:
    """The section `opsgenie` of the configuration for a sandbox at the address `base`."""
    return {
        "apiUrl": f"{base}/opsgenie",
        "apiKey": API_KEY,
        "team": TEAM,
        "schedule": SCHEDULE,
        "escalation": ESCALATION,
    }
