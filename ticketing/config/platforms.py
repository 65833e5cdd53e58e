"""The settings of the six platforms: credentials, choices and mappings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from ticketing.config.values import (
    BySeverity,
    Choice,
    Duration,
    Name,
    Rate,
    Secret,
    SecretUrl,
    Section,
    Url,
    mapping,
    over,
    without,
)
from ticketing.domain.severity import Severity

PagerDutySeverity = Literal["critical", "error", "warning", "info"]
OpsGeniePriority = Literal["P1", "P2", "P3", "P4", "P5"]
ServiceNowLevel = Annotated[
    Literal["1", "2", "3"], BeforeValidator(lambda v: str(v) if type(v) is int else v)
]

_PAGERDUTY = mapping("critical", "error", "warning", "info")
_JIRA = mapping("Highest", "High", "Medium", "Low")
_URGENCY = mapping("1", "1", "2", "3")
_IMPACT = mapping("1", "2", "2", "3")
_OPSGENIE = mapping("P1", "P2", "P3", "P4")
_ZAMMAD = mapping("3 high", "3 high", "2 normal", "1 low")


def _by_region(us: str, eu: str) -> Any:
    """A default address that follows the region."""
    return Field(default_factory=lambda given: eu if given.get("region") == "eu" else us)


class Platform(Section):
    """The settings that every platform has."""

    enabled: bool = False
    """Lets incidents be routed to this platform."""
    timeout: Duration = 10.0
    """Longest time that one request may take."""
    ca_bundle: Path | None = None
    """A file of CA certificates (PEM) to trust instead of the system's."""
    rate_limit: Rate = "10/second"
    """Requests per account, shared by all workers."""
    concurrency: int = Field(default=8, ge=1, le=256)
    """Requests under way at once, per worker."""
    title_template: str | None = None
    """Jinja2 template of the title, in place of the default one."""
    body_template: str | None = None
    """Jinja2 template of the body, in place of the default one."""


class PagerDuty(Platform):
    """PagerDuty: Events API v2 for alerting, REST for escalations, notes and priorities."""

    rate_limit: Rate = "100/minute"
    """Events per routing key, shared by all workers."""
    region: Literal["us", "eu"] = "us"
    """The account's service region; sets the default addresses."""
    api_url: Annotated[Url, without("/v2/enqueue")] = _by_region(
        "https://events.pagerduty.com", "https://events.eu.pagerduty.com"
    )
    """Address of the Events API, without `/v2/enqueue`."""
    rest_url: Url = _by_region("https://api.pagerduty.com", "https://api.eu.pagerduty.com")
    """Address of the REST API."""
    routing_key: Secret | None = None
    """Integration key of incidents for which no other key is chosen."""
    routing_keys: dict[Severity, Secret] = Field(default_factory=dict)
    """Integration keys by severity."""
    services: dict[str, Secret] = Field(default_factory=dict)
    """Integration keys by the incident's service; they win over those by severity."""
    severity_mapping: Annotated[
        dict[Severity, PagerDutySeverity], BeforeValidator(over(_PAGERDUTY))
    ] = Field(default_factory=dict)
    """PagerDuty's name for each severity."""
    auto_acknowledge: tuple[Severity, ...] = ()
    """Severities whose alerts are acknowledged as soon as they are triggered."""
    api_token: Secret | None = None
    """REST API key; without one, escalation policies, notes and priorities are left alone."""
    from_email: Name | None = None
    """Email of the PagerDuty user in whose name REST requests are made."""
    escalation_policies: Choice = Choice()
    """Escalation policy ids; escalating moves the incident to the chosen one."""
    priorities: BySeverity = Field(default_factory=dict)
    """Priority ids by severity."""


class JiraTransitions(Section):
    """Transitions by their name, or by the name or category of the status they lead to."""

    acknowledge: Name | None = "indeterminate"
    """On acknowledgement; null leaves the status as it is and adds a comment instead."""
    resolve: Name = "done"
    """On resolution."""
    reopen: Name = "new"
    """On reopening, when the fault fires again inside `reopenWindow`."""
    escalate: Name | None = None
    """On escalation; without one, the priority is raised and a comment added."""
    fields: dict[str, Any] = Field(default_factory=dict)
    """Fields sent with the resolving transition, such as `{"resolution": "Done"}`. Without a
    resolution, one that the screen asks for is Done, Fixed or Resolved, else the first allowed."""


