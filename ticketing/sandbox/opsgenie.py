"""OpsGenie's alert API, and the two APIs of Jira Service Management that follow it.

https://docs.opsgenie.com/docs/alert-api,
https://developer.atlassian.com/cloud/jira/service-desk-ops/rest/v2/
"""

from __future__ import annotations

import re
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from aiohttp import web

from ticketing.sandbox import credentials
from ticketing.sandbox import opsgenie_rules as rules
from ticketing.sandbox.checks import Record
from ticketing.sandbox.platform import (
    BadAction,
    Call,
    Platform,
    Rejected,
    Route,
    iso_time,
    whole_seconds,
)
from ticketing.sandbox.tickets import Ticket, correlation_of

REQUESTS_MAX = 50_000
PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX = 20, 100
NAMESPACE = uuid.UUID("6f70736f-0000-4000-8000-73616e64626f")
_TERM = re.compile(r'(\w+)\s*[:=]\s*(?:"([^"]*)"|(\S+))')


class OpsGenie(Platform):
    """Alerts by alias while open. Writes answer 202; their outcome has to be asked for."""

    name: ClassVar[str] = "opsgenie"
    processing_seconds: float = 0.02
    """How long a request's status is 404 after its 202; in real time, as an answer takes."""

    def reset(self) -> None:
        """No alerts, no requests."""
        self._last = 0
        self._open: dict[str, str] = {}
        self._tiny: dict[str, str] = {}
        self._requests: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def forget(self, ticket: Ticket) -> None:
        """Its alias is free again."""
        if self._open.get(ticket.key) == ticket.id:
            del self._open[ticket.key]
        self._tiny.pop(ticket.record.get("tinyId", ""), None)

    def routes(self) -> Iterable[Route]:
        """OpsGenie's own, JSM's for integrations, JSM's for operations."""
        yield from self._alert_routes("/v2/alerts", rules.ACTIONS, "PUT", rules.FIELDS)
        integration = {name: rules.ACTIONS[name] for name in rules.INTEGRATION_ACTIONS}
        yield from self._alert_routes("/jsm/ops/integration/v2/alerts", integration, "PUT", {})
        jsm = "/jsm/ops/api/{cloud}/v1"
        yield "GET", f"{jsm}/alerts/alias", self._get
        yield "POST", f"{jsm}/alerts/{{id}}/notes", self._add_note
        yield from self._alert_routes(f"{jsm}/alerts", rules.JSM_ACTIONS, "PATCH", rules.FIELDS)
        for base in ("/v2", jsm):
            yield "GET", f"{base}/schedules", self._named("schedule", rules.SCHEDULES)
            yield "GET", f"{base}/schedules/{{id}}/on-calls", self._on_calls
            yield "GET", f"{base}/teams", self._named("team", rules.TEAMS)
        yield "GET", "/v2/teams/{id}", self._one("team", rules.TEAMS)
        yield "GET", "/v2/schedules/{id}", self._one("schedule", rules.SCHEDULES)
        yield "GET", "/v2/escalations", self._named("escalation", rules.ESCALATIONS)
        yield "GET", "/v2/escalations/{id}", self._one("escalation", rules.ESCALATIONS)
        escalations = self._named("escalation", rules.ESCALATIONS)
        yield "GET", f"{jsm}/teams/{{team}}/escalations", escalations

    def _alert_routes(
        self,
        base: str,
        actions: dict[str, Record],
        put: str,
        fields: dict[str, Record],
    ) -> Iterable[Route]:
        yield "POST", base, self._create
        yield "GET", f"{base}/requests/{{request}}", self._request_status
        if not base.startswith("/jsm/ops/integration"):
            yield "GET", base, self._list
            yield "GET", f"{base}/{{id}}", self._get
            yield "DELETE", f"{base}/{{id}}", self._delete
            yield "GET", f"{base}/{{id}}/notes", self._notes
        for action, rule in actions.items():
            yield "POST", f"{base}/{{id}}/{action}", self._act(action, rule)
        for field, rule in fields.items():
            yield put, f"{base}/{{id}}/{field}", self._act(field, rule)

    def error(self, call: Call | None, status: int, reason: str) -> web.Response:
        """A message with a request id."""
        return self._failure(status, reason, {})

    def _failure(self, status: int, reason: str, errors: dict[str, str]) -> web.Response:
        body: dict[str, Any] = {"message": reason, "took": 0.001, "requestId": self._new_id()}
        if errors:
            body["errors"] = errors
        return web.json_response(body, status=status)

    def rate_limited(self, call: Call, retry_after: float) -> web.Response:
        """429 with the state in OpsGenie's own headers."""
        response = self.error(call, 429, "You are making too many requests!")
        response.headers["X-RateLimit-State"] = "THROTTLED"
        response.headers["X-RateLimit-Reason"] = "ACCOUNT"
        response.headers["X-RateLimit-Period-In-Sec"] = "60"
        response.headers["Retry-After"] = whole_seconds(retry_after)
        return response

    def act(self, ticket: Ticket, action: str) -> None:
        """A responder in the application."""
        if action == "close":
            self._close(ticket, "closed by a person")
        elif action == "acknowledge":
            self.tickets.note(ticket, "acknowledged by a person", "acknowledged")
        else:
            raise BadAction(f"opsgenie has no {action}")

    def _new_id(self) -> str:
        self._last += 1
        return str(uuid.uuid5(NAMESPACE, str(self._last)))

    def _is_jsm(self, call: Call) -> bool:
        return call.path.startswith("/jsm/ops/api/")

    def _authorize(self, call: Call) -> None:
        if self._is_jsm(call):
            if call.basic != (credentials.JIRA_USER, credentials.JIRA_API_TOKEN):
                self.refuse(call, 401, "Unauthorized")
            if call.params["cloud"] != credentials.JSM_CLOUD_ID:
                self.refuse(call, 404, "Cloud id is not found.")
        elif call.token("GenieKey") is None:
            self.refuse(call, 401, "API Key is missing!")
        elif call.token("GenieKey") != credentials.OPSGENIE_API_KEY:
            self.refuse(call, 401, "Could not authenticate")

    def _body(self, call: Call, rule: Record) -> dict[str, Any]:
        self._authorize(call)
        if rule is rules.NO_BODY and call.raw:
            self.refuse(call, 422, "This request has no body")
        body = {} if call.body is None else call.body
        if not isinstance(body, dict):
            self.refuse(call, 400, "Could not parse JSON")
        errors = {one.dotted: f"{one.dotted} {one.text}" for one in rule.problems(body)}
        if errors:
            text = "Request body is not processable. Please check the errors."
            raise Rejected(self._failure(422, text, errors))
        return body

    def _accepted(
        self, call: Call, action: str, ticket: Ticket | None, problem: str = ""
    ) -> web.Response:
        """202 now; the outcome can be read a little later."""
        request_id = self._new_id()
        self._requests[request_id] = {
            "due": time.monotonic() + self.processing_seconds,
            "data": {
                "success": not problem,
                "isSuccess": not problem,
                "action": action,
                "processedAt": iso_time(self.tickets.now()),
                "integrationId": "00000000-0000-4000-8000-0000000000aa",
                "status": problem or f"{action}: done",
                "alertId": "" if ticket is None else ticket.id,
                "alias": "" if ticket is None else ticket.key,
            },
        }
        if len(self._requests) > REQUESTS_MAX:
            self._requests.popitem(last=False)
        body = {"result": "Request will be processed", "took": 0.01, "requestId": request_id}
        return web.json_response(body, status=202)

    def _request_status(self, call: Call) -> web.Response:
        self._authorize(call)
        request = self._requests.get(call.params["request"])
        if request is None or request["due"] > time.monotonic():
            self.refuse(call, 404, "Request not found. It might not be processed, yet.")
        return self._read(call, request["data"])

    def _read(self, call: Call, data: Any) -> web.Response:
        """OpsGenie wraps what is read; JSM operations do not."""
        if self._is_jsm(call):
            return web.json_response(data)
        return web.json_response({"data": data, "took": 0.001, "requestId": self._new_id()})

    def _create(self, call: Call) -> web.Response:
        given = self._body(call, rules.CREATE)
        problem = self._unknown_responder(given.get("responders", []))
        if problem:
            return self._accepted(call, "Create", None, problem)
        alias = given.get("alias") or ""
        known = self.find(self._open.get(alias, ""))
        if known is not None:
            known.repeats += 1
            known.record["count"] += 1
            self.tickets.note(known, f"created again, count {known.record['count']}")
            return self._accepted(call, "Create", known)
        ticket_id = self._new_id()
        ticket = Ticket(
            platform=self.name,
            id=ticket_id,
            key=alias or ticket_id,
            correlation=correlation_of(alias, *given.get("tags", [])),
            title=given["message"],
            priority=given.get("priority", "P3"),
            url=f"https://sandbox.opsgenie.example/alert/detail/{ticket_id}/details",
        )
        ticket.record = {
            "tinyId": str(self._last),
            "count": 1,
            "notes": [],
            "owner": "",
            "tags": [],
            "details": {},
            "responders": [],
            "description": "",
            **given,
        }
        self._open[ticket.key] = ticket_id
        self._tiny[ticket.record["tinyId"]] = ticket_id
        self.tickets.add(ticket, f"created, {ticket.priority}")
        return self._accepted(call, "Create", ticket)

    def _unknown_responder(self, responders: list[dict[str, Any]]) -> str:
        for one in responders:
            known = rules.KNOWN[one["type"]]
            wanted = one.get("id") or one.get("name") or one.get("username")
            if wanted not in known and wanted not in known.values():
                return f"No {one['type']} found: {wanted}"
        return ""

    def _act(self, action: str, rule: Record) -> Callable[[Call], web.Response]:
        def handler(call: Call) -> web.Response:
            given = self._body(call, rule)
            ticket = self._target(call, open_only=True)
            if ticket is None:
                return self._accepted(call, action, None, "Alert does not exist")
            problem = self._perform(ticket, action, given)
            return self._accepted(call, action, ticket, problem)

        return handler

    def _target(self, call: Call, open_only: bool) -> Ticket | None:
        """By id, tiny id or alias; an alias names the open alert, for reading also the last."""
        wanted = call.params.get("id") or call.query.get("alias", "")
        by_alias = "id" not in call.params
        kind = "alias" if by_alias else call.query.get("identifierType", "id")
        if kind not in ("id", "alias", "tiny"):
            self.refuse(call, 422, "identifierType must be id, alias or tiny")
        if kind == "tiny":
            return self.find(self._tiny.get(wanted, ""))
        if kind == "id":
            return self.find(wanted)
        ticket = self.find(self._open.get(wanted, ""))
        if ticket is None and not open_only:
            same = [one for one in self.listing() if one.key == wanted]
            ticket = same[-1] if same else None
        return ticket

    def _perform(self, ticket: Ticket, action: str, given: dict[str, Any]) -> str:
        """Do it; the reason if it cannot be done."""
        if ticket.state == "resolved" and action not in ("notes", "tags", "details"):
            return "Alert is already closed"
        performers: dict[str, Callable[[Ticket, dict[str, Any]], str]] = {
            "acknowledge": self._acknowledge,
            "unacknowledge": self._unacknowledge,
            "close": self._close_by_request,
            "escalate": self._escalate,
            "assign": self._assign,
            "responders": self._add_responders,
        }
        problem = performers.get(action, self._change)(ticket, given)
        if not problem and given.get("note"):
            self._note(ticket, given["note"])
        return problem

    def _note(self, ticket: Ticket, text: str) -> None:
        note = {"note": text, "createdAt": iso_time(self.tickets.now()), "owner": "API"}
        ticket.record["notes"].append(note)
        self.tickets.note(ticket, f"note: {text[:200]}")

    def _acknowledge(self, ticket: Ticket, given: dict[str, Any]) -> str:
        if ticket.state == "acknowledged":
            return "Alert is already acknowledged"
        self.tickets.note(ticket, "acknowledged", "acknowledged")
        return ""

    def _unacknowledge(self, ticket: Ticket, given: dict[str, Any]) -> str:
        self.tickets.note(ticket, "unacknowledged", "open")
        return ""

    def _close_by_request(self, ticket: Ticket, given: dict[str, Any]) -> str:
        self._close(ticket, "closed")
        return ""

    def _close(self, ticket: Ticket, what: str) -> None:
        if self._open.get(ticket.key) == ticket.id:
            del self._open[ticket.key]
        self.tickets.note(ticket, what, "resolved")

    def _escalate(self, ticket: Ticket, given: dict[str, Any]) -> str:
        named = given.get("escalation", {})
        wanted = given.get("escalationId") or named.get("id") or named.get("name", "")
        problem = self._unknown_responder([{"type": "escalation", "id": wanted}])
        if not problem:
            self.tickets.note(ticket, f"escalated to {wanted}")
        return problem

    def _assign(self, ticket: Ticket, given: dict[str, Any]) -> str:
        named = given.get("owner", {})
        wanted = given.get("accountId") or named.get("id") or named.get("username", "")
        problem = self._unknown_responder([{"type": "user", "id": wanted}])
        if not problem:
            ticket.record["owner"] = wanted
            self.tickets.note(ticket, f"assigned to {wanted}")
        return problem

    def _add_responders(self, ticket: Ticket, given: dict[str, Any]) -> str:
        wanted = given.get("responders") or [given["responder"]]
        problem = self._unknown_responder(wanted)
        if not problem:
            ticket.record["responders"] = [*ticket.record["responders"], *wanted]
            self.tickets.note(ticket, f"responders added: {len(wanted)}")
        return problem

    def _change(self, ticket: Ticket, given: dict[str, Any]) -> str:
        for name in ("message", "description", "priority"):
            if name in given:
                ticket.record[name] = given[name]
                self.tickets.note(ticket, f"{name}: {given[name][:200]}")
        ticket.title = ticket.record["message"]
        ticket.priority = ticket.record.get("priority", "P3")
        tags = dict.fromkeys([*ticket.record["tags"], *given.get("tags", [])])
        ticket.record["tags"] = list(tags)
        details = given.get("details") or given.get("extraProperties") or {}
        ticket.record["details"] = {**ticket.record["details"], **details}
        return ""

    def _known(self, call: Call) -> Ticket:
        self._authorize(call)
        ticket = self._target(call, open_only=False)
        if ticket is None:
            self.refuse(call, 404, "Alert does not exist")
        return ticket

    def _get(self, call: Call) -> web.Response:
        return self._read(call, self._view(self._known(call)))

    def _notes(self, call: Call) -> web.Response:
        notes = self._known(call).record["notes"]
        if call.query.get("order", "desc") == "desc":
            notes = notes[::-1]
        return self._rows(call, notes)

    def _add_note(self, call: Call) -> web.Response:
        """JSM operations write a note at once, and answer it."""
        given = self._body(call, rules.JSM_NOTE)
        ticket = self._known(call)
        self._note(ticket, given["note"])
        return self._read(call, ticket.record["notes"][-1])

    def _delete(self, call: Call) -> web.Response:
        ticket = self._known(call)
        self.forget(ticket)
        self.tickets.note(ticket, "deleted over REST", "deleted")
        return self._accepted(call, "Delete", ticket)

    def _list(self, call: Call) -> web.Response:
        self._authorize(call)
        terms = {
            name.lower(): quoted or word
            for name, quoted, word in _TERM.findall(call.query.get("query", ""))
        }
        found = [
            self._view(ticket)
            for ticket in reversed(self.listing())
            if all(self._fits(ticket, name, value) for name, value in terms.items())
        ]
        return self._rows(call, found)

    def _rows(self, call: Call, rows: list[dict[str, Any]]) -> web.Response:
        """A page of a list; how long it may be is called `size` by JSM operations."""
        jsm = self._is_jsm(call)
        name = "size" if jsm else "limit"
        size, offset = call.query.get(name, str(PAGE_SIZE_DEFAULT)), call.query.get("offset", "0")
        if not size.isdecimal() or not 1 <= int(size) <= PAGE_SIZE_MAX or not offset.isdecimal():
            self.refuse(call, 422, f"{name} must be between 1 and {PAGE_SIZE_MAX}")
        page = rows[int(offset) : int(offset) + int(size)]
        return self._read(call, {"values": page, "links": {}} if jsm else page)

    def _fits(self, ticket: Ticket, name: str, value: str) -> bool:
        view = self._view(ticket)
        if name == "tag":
            return value in view["tags"]
        return str(view.get(name, "")).lower() == value.lower()

    def _view(self, ticket: Ticket) -> dict[str, Any]:
        record = ticket.record
        return {
            "id": ticket.id,
            "tinyId": record["tinyId"],
            "alias": ticket.key,
            "message": ticket.title,
            "status": "closed" if ticket.state == "resolved" else "open",
            "acknowledged": ticket.state == "acknowledged",
            "isSeen": False,
            "snoozed": False,
            "tags": record["tags"],
            "count": record["count"],
            "source": record.get("source", "API"),
            "owner": record["owner"],
            "priority": ticket.priority,
            "responders": record["responders"],
            "description": record["description"],
            "details": record["details"],
            "entity": record.get("entity", ""),
            "createdAt": iso_time(ticket.opened_at),
            "updatedAt": iso_time(ticket.updated_at),
        }

    def _named(self, kind: str, known: dict[str, str]) -> Callable[[Call], web.Response]:
        def handler(call: Call) -> web.Response:
            self._authorize(call)
            word = call.query.get("query", "").lower()
            rows = [(name, key) for name, key in known.items() if word in name.lower()]
            if kind == "team" and self._is_jsm(call):
                teams = [{"teamId": key, "teamName": name} for name, key in rows]
                return web.json_response({"platformTeams": teams, "links": {}})
            return self._rows(call, [{"id": key, "name": name} for name, key in rows])

        return handler

    def _one(self, kind: str, known: dict[str, str]) -> Callable[[Call], web.Response]:
        def handler(call: Call) -> web.Response:
            self._authorize(call)
            name, key = self._lookup(call, kind, known)
            return self._read(call, {"id": key, "name": name})

        return handler

    def _lookup(self, call: Call, kind: str, known: dict[str, str]) -> tuple[str, str]:
        """By id, or by name where the call says so."""
        wanted = call.params["id"]
        types = (call.query.get("identifierType"), call.query.get(f"{kind}IdentifierType"))
        by_name = "name" in types and not self._is_jsm(call)
        for name, key in known.items():
            if wanted == (name if by_name else key):
                return name, key
        self.refuse(call, 404, f"No {kind} exists with {'name' if by_name else 'id'} [{wanted}]")

    def _on_calls(self, call: Call) -> web.Response:
        self._authorize(call)
        _, key = self._lookup(call, "schedule", rules.SCHEDULES)
        flat = call.query.get("flat") == "true"
        if self._is_jsm(call):
            users = list(rules.USERS.values())[:1]
            if flat:
                return web.json_response({"onCallUsers": users})
            people = [{"id": user, "type": "user"} for user in users]
            return web.json_response({"onCallParticipants": people})
        name = next(iter(rules.USERS))
        who = {"onCallRecipients": [name]} if flat else {"onCallParticipants": [{"name": name}]}
        return self._read(call, {"_parent": {"id": key, "enabled": True}, **who})
