"""Moves issues through their workflow, as far as our account may, and never against a person.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/#api-rest-api-3-issue-issueidorkey-transitions-post
"""

from __future__ import annotations

import asyncio
from typing import Any

from sinks.calls.outcome import Failed, Reason
from sinks.jira import workflow
from sinks.jira.answers import Issue, Status, Transition
from sinks.jira.api import Api, rejected
from sinks.jira.workflow import NoWay
from ticketing.config.platforms.jira import JiraTransitions

HOPS_MAX = 5
"""More steps than a workflow has between its statuses in progress and its end, as a rule; bounds the
requests of one resolution."""
DUPLICATE = "duplicate"
DONE = "done"
"""The category of the end of a workflow."""


class Transitions:
    """Takes transitions. Raises Failed."""

    def __init__(self, api: Api, configured: JiraTransitions) -> None:
        self._api = api
        self._configured = configured

    async def acknowledge(self, issue_id: str) -> None:
        """Move the issue into progress, unless a person has done so or closed it."""
        wanted = self._configured.acknowledge
        if wanted is None:
            return
        status, ways = await self._now(issue_id)
        if status.done or workflow.is_at(wanted, status):
            return
        way = workflow.choose(wanted, ways)
        if way is not None:
            await self._take(issue_id, way, {})
        elif status.status_category.key != workflow.STARTED:
            raise _refused(workflow.no_way("acknowledge", wanted, status, ways))

    async def escalate(self, issue_id: str) -> None:
        """Take the transition of escalated issues, if one is configured."""
        wanted = self._configured.escalate
        if wanted is None:
            return
        status, ways = await self._now(issue_id)
        if status.done or workflow.is_at(wanted, status):
            return
        way = workflow.choose(wanted, ways)
        if way is None:
            raise _refused(workflow.no_way("escalate", wanted, status, ways))
        await self._take(issue_id, way, {})

    async def resolve(self, issue_id: str) -> None:
        """Move the issue to its end, through statuses in progress if there is no direct way."""
        wanted = self._configured.resolve
        if wanted is not None:
            await self._finish(issue_id, wanted, self._configured.fields)

    async def close_duplicate(self, issue_id: str) -> None:
        """Move the issue to its end, with the resolution Duplicate where Jira has it."""
        given = {k: v for k, v in self._configured.fields.items() if k != workflow.RESOLUTION}
        await self._finish(issue_id, self._configured.resolve or DONE, given, DUPLICATE)

    async def reopen(self, issue_id: str) -> str:
        """Move the issue out of its end: to the configured status, else into progress.

        Returns the resolution if it is final, so that the issue stays as it is.
        """
        wanted = self._configured.reopen
        if wanted is None:
            return ""
        issue, ways = await self._seen(issue_id)
        status = issue.fields.status
        if not status.done:
            return ""
        resolution = issue.fields.resolution.name if issue.fields.resolution else ""
        final = (name.casefold() for name in self._configured.final_resolutions)
        if resolution.casefold() in final:
            return resolution
        way = workflow.choose(wanted, ways) or workflow.detour(ways, {status.name})
        if way is None:
            raise _refused(workflow.no_way("reopen", wanted, status, ways))
        await self._take(issue_id, way, {})
        return ""

    async def _finish(
        self, issue_id: str, wanted: str, given: dict[str, Any], resolution: str = ""
    ) -> None:
        seen: set[str] = set()
        for _ in range(HOPS_MAX):
            status, ways = await self._now(issue_id)
            if status.done or workflow.is_at(wanted, status):
                return
            seen.add(status.name)
            way = workflow.choose(wanted, ways) or workflow.detour(ways, seen)
            if way is None:
                raise _refused(workflow.no_way("resolve", wanted, status, ways))
            await self._take(issue_id, way, given, resolution)
            if workflow.choose(wanted, [way]):
                return
        raise rejected(Reason.INVALID, f"jira.transitions.resolve: not done after {HOPS_MAX} steps")

    async def _now(self, issue_id: str) -> tuple[Status, list[Transition]]:
        """The issue's status and transitions."""
        issue, ways = await self._seen(issue_id)
        return issue.fields.status, ways

    async def _seen(self, issue_id: str) -> tuple[Issue, list[Transition]]:
        """The issue and its transitions, by two concurrent requests, which save time."""
        return await asyncio.gather(self._api.issue(issue_id), self._api.transitions(issue_id))

    async def _take(
        self, issue_id: str, way: Transition, given: dict[str, Any], resolution: str = ""
    ) -> None:
        dialect = (await self._api.site()).dialect
        try:
            sent = workflow.screen_fields(way, given, dialect, resolution)
        except NoWay as error:
            raise _refused(error) from error
        body: dict[str, Any] = {"transition": {"id": way.id}}
        await self._api.write(
            "POST", f"/issue/{issue_id}/transitions", {**body, "fields": sent} if sent else body
        )


def _refused(error: NoWay) -> Failed:
    return rejected(Reason.INVALID, error.detail)