class Jira(Platform):
    """Jira Cloud and Jira Data Center."""

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
    priority_mapping: Annotated[BySeverity, BeforeValidator(over(_JIRA))] = Field(
        default_factory=dict
    )
    """Jira's priority for each severity."""
    custom_fields: dict[str, Any] = Field(default_factory=dict)
    """Values or Jinja2 templates by field id or field name; typed from the create metadata."""
    assignee: Name | None = None
    """Account id (Cloud) or user name (Data Center) where no other is chosen."""
    assignees: Choice = Choice()
    """Assignees."""
    labels: tuple[Name, ...] = ()
    """Labels in addition to our own."""
    remote_links: bool = False
    """Adds the tickets on other platforms to the issue as web links."""
    transitions: JiraTransitions = JiraTransitions()
    """Transitions of the workflow."""


class ServiceNow(Platform):
    """ServiceNow incidents through the Table API."""

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
    urgency_mapping: Annotated[dict[Severity, ServiceNowLevel], BeforeValidator(over(_URGENCY))] = (
        Field(default_factory=dict)
    )
    """Urgency for each severity."""
    impact_mapping: Annotated[dict[Severity, ServiceNowLevel], BeforeValidator(over(_IMPACT))] = (
        Field(default_factory=dict)
    )
    """Impact for each severity."""
    caller_id: Name | None = None
    """User name or sys_id of the caller."""
    cmdb_table: Name = "cmdb_ci_service"
    """The CMDB class in which the service is looked up before `cmdb_ci`; "off" for no look-up."""
    close_code: Name = "Solved (Permanently)"
    """Resolution code; its allowed values differ by release and instance."""
    close_notes: Name = "Resolved: {{ resolution }}"
    """Jinja2 template of the resolution notes."""

    @property
    def base_url(self) -> str:
        """Address of the instance, from `instanceUrl` or `instance`."""
        return self.instance_url or f"https://{self.instance}.service-now.com"


class OpsGenie(Platform):
    """OpsGenie, or Jira Service Management operations, its successor."""

    flavour: Literal["opsgenie", "jsm"] = "opsgenie"
    """Form of the API; OpsGenie's own ends on 2027-04-05."""
    region: Literal["us", "eu"] = "us"
    """The account's service region; sets the default address."""
    api_url: Annotated[Url, without("/v2/alerts", "/v2")] = Field(
        default_factory=lambda given: (
            "https://api.atlassian.com"
            if given.get("flavour") == "jsm"
            else f"https://api.{'eu.' if given.get('region') == 'eu' else ''}opsgenie.com"
        )
    )
    """Address of the API."""
    api_key: Secret | None = None
    """Key of an API integration (not of API key management)."""
    team: Name | None = None
    """Team of incidents for which no other is chosen."""
    teams: Choice = Choice()
    """Team names."""
    tags: tuple[Annotated[str, Field(min_length=1, max_length=50)], ...] = Field(
        default=(), max_length=15
    )
    """Tags in addition to our own."""
    priority_mapping: Annotated[
        dict[Severity, OpsGeniePriority], BeforeValidator(over(_OPSGENIE))
    ] = Field(default_factory=dict)
    """OpsGenie's priority for each severity."""
    schedule: Name | None = None
    """Name of the schedule whose people on call are shown on the incident."""
    escalation: Name | None = None
    """Name of the escalation that an escalated alert goes to."""
    cloud_id: Name | None = None
    """Id of the Atlassian site; `jsm` needs it to escalate and to show who is on call."""
    user_email: Name | None = None
    """Account of `apiToken`; `jsm` only."""
    api_token: Secret | None = None
    """Atlassian API token; `jsm` only."""


class Slack(Platform):
    """Slack, through an incoming webhook or as a bot."""

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


class Zammad(Platform):
    """Zammad, self-hosted."""

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
    priority_mapping: Annotated[BySeverity, BeforeValidator(over(_ZAMMAD))] = Field(
        default_factory=dict
    )
    """Zammad's priority for each severity."""
    tags: tuple[Name, ...] = ()
    """Tags in addition to our own."""
