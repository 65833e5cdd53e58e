"""The sandbox's fixed credentials and accounts: known to everyone, worth nothing anywhere else."""

from __future__ import annotations

from typing import Any

PAGERDUTY_ROUTING_KEYS = {
    severity: f"sandbox{severity}".ljust(32, "0")
    for severity in ("critical", "high", "medium", "low")
}
"""One service a severity; the services are PSVCCRITICAL, PSVCHIGH, PSVCMEDIUM and PSVCLOW."""
PAGERDUTY_API_TOKEN = "sandbox-pagerduty-token"
PAGERDUTY_FROM = "oncall@sandbox.example"

SLACK_BOT_TOKEN = "xoxb-sandbox-000000000000"
SLACK_SIGNING_SECRET = "sandbox-slack-signing-secret"
SLACK_WEBHOOK_PATH = "/services/T0SANDBOX/B0SANDBOX/sandboxwebhooktoken00001"
SLACK_CHANNEL = "C0SANDBOX1"
SLACK_CHANNEL_NAME = "incidents"

JIRA_USER = "bot@sandbox.example"
JIRA_API_TOKEN = "sandbox-jira-token"
JIRA_DATA_CENTER_TOKEN = "sandbox-jira-personal-access-token"
JIRA_PROJECT = "OPS"

SERVICENOW_USER = "sandbox.itil"
SERVICENOW_PASSWORD = "sandbox-servicenow-password"
SERVICENOW_CLIENT_ID = "sandbox-servicenow-client"
SERVICENOW_CLIENT_SECRET = "sandbox-servicenow-client-secret"
SERVICENOW_ASSIGNMENT_GROUP = "Site Reliability"

OPSGENIE_API_KEY = "sandbox-opsgenie-integration-key"
OPSGENIE_TEAM = "SRE"
OPSGENIE_SCHEDULE = "SRE schedule"
OPSGENIE_ESCALATION = "SRE escalation"
JSM_CLOUD_ID = "00000000-0000-4000-8000-000000000001"

ZAMMAD_TOKEN = "sandbox-zammad-token"
ZAMMAD_GROUP = "Operations"
ZAMMAD_CUSTOMER = "guess:alerts@sandbox.example"


def sandbox_config(base_url: str) -> dict[str, Any]:
    """The configuration, in camelCase, that points all six platforms at a sandbox."""
    base = base_url.rstrip("/")
    config = _sections(base)
    # The sandbox limits nobody unless it is told to.
    return {name: {**section, "rateLimit": "1000/second"} for name, section in config.items()}


def _sections(base: str) -> dict[str, Any]:
    return {
        "pagerduty": {
            "enabled": True,
            "routingKey": PAGERDUTY_ROUTING_KEYS["critical"],
            "routingKeys": dict(PAGERDUTY_ROUTING_KEYS),
            "apiUrl": f"{base}/pagerduty",
            "restUrl": f"{base}/pagerduty",
            "apiToken": PAGERDUTY_API_TOKEN,
            "fromEmail": PAGERDUTY_FROM,
        },
        "jira": {
            "enabled": True,
            "baseUrl": f"{base}/jira",
            "projectKey": JIRA_PROJECT,
            "issueType": "Incident",
            "userEmail": JIRA_USER,
            "apiToken": JIRA_API_TOKEN,
        },
        "servicenow": {
            "enabled": True,
            "instanceUrl": f"{base}/servicenow",
            "username": SERVICENOW_USER,
            "password": SERVICENOW_PASSWORD,
            "table": "incident",
            "assignmentGroup": SERVICENOW_ASSIGNMENT_GROUP,
        },
        "opsgenie": {
            "enabled": True,
            "apiUrl": f"{base}/opsgenie",
            "apiKey": OPSGENIE_API_KEY,
            "team": OPSGENIE_TEAM,
            "schedule": OPSGENIE_SCHEDULE,
            "escalation": OPSGENIE_ESCALATION,
        },
        "slack": {
            "enabled": True,
            "apiUrl": f"{base}/slack/api",
            "botToken": SLACK_BOT_TOKEN,
            "channel": SLACK_CHANNEL,
        },
        "zammad": {
            "enabled": True,
            "baseUrl": f"{base}/zammad",
            "token": ZAMMAD_TOKEN,
            "group": ZAMMAD_GROUP,
            "customer": ZAMMAD_CUSTOMER,
        },
    }


def slack_webhook_url(base_url: str) -> str:
    """The sandbox's incoming webhook, for `slack.webhookUrl`."""
    return f"{base_url.rstrip('/')}/slack{SLACK_WEBHOOK_PATH}"
