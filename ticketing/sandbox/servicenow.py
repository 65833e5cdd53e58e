"""ServiceNow: the Table API over incidents and what they refer to, and OAuth.

https://www.servicenow.com/docs/r/api-reference/rest-apis/c_TableAPI.html
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any, ClassVar, NoReturn

from aiohttp import web

from ticketing.sandbox import credentials
from ticketing.sandbox import servicenow_tables as tables
from ticketing.sandbox.platform import (
    BadAction,
    Call,
    Platform,
    Rejected,
    Route,
    whole_seconds,
)
from ticketing.sandbox.tickets import Ticket, correlation_of

TOKEN_SECONDS = 1799
TOKENS_MAX = 1000
LIMIT_DEFAULT = 10_000
STATES = {
    "1": "open",
    "2": "acknowledged",
    "3": "acknowledged",
    "6": "resolved",
    "7": "resolved",
    "8": "resolved",
}
CLOSED = ("7", "8")
HIBERNATING = "<html><head><title>Instance Hibernating page</title></head><body></body></html>"


class ServiceNow(Platform):
    """Incidents by sys_id; every other table is fixed and read-only."""

    name: ClassVar[str] = "servicenow"

    def reset(self) -> None:
        """No incidents, no tokens."""
        self._last = 10_000
        self._tokens: dict[str, float] = {}

    def routes(self) -> Iterable[Route]:
        """Under both spellings of the version."""
        yield "POST", "/oauth_token.do", self._oauth
        for version in ("", "v1/", "v2/"):
            table = f"/api/now/{version}table/{{table}}"
            yield "GET", table, self._list
            yield "POST", table, self._create
            yield "GET", f"{table}/{{sys_id}}", self._get
            yield "PATCH", f"{table}/{{sys_id}}", self._update
            yield "PUT", f"{table}/{{sys_id}}", self._update
            yield "DELETE", f"{table}/{{sys_id}}", self._delete

    def error(self, call: Call | None, status: int, reason: str) -> web.Response:
        """A message, a detail, and a status that always says failure."""
        return self._failure(status, reason, None)

    def _failure(self, status: int, message: str, detail: str | None) -> web.Response:
        body = {"error": {"message": message, "detail": detail}, "status": "failure"}
        return web.json_response(body, status=status)

    def _refuse(self, status: int, message: str, detail: str | None) -> NoReturn:
        raise Rejected(self._failure(status, message, detail))

    def rate_limited(self, call: Call, retry_after: float) -> web.Response:
        """429 that names the administrator's rule."""
        response = self.error(call, 429, "Rate limit exceeded")
        response.headers["Retry-After"] = whole_seconds(retry_after)
        response.headers["X-RateLimit-Limit"] = "1000"
        response.headers["X-RateLimit-Reset"] = whole_seconds(self.tickets.now() + retry_after)
        response.headers["X-RateLimit-Rule"] = "sandbox"
        return response

    def malformed(self, response: web.Response) -> web.Response:
        """What a hibernating instance answers: 200 and a page."""
        return web.Response(text=HIBERNATING, content_type="text/html")

    def act(self, ticket: Ticket, action: str) -> None:
        """An agent in the workspace."""
        changes = {
            "close": {"state": "6", "close_code": "Duplicate", "close_notes": "by a person"},
            "acknowledge": {"state": "2"},
            "reopen": {"state": "2", "close_code": "", "close_notes": ""},
        }
        if action not in changes:
            raise BadAction(action)
        self._apply(ticket, changes[action], f"{action} by a person")

    def _oauth(self, call: Call) -> web.Response:
        given = call.body if isinstance(call.body, dict) else {}
        client = (given.get("client_id"), given.get("client_secret"))
        if client != (credentials.SERVICENOW_CLIENT_ID, credentials.SERVICENOW_CLIENT_SECRET):
            return self._denied("invalid_client")
        grant = given.get("grant_type")
        user = (given.get("username"), given.get("password"))
        if grant == "password":
            if user != (credentials.SERVICENOW_USER, credentials.SERVICENOW_PASSWORD):
                return self._denied("access_denied")
        elif grant == "refresh_token":
            if not str(given.get("refresh_token")).startswith("refresh-"):
                return self._denied("invalid_grant")
        elif grant != "client_credentials":
            return self._denied("unsupported_grant_type")
        return web.json_response(self._token(refresh=grant != "client_credentials"))

    def _denied(self, code: str) -> web.Response:
        return web.json_response({"error": code, "error_description": code}, status=401)

    def _token(self, refresh: bool) -> dict[str, Any]:
        token = f"access-{tables.sys_id_of('token', str(len(self._tokens)))}"
        while len(self._tokens) >= TOKENS_MAX:
            del self._tokens[next(iter(self._tokens))]
        self._tokens[token] = self.tickets.now() + TOKEN_SECONDS
        answer: dict[str, Any] = {
            "access_token": token,
            "scope": "useraccount",
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
        }
        return {**answer, "refresh_token": f"refresh-{token}"} if refresh else answer

    def _authorize(self, call: Call) -> None:
        user = (credentials.SERVICENOW_USER, credentials.SERVICENOW_PASSWORD)
        expires = self._tokens.get(call.token("Bearer") or "", 0.0)
        if call.basic != user and expires <= self.tickets.now():
            self._refuse(401, "User Not Authenticated", "Required to provide Auth information")

    def _table(self, call: Call, writes: bool = False) -> str:
        self._authorize(call)
        table = call.params["table"]
        if table not in ("incident", "sys_journal_field", *tables.STATIC):
            self._refuse(400, f"Invalid table {table}", None)
        if writes and table != "incident":
            self._refuse(403, "Operation Failed", "ACL Exception Insert Failed due to security")
        return table

    def _incident(self, call: Call) -> Ticket:
        ticket = self.find(call.params["sys_id"])
        if ticket is None:
            self._no_record()
        return ticket

    def _no_record(self) -> NoReturn:
        detail = "Record doesn't exist or ACL restricts the record retrieval"
        self._refuse(404, "No Record found", detail)

    def _body(self, call: Call) -> dict[str, str]:
        """The columns sent, as the strings that ServiceNow makes of them."""
        if not isinstance(call.body, dict):
            detail = "The payload is not valid JSON."
            self._refuse(400, "Exception while reading request", detail)
        given: dict[str, str] = {}
        for name, value in call.body.items():
            if isinstance(value, (dict, list)):
                self._refuse(400, "Invalid value", f"{name} must be a string")
            if name in tables.COLUMNS and name not in tables.DERIVED:
                given[name] = _as_text(value)
        for name, limit in tables.LENGTHS.items():
            if len(given.get(name, "")) > limit:
                self._refuse(400, "Data too long", f"{name} has at most {limit} characters")
        for name, choices in tables.CHOICES.items():
            if name in given and given[name] not in choices:
                self._refuse(400, "Invalid choice", f"{name} is one of {', '.join(choices)}")
        return given

    def _references(self, call: Call, given: dict[str, str]) -> dict[str, str]:
        """References resolved; one that leads nowhere is left empty without a word."""
        by_name = call.query.get("sysparm_input_display_value") == "true"
        resolved = dict(given)
        for name in given.keys() & tables.REFERENCES.keys():
            rows = tables.STATIC[tables.REFERENCES[name]]
            wanted = given[name]
            keys = [row["sys_id"] for row in rows if row["sys_id"] == wanted]
            if by_name:
                keys += [row["sys_id"] for row in rows if row["name"] == wanted]
            resolved[name] = keys[0] if keys else ""
        return resolved

    def _create(self, call: Call) -> web.Response:
        self._table(call, writes=True)
        given = self._references(call, self._body(call))
        self._check_policy({**tables.COLUMNS, **given})
        self._last += 1
        number = f"INC{self._last:07d}"
        ticket = Ticket(
            platform=self.name,
            id=tables.sys_id_of("incident", number),
            key=number,
            correlation=correlation_of(given.get("correlation_id", "")),
            title=given.get("short_description", ""),
        )
        ticket.url = f"{call.base_url}/nav_to.do?uri=incident.do?sys_id={ticket.id}"
        now = self._time()
        ticket.record = {**tables.COLUMNS, "sys_id": ticket.id, "number": number}
        ticket.record.update(opened_at=now, sys_created_on=now, journal=[])
        self.tickets.add(ticket, "created")
        self._apply(ticket, given, "opened")
        response = self._answer(call, self._shown(call, ticket.record), status=201)
        response.headers["Location"] = f"{call.base_url}{call.path}/{ticket.id}"
        return response

    def _update(self, call: Call) -> web.Response:
        self._table(call, writes=True)
        ticket = self._incident(call)
        given = self._references(call, self._body(call))
        if ticket.record["state"] in CLOSED and given.keys() - set(tables.JOURNALS):
            self._refuse(403, "Operation Failed", "ACL Exception Update Failed due to security")
        self._check_policy({**ticket.record, **given})
        self._apply(ticket, given, "updated")
        return self._answer(call, self._shown(call, ticket.record))

    def _check_policy(self, row: dict[str, Any]) -> None:
        """The data policies of an incident: what must be said to resolve or to hold it."""
        missing: list[str] = []
        if row["state"] in ("6", "7"):
            missing += ["Resolution code"] * (not row["close_code"])
            missing += ["Resolution notes"] * (not row["close_notes"])
        if row["state"] == "3" and not row["hold_reason"]:
            missing.append("On hold reason")
        if missing:
            detail = (
                f"Data Policy Exception: The following fields are mandatory: {', '.join(missing)}"
            )
            self._refuse(403, "Operation Failed", detail)

    def _apply(self, ticket: Ticket, given: dict[str, str], what: str) -> None:
        row = ticket.record
        for journal in tables.JOURNALS:
            text = given.get(journal)
            if text:
                row["journal"].append({"element": journal, "value": text, "at": self._time()})
                self.tickets.note(ticket, f"{journal}: {text[:200]}")
        columns = {name: value for name, value in given.items() if name not in tables.JOURNALS}
        changed = {name: value for name, value in columns.items() if row.get(name) != value}
        row.update(columns)
        row["priority"] = tables.PRIORITY[row["impact"], row["urgency"]]
        row["active"] = "false" if row["state"] in CLOSED else "true"
        row["incident_state"] = row["state"]
        row["sys_updated_on"] = self._time()
        ticket.title = row["short_description"]
        ticket.priority = row["priority"]
        if changed:
            said = ", ".join(f"{name} {value[:80]}" for name, value in sorted(changed.items()))
            self.tickets.note(ticket, f"{what}: {said}", STATES[row["state"]])

    def _time(self) -> str:
        moment = datetime.fromtimestamp(self.tickets.now(), timezone.utc)
        return moment.strftime("%Y-%m-%d %H:%M:%S")

    def _delete(self, call: Call) -> web.Response:
        self._table(call, writes=True)
        self.tickets.note(self._incident(call), "deleted over REST", "deleted")
        return web.Response(status=204)

    def _get(self, call: Call) -> web.Response:
        table = self._table(call)
        if table == "incident":
            return self._answer(call, self._shown(call, self._incident(call).record))
        for row in self._rows(table):
            if row["sys_id"] == call.params["sys_id"]:
                return self._answer(call, self._shown(call, row))
        self._no_record()

    def _rows(self, table: str) -> list[dict[str, Any]]:
        if table == "incident":
            return [ticket.record for ticket in self.listing()]
        if table != "sys_journal_field":
            return [dict(row) for row in tables.STATIC[table]]
        return [
            {
                "sys_id": tables.sys_id_of("journal", ticket.id, str(index)),
                "element_id": ticket.id,
                "name": "incident",
                "element": entry["element"],
                "value": entry["value"],
                "sys_created_on": entry["at"],
            }
            for ticket in self.listing()
            for index, entry in enumerate(ticket.record["journal"])
        ]

    def _list(self, call: Call) -> web.Response:
        table = self._table(call)
        limit = self._number(call, "sysparm_limit", LIMIT_DEFAULT, least=1)
        offset = self._number(call, "sysparm_offset", 0, least=0)
        rows = self._rows(table)
        columns = set(tables.COLUMNS) if table == "incident" else {k for row in rows for k in row}
        matches, order, descending = tables.query(
            call.query.get("sysparm_query", ""), columns, _column
        )
        found = [row for row in rows if matches(row)]
        for name, value in call.query.items():
            if name in columns:
                found = [row for row in found if row.get(name) == value]
        if order:
            found.sort(key=lambda row: str(row.get(order, "")), reverse=descending)
        shown = [self._shown(call, row) for row in found[offset : offset + limit]]
        response = self._answer(call, shown)
        response.headers["X-Total-Count"] = str(len(found))
        return response

    def _number(self, call: Call, name: str, default: int, least: int) -> int:
        text = call.query.get(name, str(default))
        if not text.isdecimal() or int(text) < least:
            self._refuse(400, "Invalid parameter", f"{name} must be at least {least}")
        return int(text)

    def _answer(self, call: Call, result: Any, status: int = 200) -> web.Response:
        return web.json_response({"result": result}, status=status)

    def _shown(self, call: Call, row: dict[str, Any]) -> dict[str, Any]:
        names = call.query.get("sysparm_fields")
        wanted = names.split(",") if names else [name for name in row if name != "journal"]
        shown: dict[str, Any] = {}
        for name in wanted:
            if name.split(".")[0] in row:
                shown[name] = self._cell(call, row, name)
        return shown

    def _cell(self, call: Call, row: dict[str, Any], name: str) -> Any:
        if name in tables.JOURNALS or "." in name:
            return "" if name in tables.JOURNALS else _column(row, name)
        value = str(row[name])
        table = tables.REFERENCES.get(name)
        display = call.query.get("sysparm_display_value", "false")
        label = _display(name, value)
        if display == "all":
            return {"display_value": label, "value": value}
        if not table or not value:
            return label if display == "true" else value
        link = f"{call.base_url}/api/now/table/{table}/{value}"
        if call.query.get("sysparm_exclude_reference_link") == "true":
            return label if display == "true" else value
        if display == "true":
            return {"display_value": label, "link": link}
        return {"link": link, "value": value}


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _column(row: dict[str, Any], name: str) -> str:
    """A column, or through a reference a column of what it points at."""
    own, _, inner = name.partition(".")
    value = str(row.get(own, ""))
    if not inner:
        return value
    rows = tables.STATIC.get(tables.REFERENCES.get(own, ""), [])
    return next((target.get(inner, "") for target in rows if target["sys_id"] == value), "")


_LABELS = {
    "state": {
        "1": "New",
        "2": "In Progress",
        "3": "On Hold",
        "6": "Resolved",
        "7": "Closed",
        "8": "Canceled",
    },
    "impact": {"1": "1 - High", "2": "2 - Medium", "3": "3 - Low"},
    "urgency": {"1": "1 - High", "2": "2 - Medium", "3": "3 - Low"},
    "priority": {
        "1": "1 - Critical",
        "2": "2 - High",
        "3": "3 - Moderate",
        "4": "4 - Low",
        "5": "5 - Planning",
    },
}


def _display(name: str, value: str) -> str:
    if name in tables.REFERENCES:
        return _column({name: value}, f"{name}.name")
    return _LABELS.get(name, {}).get(value, value)
