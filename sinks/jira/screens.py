"""Create metadata: the fields that a new issue of a project and type can have.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/#api-rest-api-3-issue-createmeta-projectidorkey-issuetypes-get
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sinks.calls.outcome import Failed, Reason
from sinks.jira.answers import Field, IssueType, Page, read_as
from sinks.jira.api import Api, rejected

KEPT_SECONDS = 600.0
"""An administrator's change is seen within ten minutes; sooner if Jira refuses a field."""
PAGE_SIZE = 200
"""One page holds a whole create screen, as a rule."""
PAGES_MAX = 20
"""4,000 fields, more than a screen has; bounds a server whose pages never end."""
SHOWN_MAX = 12
"""Keeps a message readable; few projects have more issue types."""


@dataclass(frozen=True, slots=True)
class Screen:
    """A create screen: its fields by id, and the id of the issue type."""

    type_id: str
    fields: dict[str, Field]


class Screens:
    """Create metadata, kept for a while, as it changes only by an administrator's hand."""

    def __init__(self, api: Api, clock: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._clock = clock
        self._screens: dict[tuple[str, str], tuple[float, Screen]] = {}
        self._types: dict[str, tuple[float, list[IssueType]]] = {}
        self._asking = asyncio.Lock()

    async def of(self, project: str, issue_type: str) -> Screen:
        """The create screen; raises Failed, with what to fix for an unknown project or type."""
        async with self._asking:
            until, screen = self._screens.get((project, issue_type), (0.0, None))
            if screen is None or self._clock() >= until:
                screen = await self._read(project, issue_type)
                self._screens[project, issue_type] = (self._clock() + KEPT_SECONDS, screen)
            return screen

    def forget(self, project: str, issue_type: str) -> None:
        """Read the screen again next time, since Jira refused fields that are on it."""
        self._screens.pop((project, issue_type), None)
        self._types.pop(project, None)

    async def _read(self, project: str, issue_type: str) -> Screen:
        base = f"/issue/createmeta/{quote(project, safe='')}/issuetypes"
        types = await self._types_of(project, base)
        for one in types:
            if one.name.casefold() == issue_type.casefold() or one.id == issue_type:
                rows = await self._pages(f"{base}/{one.id}", Field)
                return Screen(one.id, {row.field_id or row.key: row for row in rows})
        names = ", ".join(one.name for one in types[:SHOWN_MAX])
        raise rejected(
            Reason.INVALID,
            f'jira.issueType: project {project} has no type "{issue_type}"; types: {names or "none"}',
        )

    async def _types_of(self, project: str, base: str) -> list[IssueType]:
        # Kept apart from the screens: from a slow Jira, each attempt needs one answer fewer.
        until, types = self._types.get(project, (0.0, []))
        if self._clock() < until:
            return types
        try:
            types = await self._pages(base, IssueType)
            self._types[project] = (self._clock() + KEPT_SECONDS, types)
            return types
        except Failed as failed:
            if failed.outcome.reason is not Reason.NOT_FOUND:
                raise
            raise rejected(
                Reason.NOT_FOUND,
                f"jira.projectKey: there is no project {project}, or our account may not create "
                "issues there",
            ) from failed

    async def _pages(self, path: str, kind: type[Any]) -> list[Any]:
        rows: list[Any] = []
        for _ in range(PAGES_MAX):
            asked = {"startAt": str(len(rows)), "maxResults": str(PAGE_SIZE)}
            page = await self._api.read(Page, path, asked)
            listed = page.issue_types if kind is IssueType else page.fields
            found = listed or [read_as(kind, row) for row in page.values or []]
            rows += found
            # Without a total, only an empty page is known to be the last.
            if not found or 0 < page.total <= len(rows):
                break
        return rows
