"""PagerDuty: incidents, notes, policies and on-calls over REST.

https://developer.pagerduty.com/api-reference, PagerDuty/api-schema reference/REST/openapiv3.json
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from aiohttp import web

from ticketing.sandbox import credentials
from ticketing.sandbox.checks import Check, ListOf, Number, Record, Text
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

BULK_MAX = 250
NOTES_MAX = 2000
ESCALATION_LEVELS = 3
PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX = 25, 100

SERVICES = {
    f"PSVC{severity.upper()}": f"Sandbox {severity}"
    for severity in credentials.PAGERDUTY_ROUTING_KEYS
}
POLICIES = {"PPOLICY1": "Sandbox default", "PPOLICY2": "Sandbox management"}
PRIORITIES = {f"PPRIOP{number}": f"P{number}" for number in range(1, 6)}
USERS = {"PUSER01": credentials.PAGERDUTY_FROM}


def _reference(*kinds: str) -> Record:
    return Record({"id": Text(min=1), "type": Text(choices=kinds)}, required=("id", "type"))


_COMMON: dict[str, Check] = {
    "title": Text(max=1024),
    "urgency": Text(choices=("high", "low")),
    "priority": _reference("priority_reference", "priority"),
    "escalation_policy": _reference("escalation_policy_reference", "escalation_policy"),
    "assignments": ListOf(
        Record({"assignee": _reference("user_reference", "user")}, required=("assignee",))
    ),
}
CREATE = Record(
    {
        "incident": Record(
            {
                **_COMMON,
                "type": Text(choices=("incident",)),
                "service": _reference("service_reference", "service"),
                "incident_key": Text(max=255),
                "body": Record(
                    {"type": Text(choices=("incident_body",)), "details": Text()},
                    required=("type",),
                ),
            },
            required=("type", "title", "service"),
        )
    },
    required=("incident",),
)
_CHANGE = {
    **_COMMON,
    "type": Text(choices=("incident", "incident_reference")),
    "status": Text(choices=("acknowledged", "resolved")),
    "resolution": Text(),
    "escalation_level": Number(min=1, whole=True),
}
UPDATE = Record({"incident": Record(_CHANGE, required=("type",))}, required=("incident",))
BULK = Record(
    {"incidents": ListOf(Record({**_CHANGE, "id": Text()}, required=("id", "type")))},
    required=("incidents",),
)
NOTE = Record({"note": Record({"content": Text()}, required=("content",))}, required=("note",))
SNOOZE = Record(
    {"duration": Number(min=1, max=604_800, whole=True)},
    required=("duration",),
)
RESPONDERS = Record(
    {
        "requester_id": Text(),
        "message": Text(),
        "responder_request_targets": ListOf(Record(), min=1),
    },
    required=("requester_id", "message", "responder_request_targets"),
)
STATUS_UPDATE = Record({"message": Text()}, required=("message",))
STATES = {"open": "triggered", "acknowledged": "acknowledged", "resolved": "resolved"}


def incident_record(
    ticket: Ticket, service: str, urgency: str, now: float, number: int
) -> dict[str, Any]:
    """What PagerDuty keeps of a new incident."""
    return {
        "incident_number": number,
        "service": service,
        "urgency": urgency,
        "created_at": iso_time(now),
        "escalation_policy": "PPOLICY1",
        "escalation_level": 1,
        "priority": None,
        "notes": [],
        "resolution": None,
    }


class PagerDutyRest(Platform):
    """Incidents, whether opened by an event or here."""

    name: ClassVar[str] = "pagerduty"
    site: ClassVar[str] = "https://sandbox.pagerduty.example"

    def reset(self) -> None:
        """No alerts, no incidents."""
        self.last_number = 0
        self.alerts: dict[tuple[str, str], str] = {}
        self.routing_keys = {
            key: service
            for key, service in zip(
                credentials.PAGERDUTY_ROUTING_KEYS.values(), SERVICES, strict=True
            )
        }

    def forget(self, ticket: Ticket) -> None:
        """Its deduplication key is free again."""
        alert = ticket.record.get("_alert")
        if alert and self.alerts.get((alert["routing_key"], alert["key"])) == ticket.id:
            del self.alerts[alert["routing_key"], alert["key"]]

    def next_number(self) -> int:
        """The next incident number."""
        self.last_number += 1
        return self.last_number

    def next_id(self) -> str:
        """An incident id as PagerDuty's are: fourteen capitals and digits."""
        return f"Q{self.next_number():013X}"

    def routes(self) -> Iterable[Route]:
        """The REST half."""
        incident = "/incidents/{id}"
        yield "GET", "/incidents", self._list
        yield "POST", "/incidents", self._create
        yield "PUT", "/incidents", self._update_many
        yield "GET", incident, self._get
        yield "PUT", incident, self._update
        yield "GET", f"{incident}/notes", self._notes
        yield "POST", f"{incident}/notes", self._add_note
        yield "GET", f"{incident}/alerts", self._alerts
        yield "POST", f"{incident}/snooze", self._snooze
        yield "POST", f"{incident}/responder_requests", self._responders
        yield "POST", f"{incident}/status_updates", self._status_update
        yield "GET", "/abilities", self._abilities
        yield "GET", "/users/me", self._me
        yield "GET", "/oncalls", self._oncalls
        for plural, rows in (
            ("services", SERVICES),
            ("escalation_policies", POLICIES),
            ("priorities", PRIORITIES),
        ):
            yield "GET", f"/{plural}", self._listing_of(plural, rows)
            yield "GET", f"/{plural}/{{id}}", self._one_of(plural, rows)

    def error(self, call: Call | None, status: int, reason: str) -> web.Response:
        """An error object with PagerDuty's own code."""
        codes = {400: 2001, 401: 2006, 403: 2010, 404: 2100, 429: 2020, 500: 2000}
        return self._error(status, codes.get(status, 2000), reason, [])

    def _error(self, status: int, code: int, message: str, errors: list[str]) -> web.Response:
        error: dict[str, Any] = {"message": message, "code": code}
        if errors:
            error["errors"] = errors
        return web.json_response({"error": error}, status=status)

    def rate_limited(self, call: Call, retry_after: float) -> web.Response:
        """429 with the reset in the ratelimit headers."""
        response = self._error(429, 2020, "Rate Limit Exceeded", [])
        response.headers["ratelimit-limit"] = "960"
        response.headers["ratelimit-remaining"] = "0"
        response.headers["ratelimit-reset"] = whole_seconds(retry_after)
        return response

    def act(self, ticket: Ticket, action: str) -> None:
        """A responder in the web application."""
        states = {"close": "resolved", "acknowledge": "acknowledged", "reopen": "open"}
        if action not in states:
            raise BadAction(action)
        self.move(ticket, states[action], f"{action} by a person")

    def move(self, ticket: Ticket, state: str, what: str) -> None:
        """Change a state; a resolved alert's key opens a new alert, a reopened one holds it."""
        self.tickets.note(ticket, what, state)
        alert = ticket.record.get("_alert")
        if state == "resolved":
            ticket.record["resolved_at"] = iso_time(self.tickets.now())
            self.forget(ticket)
        elif alert:
            self.alerts.setdefault((alert["routing_key"], alert["key"]), ticket.id)

    def _authorize(self, call: Call, writes: bool = False) -> None:
        token = call.token("Token")
        if token != f"token={credentials.PAGERDUTY_API_TOKEN}":
            self.refuse(call, 401, "Unauthorized")
        if writes and call.headers.get("From") not in USERS.values():
            raise self._invalid(["Requester User Not Found"])

    def _invalid(self, errors: list[str], code: int = 2001) -> Rejected:
        message = {1001: "Incident Already Resolved", 1002: "Incident Already Acknowledged"}
        text = message.get(code, "Invalid Input Provided")
        return Rejected(self._error(400, code, text, errors))

    def _body(self, call: Call, rule: Record) -> dict[str, Any]:
        self._authorize(call, writes=True)
        problems = [f"{one.dotted} {one.text}" for one in rule.problems(call.body)]
        if problems:
            raise self._invalid(problems)
        body: dict[str, Any] = call.body
        return body

    def _incident(self, call: Call, incident_id: str) -> Ticket:
        ticket = self.find(incident_id)
        if ticket is None:
            self.refuse(call, 404, "Not Found")
        return ticket

    def _list(self, call: Call) -> web.Response:
        self._authorize(call)
        statuses = call.query.getall("statuses[]", [])
        if set(statuses) - set(STATES.values()):
            raise self._invalid(["statuses[] is invalid"])
        if call.query.get("date_range", "all") != "all":
            raise self._invalid(["date_range is invalid"])
        services = call.query.getall("service_ids[]", [])
        key = call.query.get("incident_key")
        found = [
            ticket
            for ticket in self.listing()
            if (key is None or ticket.key == key)
            and (not services or ticket.record["service"] in services)
            and (not statuses or STATES[ticket.state] in statuses)
        ]
        return self._page(call, "incidents", [self._view(ticket) for ticket in found])

    def _page(self, call: Call, name: str, rows: list[dict[str, Any]]) -> web.Response:
        limit = call.query.get("limit", str(PAGE_SIZE_DEFAULT))
        offset = call.query.get("offset", "0")
        if not limit.isdecimal() or not offset.isdecimal() or int(limit) > PAGE_SIZE_MAX:
            raise self._invalid(["limit or offset is invalid"])
        start, end = int(offset), int(offset) + int(limit)
        page = {"limit": int(limit), "offset": start, "total": None, "more": len(rows) > end}
        return web.json_response({name: rows[start:end], **page})

    def _create(self, call: Call) -> web.Response:
        wanted = self._body(call, CREATE)["incident"]
        service, key = wanted["service"]["id"], wanted.get("incident_key", "")
        if service not in SERVICES:
            raise self._invalid(["Service not found"])
        if "escalation_policy" in wanted and "assignments" in wanted:
            raise self._invalid(["Only one of escalation_policy and assignments is allowed"])
        if key and any(
            one.key == key and one.record["service"] == service and one.state != "resolved"
            for one in self.listing()
        ):
            text = "Open incident with matching dedup key already exists on this service"
            raise self._invalid([text])
        self._check_references(wanted)
        ticket = Ticket(
            platform=self.name,
            id=self.next_id(),
            key=key,
            correlation=correlation_of(key),
            title=wanted["title"],
        )
        ticket.url = f"{self.site}/incidents/{ticket.id}"
        urgency = wanted.get("urgency", "high")
        ticket.record = incident_record(
            ticket, service, urgency, self.tickets.now(), self.last_number
        )
        ticket.record["body"] = wanted.get("body")
        self.tickets.add(ticket, "created over REST")
        self._apply(ticket, wanted)
        return web.json_response({"incident": self._view(ticket)}, status=201)

    def _check_references(self, wanted: dict[str, Any]) -> None:
        for field, known in (("escalation_policy", POLICIES), ("priority", PRIORITIES)):
            if field in wanted and wanted[field]["id"] not in known:
                raise self._invalid([f"{field} not found"])

    def _get(self, call: Call) -> web.Response:
        self._authorize(call)
        ticket = self._incident(call, call.params["id"])
        return web.json_response({"incident": self._view(ticket)})

    def _update(self, call: Call) -> web.Response:
        wanted = self._body(call, UPDATE)["incident"]
        ticket = self._incident(call, call.params["id"])
        self._change(ticket, wanted)
        return web.json_response({"incident": self._view(ticket)})

    def _update_many(self, call: Call) -> web.Response:
        wanted = self._body(call, BULK)["incidents"]
        if len(wanted) > BULK_MAX:
            self.refuse(call, 413, "Too many incidents")
        tickets = [self._incident(call, one["id"]) for one in wanted]
        for ticket, change in zip(tickets, wanted, strict=True):
            self._change(ticket, change)
        views = [self._view(ticket) for ticket in tickets]
        return web.json_response({"incidents": views})

    def _change(self, ticket: Ticket, wanted: dict[str, Any]) -> None:
        if ticket.state == "resolved" and "status" in wanted:
            raise self._invalid(["Incident Already Resolved"], code=1001)
        if wanted.get("status") == ticket.state == "acknowledged":
            raise self._invalid(["Incident Already Acknowledged"], code=1002)
        if wanted.get("escalation_level", 1) > ESCALATION_LEVELS:
            raise self._invalid(["Incident Cannot Be Escalated"], code=1006)
        self._check_references(wanted)
        self._apply(ticket, wanted)
        if "status" in wanted:
            self.move(ticket, wanted["status"], f"{wanted['status']} over REST")

    def _apply(self, ticket: Ticket, wanted: dict[str, Any]) -> None:
        for field in ("escalation_policy", "priority"):
            if field in wanted:
                ticket.record[field] = wanted[field]["id"]
                self.tickets.note(ticket, f"{field} {wanted[field]['id']}")
        for field in ("urgency", "escalation_level", "resolution"):
            if field in wanted and ticket.record[field] != wanted[field]:
                ticket.record[field] = wanted[field]
                self.tickets.note(ticket, f"{field} {wanted[field]}")
        ticket.title = wanted.get("title", ticket.title)

    def _notes(self, call: Call) -> web.Response:
        self._authorize(call)
        ticket = self._incident(call, call.params["id"])
        return web.json_response({"notes": ticket.record["notes"]})

    def _add_note(self, call: Call) -> web.Response:
        content = self._body(call, NOTE)["note"]["content"]
        ticket = self._incident(call, call.params["id"])
        notes: list[dict[str, Any]] = ticket.record["notes"]
        if len(notes) >= NOTES_MAX:
            raise self._invalid(["Too many notes"])
        note = {
            "id": f"{ticket.id}N{len(notes) + 1}",
            "content": content,
            "created_at": iso_time(self.tickets.now()),
            "user": {"id": "PUSER01", "type": "user_reference"},
        }
        notes.append(note)
        self.tickets.note(ticket, f"note: {content[:200]}")
        return web.json_response({"note": note})

    def _alerts(self, call: Call) -> web.Response:
        self._authorize(call)
        ticket = self._incident(call, call.params["id"])
        alert = ticket.record.get("_alert")
        rows = []
        if alert:
            rows.append(
                {
                    "id": f"{ticket.id}A",
                    "type": "alert",
                    "alert_key": alert["key"],
                    "status": "resolved" if ticket.state == "resolved" else "triggered",
                    "severity": ticket.priority,
                    "summary": ticket.title,
                    "incident": {"id": ticket.id, "type": "incident_reference"},
                    "body": {"type": "alert_body", "details": alert["body"]["payload"]},
                }
            )
        return self._page(call, "alerts", rows)

    def _snooze(self, call: Call) -> web.Response:
        seconds = self._body(call, SNOOZE)["duration"]
        ticket = self._incident(call, call.params["id"])
        if ticket.state == "resolved":
            raise self._invalid(["Incident Already Resolved"], code=1001)
        self.tickets.note(ticket, f"snoozed for {seconds} s", "acknowledged")
        return web.json_response({"incident": self._view(ticket)}, status=201)

    def _responders(self, call: Call) -> web.Response:
        wanted = self._body(call, RESPONDERS)
        ticket = self._incident(call, call.params["id"])
        self.tickets.note(ticket, f"responders requested: {wanted['message'][:200]}")
        return web.json_response({"responder_request": wanted})

    def _status_update(self, call: Call) -> web.Response:
        message = self._body(call, STATUS_UPDATE)["message"]
        ticket = self._incident(call, call.params["id"])
        self.tickets.note(ticket, f"status update: {message[:200]}")
        update = {"id": f"{ticket.id}U", "message": message}
        return web.json_response({"status_update": update})

    def _abilities(self, call: Call) -> web.Response:
        self._authorize(call)
        return web.json_response({"abilities": ["teams", "urgencies", "event_rules"]})

    def _me(self, call: Call) -> web.Response:
        """The sandbox's key is an account's, which has no user of its own."""
        self._authorize(call)
        raise self._invalid(["The token used is not a user token"])

    def _oncalls(self, call: Call) -> web.Response:
        self._authorize(call)
        wanted = call.query.getall("escalation_policy_ids[]", list(POLICIES))
        rows = [
            {
                "escalation_policy": self._ref(policy, "escalation_policy", POLICIES),
                "escalation_level": 1,
                "schedule": None,
                "user": self._ref("PUSER01", "user", USERS),
                "start": None,
                "end": None,
            }
            for policy in wanted
            if policy in POLICIES
        ]
        return self._page(call, "oncalls", rows)

    def _listing_of(self, plural: str, rows: dict[str, str]) -> Any:
        def listing(call: Call) -> web.Response:
            self._authorize(call)
            word = call.query.get("query", "").lower()
            found = [self._named(plural, key, rows) for key in rows if word in rows[key].lower()]
            return self._page(call, plural, found)

        return listing

    def _one_of(self, plural: str, rows: dict[str, str]) -> Any:
        def one(call: Call) -> web.Response:
            self._authorize(call)
            if call.params["id"] not in rows:
                self.refuse(call, 404, "Not Found")
            view = self._named(plural, call.params["id"], rows)
            return web.json_response({view["type"]: view})

        return one

    def _named(self, plural: str, key: str, rows: dict[str, str]) -> dict[str, Any]:
        kind = {"services": "service", "priorities": "priority"}.get(plural, "escalation_policy")
        return {"id": key, "type": kind, "name": rows[key], "summary": rows[key]}

    def _ref(self, key: str, kind: str, rows: dict[str, str]) -> dict[str, Any]:
        return {"id": key, "type": f"{kind}_reference", "summary": rows[key]}

    def _view(self, ticket: Ticket) -> dict[str, Any]:
        record = ticket.record
        priority = record["priority"]
        return {
            "id": ticket.id,
            "type": "incident",
            "summary": f"[#{record['incident_number']}] {ticket.title}",
            "title": ticket.title,
            "html_url": ticket.url,
            "incident_number": record["incident_number"],
            "incident_key": ticket.key or None,
            "status": STATES[ticket.state],
            "urgency": record["urgency"],
            "created_at": record["created_at"],
            "updated_at": iso_time(ticket.updated_at),
            "resolved_at": record.get("resolved_at") if ticket.state == "resolved" else None,
            "service": self._ref(record["service"], "service", SERVICES),
            "escalation_policy": self._ref(
                record["escalation_policy"], "escalation_policy", POLICIES
            ),
            "priority": priority and self._ref(priority, "priority", PRIORITIES),
            "assignments": [],
            "acknowledgements": [],
            "teams": [],
            "alert_counts": {
                "all": int("_alert" in record),
                "triggered": int("_alert" in record and ticket.state != "resolved"),
                "resolved": int("_alert" in record and ticket.state == "resolved"),
            },
        }
