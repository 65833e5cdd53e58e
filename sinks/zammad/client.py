"""The Zammad sink: a ticket per incident, found again by a tag.

What people do in Zammad stands: a ticket that they closed or merged is still told what happens, but
only an incident that fires again opens it; one that they deleted is not made again.
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
"""The search by condition reads the database; this covers what another request has not written."""


class ZammadPlatform:
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
        """The group that the ticket is opened in; later changes of the configuration leave it."""
        return self._settings.group_for(want)

    async def perform(self, request: Request) -> Outcome:
        """Do it; a repeat looks first at what is there."""
        return await self._performers[request.operation](request)

    async def test_connection(self) -> Connection:
        """Whether the token is taken, and every name of the configuration known."""
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
        """Whether an earlier attempt at this has left its article."""
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
        """Change a ticket unless it is closed: by somebody, or by an earlier attempt."""
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
        """Another state, with the incident as it is now in an article."""
        want, was = request.want, _held(request).shown
        return {
            **payload.fields(want, was, self._writer, self._settings),
            "state": state,
            "article": payload.article(subject, self._writer.body(want)),
        }

    async def _comment(self, request: Request) -> Outcome:
        have = _held(request)
        told = shown_fields.unposted(request.want, have.shown.steps_through, self.traits)
        there = await self._api.articles(have.external_id) if request.uncertain else []
        bodies = [body for _, body in there]
        text = comment.comment(told, bodies, payload.BODY_CHARS_MAX)
        if text:
            await self._api.add_article(have.external_id, payload.article("Progress", text))
        return Delivered()

    async def _deduplicate(self, request: Request) -> Outcome:
        """Close every other open ticket of the incident, and say in it which one goes on."""
        have = _held(request)
        said = payload.article(
            "Duplicate", f"Closed as a duplicate of ticket {have.key}: {have.url}"
        )
        state = self._settings.states.resolved
        for ticket in await self._api.tagged(payload.tag(request.incident_id)):
            if ticket.id != have.external_id and not ticket.closed:
                await self._api.change(ticket.id, {"state": state, "article": said})
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


def create(config: Config, open_http: HttpFactory) -> ZammadPlatform:
    """The sink as configured."""
    settings = Settings.of(config.zammad)
    http = open_http((settings.token,))
    return ZammadPlatform(settings, http, writer_for(config, NAME))
