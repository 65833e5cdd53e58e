"""The Jira sink: one issue per incident, found again by its label and its entity property.

A person's changes stand: a closed issue is reopened only when the incident fires again after its
own resolution, and a deleted issue is not made again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from sinks.calls.http import HttpFactory
from sinks.calls.outcome import Absent, Delivered, Failed, Outcome, Reason, Refused
from sinks.jira import answers, payload
from sinks.jira.answers import Created, Issue
from sinks.jira.api import Api, Site
from sinks.jira.connection import ConnectionCheck
from sinks.jira.links import IssueLinks
from sinks.jira.payload import Author, Draft
from sinks.jira.screens import Screen, Screens
from sinks.jira.search import SEARCH_LAG_SECONDS, IssueSearch
from sinks.jira.settings import Settings
from sinks.jira.transitions import Transitions
from sinks.platform import STATUS_STEPS, Connection, Repeat, Request, Traits
from sinks.text import parts
from sinks.text.field_templates import FieldTemplates
from sinks.text.writer import Writer, writer_for
from tables.deliveries import Held, Operation, Why
from ticketing.config import Config
from ticketing.domain.incidents.incident import Incident, StepKind
from ticketing.domain.text import line

log = structlog.get_logger(__name__)

NAME = "jira"
COUNT_SECONDS = 900.0
"""The time between edits for a count alone, since Jira notifies every watcher of each edit."""
REFUSED = 400
COMMENTS_MAX = 100
"""The newest comments, searched for one of unknown outcome: people write fewer until the repeat."""
GONE = "the issue was deleted, or our account may not see it any more; it is not created again"


class JiraSink:
    """Issues of one Jira."""

    name = NAME

    def __init__(self, settings: Settings, api: Api, writer: Writer) -> None:
        self._settings = settings
        self._api = api
        self._writer = writer
        self._templates = FieldTemplates("jira.customFields", settings.custom_fields, writer)
        self._screens = Screens(api)
        self._search = IssueSearch(api, by_description=settings.by_description)
        self._transitions = Transitions(api, settings.transitions)
        self._links = IssueLinks(api, writer)
        self._operations: dict[Operation, Callable[[Request, Held], Awaitable[Delivered]]] = {
            Operation.UPDATE: self._update,
            Operation.ACKNOWLEDGE: self._acknowledge,
            Operation.ESCALATE: self._escalate,
            Operation.RESOLVE: self._resolve,
            Operation.REOPEN: self._reopen,
            Operation.COMMENT: self._comment,
            Operation.DEDUPLICATE: self._deduplicate,
        }
        self.traits = Traits(
            repeat=Repeat.AFTER_LOOK_UP,
            updates=frozenset({Why.SEVERITY, Why.TITLE, Why.SUMMARY, Why.LINKS, Why.COUNT}),
            steps=STATUS_STEPS - {StepKind.OPENED},
            search_lag=SEARCH_LAG_SECONDS,
            count_interval=COUNT_SECONDS,
            quiet_is_told=True,
        )

    def account(self, want: Incident) -> str:
        """The project of a new issue."""
        return self._settings.project_for(want)

    async def perform(self, request: Request) -> Outcome:
        """Perform the operation on the issue; every operation can be repeated."""
        if request.operation is Operation.CREATE:
            return await self._create(request)
        if request.operation is Operation.LOOK_UP:
            return await self._look_up(request)
        assert request.have is not None, "what is changed is held"
        try:
            return await self._operations[request.operation](request, request.have)
        except Failed as failed:
            if failed.outcome.reason is not Reason.NOT_FOUND:
                raise
            # The same words each time make one dead letter, however often the change is tried.
            return Refused(Reason.NOT_FOUND, GONE, failed.outcome.request)

    async def test_connection(self) -> Connection:
        """Check everything that issues will need, without side effects."""
        return await ConnectionCheck(self._api, self._screens, self._settings, self._search).check()

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    async def _author(self) -> Author:
        site = await self._api.site()
        return Author(self._settings, self._writer, self._templates, site.dialect)

    async def _create(self, request: Request) -> Outcome:
        want = request.want
        site, author = await self._api.site(), await self._author()
        project = request.account or self.account(want)
        issue_type = self._settings.issue_type_for(want)
        screen = await self._screens.of(project, issue_type)
        remarks = [payload.POSSIBLE_REPEAT] if request.uncertain else []
        draft = author.draft(want, project, screen, remarks)
        made, draft = await self._made(author, draft, want)
        if draft.left_out:
            self._screens.forget(project, issue_type)
        await self._complete(request, made, screen, site)
        return _delivered(site, made, draft.left_out)

    async def _made(self, author: Author, draft: Draft, want: Incident) -> tuple[Created, Draft]:
        """Create an issue; fields that Jira refuses are left out until it is made.

        Jira says with a 400 that it made nothing. Each round leaves out a field at least.
        """
        first: Failed | None = None
        while True:
            try:
                return await self._api.make(Created, "/issue", draft.body()), draft
            except Failed as failed:
                if failed.status != REFUSED:
                    raise
                first = first or failed
                poorer = author.poorer(draft, want, answers.refused_fields(failed.body))
            if poorer is None:
                raise first
            # An issue without some of its fields is better than none.
            draft = poorer

    async def _look_up(self, request: Request) -> Outcome:
        found = await self._search.first(self._writer.key(request.incident_id))
        if found is None:
            return Absent()
        return _delivered(await self._api.site(), found)

    async def _update(self, request: Request, have: Held) -> Delivered:
        author = await self._author()
        urgent = request.want.severity.rank > have.shown.severity.rank or not have.shown.revision
        changes = author.changes(request.want, urgent=urgent)
        left_out = await self._edit(have.external_id, changes)
        if self._settings.remote_links:
            await self._links.write(have.external_id, request.want)
        return Delivered(left_out=tuple(left_out))

    async def _edit(self, issue_id: str, fields: dict[str, object]) -> list[str]:
        """Change fields; returns a sentence for each field that Jira refuses, if others remain."""
        left_out: list[str] = []
        while True:
            try:
                await self._api.write("PUT", f"/issue/{issue_id}", {"fields": fields})
                return left_out
            except Failed as failed:
                if failed.status != REFUSED:
                    raise
                dropped = payload.refused_of(fields, answers.refused_fields(failed.body))
                if not dropped:
                    if not (await self._api.issue(issue_id)).fields.status.done:
                        raise
                    # A workflow can forbid edits of closed issues: a closed issue stays as it is.
                    return left_out
            left_out += [f"{name}: {line(why)}" for name, why in dropped.items()]
            fields = {name: value for name, value in fields.items() if name not in dropped}

    async def _acknowledge(self, request: Request, have: Held) -> Delivered:
        await self._transitions.acknowledge(have.external_id)
        return Delivered()

    async def _escalate(self, request: Request, have: Held) -> Delivered:
        """Raise the priority to the highest and take the configured transition.

        The comment about the escalation is an operation of its own.
        """
        author, left_out = await self._author(), []
        try:
            await self._edit(have.external_id, author.priority(request.want))
        except Failed as failed:
            if failed.status != REFUSED:
                raise
            left_out = [f"priority: Jira refused it ({line(failed.outcome.detail)})"]
        await self._transitions.escalate(have.external_id)
        return Delivered(left_out=tuple(left_out))

    async def _resolve(self, request: Request, have: Held) -> Delivered:
        await self._transitions.resolve(have.external_id)
        return Delivered()

    async def _reopen(self, request: Request, have: Held) -> Delivered:
        final = await self._transitions.reopen(have.external_id)
        said = f'status: stays, as the resolution "{final}" is final (jira.transitions)'
        return Delivered(left_out=(said,) if final else ())

    async def _comment(self, request: Request, have: Held) -> Delivered:
        lines = parts.steps(request.steps)
        dialect = (await self._api.site()).dialect
        path = f"/issue/{have.external_id}/comment"
        if request.uncertain:
            newest = {"orderBy": "-created", "maxResults": str(COMMENTS_MAX)}
            there = (await self._api.read(answers.Comments, path, newest)).comments
            lines = [
                one for one in lines if not any(dialect.says(said.body, one) for said in there)
            ]
        if lines:
            await self._api.write("POST", path, {"body": dialect.lines(lines)})
        return Delivered()

    async def _deduplicate(self, request: Request, have: Held) -> Delivered:
        """Close the incident's other issues, each with a comment that names the kept one."""
        site = await self._api.site()
        key = self._writer.key(request.incident_id)
        for issue in await self._search.others(key, have.external_id):
            remark = f"Duplicate of {have.key}: {site.link(have.key)}"
            body = {"body": site.dialect.lines([remark])}
            await self._api.write("POST", f"/issue/{issue.id}/comment", body)
            await self._transitions.close_duplicate(issue.id)
        return Delivered()

    async def _complete(self, request: Request, made: Created, screen: Screen, site: Site) -> None:
        """Write the fields that a create can't carry. A failure is logged: the issue exists."""
        assignee = self._settings.assignee_for(request.want)
        try:
            if assignee and "assignee" not in screen.fields:
                body = site.dialect.user(assignee)
                await self._api.write("PUT", f"/issue/{made.id}/assignee", body)
            if self._settings.remote_links:
                await self._links.write(made.id, request.want)
        except Failed as failed:
            log.warning("jira_not_completed", key=made.key, detail=failed.outcome.detail)


def _delivered(site: Site, issue: Created | Issue, left_out: tuple[str, ...] = ()) -> Delivered:
    url = site.link(issue.key)
    return Delivered(external_id=issue.id, key=issue.key, url=url, left_out=left_out)


def create(config: Config, open_http: HttpFactory) -> JiraSink:
    """The sink as configured.

    Raises Misconfigured for a template that can't be used.
    """
    settings = Settings.of(config.jira)
    http = open_http(settings.secrets())
    return JiraSink(settings, Api(http, settings), writer_for(config, NAME))
