"""The services, policies, priorities and people that PagerDuty knows, and the paths to them."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from ticketing.sandbox.pagerduty import credentials
from ticketing.sandbox.pagerduty.access import authorize
from ticketing.sandbox.pagerduty.answers import page, refuse, refuse_input
from ticketing.sandbox.pagerduty.behaviours import PagerDutyBehaviours
from ticketing.sandbox.platform import Call, Handler

SERVICES = {
    f"PSVC{severity.upper()}": f"Sandbox {severity}" for severity in credentials.ROUTING_KEYS
}
SERVICE_OF = dict(zip(credentials.ROUTING_KEYS.values(), SERVICES, strict=True))
"""Services by routing key."""
POLICIES = {"PPOLICY1": "Sandbox default", "PPOLICY2": "Sandbox management"}
PRIORITIES = {f"PPRIOP{number}": f"P{number}" for number in range(1, 6)}
USERS = {"PUSER01": credentials.FROM}
KINDS = {
    "services": ("service", SERVICES),
    "escalation_policies": ("escalation_policy", POLICIES),
    "priorities": ("priority", PRIORITIES),
}
"""The kind of object and the names by id, by path."""


def reference(key: str, kind: str, known: dict[str, str]) -> dict[str, Any]:
    """A reference to an object of the kind."""
    return {"id": key, "type": f"{kind}_reference", "summary": known[key]}


def check_references(wanted: dict[str, Any]) -> None:
    """Refuse an unknown policy or priority of an incident."""
    for field, known in (("escalation_policy", POLICIES), ("priority", PRIORITIES)):
        if field in wanted and wanted[field]["id"] not in known:
            refuse_input(f"{field} not found")


def list_of(plural: str) -> Handler:
    """GET of all objects of a kind, narrowed by `query`."""
    kind, known = KINDS[plural]

    def handler(call: Call) -> web.Response:
        authorize(call)
        word = call.query.get("query", "").lower()
        found = [_view(kind, key, known) for key in known if word in known[key].lower()]
        return page(call, plural, found)

    return handler


def services_with(behaviours: PagerDutyBehaviours) -> Handler:
    """GET of all services with their status, and with `include[]=integrations` their keys."""

    def handler(call: Call) -> web.Response:
        authorize(call)
        rows = [
            {**_view("service", key, SERVICES), "status": behaviours.service_status}
            for key in SERVICES
        ]
        if "integrations" in call.query.getall("include[]", []):
            for routing_key, service in SERVICE_OF.items():
                integration = {
                    "id": f"I{service}",
                    "type": "events_api_v2_inbound_integration",
                    "integration_key": routing_key,
                }
                for row in rows:
                    if row["id"] == service:
                        row["integrations"] = [integration]
        return page(call, "services", rows)

    return handler


def one_of(plural: str) -> Handler:
    """GET of one object of a kind."""
    kind, known = KINDS[plural]

    def handler(call: Call) -> web.Response:
        authorize(call)
        if call.params["id"] not in known:
            refuse(404, "Not Found")
        return web.json_response({kind: _view(kind, call.params["id"], known)})

    return handler


def _view(kind: str, key: str, known: dict[str, str]) -> dict[str, Any]:
    return {"id": key, "type": kind, "name": known[key], "summary": known[key]}


def abilities(call: Call) -> web.Response:
    """GET abilities."""
    authorize(call)
    return web.json_response({"abilities": ["teams", "urgencies", "event_rules"]})


def me(call: Call) -> web.Response:
    """GET users/me: refused, as the sandbox's token belongs to an account, not to a user."""
    authorize(call)
    refuse_input("The token used is not a user token")
