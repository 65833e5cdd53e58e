"""Jira: Cloud (REST v3, Basic with an API token) and Data Center (REST v2, Bearer).

https://developer.atlassian.com/cloud/jira/platform/rest/v3/,
https://docs.atlassian.com/software/jira/docs/api/REST/latest/
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, ClassVar, NoReturn

from aiohttp import web

from ticketing.sandbox import credentials
from ticketing.sandbox import jira_fields as fields
from ticketing.sandbox.jira_adf import text_of
from ticketing.sandbox.jira_jql import BadJql, Parser
from ticketing.sandbox.platform import (
    BadAction,
    Call,
    Platform,
    Rejected,
    Route,
    iso_time,
    whole_seconds,
)
from ticketing.sandbox.tickets import Ticket, correlation_of, incident_id_in

PROPERTY_CHARACTERS_MAX = 32_768
RECONCILE_MAX = 50
PROPERTIES_SEARCHED_MAX = 5
SEARCH_PAGE_MAX = 5000

STATUSES = {
    "open": ("10000", "To Do", "new"),
    "acknowledged": ("10001", "In Progress", "indeterminate"),
    "resolved": ("10002", "Done", "done"),
}
TRANSITIONS = {
    "11": ("Back to do", "open", ()),
    "21": ("Start progress", "acknowledged", ()),
    "31": ("Done", "resolved", ("resolution",)),
}
"""Id: name, state it leads to, required fields of its screen."""
EDIT_SCREEN = frozenset(fields.CREATE_FIELDS) - {"project", "issuetype"}
GONE = (
    "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. "
    "A full migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046"
)
PERMISSIONS = (
    "BROWSE_PROJECTS",
    "CREATE_ISSUES",
    "EDIT_ISSUES",
    "TRANSITION_ISSUES",
    "ADD_COMMENTS",
    "ASSIGN_ISSUES",
)
"""What Data Center tells, whatever it is asked for."""
METADATA_PAGE_MAX = 200
"""Cloud's largest page of create metadata; who asks for more is given this."""
NO_ISSUE = "Issue does not exist or you do not have permission to see it."


