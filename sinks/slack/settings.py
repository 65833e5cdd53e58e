"""The settings of the Slack sink, from the configuration."""

from __future__ import annotations

from dataclasses import dataclass, field

from sinks.text.services import NONE, Services
from ticketing.config.platforms.slack import Mentions, Slack
from ticketing.config.values import Choice, reveal
from ticketing.domain.incidents.incident import Incident, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Address, credentials and channels. The sink is a bot with `bot_token`, else a webhook."""

    api_url: str
    bot_token: str = ""
    webhook_url: str = ""
    channel: str = ""
    channels: Choice = field(default_factory=Choice)
    buttons: bool = False
    mentions: Mentions = field(default_factory=Mentions)
    services: Services = NONE

    @classmethod
    def of(cls, config: Slack, services: Services = NONE) -> Settings:
        """The settings in the section `slack`, with the catalog."""
        return cls(
            api_url=config.api_url.rstrip("/"),
            bot_token=reveal(config.bot_token),
            webhook_url=reveal(config.webhook_url),
            channel=config.channel or "",
            channels=config.channels,
            # Without the secret no press of a button could be trusted.
            buttons=config.signing_secret is not None,
            mentions=config.mentions,
            services=services,
        )

    def channel_for(self, incident: Incident) -> str:
        """The channel of a new message: an id or a name."""
        return self.channels.choose(
            incident.service, incident.tenant, incident.severity, self.channel
        )

    def channel_names(self) -> list[str]:
        """Every channel that could be chosen."""
        return sorted({*self.channels.names(), self.channel} - {""})

    def mention_for(self, incident: Incident) -> str:
        """The mark-up that notifies people of a page; empty without one.

        An incident that pages nobody, or is over, notifies nobody.
        """
        if incident.quietly or incident.status is Status.RESOLVED:
            return ""
        team = self.services.entry(incident.service).team or ""
        return self.mentions.choose(incident.service, team, incident.severity)

    def secrets(self) -> list[str]:
        """The secrets to mask."""
        return [secret for secret in (self.bot_token, self.webhook_url) if secret]
