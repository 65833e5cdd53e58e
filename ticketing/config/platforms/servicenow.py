"""The settings of ServiceNow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr

from ticketing.config.platforms.platform import Contradiction, PlatformSection, Required
from ticketing.config.template_names import CLOSING, fault, faults
from ticketing.config.values import Choice, KnownSeverity, Name, Secret, Url, mapping, over

ServiceNowLevel = Annotated[
    Literal["1", "2", "3"], BeforeValidator(lambda v: str(v) if type(v) is int else v)
]

_URGENCY = mapping("1", "1", "2", "3")
_IMPACT = mapping("1", "2", "2", "3")
OWN_COLUMNS = frozenset(
    {
        "short_description",
        "description",
        "impact",
        "urgency",
        "state",
        "correlation_id",
        "correlation_display",
        "work_notes",
    }
)
"""Columns that each record gets from its incident."""
RESOLUTION_COLUMNS = OWN_COLUMNS | {"close_code", "close_notes"}
"""Columns that a resolution gets from its incident and from other settings."""


class ServiceNow(PlatformSection):
    """ServiceNow incidents through the Table API."""

    title = "ServiceNow"

    instance: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*$")] | None = None
    """Short name of the instance, the part before `.service-now.com`."""
    instance_url: Url | None = None
    """Address of the instance, in place of `instance`."""
    username: Name | None = None
    """User for basic authentication, or for OAuth's password grant."""
    password: Secret | None = None
    """Password of `username`."""
    client_id: Name | None = None
    """OAuth client; with it, requests carry a bearer token."""
    client_secret: Secret | None = None
    """Secret of `clientId`."""
    table: Name = "incident"
    """Table of the tickets."""
    assignment_group: Name | None = None
    """Name or sys_id of the group where no other is chosen and the CI names none."""
    assignment_groups: Choice = Choice()
    """Assignment groups."""
    escalation_group: Name | None = None
    """Name or sys_id of the group that an escalated incident goes to."""
    urgency_mapping: Annotated[
        dict[KnownSeverity, ServiceNowLevel], BeforeValidator(over(_URGENCY))
    ] = Field(default_factory=dict)
    """Urgency for each severity."""
    impact_mapping: Annotated[
        dict[KnownSeverity, ServiceNowLevel], BeforeValidator(over(_IMPACT))
    ] = Field(default_factory=dict)
    """Impact for each severity."""
    caller_id: Name | None = None
    """User name or sys_id of the caller."""
    cmdb_table: Name = "cmdb_ci_service"
    """The CMDB class in which the service is looked up before `cmdb_ci`; "off" for no look-up."""
    affected_cis: bool = True
    """Adds the configuration items of other affected services to the record (`task_ci`)."""
    close_code: Name = "Solved (Permanently)"
    """Resolution code; its allowed values differ by release and instance."""
    close_notes: Name = "Resolved: {{ resolution }}"
    """Jinja2 template of the resolution notes."""
    fields: dict[str, Any] = Field(default_factory=dict)
    """Further columns of a new record: values or Jinja2 templates, such as the columns that a data
    policy demands."""
    resolve_fields: dict[str, Any] = Field(default_factory=dict)
    """Further columns of a resolution: values or Jinja2 templates with the name `resolution` too."""

    @property
    def base_url(self) -> str:
        """Address of the instance, from `instanceUrl` or `instance`."""
        return self.instance_url or f"https://{self.instance}.service-now.com"

    def required(self) -> Iterator[Required]:
        """The instance, and the credentials of one of the two ways to authenticate."""
        if not self.instance:
            yield Required("instanceUrl", " (or instance)")
        if self.client_id or self.client_secret:
            yield Required("clientId", " with clientSecret")
            yield Required("clientSecret", " with clientId")
            if self.username:
                yield Required("password", " with username")
        else:
            hint = " (or clientId and clientSecret)"
            yield Required("username", hint)
            yield Required("password", hint)

    def ticket_places(self) -> Iterator[str]:
        """The instance."""
        yield self.base_url

    def contradictions(self) -> Iterator[Contradiction]:
        """Instance and address must not both be given; own columns can't be set."""
        if self.instance and self.instance_url:
            yield Contradiction(("instance",), "can't be set beside instanceUrl: set one of them")
        for key, given, own in (
            ("fields", self.fields, OWN_COLUMNS),
            ("resolveFields", self.resolve_fields, RESOLUTION_COLUMNS),
        ):
            for column in sorted(given.keys() & own):
                yield Contradiction((key, column), "is written from the incident: leave it out")

    def faulty_templates(self) -> Iterator[Contradiction]:
        """The templates of the resolution notes and of further columns."""
        problem = fault(self.close_notes, CLOSING)
        if problem is not None:
            yield Contradiction(("closeNotes",), problem)
        for key, given, more in (
            ("fields", self.fields, {}),
            ("resolveFields", self.resolve_fields, CLOSING),
        ):
            for column, value in given.items():
                for problem in faults(value, more):
                    yield Contradiction((key, column), problem)

    def basic_credentials(self) -> Iterator[tuple[str | None, SecretStr | None]]:
        """The user's credentials, and those of the OAuth client."""
        yield self.username, self.password
        yield self.client_id, self.client_secret
