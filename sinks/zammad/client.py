"""The Zammad sink: a ticket per incident, found again by a tag and a note.

People's changes stand: a ticket that they closed or merged still gets articles, but is opened only
when the incident fires again. A deleted ticket is not made again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from sinks.calls.comparison import not_taken
from sinks.calls.http import Http, HttpFactory
from sinks.calls.outcome import Absent, Delivered, Failed, Outcome, Reason, Refused
from sinks.calls.references import reference
from sinks.platform import STATUS_STEPS, Connection, Repeat, Request, Traits
from sinks.text import comment, shown_fields
from sinks.text.field_templates import FieldTemplates
from sinks.text.services import Services
from sinks.text.writer import Writer, writer_for
from sinks.zammad import payload
from sinks.zammad.api import Api, Ticket
from sinks.zammad.connection import ConnectionCheck
from sinks.zammad.settings import Settings
from tables.deliveries import Held, Operation, Why
from ticketing.config import Config
from ticketing.domain.incidents.incident import Incident, StepKind
from ticketing.domain.text import line

NAME = "zammad"
SEARCH_LAG_SECONDS = 1.0
"""The search by condition reads the database; a second covers a create that is being written."""

UNPROCESSABLE = 422
"""The status of a value that Zammad does not take; a ticket may have been made all the same."""
OPTIONAL = frozenset({"owner", "customer", "priority"})
"""Left out when Zammad refuses a ticket or a change: a ticket without them is better than none."""
COMPARED = ("title", "group", "state", "priority", "owner", "note")
"""The fields that Zammad's answer shows as they were sent."""


