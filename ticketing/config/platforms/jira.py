"""The settings of Jira Cloud and Jira Data Center."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr

from ticketing.config.platforms.platform import Contradiction, PlatformSection, Required
from ticketing.config.template_names import faults
from ticketing.config.values import BySeverity, Choice, Name, Secret, Section, Url, mapping, over
from ticketing.domain.severity import Severity

_PRIORITIES = mapping("Highest", "High", "Medium", "Low")


class JiraTransitions(Section):
    """Transitions by their name, or by the name or category of the status they lead to."""

    acknowledge: Name | None = "indeterminate"
    """On acknowledgement; null leaves the status as it is and adds a comment instead."""
    resolve: Name | None = "done"
    """On resolution; null leaves the status as it is and adds a comment instead."""
    reopen: Name | None = "new"
    """On reopening, when the fault fires again inside `reopenWindow`; null leaves the status as it
    is and adds a comment instead."""
    final_resolutions: tuple[Name, ...] = ()
    """Resolutions that are final, such as "Won't Do": an issue with one of them is not reopened."""
    escalate: Name | None = None
    """On escalation; without one, the priority is raised and a comment added."""
    fields: dict[str, Any] = Field(default_factory=dict)
    """Fields sent with the resolving transition, such as `{"resolution": "Done"}`. Without a
    resolution, one that the screen asks for is Done, Fixed or Resolved, else the first allowed."""


class Jira(PlatformSection):
    """Jira Cloud and Jira Data Center."""

    title = "Jira"

    flavour: Literal["auto", "cloud", "datacenter"] = "auto"
    """Form of the API; `auto` asks the server."""
    base_url: Url | None = None
    """Address of the site."""
    user_email: Name | None = None
    """Account of the API token; leave it out for a Data Center personal access token."""
    api_token: Secret | None = None
    """API token (Cloud) or personal access token (Data Center)."""
    project_key: Name | None = None
    """Project of incidents for which no other is chosen."""
    projects: Choice = Choice()
    """Project keys."""
    issue_type: Name = "Task"
    """Issue type where no other is chosen."""
    issue_types: Choice = Choice()
    """Issue type names."""
    priority_mapping: Annotated[BySeverity, BeforeValidator(over(_PRIORITIES))] = Field(
        default_factory=dict
    )
    """Jira's priority for each severity."""
    custom_fields: dict[str, Any] = Field(default_factory=dict)
    """Values or Jinja2 templates by field id or field name; typed from the create metadata."""
    assignee: Name | None = None
    """Account id (Cloud) or user name (Data Center) where no other is chosen."""
    assignees: Choice = Choice()
    """Assignees."""
    found_by: Literal["label", "description"] = "label"
    """Where the key stands by which an issue is found again: a label, or, for projects whose screens
    have no labels, a line at the end of the description."""
    labels: tuple[Name, ...] = ()
    """Labels in addition to our own."""
    remote_links: bool = False
    """Adds the tickets on other platforms to the issue as web links."""
    transitions: JiraTransitions = JiraTransitions()
    """Transitions of the workflow."""

    def required(self) -> Iterator[Required]:
        """The address and the token; a project for each severity, and on Cloud the user."""
        yield Required("baseUrl")
        yield Required("apiToken")
        if len(self.projects.severities) < len(Severity):
            yield Required("projectKey")
        site = urlsplit(self.base_url or "").hostname or ""
        if self.flavour == "cloud" or (self.flavour == "auto" and site.endswith(".atlassian.net")):
            yield Required("userEmail", " on Jira Cloud")

    def ticket_places(self) -> Iterator[str]:
        """The site; behind Atlassian's gateway the one that it names."""
        host = urlsplit(self.base_url or "").hostname
        gateway = host == "api.atlassian.com"
        yield "https://*.atlassian.net" if gateway else self.base_url or ""

    def contradictions(self) -> Iterator[Contradiction]:
        """Jira refuses labels with spaces."""
        for label in self.labels:
            if re.search(r"\s", label):
                yield Contradiction(("labels",), f'"{label}": Jira allows no spaces in labels')

    def faulty_templates(self) -> Iterator[Contradiction]:
        """Templates in custom fields."""
        for name, value in self.custom_fields.items():
            for problem in faults(value):
                yield Contradiction(("customFields", name), problem)

    def basic_credentials(self) -> Iterator[tuple[str | None, SecretStr | None]]:
        """The account and its token, for Jira Cloud."""
        yield self.user_email, self.api_token
