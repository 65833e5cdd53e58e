"""The test of a Jira connection: checks everything that issues will need, without side effects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sinks.calls.outcome import Failed, Reason
from sinks.jira import fields, workflow
from sinks.jira.answers import Found, Permissions
from sinks.jira.api import Api
from sinks.jira.dialect import CLOUD
from sinks.jira.payload import INDISPENSABLE
from sinks.jira.screens import Screen, Screens
from sinks.jira.search import IssueSearch
from sinks.jira.settings import Settings
from sinks.platform import Connection

PERMISSIONS = (
    "BROWSE_PROJECTS",
    "CREATE_ISSUES",
    "EDIT_ISSUES",
    "TRANSITION_ISSUES",
    "ADD_COMMENTS",
)
ASSIGNING = "ASSIGN_ISSUES"
ALWAYS_SENT = INDISPENSABLE | {"description", "priority", "assignee"}


class ConnectionCheck:
    """One test of the connection."""

    def __init__(self, api: Api, screens: Screens, settings: Settings, search: IssueSearch) -> None:
        self._api = api
        self._screens = screens
        self._settings = settings
        self._search = search
        self._problems: list[str] = []
        self._remarks: list[str] = []

    async def check(self) -> Connection:
        """The result, with every problem that was found and what to fix."""
        try:
            name = await self._account()
        except Failed as failed:
            return Connection(ok=False, message=self._unreachable(failed))
        await self._searched()
        for project in self._settings.every_project():
            await self._project(project)
        if self._problems:
            return Connection(ok=False, message="; ".join(self._problems))
        projects = ", ".join(self._settings.every_project())
        said = [f"Jira {name} answers; issues can be made in {projects}", *self._remarks]
        return Connection(ok=True, message="; ".join(said))

    async def _account(self) -> str:
        site = await self._api.site()
        await self._api.read(dict[str, Any], "/myself")
        return site.dialect.name

    def _unreachable(self, failed: Failed) -> str:
        reason = failed.outcome.reason
        if reason is Reason.CREDENTIALS:
            keys = "jira.userEmail and jira.apiToken" if self._settings.user else "jira.apiToken"
            return f"{keys}: Jira refuses them ({failed.outcome.detail})"
        if reason is Reason.NOT_FOUND:
            return (
                f"jira.baseUrl, jira.flavour: no Jira API at this address ({failed.outcome.detail})"
            )
        return f"jira.baseUrl: {failed}"

    async def _searched(self) -> None:
        try:
            await self._search.works()
        except Failed as failed:
            self._problems.append(f"jira.baseUrl: issues can't be searched: {failed}")

    async def _project(self, project: str) -> None:
        try:
            await self._permissions(project)
            for issue_type in self._settings.every_issue_type():
                await self._issue_type(project, issue_type)
            await self._transitions(project)
        except Failed as failed:
            self._problems.append(self._said(project, failed))

    def _said(self, project: str, failed: Failed) -> str:
        if failed.outcome.detail.startswith("jira."):
            return failed.outcome.detail
        if failed.outcome.reason is Reason.NOT_FOUND:
            return f"jira.projectKey: there is no project {project}, or our account may not see it"
        return f"jira.projectKey {project}: {failed}"

    async def _permissions(self, project: str) -> None:
        settings = self._settings
        assigns = settings.assignee or settings.assignees.names()
        wanted = [*PERMISSIONS, *([ASSIGNING] if assigns else [])]
        asked = {"projectKey": project}
        if (await self._api.site()).dialect is CLOUD:
            # Data Center has no such parameter and returns every permission.
            asked["permissions"] = ",".join(wanted)
        answer = await self._api.read(Permissions, "/mypermissions", asked)
        given = answer.permissions
        missing = [one for one in wanted if one not in given or not given[one].have_permission]
        if missing:
            self._problems.append(
                f"jira.projectKey {project}: our account lacks {', '.join(missing)}; grant them "
                "in the project's permission scheme"
            )

    async def _issue_type(self, project: str, issue_type: str) -> None:
        screen = await self._screens.of(project, issue_type)
        where = f"{project}/{issue_type}"
        key_field = "description" if self._settings.by_description else "labels"
        if key_field not in screen.fields:
            self._problems.append(
                f"jira.issueType {where}: the field {key_field} is not on its create screen, so that "
                "an issue can't be found again: put it there, or change jira.foundBy"
            )
        self._priorities(where, screen)
        self._custom_fields(where, screen)

    def _priorities(self, where: str, screen: Screen) -> None:
        field = screen.fields.get("priority")
        if field is None:
            self._remarks.append(f"{where} has no priority on its create screen, so none is set")
            return
        known = {name.casefold() for name in fields.allowed(field)}
        for severity, name in self._settings.priorities.items():
            if known and name.casefold() not in known:
                self._problems.append(
                    f'jira.priorityMapping.{severity.value}: {where} has no priority "{name}"; '
                    f"allowed: {', '.join(fields.allowed(field))}"
                )

    def _custom_fields(self, where: str, screen: Screen) -> None:
        rows = screen.fields.items()
        found = {name: fields.find(rows, name) for name in self._settings.custom_fields}
        for name, field in found.items():
            if field is None:
                self._problems.append(
                    f'jira.customFields: "{name}" is not on the create screen of {where}'
                )
        given = {field[0] for field in found.values() if field is not None} | ALWAYS_SENT
        needed = [
            f"{field.name} ({key})"
            for key, field in rows
            if field.required and not field.has_default_value and key not in given
        ]
        if needed:
            self._problems.append(f"jira.customFields: {where} requires {', '.join(needed)}")

    async def _transitions(self, project: str) -> None:
        """Check the transitions of the newest issue, as Jira lists them only by issue and status."""
        site = await self._api.site()
        query = {"jql": f'project = "{project}" ORDER BY created DESC', "fields": ["status"]}
        found = await self._api.query(Found, site.dialect.search, {**query, "maxResults": 1})
        if not found.issues:
            self._remarks.append(f"transitions of {project} are not checked: it has no issue yet")
            return
        issue = await self._api.issue(found.issues[0].id)
        ways = await self._api.transitions(issue.id)
        status = issue.fields.status
        for key, wanted in self._wanted().items():
            there = wanted is None or workflow.is_at(wanted, status)
            if not there and workflow.choose(wanted or "", ways) is None:
                self._remarks.append(
                    f"jira.transitions.{key}: from status '{status.name}' ({issue.key}) "
                    f"no transition leads to '{wanted}'"
                )

    def _wanted(self) -> Mapping[str, str | None]:
        configured = self._settings.transitions
        return {
            "acknowledge": configured.acknowledge,
            "resolve": configured.resolve,
            "reopen": configured.reopen,
            "escalate": configured.escalate,
        }