class ZammadSink:
    """Tickets of one Zammad installation."""

    name = NAME

    def __init__(self, settings: Settings, http: Http, writer: Writer) -> None:
        self._settings = settings
        self._http = http
        self._writer = writer
        self._api = Api(settings, http, reference(settings.token))
        self._fields = FieldTemplates("zammad.fields", settings.fields, writer)
        self.traits = Traits(
            repeat=Repeat.AFTER_LOOK_UP,
            updates=frozenset({Why.SEVERITY, Why.TITLE, Why.LINKS, Why.SUMMARY}),
            steps=STATUS_STEPS - {StepKind.OPENED},
            search_lag=SEARCH_LAG_SECONDS,
            quiet_is_told=True,
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
        remarks: list[str] = []
        own = self._fields.values(request.want, remarks)
        body = payload.ticket(request.want, request.account, self._writer, self._settings, own)
        if not self._settings.customer:
            body["customer_id"] = await self._api.own_id()
        try:
            return await self._made(request, body, tuple(remarks))
        except Failed as failed:
            if failed.status != UNPROCESSABLE:
                raise
            refused = failed
        # Zammad may have made the ticket before a trigger or a callback failed.
        optional = OPTIONAL | own.keys()
        left_out = (*remarks, _refused_fields(body.keys() & optional, refused))
        found = await self._api.found(self._writer.key(request.incident_id))
        if found:
            return self._delivered(found[0], request.account)
        plain = {name: value for name, value in body.items() if name not in optional}
        plain["customer_id"] = await self._api.own_id()
        # The group of a catalog may be one that only ServiceNow has.
        for group in dict.fromkeys((body["group"], self._settings.group)):
            if group != body["group"]:
                left_out += (f'group: Zammad refused "{line(body["group"])}"',)
            try:
                return await self._made(request, {**plain, "group": group}, left_out)
            except Failed as failed:
                found = await self._api.found(self._writer.key(request.incident_id))
                if found:
                    return self._delivered(found[0], request.account)
                if failed.status != UNPROCESSABLE:
                    raise
        raise refused

    async def _made(
        self, request: Request, body: dict[str, Any], left_out: tuple[str, ...] = ()
    ) -> Delivered:
        ticket = await self._api.create(body)
        compared = (*COMPARED, *self._settings.fields)
        asked = {name: body[name] for name in compared if name in body}
        kept = (*left_out, *not_taken("Zammad", asked, ticket.fields))
        # What no ticket has, Zammad drops without a word.
        gone = [
            f"{name}: tickets have no such attribute"
            for name in self._settings.fields
            if name in body and not {name, f"{name}_id"} & ticket.fields.keys()
        ]
        return self._delivered(
            ticket, request.account, (*kept, *gone, *await self._dropped_tags(ticket, body))
        )

    async def _dropped_tags(self, ticket: Ticket, body: dict[str, Any]) -> list[str]:
        """A sentence if tags are missing; none if they can't be read, as the ticket exists."""
        try:
            there = {one.casefold() for one in await self._api.tags(ticket.id)}
        except Failed:
            return []
        missing = [one for one in body.get("tags", "").split(",") if one.casefold() not in there]
        return (
            [f"tags: Zammad makes no new ones (tag_new): {', '.join(missing)}"]
            if any(missing)
            else []
        )

    async def _look_up(self, request: Request) -> Outcome:
        found = await self._api.found(self._writer.key(request.incident_id))
        return self._delivered(found[0], request.account) if found else Absent()

    async def _update(self, request: Request) -> Outcome:
        want, have = request.want, _held(request)
        body = payload.fields(want, have.shown, self._writer, self._settings)
        told = payload.news(want, have.shown, shown_fields.links(want, NAME), self._writer)
        if told and not await self._stands(request, told):
            body["article"] = told
        _, left_out = await self._changed(have.external_id, body)
        return Delivered(left_out=left_out)

    async def _changed(
        self, ticket_id: str, body: dict[str, Any]
    ) -> tuple[Ticket, tuple[str, ...]]:
        """Change a ticket; returns the answer, and a sentence for each field left out."""
        left_out: list[str] = []
        try:
            ticket = await self._api.change(ticket_id, body)
        except Failed as failed:
            plain = {
                name: value for name, value in body.items() if name not in (*OPTIONAL, "group")
            }
            if failed.status != UNPROCESSABLE or not plain or plain == body:
                raise
            # A change without its priority is better than none.
            left_out = [_refused_fields(body.keys() - plain, failed)]
            if any(
                one[1] == body.get("article", {}).get("body")
                for one in await self._api.articles(ticket_id)
            ):
                del plain["article"]
            ticket = await self._api.change(ticket_id, plain)
            body = plain
        asked = {name: body[name] for name in COMPARED if name in body}
        return ticket, (*left_out, *not_taken("Zammad", asked, ticket.fields))

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
        changes = self._turn(request, self._settings.states.resolved, "Resolved")
        if not self.traits.tells_the_end(request.want):
            del changes["article"]
        return await self._move(request, changes)

    async def _move(self, request: Request, changes: dict[str, Any]) -> Outcome:
        """Change the state of a ticket unless a person or an earlier attempt has closed it."""
        have, wanted = _held(request), str(changes["state"])
        before = await self._api.read(have.external_id)
        if before.closed:
            return Delivered()
        after, left_out = await self._changed(have.external_id, changes)
        stays = bool(after.state) and after.state == before.state != wanted
        if stays or (wanted == self._settings.states.resolved and not after.closed):
            return _state_kept(after, wanted)
        return Delivered(left_out=left_out)

    async def _reopen(self, request: Request) -> Outcome:
        have = _held(request)
        body = self._turn(request, self._settings.states.open, "Open again")
        if request.uncertain and not (await self._api.read(have.external_id)).closed:
            del body["article"]
        after, left_out = await self._changed(have.external_id, body)
        return _state_kept(after, body["state"]) if after.closed else Delivered(left_out=left_out)

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
        for ticket in await self._api.found(self._writer.key(request.incident_id)):
            if ticket.id != have.external_id and not ticket.closed:
                await self._api.change(ticket.id, {"state": state, "article": notice})
        return Delivered()

    def _delivered(self, ticket: Ticket, account: str, left_out: tuple[str, ...] = ()) -> Delivered:
        return Delivered(
            external_id=ticket.id,
            key=ticket.number,
            url=self._settings.page(ticket.id),
            account=account,
            left_out=left_out,
        )


def _refused_fields(names: Iterable[str], failed: Failed) -> str:
    return f"{', '.join(sorted(names))}: Zammad refused them ({line(failed.outcome.detail)})"


def _state_kept(ticket: Ticket, wanted: str) -> Refused:
    detail = (
        f'the state stays "{ticket.state}" in place of "{wanted}": a workflow or trigger keeps it'
    )
    return Refused(Reason.INVALID, detail)


def _held(request: Request) -> Held:
    assert request.have is not None, "only what is held is changed"
    return request.have


def create(config: Config, open_http: HttpFactory) -> ZammadSink:
    """The sink as configured.

    Raises Misconfigured for a template that can't be used.
    """
    settings = Settings.of(config.zammad, Services.of(config))
    http = open_http((settings.token,))
    return ZammadSink(settings, http, writer_for(config, NAME))
