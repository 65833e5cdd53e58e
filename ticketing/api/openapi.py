"""The OpenAPI description of the API, made of its routes, and the page that shows it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import jinja2
from aiohttp import web

from ticketing.api.described import Answer, Operation, Parameter, described, ok, operation_of
from ticketing.api.parameters import INCIDENT_ID
from ticketing.api.rules import OPEN, Route, Rule, get
from ticketing.api.security import DOCS_PATH, PREFIX
from ticketing.api.shapes import PROBLEM, Schema, shape

VERSION = "1"
"""Rises when an answer changes so that a client must."""
PAGE = Path(__file__).with_name("reference.html")

_INFO = (
    "Every path below `/api` is reachable under `/api/v1` too, with or without `/v1`, and all of"
    f" them under the prefix `{PREFIX}`. Bodies are JSON objects of 128 KiB at most; unknown fields"
    " and parameters are refused. Times are ISO 8601 in UTC."
)
_SECURITY: list[dict[str, list[str]]] = [{"bearer": []}, {"session": []}]
_SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "`web.token`, a named token, or a token of the OIDC provider",
    },
    "session": {"type": "apiKey", "in": "cookie", "name": "ticketing-session"},
}
_USUAL = {
    400: "a parameter, header or field that can't be taken, by `field`",
    401: "the credential is missing, unknown, revoked or expired",
    403: "the role or the tenants do not allow it, or a page of another origin asks",
    404: "there is none of this id or name",
    413: "the body is larger than 128 KiB",
    429: "too many wrong tokens from this address",
    503: "Redis or Kafka does not answer; `Retry-After` says when to come back",
}
"""The problems that a route may meet because of its kind."""


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of described routes."""
    components: dict[str, Schema] = {}
    paths: dict[str, Any] = {}
    for route in routes:
        operation = operation_of(route.handler)
        assert operation is not None, f"{route.method} {route.path} has no description"
        shown = _hoisted(_operation(route, operation), components)
        paths.setdefault(route.path, {})[route.method.lower()] = shown
    return {
        "openapi": "3.1.0",
        "info": {"title": "Ticketing agent", "version": VERSION, "description": _INFO},
        "servers": [{"url": "/"}, {"url": PREFIX}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": _SCHEMES,
        },
    }


def _operation(route: Route, operation: Operation) -> dict[str, Any]:
    role = _role(route.rule)
    answers = {**_problems(route, operation), **operation.answers}
    shown: dict[str, Any] = {
        "operationId": _operation_id(route),
        "tags": [_tag(route.path)],
        "summary": operation.summary,
        "security": _SECURITY if route.rule.role is not None else [],
        "x-role": role,
        "parameters": [
            *_path_parameters(route.path),
            *(_parameter("query", one) for one in operation.query),
            *(_parameter("header", one) for one in operation.headers),
        ],
        "responses": {str(status): _answer(answers[status]) for status in sorted(answers)},
    }
    if operation.body is not None:
        content = {"application/json": {"schema": operation.body}}
        required = bool(operation.body.get("required"))
        shown["requestBody"] = {"required": required, "content": content}
    return shown


def _role(rule: Rule) -> str:
    if rule.role is None:
        return "open to all"
    return f"{rule.role.value} of all tenants" if rule.all_tenants else rule.role.value


def _problems(route: Route, operation: Operation) -> dict[int, Answer]:
    """The problems that a route may meet whatever it does."""
    found = {400, 403}
    if route.rule.role is not None:
        found |= {401, 429, 503}
    if operation.body is not None:
        found.add(413)
    if "{" in route.path:
        found.add(404)
    return {status: Answer(_USUAL[status], PROBLEM, "application/problem+json") for status in found}


def _path_parameters(path: str) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"{(\w+)}", path):
        yield {"name": name, "in": "path", "required": True, "schema": _path_schema(path, name)}


