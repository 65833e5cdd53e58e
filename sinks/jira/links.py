"""Writes an issue's links: to the tickets on other platforms, and the configured ones.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-remote-links/
"""

from __future__ import annotations

import structlog

from sinks.calls.outcome import Failed
from sinks.jira import payload
from sinks.jira.api import Api
from sinks.text.writer import Writer
from ticketing.domain.incidents.incident import Incident

log = structlog.get_logger(__name__)

KEPT_MAX = 10_000
"""More open issues than one adapter has; forgetting costs a request a link."""


class IssueLinks:
    """Writes each link once in the life of this object, and again when its address changes.

    Jira replaces a link that has the same global id.
    """

    def __init__(self, api: Api, writer: Writer) -> None:
        self._api = api
        self._writer = writer
        self._written: dict[str, dict[str, str]] = {}

    async def write(self, issue_id: str, want: Incident) -> None:
        """Write the links that are new or have changed. A failure is logged: the description has the
        links too, and the next change of the issue tries again."""
        text = self._writer.text(want)
        key = self._writer.key(want.id)
        written = self._kept(issue_id)
        for name, url in text.links.items():
            if written.get(name) == url:
                continue
            link = payload.remote_link(key, name, url, own=name in text.own)
            try:
                await self._api.write("POST", f"/issue/{issue_id}/remotelink", link)
                written[name] = url
            except Failed as failed:
                log.warning("jira_link_not_made", detail=failed.outcome.detail)

    def _kept(self, issue_id: str) -> dict[str, str]:
        if len(self._written) >= KEPT_MAX:
            self._written.clear()
        return self._written.setdefault(issue_id, {})
