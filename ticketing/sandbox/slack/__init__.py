"""The stand-in for Slack: incoming webhooks, and the Web API methods that a bot needs."""

from ticketing.sandbox.slack.api import Slack
from ticketing.sandbox.slack.credentials import section

STAND_IN = Slack

__all__ = ["STAND_IN", "section"]
