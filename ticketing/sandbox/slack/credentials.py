"""The sandbox's bot, channel and webhook on Slack, and the configuration that uses the bot."""

from __future__ import annotations

from typing import Any

BOT_TOKEN = "xoxb-sandbox-000000000000"
SIGNING_SECRET = "sandbox-slack-signing-secret"
WEBHOOK_PATH = "/services/T0SANDBOX/B0SANDBOX/sandboxwebhooktoken00001"
SITE = "https://sandbox.slack.example"
CHANNEL = "C0SANDBOX1"
CHANNEL_NAME = "incidents"


def section(base: str) -> dict[str, Any]:
    """The section `slack` of the configuration for a sandbox at the address `base`."""
    return {
        "apiUrl": f"{base}/slack/api",
        "siteUrl": SITE,
        "botToken": BOT_TOKEN,
        "channel": CHANNEL,
    }


def webhook_url(base_url: str) -> str:
    """The sandbox's incoming webhook, for `slack.webhookUrl`."""
    return f"{base_url.rstrip('/')}/slack{WEBHOOK_PATH}"
