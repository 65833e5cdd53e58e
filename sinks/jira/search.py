"""Finds an incident's issues again: by label in the search, then by their entity property.

https://developer.atlassian.com/cloud/jira/platform/search-and-reconcile/
"""

from __future__ import annotations

from sinks.calls.outcome import Failed, Reason
from sinks.jira import adf
from sinks.jira.answers import Found, Issue
from sinks.jira.api import Api
from sinks.jira.dialect import CLOUD
from sinks.jira.payload import PROPERTY, key_label

SEARCH_LAG_SECONDS = 10.0
"""The time for which the search may miss a new issue. Cloud promises no bound: long enough for its
index to catch up as a rule, short enough that an uncertain create is repeated soon."""
NO_INCIDENT = "ticketing-agent-connection-test"
"""A key that no incident has."""
FOUND_MAX = 20
"""An incident has one issue, rarely two; people's copies have the label too."""


class IssueSearch:
    """Looks issues up. Raises Failed."""

    def __init__(self, api: Api, *, by_description: bool) -> None:
        """With `by_description` the key may also stand in the description."""
        self._api = api
        self._by_description = by_description

    async def first(self, key: str) -> Issue | None:
        """The incident's issue, by one request, as a slow Jira may leave no time for another.

        Data Center's search returns no properties. There the oldest issue with the label is taken,
        since a copy is younger than its original.
        """
        for issue in await self._labelled(key, ""):
            if _is_ours(issue, key):
                return issue
            if issue.properties is None and _has_key(issue, key):
                return issue
        return None

    async def works(self) -> None:
        """Search as after a lost answer, for an incident that has no issue; raises Failed."""
        await self._labelled(NO_INCIDENT, "")

    async def others(self, key: str, known: str) -> list[Issue]:
        """The incident's issues beside the known one that are not done, oldest first.

        An issue with our label but without our property is a person's copy and left out.
        """
        ours: list[Issue] = []
        for row in await self._labelled(key, known):
            if row.id == known or row.fields.status.done:
                continue
            issue = row if row.properties is not None else await self._whole(row.id)
            if issue is not None and _is_ours(issue, key):
                ours.append(issue)
        return ours

    async def _labelled(self, key: str, known: str) -> list[Issue]:
        site = await self._api.site()
        label = key_label(key)
        where = f'labels = "{label}"'
        if self._by_description:
            where = rf'({where} OR description ~ "\"{label}\"")'
        body = {
            "jql": f"{where} ORDER BY created ASC",
            "fields": ["status", "labels", *(["description"] if self._by_description else [])],
            "maxResults": FOUND_MAX,
        }
        if site.dialect is CLOUD:
            body["properties"] = [PROPERTY]
            body |= {"reconcileIssues": [int(known)]} if known.isdecimal() else {}
        return (await self._api.query(Found, site.dialect.search, body)).issues

    async def _whole(self, issue_id: str) -> Issue | None:
        try:
            return await self._api.issue(issue_id, {"properties": PROPERTY})
        except Failed as failed:
            if failed.outcome.reason is Reason.NOT_FOUND:
                return None
            raise


def _has_key(issue: Issue, key: str) -> bool:
    """True if the key is a label, or the last line of the description, where ours stands: a log line
    above it can name any key."""
    label = key_label(key)
    body = issue.fields.description
    lines = body.rstrip().splitlines() if isinstance(body, str) else adf.texts(body)
    return label in issue.fields.labels or [line.strip() for line in lines[-1:]] == [label]


def _is_ours(issue: Issue, key: str) -> bool:
    value = (issue.properties or {}).get(PROPERTY)
    return isinstance(value, dict) and value.get("id") == key
