"""The settings of Zammad."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from ticketing.config.platforms.platform import Contradiction, PlatformSection, Required
from ticketing.config.template_names import faults
from ticketing.config.values import BySeverity, Choice, Name, Secret, Section, Url, mapping, over

_PRIORITIES = mapping("3 high", "3 high", "2 normal", "1 low")

OWN_ATTRIBUTES = frozenset(
    {
        *("title", "group", "state", "priority", "tags", "note", "article", "owner", "customer"),
        *("group_id", "state_id", "priority_id", "owner_id", "customer_id", "id", "number"),
    }
)
"""Attributes that a ticket gets from its incident and from other settings."""


class ZammadStates(Section):
    """Names of Zammad's ticket states."""

    open: Name = "new"
    """State of a new ticket."""
    acknowledged: Name = "open"
    """State after an acknowledgement."""
    escalated: Name = "open"
    """State after an escalation."""
    resolved: Name = "closed"
    """State after the resolution."""


class Zammad(PlatformSection):
    """Zammad, self-hosted."""

    title = "Zammad"

    base_url: Url | None = None
    """Address of the installation."""
    token: Secret | None = None
    """Access token of an agent."""
    group: Name = "Users"
    """Group where no other is chosen."""
    groups: Choice = Choice()
    """Group names."""
    escalation_group: Name | None = None
    """The group that an escalated ticket moves to."""
    customer: Name | None = None
    """Login or email of the customer; `guess:` before an email creates the customer if needed.
    Without a customer, the token's own user is taken."""
    owner: Name | None = None
    """Login of the agent that owns new tickets."""
    states: ZammadStates = ZammadStates()
    """Names of the states."""
    priority_mapping: Annotated[BySeverity, BeforeValidator(over(_PRIORITIES))] = Field(
        default_factory=dict
    )
    """Zammad's priority for each severity."""
    tags: tuple[Name, ...] = ()
    """Tags in addition to our own."""
    fields: dict[str, Any] = Field(default_factory=dict)
    """Further attributes of a new ticket, by the names that an administrator gave them: values or
    Jinja2 templates."""

    def contradictions(self) -> Iterator[Contradiction]:
        """Attributes that come from the incident can't be set."""
        for name in sorted(self.fields.keys() & OWN_ATTRIBUTES):
            yield Contradiction(("fields", name), "is written from the incident: leave it out")

    def faulty_templates(self) -> Iterator[Contradiction]:
        """The templates of further attributes."""
        for name, value in self.fields.items():
            for problem in faults(value):
                yield Contradiction(("fields", name), problem)

    def required(self) -> Iterator[Required]:
        """The address and the token."""
        yield Required("baseUrl")
        yield Required("token")

    def ticket_places(self) -> Iterator[str]:
        """The system."""
        yield self.base_url or ""
