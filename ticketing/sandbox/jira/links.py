"""Remote links: an issue's links to pages outside Jira, one for each global id."""

from __future__ import annotations

from aiohttp import web

from ticketing.sandbox.jira.access import authorize, body_of
from ticketing.sandbox.jira.answers import refuse_fields
from ticketing.sandbox.jira.store import Issues
from ticketing.sandbox.platform import Call
from ticketing.sandbox.tickets import PlatformTickets


class Links:
    """Lists an issue's links; a link with a known global id replaces the old one."""

    def __init__(self, tickets: PlatformTickets, issues: Issues) -> None:
        self._tickets = tickets
        self._issues = issues

    def get(self, call: Call) -> web.Response:
        """GET issue/{key}/remotelink."""
        authorize(call)
        return web.json_response(list(self._issues.of(call).record["links"].values()))

    def post(self, call: Call) -> web.Response:
        """POST issue/{key}/remotelink."""
        body = body_of(call)
        ticket = self._issues.of(call)
        target = body.get("object")
        if not isinstance(target, dict) or not target.get("url") or not target.get("title"):
            refuse_fields({"object": "'url' and 'title' are required."})
        links = ticket.record["links"]
        key = body.get("globalId") or f"sandbox-{len(links)}"
        new = key not in links
        links[key] = {"id": len(links) + 1 if new else links[key]["id"], **body}
        self._tickets.note(ticket, f"link: {target['title'][:200]}")
        answer = {"id": links[key]["id"], "self": f"{call.base_url}{call.path}"}
        return web.json_response(answer, status=201 if new else 200)
