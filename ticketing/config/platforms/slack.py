"""The settings of Slack."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from ticketing.config.access import RoleName
from ticketing.config.platforms.platform import Contradiction, PlatformSection, Required
from ticketing.config.values import Choice, Name, Rate, Secret, SecretUrl, Section, Url
from ticketing.domain.severity import Severity

_MENTION = re.compile(
    r"<!(?:here|channel|everyone)>|<!subteam\^[A-Z0-9]{2,30}>|<@[UW][A-Z0-9]{2,30}>"
)
MENTION_CHARS_MAX = 300
"""A dozen mentions; whom it concerns is read at a glance."""


def _mention(value: str) -> str:
    """One mention or several, separated by spaces; raises ValueError."""
    parts = value.split()
    if not parts or not all(map(_MENTION.fullmatch, parts)):
        raise ValueError(
            'must be mentions such as "<!subteam^S0123>" (a user group), "<@U0123>", "<!here>" or '
            '"<!channel>"'
        )
    return " ".join(parts)


Mention = Annotated[str, Field(max_length=MENTION_CHARS_MAX), AfterValidator(_mention)]


class MentionBySeverity(Section):
    """Mentions of people, by severity."""

    critical: Mention | None = None
    """Critical incidents."""
    high: Mention | None = None
    """High incidents."""
    medium: Mention | None = None
    """Medium incidents."""
    low: Mention | None = None
    """Low incidents."""

    def of(self, severity: Severity) -> str | None:
        """The mention for a severity."""
        found: str | None = getattr(self, severity.nearest.value)
        return found


SlackUser = Annotated[str, Field(pattern=r"^[UW][A-Z0-9]{2,30}$")]


def _for_all(value: Any) -> Any:
    """One mention stands for all four severities."""
    return {severity.value: value for severity in Severity} if isinstance(value, str) else value


OneOrBySeverity = Annotated[MentionBySeverity, BeforeValidator(_for_all)]


class Mentions(MentionBySeverity):
    """People that a page mentions: by service, else by team, else by severity."""

    services: dict[str, OneOrBySeverity] = Field(default_factory=dict)
    """By the incident's service: a mention, or one per severity."""
    teams: dict[str, OneOrBySeverity] = Field(default_factory=dict)
    """By the team that `catalog` names for the service: a mention, or one per severity."""

    def choose(self, service: str, team: str, severity: Severity) -> str:
        """The mention for a page; empty for none."""
        for chosen in (self.services.get(service), self.teams.get(team), self):
            if chosen is not None and (mention := chosen.of(severity)):
                return mention
        return ""


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
    mentions: Mentions = Mentions()
    """People that a new message, and each further page, mentions."""
    signing_secret: Secret | None = None
    """Verifies that pressed buttons come from Slack; without it there are no buttons."""
    users: dict[SlackUser, RoleName] = Field(default_factory=dict)
    """Roles of users who press buttons, by their ids (`U0123`): `viewer` may not."""
    default_role: RoleName = "responder"
    """Role of all other users of the workspace."""
    team: Annotated[str, Field(pattern=r"^[TE][A-Z0-9]{2,30}$")] | None = None
    """Id of the workspace, such as `T0123ABCD`: buttons that are pressed in another are refused."""
    api_url: Url = "https://slack.com/api"
    """Address of the Web API."""
    site_url: Url | None = None
    """Address of the workspace; by default any at Slack's domains. Links elsewhere are not shown."""

    def required(self) -> Iterator[Required]:
        """A webhook; or a bot with a channel for each severity."""
        chosen = self.channel or self.channels.names()
        if self.bot_token is None and self.webhook_url is None and chosen:
            yield Required("botToken", " with a channel (or webhookUrl instead)")
        elif self.bot_token is None:
            yield Required("webhookUrl", " (or botToken and channel)")
        elif len(self.channels.severities) < len(Severity):
            yield Required("channel", " with a botToken")

    def ticket_places(self) -> Iterator[str]:
        """The workspace, at Slack's domains."""
        if self.site_url:
            yield self.site_url
        else:
            yield from ("https://*.slack.com", "https://*.slack-gov.com")

    def contradictions(self) -> Iterator[Contradiction]:
        """A webhook can't choose its channel."""
        if self.bot_token is None and self.webhook_url is not None and self.channels.names():
            text = "needs slack.botToken: a webhook has one channel"
            yield Contradiction(("channels",), text)
