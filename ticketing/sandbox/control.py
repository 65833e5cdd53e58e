"""The sandbox's own calls under /_sandbox, and its page: tickets, people's actions, faults."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from ticketing.sandbox.behaviours import BadBehaviour
from ticketing.sandbox.faults import BadFault, Fault, parse_fault
from ticketing.sandbox.platform import BadAction, StandIn
from ticketing.sandbox.tickets import Ticket, Tickets

PAGE = Path(__file__).with_name("page.html")
ACTIONS = ("acknowledge", "close", "reopen", "delete")


class Control:
    """Shows and steers the platforms from outside."""

    KEY: web.AppKey[Control]

    def __init__(
        self,
        tickets: Tickets,
        platforms: dict[str, StandIn],
        faults: dict[str, Fault],
        requests: dict[str, int],
        reset: Callable[[], None],
        catch_up: Callable[[], None],
    ) -> None:
        self._tickets = tickets
        self._platforms = platforms
        self._faults = faults
        self._requests = requests
        self._reset = reset
        self._catch_up = catch_up

    def mount(self, app: web.Application) -> None:
        """Add the routes."""
        app[Control.KEY] = self
        ticket = "/_sandbox/tickets/{platform}/{id:.+}"
        app.router.add_get("/", self._page)
        app.router.add_get("/_sandbox/summary", self._get_summary)
        app.router.add_get("/_sandbox/tickets", self._get_tickets)
        app.router.add_delete("/_sandbox/tickets", self._delete_tickets)
        app.router.add_get(ticket, self._get_ticket)
        app.router.add_post(ticket, self._post_action)
        app.router.add_get("/_sandbox/faults", self._get_faults)
        app.router.add_put("/_sandbox/faults/{platform}", self._put_fault)
        app.router.add_get("/_sandbox/behaviours", self._get_behaviours)
        app.router.add_put("/_sandbox/behaviours/{platform}", self._put_behaviours)

    def act(self, platform: str, ticket_id: str, action: str) -> Ticket:
        """Do an action of a person; raises KeyError for an unknown ticket, else BadAction."""
        ticket = self._tickets.alive(platform, ticket_id)
        if ticket is None:
            raise KeyError(ticket_id)
        if action not in ACTIONS:
            raise BadAction(f"action: one of {', '.join(ACTIONS)}")
        if action == "delete":
            self._platforms[platform].forget(ticket)
            self._tickets.note(ticket, "deleted by a person", "deleted")
        else:
            self._platforms[platform].act(ticket, action)
        return ticket

    async def _page(self, request: web.Request) -> web.StreamResponse:
        return web.FileResponse(PAGE, headers={"Cache-Control": "no-store"})

    async def _get_summary(self, request: web.Request) -> web.Response:
        self._catch_up()
        return web.json_response(
            {
                "version": self._tickets.version,
                "counts": self._tickets.counts(),
                "requests": self._requests,
                "faults": {name: fault.view() for name, fault in self._faults.items()},
            }
        )

    async def _get_tickets(self, request: web.Request) -> web.Response:
        self._catch_up()
        limit = request.query.get("limit")
        if limit is not None and not limit.isdecimal():
            return _problem(400, "limit: a whole number")
        return web.json_response(
            self._tickets.listed(
                request.query.get("platform", ""),
                request.query.get("correlation", ""),
                None if limit is None else int(limit),
            )
        )

    async def _delete_tickets(self, request: web.Request) -> web.Response:
        self._reset()
        return web.Response(status=204)

    async def _get_ticket(self, request: web.Request) -> web.Response:
        platform, ticket_id = request.match_info["platform"], request.match_info["id"]
        ticket = self._tickets.get(platform, ticket_id)
        if ticket is None:
            return _problem(404, "no such ticket")
        return web.json_response({**self._tickets.view(ticket), "record": ticket.record})

    async def _post_action(self, request: web.Request) -> web.Response:
        platform, ticket_id = request.match_info["platform"], request.match_info["id"]
        try:
            body = await request.json()
            ticket = self.act(platform, ticket_id, body["action"])
        except KeyError:
            return _problem(404, "no such ticket, or no action")
        except (BadAction, ValueError, TypeError) as error:
            return _problem(400, str(error))
        return web.json_response(self._tickets.view(ticket))

    async def _get_faults(self, request: web.Request) -> web.Response:
        return web.json_response({name: fault.view() for name, fault in self._faults.items()})

    async def _put_fault(self, request: web.Request) -> web.Response:
        platform = request.match_info["platform"]
        if platform not in self._faults:
            return _problem(404, f"platforms: {', '.join(self._faults)}")
        try:
            fault = parse_fault(await request.json())
        except BadFault as error:
            return _problem(400, str(error))
        except ValueError:
            return _problem(400, "the body is not JSON")
        self._faults[platform] = fault
        return web.json_response(fault.view())

    async def _get_behaviours(self, request: web.Request) -> web.Response:
        return web.json_response({n: one.behaviours.view() for n, one in self._platforms.items()})

    async def _put_behaviours(self, request: web.Request) -> web.Response:
        platform = self._platforms.get(request.match_info["platform"])
        if platform is None:
            return _problem(404, f"platforms: {', '.join(self._platforms)}")
        try:
            platform.behaviours.set(await request.json())
        except BadBehaviour as error:
            return _problem(400, str(error))
        except ValueError:
            return _problem(400, "the body is not JSON")
        return web.json_response(platform.behaviours.view())


Control.KEY = web.AppKey("CONTROL", Control)


def _problem(status: int, detail: str) -> web.Response:
    return web.json_response(
        {"status": status, "detail": detail}, status=status, content_type="application/problem+json"
    )
