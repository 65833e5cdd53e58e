"""The settings of Slack."""

from __future__ import annotations

from collections.abc import Iterator

from ticketing.config.platforms.platform import Contradiction, PlatformSection, Required
from ticketing.config.values import Choice, Name, Rate, Secret, SecretUrl, Url
from ticketing.domain.severity import Severity


class Slack(PlatformSection):
    """Slack, through an incoming webhook or as a bot."""

    title = "Slack"

    rate_limit: Rate = "1/second"
    """Messages per channel, shared by all workers."""
    webhook_url: SecretUrl | None = None
    """Address of an incoming webhook: messages only, no threads and no edits."""
    bot_token: Secret | None = None
    """Token of a bot: one message per incident, edited, with a thread of every step."""
    channel: Name | None = None
    """Channel where no other is chosen."""
    channels: Choice = Choice()
    """Channels."""
    signing_secret: Secret | None = None
    """Verifies that pressed buttons come from Slack; without it there are no buttons."""
    api_url: Url = "https://slack.com/api"
    """Address of the Web API."""

    def required(self) -> Iterator[Required]:
        """A webhook; or a bot with a channel for each severity."""
        chosen = self.channel or self.channels.names()
        if self.bot_token is None and self.webhook_url is None and chosen:
            yield Required("botToken", " with a channel (or webhookUrl instead)")
        elif self.bot_token is None:
            yield Required("webhookUrl", " (or botToken and channel)")
        elif len(self.channels.severities) < len(Severity):
            yield Required("channel", " with a botToken")

    def contradictions(self) -> Iterator[Contradiction]:
        """A webhook can't choose its channel."""
        if self.bot_token is None and self.webhook_url is not None and self.channels.names():
            text = "needs slack.botToken: a webhook has one channel"
            yield Contradiction(("channels",), text)
