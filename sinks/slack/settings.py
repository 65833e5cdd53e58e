"""The settings of the Slack sink, from the configuration."""

from __future__ import annotations

from dataclasses import dataclass, field

from ticketing.config.platforms.slack import Slack
from ticketing.config.values import Choice, reveal
from ticketing.domain.incidents.incident import Incident


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Address, credentials and channels. The sink is a bot with `bot_token`, else a webhook."""

    api_url: str
    bot_token: str = ""
    webhook_url: str = ""
    channel: str = ""
    channels: Choice = field(default_factory=Choice)
    buttons: bool = False

    @classmethod
    def of(cls, config: Slack) -> Settings:
        """The settings in the section `slack`."""
        return cls(
            api_url=config.api_url.rstrip("/"),
            bot_token=reveal(config.bot_token),
            webhook_url=reveal(config.webhook_url),
            channel=config.channel or "",
            channels=config.channels,
            # Without the secret no press of a button could be trusted.
            buttons=config.signing_secret is not None,
        )

    def channel_for(self, incident: Incident) -> str:
        """The channel of a new message: an id or a name."""
        return self.channels.choose(
            incident.service, incident.tenant, incident.severity, self.channel
        )

    def channel_names(self) -> list[str]:
        """Every channel that could be chosen."""
        return sorted({*self.channels.names(), self.channel} - {""})

    def secrets(self) -> list[str]:
        """The secrets to mask."""
        return [secret for secret in (self.bot_token, self.webhook_url) if secret]
