"""A strict stand-in for the six platforms' HTTP APIs, for demos, drills and tests."""

from ticketing.sandbox.credentials import sandbox_config, slack_webhook_url
from ticketing.sandbox.server import Sandbox, create_app, start

__all__ = ["Sandbox", "create_app", "sandbox_config", "slack_webhook_url", "start"]
