"""Finds an incident's issues again: by label through the search, then by their entity property.

https://developer.atlassian.com/cloud/jira/platform/search-and-reconcile/
"""

from __future__ import annotations

from sinks.jira.answers import Found, Issue
from sinks.jira.api import Api
from sinks.jira.payload import PROPERTY, key_label
from sinks.outcome import Failed, Reason

SEARCH_LAG_SECONDS = 10.0
"""How long a new issue may be missing from the search; Cloud promises no bound."""
FOUND_MAX = 20


class Finder:
    """Looks issues up. Raises Failed."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def issues(self, incident_id: str, known: str = "") -> list[Issue]:
        """The incident's issues, oldest first; the one with the known id is not missed.

        An issue that has our label and not our property is a person's copy, and none of ours.
        """
        site = await self._api.site()
        body = {
            "jql": f'labels = "{key_label(incident_id)}" ORDER BY created ASC',
            "fields": ["status", "labels"],
            "maxResults": FOUND_MAX,
        }
        if known.isdecimal() and site.dialect.version == "3":
            body["reconcileIssues"] = [int(known)]
        found = await self._api.query(Found, site.dialect.search, body)
        ours: list[Issue] = []
        for row in found.issues:
            issue = await self._verified(row.id, incident_id)
            ours += [issue] if issue else []
        return ours

    async def _verified(self, issue_id: str, incident_id: str) -> Issue | None:
        try:
            issue = await self._api.issue(issue_id, {"properties": PROPERTY})
        except Failed as failed:
            if failed.outcome.reason is Reason.NOT_FOUND:
                return None
            raise
        value = issue.properties.get(PROPERTY)
        is_ours = isinstance(value, dict) and value.get("id") == incident_id
        return issue if is_ours else None
