"""The Zammad sink: a ticket per incident, found again by a tag.

People's changes stand: a ticket that they closed or merged still gets articles, but is opened only
when the incident fires again. A deleted ticket is not made again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from sinks.calls.http import Http, HttpFactory
from sinks.calls.outcome import Absent, Delivered, Outcome
from sinks.calls.references import reference
from sinks.platform import STATUS_STEPS, Connection, Repeat, Request, Traits
from sinks.text import comment, shown_fields
from sinks.text.writer import Writer, writer_for
from sinks.zammad import payload
from sinks.zammad.api import Api, Ticket
from sinks.zammad.connection import ConnectionCheck
from sinks.zammad.settings import Settings
from tables.deliveries import Held, Operation, Why
from ticketing.config import Config
from ticketing.domain.incidents.incident import Incident, StepKind

NAME = "zammad"
SEARCH_LAG_SECONDS = 1.0
"""The search by condition reads the database; a second covers a create that is being written."""


class ZammadSink:
    """Tickets of one Zammad installation."""

    name = NAME

    def __init__(self, settings: Settings, http: Http, writer: Writer) -> None:
        self._settings = settings
        self._http = http
        self._writer = writer
        self._api = Api(settings, http, reference(settings.token))
        self.traits = Traits(
            repeat=Repeat.AFTER_LOOK_UP,
            updates=frozenset({Why.SEVERITY, Why.TITLE, Why.LINKS, Why.SUMMARY}),
            steps=STATUS_STEPS - {StepKind.OPENED},
            search_lag=SEARCH_LAG_SECONDS,
        )
        self._performers: dict[Operation, Callable[[Request], Awaitable[Outcome]]] = {
            Operation.CREATE: self._create,
            Operation.LOOK_UP: self._look_up,
            Operation.UPDATE: self._update,
            Operation.ACKNOWLEDGE: self._acknowledge,
            Operation.ESCALATE: self._escalate,
            Operation.RESOLVE: self._resolve,
            Operation.REOPEN: self._reopen,
            Operation.COMMENT: self._comment,
            Operation.DEDUPLICATE: self._deduplicate,
        }

    def account(self, want: Incident) -> str:
        """The group for a new ticket, which later changes of the configuration do not move."""
        return self._settings.group_for(want)

    async def perform(self, request: Request) -> Outcome:
        """Perform the operation on the ticket; a repeat first reads the ticket."""
        return await self._performers[request.operation](request)

    async def test_connection(self) -> Connection:
        """Check the token and every configured name, without side effects."""
        return await ConnectionCheck(self._settings, self._api).result()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def _create(self, request: Request) -> Outcome:
        body = payload.ticket(request.want, request.account, self._writer, self._settings)
        if not self._settings.customer:
            body["customer_id"] = await self._api.own_id()
        return self._delivered(await self._api.create(body), request.account)

    async def _look_up(self, request: Request) -> Outcome:
        found = await self._api.tagged(payload.tag(request.incident_id))
        return self._delivered(found[0], request.account) if found else Absent()

    async def _update(self, request: Request) -> Outcome:
        want, have = request.want, _held(request)
        body = payload.fields(want, have.shown, self._writer, self._settings)
        told = payload.news(want, have.shown, shown_fields.links(want, NAME), self._writer)
        if told and not await self._stands(request, told):
            body["article"] = told
        await self._api.change(have.external_id, body)
        return Delivered()

    async def _stands(self, request: Request, article: dict[str, Any]) -> bool:
        """True if an earlier attempt has left the article."""
        if not request.uncertain:
            return False
        there = await self._api.articles(_held(request).external_id)
        return any(subject == article["subject"] for subject, _ in there)

    async def _acknowledge(self, request: Request) -> Outcome:
        return await self._move(request, {"state": self._settings.states.acknowledged})

    async def _escalate(self, request: Request) -> Outcome:
        group = self._settings.escalation_group
        changes = {
            "state": self._settings.states.escalated,
            "priority": self._settings.priority_for(request.want),
            **({"group": group} if group else {}),
        }
        return await self._move(request, changes)

    async def _resolve(self, request: Request) -> Outcome:
        return await self._move(
            request, self._turn(request, self._settings.states.resolved, "Resolved")
        )

    async def _move(self, request: Request, changes: dict[str, Any]) -> Outcome:
        """Change a ticket unless a person or an earlier attempt has closed it."""
        have = _held(request)
        if not (await self._api.read(have.external_id)).closed:
            await self._api.change(have.external_id, changes)
        return Delivered()

    async def _reopen(self, request: Request) -> Outcome:
        have = _held(request)
        body = self._turn(request, self._settings.states.open, "Open again")
        if request.uncertain and not (await self._api.read(have.external_id)).closed:
            del body["article"]
        await self._api.change(have.external_id, body)
        return Delivered()

    def _turn(self, request: Request, state: str, subject: str) -> dict[str, Any]:
        """The changes to another state, with the present incident in an article."""
        want, was = request.want, _held(request).shown
        return {
            **payload.fields(want, was, self._writer, self._settings),
            "state": state,
            "article": payload.article(subject, self._writer.body(want)),
        }

    async def _comment(self, request: Request) -> Outcome:
        have = _held(request)
        there = await self._api.articles(have.external_id) if request.uncertain else []
        bodies = [body for _, body in there]
        text = comment.comment(request.steps, bodies, payload.BODY_CHARS_MAX)
        if text:
            await self._api.add_article(have.external_id, payload.article("Progress", text))
        return Delivered()

    async def _deduplicate(self, request: Request) -> Outcome:
        """Close the incident's other open tickets, each with an article that names the kept one."""
        have = _held(request)
        notice = payload.article(
            "Duplicate", f"Closed as a duplicate of ticket {have.key}: {have.url}"
        )
        state = self._settings.states.resolved
        for ticket in await self._api.tagged(payload.tag(request.incident_id)):
            if ticket.id != have.external_id and not ticket.closed:
                await self._api.change(ticket.id, {"state": state, "article": notice})
        return Delivered()

    def _delivered(self, ticket: Ticket, account: str) -> Delivered:
        return Delivered(
            external_id=ticket.id,
            key=ticket.number,
            url=self._settings.page(ticket.id),
            account=account,
        )


def _held(request: Request) -> Held:
    assert request.have is not None, "only what is held is changed"
    return request.have


def create(config: Config, open_http: HttpFactory) -> ZammadSink:
    """The sink as configured."""
    settings = Settings.of(config.zammad)
    http = open_http((settings.token,))
    return ZammadSink(settings, http, writer_for(config, NAME))
