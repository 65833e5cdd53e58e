"""Tickets over HTTP: create, read, update, delete."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from ticketing.sandbox.platform import Call
from ticketing.sandbox.tickets import PlatformTickets
from ticketing.sandbox.zammad.access import authorize, body_of
from ticketing.sandbox.zammad.answers import refuse
from ticketing.sandbox.zammad.behaviours import ZammadBehaviours
from ticketing.sandbox.zammad.comments import Articles, checked_article
from ticketing.sandbox.zammad.directory import Customers
from ticketing.sandbox.zammad.fields import resolved
from ticketing.sandbox.zammad.store import ZammadTickets, view
from ticketing.sandbox.zammad.tags import tags_of


class TicketCalls:
    """The calls that create, read and change whole tickets."""

    def __init__(
        self,
        tickets: PlatformTickets,
        kept: ZammadTickets,
        articles: Articles,
        customers: Customers,
        behaviours: ZammadBehaviours,
    ) -> None:
        self._tickets = tickets
        self._kept = kept
        self._articles = articles
        self._customers = customers
        self._behaviours = behaviours

    def create(self, call: Call) -> web.Response:
        """POST tickets: a ticket with its first article."""
        given = body_of(call)
        fields = self._taken(self._resolved(given), "")
        for name in ("title", "group"):
            if name not in fields:
                refuse(422, f"Missing required value for field '{name}'!")
        customer = self._customers.id_of(given)
        article = checked_article(given.get("article"))
        number = self._kept.free_number(given.get("number"))
        tags = tags_of(given.get("tags", "")) if self._behaviours.tag_new else []
        ticket = self._kept.add(call.base_url, number, fields, customer, tags)
        self._articles.add(ticket, article)
        self._kept.change(ticket, {}, "")
        if self._behaviours.refuses_after_create:
            refuse(422, "Validation failed: a trigger failed after the ticket was saved")
        return web.json_response(view(ticket, call), status=201)

    def _resolved(self, given: dict[str, Any]) -> dict[str, Any]:
        return resolved(given, drops_unknown=self._behaviours.drops_unknown)

    def _taken(self, fields: dict[str, Any], ignored_field: str) -> dict[str, Any]:
        """The fields that are kept as they were sent."""
        ignored = {ignored_field, "" if self._behaviours.keeps_note else "note"}
        return {name: value for name, value in fields.items() if name not in ignored}

    def get(self, call: Call) -> web.Response:
        """GET tickets/{id}."""
        authorize(call)
        return web.json_response(view(self._kept.find(call.params["id"]), call))

    def update(self, call: Call) -> web.Response:
        """PUT tickets/{id}: fields, and one more article if the body has one."""
        given = body_of(call)
        ticket = self._kept.find(call.params["id"])
        fields = self._taken(self._resolved(given), self._behaviours.ignores)
        if "customer" in given or "customer_id" in given:
            fields["customer_id"] = self._customers.id_of(given)
        article = given.get("article")
        if article is not None:
            article = checked_article(article)
        self._kept.change(ticket, fields, "updated")
        if article is not None:
            self._articles.add(ticket, article)
        return web.json_response(view(ticket, call))

    def delete(self, call: Call) -> web.Response:
        """DELETE tickets/{id}."""
        authorize(call)
        ticket = self._kept.find(call.params["id"])
        self._tickets.note(ticket, "deleted over REST", "deleted")
        return web.json_response({})