class Jira(Platform):
    """Issues by key. Basic authentication speaks to Cloud, a bearer token to Data Center."""

    name: ClassVar[str] = "jira"
    search_lag_seconds: float = 0.0
    """How long Cloud's search does not see a new issue, unless told to reconcile it."""

    def reset(self) -> None:
        """No issues."""
        self._last = 0
        self._keys: dict[str, str] = {}

    def forget(self, ticket: Ticket) -> None:
        """Its id leads nowhere any more."""
        self._keys.pop(ticket.record.get("id", ""), None)

    def routes(self) -> Iterable[Route]:
        """Under both versions."""
        issue = "/issue/{key}"
        meta = "/issue/createmeta/{project}/issuetypes"
        table: tuple[Route, ...] = (
            ("GET", "/serverInfo", self._server_info),
            ("GET", "/myself", self._myself),
            ("GET", "/mypermissions", self._permissions),
            ("GET", "/project/{project}", self._project),
            ("GET", "/priority", self._priorities),
            ("GET", "/resolution", self._resolutions),
            ("GET", "/field", self._fields),
            ("GET", meta, self._issue_types),
            ("GET", f"{meta}/{{type}}", self._create_fields),
            ("POST", "/issue", self._create),
            ("GET", "/search/jql", self._search_jql),
            ("POST", "/search/jql", self._search_jql),
            ("GET", "/search", self._search),
            ("POST", "/search", self._search),
            ("GET", issue, self._get),
            ("PUT", issue, self._update),
            ("DELETE", issue, self._delete),
            ("GET", f"{issue}/comment", self._comments),
            ("POST", f"{issue}/comment", self._comment),
            ("PUT", f"{issue}/assignee", self._assign),
            ("GET", f"{issue}/transitions", self._transitions),
            ("POST", f"{issue}/transitions", self._transition),
            ("GET", f"{issue}/remotelink", self._links),
            ("POST", f"{issue}/remotelink", self._link),
            ("GET", f"{issue}/properties/{{property}}", self._property),
            ("PUT", f"{issue}/properties/{{property}}", self._set_property),
        )
        for version in ("2", "3", "latest"):
            for method, path, handler in table:
                yield method, f"/rest/api/{version}{path}", handler

    def error(self, call: Call | None, status: int, reason: str) -> web.Response:
        """Messages and per-field errors."""
        return self._errors(status, [reason], {})

    def _errors(self, status: int, messages: list[str], by_field: dict[str, str]) -> web.Response:
        return web.json_response({"errorMessages": messages, "errors": by_field}, status=status)

    def _refuse_fields(self, by_field: dict[str, str]) -> NoReturn:
        raise Rejected(self._errors(400, [], by_field))

    def rate_limited(self, call: Call, retry_after: float) -> web.Response:
        """429 with Retry-After; the other headers differ between Cloud and Data Center."""
        response = self.error(call, 429, "Rate limit exceeded.")
        response.headers["Retry-After"] = whole_seconds(retry_after)
        response.headers["X-RateLimit-Limit"] = "100"
        response.headers["X-RateLimit-Remaining"] = "0"
        if self._is_cloud(call):
            reset = iso_time(self.tickets.now() + retry_after)
            response.headers["X-RateLimit-Reset"] = reset
            response.headers["RateLimit-Reason"] = "jira-burst-based"
        else:
            response.headers["X-RateLimit-FillRate"] = "10"
            response.headers["X-RateLimit-Interval-Seconds"] = "1"
        return response

    def act(self, ticket: Ticket, action: str) -> None:
        """A person moves the issue on the board."""
        states = {"close": "resolved", "acknowledge": "acknowledged", "reopen": "open"}
        if action not in states:
            raise BadAction(action)
        self._move(ticket, states[action], f"{action} by a person", {"name": "Done"})

    def _is_cloud(self, call: Call) -> bool:
        return call.token("Bearer") is None

    def _v3(self, call: Call) -> bool:
        return call.path.startswith("/rest/api/3/")

    def _authorize(self, call: Call) -> None:
        if self._is_cloud(call):
            good = call.basic == (credentials.JIRA_USER, credentials.JIRA_API_TOKEN)
        else:
            good = call.token("Bearer") == credentials.JIRA_DATA_CENTER_TOKEN
            if good and self._v3(call):
                self.refuse(call, 404, "null for uri: /rest/api/3")
        if not good:
            self.refuse(call, 401, "Client must be authenticated to access this resource.")
        if call.raw and not call.headers.get("Content-Type", "").startswith("application/json"):
            self.refuse(call, 415, "Unsupported Media Type")

    def _body(self, call: Call) -> dict[str, Any]:
        self._authorize(call)
        if not isinstance(call.body, dict):
            self.refuse(call, 400, "There was an error parsing JSON. Check your request body.")
        body: dict[str, Any] = call.body
        return body

    def _issue(self, call: Call) -> Ticket:
        wanted = call.params["key"]
        ticket = self.find(self._keys.get(wanted, wanted.upper()))
        if ticket is None:
            self.refuse(call, 404, NO_ISSUE)
        return ticket

    def _server_info(self, call: Call) -> web.Response:
        """Tells Cloud from Data Center, without authentication too."""
        cloud = self._is_cloud(call)
        return web.json_response(
            {
                "baseUrl": call.base_url,
                "version": "1001.0.0" if cloud else "10.3.0",
                "deploymentType": "Cloud" if cloud else "Server",
                "serverTitle": "Sandbox",
            }
        )

    def _myself(self, call: Call) -> web.Response:
        self._authorize(call)
        who = (
            {"accountId": fields.DEFAULT_ASSIGNEE, "accountType": "atlassian"}
            if self._is_cloud(call)
            else {"name": "bot", "key": "bot"}
        )
        more = {"emailAddress": credentials.JIRA_USER, "displayName": "Bot", "active": True}
        return web.json_response({**who, **more})

    def _permissions(self, call: Call) -> web.Response:
        self._authorize(call)
        wanted = [name for name in call.query.get("permissions", "").split(",") if name]
        if not self._is_cloud(call):
            wanted = list(PERMISSIONS)
        elif not wanted:
            self.refuse(call, 400, "The 'permissions' query parameter is required.")
        project = call.query.get("projectKey")
        if project is not None and project not in fields.PROJECTS:
            self.refuse(call, 404, f"No project could be found with key '{project}'.")
        found = {name: {"key": name, "name": name, "havePermission": True} for name in wanted}
        return web.json_response({"permissions": found})

    def _project(self, call: Call) -> web.Response:
        self._authorize(call)
        key = self._known_project(call)
        types = [{"id": one, "name": name} for name, one in fields.ISSUE_TYPES.items()]
        project = {"id": fields.PROJECTS[key], "key": key, "name": key, "issueTypes": types}
        return web.json_response(project)

    def _known_project(self, call: Call) -> str:
        wanted = call.params["project"]
        for key, number in fields.PROJECTS.items():
            if wanted in (key, number):
                return key
        self.refuse(call, 404, f"No project could be found with key '{wanted}'.")

    def _priorities(self, call: Call) -> web.Response:
        self._authorize(call)
        return web.json_response([{"id": i, "name": n} for n, i in fields.PRIORITIES.items()])

    def _resolutions(self, call: Call) -> web.Response:
        self._authorize(call)
        return web.json_response([{"id": i, "name": n} for n, i in fields.RESOLUTIONS.items()])

    def _fields(self, call: Call) -> web.Response:
        self._authorize(call)
        rows = [
            {"id": key, "key": key, "name": name, "custom": "custom" in schema, "schema": schema}
            for key, (name, _, schema) in fields.CREATE_FIELDS.items()
        ]
        return web.json_response(rows)

    def _issue_types(self, call: Call) -> web.Response:
        self._authorize(call)
        self._known_project(call)
        rows = [{"id": i, "name": n, "subtask": False} for n, i in fields.ISSUE_TYPES.items()]
        return self._metadata(call, "issueTypes", rows)

    def _create_fields(self, call: Call) -> web.Response:
        self._authorize(call)
        self._known_project(call)
        if call.params["type"] not in fields.ISSUE_TYPES.values():
            self.refuse(call, 404, "Issue type with this id does not exist.")
        return self._metadata(
            call, "fields", [fields.metadata(one) for one in fields.CREATE_FIELDS]
        )

    def _metadata(self, call: Call, name: str, rows: list[dict[str, Any]]) -> web.Response:
        """Cloud names the list after its content, Data Center calls it values."""
        start, size = self._paging(call, dict(call.query), 50)
        if self._is_cloud(call):
            size = min(size, METADATA_PAGE_MAX)
        page = {"maxResults": size, "startAt": start, "total": len(rows)}
        list_name = name if self._is_cloud(call) else "values"
        return web.json_response({**page, list_name: rows[start : start + size]})

    def _paging(self, call: Call, given: dict[str, Any], default: int) -> tuple[int, int]:
        try:
            start, size = int(given.get("startAt", 0)), int(given.get("maxResults", default))
        except (TypeError, ValueError):
            self.refuse(call, 400, "startAt and maxResults must be numbers.")
        if start < 0 or not 0 <= size <= SEARCH_PAGE_MAX:
            self.refuse(call, 400, "startAt or maxResults is out of range.")
        return start, size

    def _create(self, call: Call) -> web.Response:
        body = self._body(call)
        given = body.get("fields")
        if not isinstance(given, dict):
            self.refuse(call, 400, "fields is required.")
        problems = fields.field_problems(given, fields.CREATE_FIELDS, self._v3(call))
        for name, (label, required, _) in fields.CREATE_FIELDS.items():
            if required and name not in given:
                problems[name] = f"{label} is required."
        if problems:
            self._refuse_fields(problems)
        properties = self._properties(call, body.get("properties", []))
        ticket = self._add(call, given, properties)
        answer = {
            "id": ticket.record["id"],
            "key": ticket.key,
            "self": f"{call.base_url}/rest/api/3/issue/{ticket.record['id']}",
        }
        return web.json_response(answer, status=201)

    def _properties(self, call: Call, given: Any) -> dict[str, Any]:
        if not isinstance(given, list):
            self.refuse(call, 400, "properties must be an array.")
        for one in given:
            if not isinstance(one, dict) or not isinstance(one.get("key"), str):
                self.refuse(call, 400, "A property needs a key.")
            self._check_property(call, one["key"], one.get("value"))
        return {one["key"]: one.get("value") for one in given}

    def _check_property(self, call: Call, key: str, value: Any) -> None:
        if not 0 < len(key) <= 255:
            self.refuse(call, 400, "The property key must be 1 to 255 characters long.")
        if len(json.dumps(value)) > PROPERTY_CHARACTERS_MAX:
            self.refuse(call, 400, "The property value is too long.")

    def _add(self, call: Call, given: dict[str, Any], properties: dict[str, Any]) -> Ticket:
        self._last += 1
        project = fields.named(fields.PROJECTS, given["project"])["name"]
        key, number = f"{project}-{self._last}", str(10_000 + self._last)
        labels = given.get("labels", [])
        ticket = Ticket(
            platform=self.name,
            id=key,
            key=key,
            correlation=incident_id_in(*labels, json.dumps(properties)) or correlation_of(*labels),
            title=given["summary"],
            url=f"{call.base_url}/browse/{key}",
        )
        ticket.record = {
            "id": number,
            "fields": {"labels": [], "priority": {"name": "Medium"}, **given},
            "properties": properties,
            "comments": [],
            "links": {},
            "resolution": None,
        }
        ticket.priority = self._priority(ticket)
        self._keys[number] = key
        return self.tickets.add(ticket, f"created, {ticket.priority}")

    def _priority(self, ticket: Ticket) -> str:
        given = ticket.record["fields"]["priority"]
        return fields.named(fields.PRIORITIES, given)["name"]

    def _update(self, call: Call) -> web.Response:
        body = self._body(call)
        ticket = self._issue(call)
        given = body.get("fields", {})
        update = body.get("update", {})
        if not isinstance(given, dict) or not isinstance(update, dict):
            self.refuse(call, 400, "fields and update must be objects.")
        doubled = {name: f"Field '{name}' cannot appear in both" for name in given.keys() & update}
        if doubled:
            self._refuse_fields(doubled)
        comments = update.pop("comment", []) if isinstance(update, dict) else []
        merged = {**given, **self._operations(ticket, update)}
        problems = fields.field_problems(merged, EDIT_SCREEN, self._v3(call))
        if problems:
            self._refuse_fields(problems)
        for one in comments:
            self._add_comment(call, ticket, (one.get("add") or {}).get("body"))
        self._set(ticket, merged)
        return web.Response(status=204)

    def _operations(self, ticket: Ticket, update: dict[str, Any]) -> dict[str, Any]:
        """The new value of every field that an `update` changes by operations."""
        merged: dict[str, Any] = {}
        for name, operations in update.items():
            value = ticket.record["fields"].get(name)
            for operation in operations if isinstance(operations, list) else [{}]:
                (verb, operand), *more = (operation or {"": None}).items()
                if verb == "set" and not more:
                    value = operand
                elif verb == "add" and isinstance(value, list) and not more:
                    value = [one for one in value if one != operand] + [operand]
                elif verb == "remove" and isinstance(value, list) and not more:
                    value = [one for one in value if one != operand]
                else:
                    self._refuse_fields({name: f"Field '{name}' does not support '{verb}'"})
            merged[name] = value
        return merged

    def _set(self, ticket: Ticket, changes: dict[str, Any]) -> None:
        before = ticket.record["fields"]
        changed = [name for name, value in changes.items() if before.get(name) != value]
        ticket.record["fields"] = {**before, **changes}
        ticket.title = ticket.record["fields"]["summary"]
        ticket.priority = self._priority(ticket)
        said = ", ".join(f"priority {ticket.priority}" if n == "priority" else n for n in changed)
        self.tickets.note(ticket, f"edited: {said or 'nothing new'}")

    def _get(self, call: Call) -> web.Response:
        self._authorize(call)
        view = self._view(call, self._issue(call))
        wanted = call.query.get("fields")
        if wanted and wanted != "*all":
            names = wanted.split(",")
            view["fields"] = {k: v for k, v in view["fields"].items() if k in names}
        ticket = self._issue(call)
        if "properties" in call.query:
            view["properties"] = ticket.record["properties"]
        return web.json_response(view)

    def _view(self, call: Call, ticket: Ticket) -> dict[str, Any]:
        number, status, category = STATUSES[ticket.state]
        record = ticket.record
        return {
            "id": record["id"],
            "key": ticket.key,
            "self": f"{call.base_url}/rest/api/3/issue/{record['id']}",
            "fields": {
                **record["fields"],
                "status": {"id": number, "name": status, "statusCategory": {"key": category}},
                "resolution": record["resolution"],
                "created": iso_time(ticket.opened_at),
                "updated": iso_time(ticket.updated_at),
                "comment": {"comments": record["comments"], "total": len(record["comments"])},
            },
        }

    def _delete(self, call: Call) -> web.Response:
        self._authorize(call)
        ticket = self._issue(call)
        self.forget(ticket)
        self.tickets.note(ticket, "deleted over REST", "deleted")
        return web.Response(status=204)

    def _comments(self, call: Call) -> web.Response:
        self._authorize(call)
        comments = self._issue(call).record["comments"]
        page = {"startAt": 0, "maxResults": 5000, "total": len(comments)}
        return web.json_response({**page, "comments": comments})

    def _comment(self, call: Call) -> web.Response:
        body = self._body(call)
        comment = self._add_comment(call, self._issue(call), body.get("body"))
        return web.json_response(comment, status=201)

    def _add_comment(self, call: Call, ticket: Ticket, body: Any) -> dict[str, Any]:
        problem = fields.long_text("body", body, self._v3(call))
        if problem or not text_of(body).strip():
            self._refuse_fields({"comment": problem or "Comment body can not be empty!"})
        comments: list[dict[str, Any]] = ticket.record["comments"]
        comment = {
            "id": str(20_000 + len(comments)),
            "body": body,
            "created": iso_time(self.tickets.now()),
        }
        comments.append(comment)
        self.tickets.note(ticket, f"comment: {text_of(body)[:200]}")
        return comment

    def _assign(self, call: Call) -> web.Response:
        body = self._body(call)
        ticket = self._issue(call)
        name = "accountId" if self._is_cloud(call) else "name"
        if name not in body:
            self._refuse_fields({"assignee": f"{name} is required."})
        if body[name] == "-1":
            body = {name: fields.DEFAULT_ASSIGNEE if name == "accountId" else "alice"}
        value = None if body[name] is None else {name: body[name]}
        if problem := fields.user("assignee", value, self._is_cloud(call)):
            self._refuse_fields({"assignee": problem})
        self._set(ticket, {"assignee": value})
        return web.Response(status=204)

    def _available(self, ticket: Ticket) -> dict[str, tuple[str, str, tuple[str, ...]]]:
        return {
            number: transition
            for number, transition in TRANSITIONS.items()
            if transition[1] != ticket.state
        }

    def _transitions(self, call: Call) -> web.Response:
        self._authorize(call)
        expanded = "transitions.fields" in call.query.get("expand", "")
        rows = []
        for number, (name, state, required) in self._available(self._issue(call)).items():
            status_id, status, category = STATUSES[state]
            to = {"id": status_id, "name": status, "statusCategory": {"key": category}}
            row: dict[str, Any] = {"id": number, "name": name, "to": to}
            row["hasScreen"] = bool(required)
            if expanded:
                row["fields"] = {field: self._screen_field(field) for field in required}
            rows.append(row)
        return web.json_response({"expand": "transitions", "transitions": rows})

    def _screen_field(self, field: str) -> dict[str, Any]:
        allowed = [{"id": i, "name": n} for n, i in fields.RESOLUTIONS.items()]
        return {
            "required": True,
            "name": field.capitalize(),
            "key": field,
            "schema": {"type": field, "system": field},
            "operations": ["set"],
            "allowedValues": allowed,
        }

    def _transition(self, call: Call) -> web.Response:
        body = self._body(call)
        ticket = self._issue(call)
        wanted = body.get("transition")
        number = wanted.get("id") if isinstance(wanted, dict) else None
        if not isinstance(number, (str, int)):
            self.refuse(call, 400, "Missing 'transition' identifier")
        transition = self._available(ticket).get(str(number))
        if transition is None:
            self.refuse(call, 400, f"Transition id '{number}' is not valid for this issue.")
        name, state, required = transition
        given = body.get("fields", {})
        problems = fields.field_problems(given, required, self._v3(call))
        missing = {one: f"{one.capitalize()} is required." for one in required if one not in given}
        if problems or missing:
            self._refuse_fields({**problems, **missing})
        for one in body.get("update", {}).get("comment", []):
            self._add_comment(call, ticket, (one.get("add") or {}).get("body"))
        self._move(ticket, state, f"transition '{name}'", given.get("resolution"))
        return web.Response(status=204)

    def _move(self, ticket: Ticket, state: str, what: str, resolution: Any) -> None:
        ticket.record["resolution"] = resolution if state == "resolved" else None
        self.tickets.note(ticket, what, state)

    def _links(self, call: Call) -> web.Response:
        self._authorize(call)
        return web.json_response(list(self._issue(call).record["links"].values()))

    def _link(self, call: Call) -> web.Response:
        body = self._body(call)
        ticket = self._issue(call)
        target = body.get("object")
        if not isinstance(target, dict) or not target.get("url") or not target.get("title"):
            self._refuse_fields({"object": "'url' and 'title' are required."})
        links = ticket.record["links"]
        key = body.get("globalId") or f"sandbox-{len(links)}"
        new = key not in links
        links[key] = {"id": len(links) + 1 if new else links[key]["id"], **body}
        self.tickets.note(ticket, f"link: {target['title'][:200]}")
        answer = {"id": links[key]["id"], "self": f"{call.base_url}{call.path}"}
        return web.json_response(answer, status=201 if new else 200)

    def _property(self, call: Call) -> web.Response:
        self._authorize(call)
        properties, key = self._issue(call).record["properties"], call.params["property"]
        if key not in properties:
            self.refuse(call, 404, f"The property with key '{key}' does not exist.")
        return web.json_response({"key": key, "value": properties[key]})

    def _set_property(self, call: Call) -> web.Response:
        self._authorize(call)
        ticket, key = self._issue(call), call.params["property"]
        self._check_property(call, key, call.body)
        new = key not in ticket.record["properties"]
        ticket.record["properties"][key] = call.body
        self.tickets.note(ticket, f"property {key}")
        return web.json_response(None, status=201 if new else 200)

    def _search(self, call: Call) -> web.Response:
        """Removed from Cloud, the only search on Data Center."""
        self._authorize(call)
        if self._is_cloud(call):
            self.refuse(call, 410, GONE)
        given = self._search_arguments(call)
        start, size = self._paging(call, given, 50)
        found = self._found(call, given.get("jql", ""), bounded=False, known=[])
        rows = [self._chosen(call, one, given.get("fields"), "*all") for one in found]
        page = {"startAt": start, "maxResults": size, "total": len(rows)}
        return web.json_response({**page, "issues": rows[start : start + size]})

    def _search_jql(self, call: Call) -> web.Response:
        """Cloud's search: no total, ids only unless fields are asked for."""
        self._authorize(call)
        if not self._is_cloud(call):
            self.refuse(call, 404, "null for uri")
        given = self._search_arguments(call)
        known = given.get("reconcileIssues", [])
        if not isinstance(known, list) or len(known) > RECONCILE_MAX:
            self.refuse(call, 400, f"At most {RECONCILE_MAX} issues can be reconciled.")
        _, size = self._paging(call, given, 50)
        token = str(given.get("nextPageToken") or "0")
        if not token.isdecimal():
            self.refuse(call, 400, "The nextPageToken is invalid.")
        start = int(token)
        found = self._found(call, given.get("jql", ""), True, [str(one) for one in known])
        rows = [self._chosen(call, one, given.get("fields"), "") for one in found]
        if properties := given.get("properties"):
            self._with_properties(call, rows, found, properties)
        more = start + size < len(rows)
        answer: dict[str, Any] = {"issues": rows[start : start + size], "isLast": not more}
        if more:
            answer["nextPageToken"] = str(start + size)
        return web.json_response(answer)

    def _with_properties(
        self, call: Call, rows: list[dict[str, Any]], found: list[Ticket], names: Any
    ) -> None:
        if not isinstance(names, list) or len(names) > PROPERTIES_SEARCHED_MAX:
            self.refuse(call, 400, f"At most {PROPERTIES_SEARCHED_MAX} properties can be listed.")
        for row, ticket in zip(rows, found, strict=True):
            kept = ticket.record["properties"]
            row["properties"] = {name: kept[name] for name in names if name in kept}

    def _search_arguments(self, call: Call) -> dict[str, Any]:
        if call.method == "POST":
            return self._body(call)
        given: dict[str, Any] = dict(call.query)
        if "fields" in given:
            given["fields"] = given["fields"].split(",")
        return given

    def _found(self, call: Call, jql: Any, bounded: bool, known: list[str]) -> list[Ticket]:
        if not isinstance(jql, str):
            self.refuse(call, 400, "jql must be a string.")
        try:
            predicate = Parser(jql, set(fields.PROJECTS)).parse()
        except BadJql as error:
            self.refuse(call, 400, str(error))
        if predicate is None and bounded:
            self.refuse(
                call,
                400,
                "Unbounded JQL queries are not allowed here. "
                "Please add a search restriction to your query.",
            )
        seen_before = self.tickets.now() - (self.search_lag_seconds if bounded else 0)
        return [
            ticket
            for ticket in reversed(self.listing())
            if (ticket.opened_at <= seen_before or ticket.record["id"] in known)
            and (predicate is None or predicate(self._flat(ticket)))
        ]

    def _flat(self, ticket: Ticket) -> dict[str, Any]:
        record, given = ticket.record, ticket.record["fields"]
        _, status, category = STATUSES[ticket.state]
        assignee = given.get("assignee") or {}
        names = {"new": "To Do", "indeterminate": "In Progress", "done": "Done"}
        return {
            "project": ticket.key.split("-")[0],
            "key": ticket.key,
            "id": record["id"],
            "status": status,
            "statusCategory": names[category],
            "issuetype": fields.named(fields.ISSUE_TYPES, given["issuetype"])["name"],
            "priority": ticket.priority,
            "resolution": (record["resolution"] or {}).get("name"),
            "assignee": assignee.get("accountId") or assignee.get("name"),
            "summary": ticket.title,
            "text": f"{ticket.title} {text_of(given.get('description'))}",
            "labels": given["labels"],
            "properties": record["properties"],
        }

    def _chosen(self, call: Call, ticket: Ticket, wanted: Any, default: str) -> dict[str, Any]:
        view = self._view(call, ticket)
        names = wanted if isinstance(wanted, list) else [default] if default else []
        if not names:
            return {"id": view["id"]}
        if not {"*all", "*navigable"} & set(names):
            view["fields"] = {k: v for k, v in view["fields"].items() if k in names}
        return view
