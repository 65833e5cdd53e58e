"""The settings of the Jira sink, from the configuration."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ticketing.config.platforms.jira import Jira, JiraTransitions
from ticketing.config.values import Choice, reveal
from ticketing.domain.incidents.incident import Incident
from ticketing.domain.severity import Severity

NOBODY = frozenset({"", "-1"})
"""Assignees that stand for the project's default assignee."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Address, account, choices and mappings."""

    base_url: str
    flavour: str
    user: str
    token: str
    project: str
    projects: Choice
    issue_type: str
    issue_types: Choice
    priorities: Mapping[Severity, str]
    custom_fields: Mapping[str, Any]
    assignee: str
    assignees: Choice
    labels: tuple[str, ...]
    by_description: bool
    transitions: JiraTransitions
    remote_links: bool

    @classmethod
    def of(cls, config: Jira) -> Settings:
        """The settings in the section `jira`."""
        return cls(
            base_url=(config.base_url or "").rstrip("/"),
            flavour=config.flavour,
            user=config.user_email or "",
            token=reveal(config.api_token),
            project=config.project_key or "",
            projects=config.projects,
            issue_type=config.issue_type,
            issue_types=config.issue_types,
            priorities=config.priority_mapping,
            custom_fields=config.custom_fields,
            assignee=config.assignee or "",
            assignees=config.assignees,
            labels=config.labels,
            by_description=config.found_by == "description",
            transitions=config.transitions,
            remote_links=config.remote_links,
        )

    @property
    def authorization(self) -> str:
        """The Authorization header: Basic for an email and its token, Bearer for a token alone."""
        if not self.user:
            return f"Bearer {self.token}"
        return "Basic " + base64.b64encode(f"{self.user}:{self.token}".encode()).decode()

    def secrets(self) -> list[str]:
        """The secrets to mask: the token, as it is and as it stands in the header."""
        return [self.token, self.authorization.partition(" ")[2]]

    def project_for(self, incident: Incident) -> str:
        """The key of the project for a new issue."""
        return self._chosen(self.projects, incident, self.project)

    def issue_type_for(self, incident: Incident) -> str:
        """The name of the type of a new issue."""
        return self._chosen(self.issue_types, incident, self.issue_type)

    def assignee_for(self, incident: Incident) -> str:
        """The account id or user name for a new issue; empty for the project's default."""
        chosen = self._chosen(self.assignees, incident, self.assignee)
        return "" if chosen in NOBODY else chosen

    def priority_for(self, incident: Incident) -> str:
        """The name of the priority; an escalated incident gets the priority of `critical`."""
        escalated = incident.escalated_at is not None
        return self.priorities[Severity.CRITICAL if escalated else incident.severity.nearest]

    def every_project(self) -> list[str]:
        """Every project that could be chosen."""
        return sorted({*self.projects.names(), *filter(None, [self.project])})

    def every_issue_type(self) -> list[str]:
        """Every issue type that could be chosen."""
        return sorted({*self.issue_types.names(), self.issue_type})

    def _chosen(self, choice: Choice, incident: Incident, default: str) -> str:
        return choice.choose(incident.service, incident.tenant, incident.severity, default)
