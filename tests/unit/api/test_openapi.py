"""The description of the API: of every route, true to the answers, and readable without a script."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest
from support.access import ENFORCED
from support.every_field import whole
from support.shown_alerts import alert

from tests.unit.api.conftest import make_incident
from ticketing.api import app
from ticketing.api.described import operation_of
from ticketing.api.openapi import document
from ticketing.api.rules import Route
from ticketing.domain.alerts.alert import Alert
from ticketing.domain.incidents.incident import Incident
from ticketing.view.document import alert_document, detail_document, list_document

DOCUMENT = document(app.routes())
SCHEMAS = DOCUMENT["components"]["schemas"]


@pytest.mark.parametrize("route", app.routes(), ids=lambda route: f"{route.method} {route.path}")
def test_a_route_is_described_beside_its_handler(route: Route) -> None:
    operation = operation_of(route.handler)
    assert operation is not None, "decorate the handler with @described (ticketing.api.described)"
    assert operation.summary
    assert any(status < 400 for status in operation.answers)
    shown = DOCUMENT["paths"][route.path][route.method.lower()]
    assert shown["x-role"].startswith(route.rule.role.value if route.rule.role else "open")
    assert bool(shown["security"]) == (route.rule.role is not None)


def test_names_of_operations_are_told_apart() -> None:
    names = [
        one["operationId"] for methods in DOCUMENT["paths"].values() for one in methods.values()
    ]
    assert len(set(names)) == len(names)


def loosened(schema: Any) -> Any:
    """The schema without bounds of values: those here are made up, and their types are what counts."""
    if isinstance(schema, list):
        return [loosened(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    bounds = {"pattern", "minimum", "maximum"} - schema.get("properties", {}).keys()
    return {key: loosened(one) for key, one in schema.items() if key not in bounds}


def problems_of(name: str, shown: Any) -> list[str]:
    """The differences between an answer and a schema of the description."""
    schema = {**loosened(DOCUMENT), "$ref": f"#/components/schemas/{name}"}
    found = jsonschema.Draft202012Validator(schema).iter_errors(json.loads(json.dumps(shown)))
    return [f"{one.json_path}: {one.message}" for one in found]


@pytest.mark.parametrize("incident", [make_incident(), whole(Incident)], ids=["bare", "whole"])
def test_an_incident_is_as_its_schema_says(incident: Incident) -> None:
    assert problems_of("IncidentInAList", list_document(incident)) == []
    assert problems_of("Incident", detail_document(incident)) == []


@pytest.mark.parametrize("one", [alert(), whole(Alert)], ids=["bare", "whole"])
def test_an_alert_is_as_its_schema_says(one: Alert) -> None:
    assert problems_of("Alert", alert_document(one)) == []


def test_a_schema_refuses_what_is_not_its_own() -> None:
    shown = detail_document(whole(Incident))
    for name in ("cause", "alerts", "links", "timeline"):
        assert problems_of("Incident", {key: shown[key] for key in shown if key != name})
        assert problems_of("Incident", {**shown, name: "text"})
    assert problems_of("Incident", {**shown, "cause": {**shown["cause"], "strength": "much"}})


async def status_of(api: Any, path: str) -> int:
    async with api.client.get(path) as answer:
        return int(answer.status)


async def test_the_description_is_served_to_everybody_under_every_spelling(start: Any) -> None:
    api = await start(ENFORCED)
    for path in ("/api/v1/openapi.json", "/api/openapi.json"):
        for prefix in ("", "/api/ticketing"):
            assert await api.get(prefix + path) == (200, json.loads(json.dumps(DOCUMENT)))


async def test_the_page_shows_every_route_and_loads_nothing_from_elsewhere(start: Any) -> None:
    api = await start(ENFORCED)
    async with api.client.get("/docs") as answer:
        assert (answer.status, answer.content_type) == (200, "text/html")
        text = await answer.text()
    for route in app.routes():
        assert f"<code>{route.path}</code>" in text
    assert not re.findall(r"<script(?! src=)|<style|\son\w+=|style=", text)
    for asset in re.findall(r'(?:src|href)="(console/[^"]+)"', text):
        assert await status_of(api, f"/{asset}") == 200, asset
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', text)


async def test_a_link_from_elsewhere_opens_the_page(api: Any) -> None:
    fetched = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    headers = {**fetched, "Sec-Fetch-Dest": "document"}
    for path, status in [("/docs", 200), ("/api/ticketing/docs", 200), ("/api/v1/me", 403)]:
        async with api.client.get(path, headers=headers) as answer:
            assert answer.status == status, path