def _path_schema(path: str, name: str) -> Schema:
    if name == "id" and "/incidents/" in path:
        return {"type": "string", "pattern": f"^{INCIDENT_ID.pattern}$"}
    return {"type": "string"}


def _parameter(place: str, given: Parameter) -> dict[str, Any]:
    return {
        "name": given.name,
        "in": place,
        "description": given.meaning,
        "schema": given.schema,
    }


def _answer(given: Answer) -> dict[str, Any]:
    shown: dict[str, Any] = {"description": given.meaning}
    if given.headers:
        shown["headers"] = {
            name: {"description": meaning, "schema": shape("text")}
            for name, meaning in given.headers.items()
        }
    if given.schema is not None:
        shown["content"] = {given.content_type: {"schema": given.schema}}
    return shown


def _operation_id(route: Route) -> str:
    parts = [part for part in re.split(r"\W+", route.path) if part not in ("", "api", "v1")]
    name = "".join(part[:1].upper() + part[1:] for part in parts)
    return f"{route.method.lower()}{'' if route.path.startswith('/api/') else 'Root'}{name}"


def _tag(path: str) -> str:
    """The group of a path: the first word that tells something."""
    return next((part for part in path.split("/") if part not in ("", "api", "v1")), "console")


def _hoisted(value: Any, components: dict[str, Schema]) -> Any:
    """The value with each titled schema replaced by a reference to its component."""
    if isinstance(value, list):
        return [_hoisted(one, components) for one in value]
    if not isinstance(value, Mapping):
        return value
    found = {key: _hoisted(one, components) for key, one in value.items()}
    title = found.get("title")
    if not isinstance(title, str) or "properties" not in found:
        return found
    name = "".join(word[:1].upper() + word[1:] for word in title.split())
    components[name] = found
    return {"$ref": f"#/components/schemas/{name}"}


def description_routes() -> list[Route]:
    """The routes of the description: open, as it tells nothing of an installation."""
    return [
        get("/api/v1/openapi.json", openapi_json, OPEN),
        get(DOCS_PATH, docs_page, OPEN),
    ]


class Description:
    """The description of an application's routes, made when somebody first asks."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = routes

    @cached_property
    def document(self) -> str:
        """The OpenAPI document as JSON."""
        return json.dumps(document(self._routes))

    @cached_property
    def page(self) -> str:
        """The page as HTML."""
        return rendered(document(self._routes))


DESCRIPTION: web.AppKey[Description] = web.AppKey("description", Description)


@described(ok("this document", {"type": "object"}))
async def openapi_json(request: web.Request) -> web.Response:
    """GET /api/v1/openapi.json: the OpenAPI description of this API."""
    text = request.config_dict[DESCRIPTION].document
    return web.Response(text=text, content_type="application/json")


@described(ok("the page", shape("text"), content_type="text/html"))
async def docs_page(request: web.Request) -> web.Response:
    """GET /docs: the description of this API for people."""
    return web.Response(text=request.config_dict[DESCRIPTION].page, content_type="text/html")


def rendered(described_api: Mapping[str, Any]) -> str:
    """The page of a description: HTML without a script, its styles the console's own."""
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(PAGE.read_text(encoding="utf-8"))
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in described_api["paths"].items():
        for method, operation in methods.items():
            shown = {**operation, "method": method.upper(), "path": path}
            groups.setdefault(operation["tags"][0], []).append(shown)
    return template.render(
        info=described_api["info"],
        groups=groups,
        schemas=described_api["components"]["schemas"],
        type_of=_type_of,
        as_json=lambda value: json.dumps(value, indent=2, ensure_ascii=False),
    )


def _type_of(schema: Schema) -> str:
    """A schema in a word or two."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " or ".join(_type_of(one) for one in schema["anyOf"])
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {_type_of(schema['items'])}"
    if isinstance(kind, list):
        return " or ".join(kind)
    return "time" if schema.get("format") == "date-time" else str(kind)
