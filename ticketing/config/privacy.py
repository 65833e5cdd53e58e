"""The settings of `privacy`: secrets and personal data that are taken out of texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from pydantic import Field

from ticketing.config.incidents import PlatformName
from ticketing.config.values import Section
from ticketing.domain.scrubbing.kinds import NAMES, PRIVATE_IP

if TYPE_CHECKING:
    KindName: TypeAlias = str
else:
    # A type checker needs the words of a Literal here, but the table of kinds alone has them.
    KindName = Literal[tuple(sorted(NAMES))]


class Scrub(Section):
    """Places where secrets and personal data are replaced by their kind in brackets."""

    tickets: bool = True
    """On tickets, in pages and messages: their titles, bodies, comments and fields."""
    platforms: dict[PlatformName, bool] = Field(default_factory=dict)
    """On the tickets of one platform, in place of `tickets`."""
    summaries: bool = True
    """In the prompts of language models."""
    storage: bool = False
    """Already when records are read: in all topics but the dead letters, in tables and in Redis."""
    api: bool = False
    """In the view: what the API and the console show."""
    # The addresses that a person on call needs lead nowhere from outside.
    keep: tuple[KindName, ...] = (PRIVATE_IP,)
    """Kinds that stay, by their words in the brackets; never in prompts."""

    def on(self, platform: str) -> bool:
        """True if the tickets of a platform are scrubbed."""
        return self.platforms.get(platform, self.tickets)


class Privacy(Section):
    """Secrets and personal data in the texts of logs."""

    scrub: Scrub = Scrub()
    """Places where they are taken out."""
