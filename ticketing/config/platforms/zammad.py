"""The settings of Zammad."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import BeforeValidator, Field

from ticketing.config.platforms.platform import Platform, Required
from ticketing.config.values import BySeverity, Choice, Name, Secret, Section, Url, mapping, over

_PRIORITIES = mapping("3 high", "3 high", "2 normal", "1 low")


class ZammadStates(Section):
    """Names of Zammad's ticket states."""

    open: Name = "new"
    """A new ticket."""
    acknowledged: Name = "open"
    """Somebody acknowledged."""
    escalated: Name = "open"
    """Somebody escalated."""
    resolved: Name = "closed"
    """Resolved."""


class Zammad(Platform):
    """Zammad, on one's own machines."""

    title = "Zammad"

    base_url: Url | None = None
    """Address of the installation."""
    token: Secret | None = None
    """Access token of an agent."""
    group: Name = "Users"
    """The group where no other is chosen."""
    groups: Choice = Choice()
    """Group names."""
    escalation_group: Name | None = None
    """The group that an escalated ticket moves to."""
    customer: Name | None = None
    """Login or email of the customer; `guess:` before an email makes the customer if need be.
    Without one, the token's own user is the customer."""
    owner: Name | None = None
    """Login of the agent that owns new tickets."""
    states: ZammadStates = ZammadStates()
    """Names of the states."""
    priority_mapping: Annotated[BySeverity, BeforeValidator(over(_PRIORITIES))] = Field(
        default_factory=dict
    )
    """Zammad's priority for each severity."""
    tags: tuple[Name, ...] = ()
    """Tags beside our own."""

    def required(self) -> Iterator[Required]:
        """The address and the token."""
        yield Required("baseUrl")
        yield Required("token")
