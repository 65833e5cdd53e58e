"""docs/api.md: every route and every field of an incident stands in it, and none that is not there."""

from __future__ import annotations

import json
import re
import types
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from support.pages import REPOSITORY, blocks, chapter, code, page, pages, rows

from ticketing.api.app import create_app
from ticketing.api.dead_letters import NAMES as DEAD_LETTER_NAMES
from ticketing.api.parameters import ALERT_QUERY_NAMES, PART_QUERY_NAMES, QUERY_NAMES
from ticketing.api.security import PREFIX
from ticketing.api.stats import QUERY_NAMES as STATS_QUERY_NAMES
from ticketing.config import Config
from ticketing.domain.alerts.alert import Alert
from ticketing.domain.events import Action
from ticketing.domain.incidents.commands import ACTION_RULES
from ticketing.domain.incidents.incident import Incident, Status, StepKind
from ticketing.view.document import alert_document, detail_document, list_document

PAGE = page("docs/api.md")
HEADING = re.compile(r"^### ((?:GET|POST|PUT|PATCH|DELETE) /\S*)$", re.MULTILINE)
ROUTE = re.compile(r"(?:GET|POST|PUT|PATCH|DELETE) /\S*")
PATH = re.compile(r"/(?:api/(?:incidents|v1|ticketing)|health|ready|metrics|console)\b[^\s?]*")


def routes() -> set[str]:
    """Every route of the application as METHOD /path; those under the prefix are the same again."""
    # The router is built without a look at what the handlers will need.
    nothing: Any = None
    app = create_app(Config(), nothing, nothing, nothing)
    found = {
        f"{route.method} {route.resource.canonical}"
        for route in app.router.routes()
        if route.method != "HEAD" and route.resource is not None
    }
    return {route for route in found if f" {PREFIX}" not in route}


def paths() -> set[str]:
    return {route.split(" ", 1)[1] for route in routes()}


def plain(path: str) -> str:
    """A path with its parameters written the router's way, and without our prefix."""
    bare = path.removeprefix(PREFIX) or "/"
    return re.sub(r":(\w+)", r"{\1}", bare)


def test_every_route_has_a_chapter_and_every_chapter_a_route() -> None:
    headings = HEADING.findall(PAGE)
    assert sorted(headings) == sorted(routes())


# That page names the routes of a made-up vendor; a test of its own follows it.
OURS = [file for file in pages() if file.name != "adding-a-platform.md"]


@pytest.mark.parametrize("file", OURS, ids=lambda file: str(file.relative_to(REPOSITORY)))
def test_a_route_named_anywhere_exists(file: Any) -> None:
    shown = code(file.read_text(encoding="utf-8"))
    named = {ROUTE.search(text) for text in shown}
    for found in filter(None, named):
        method, path = found[0].split(" ", 1)
        assert f"{method} {plain(path.split('?')[0])}" in routes(), found[0]
    for text in shown:
        path = PATH.fullmatch(text)
        if path is not None and not path[0].endswith("/"):
            assert plain(path[0]) in paths() | {PREFIX}, text


@pytest.mark.parametrize(
    ("route", "taken"),
    [
        ("GET /api/incidents", QUERY_NAMES),
        ("GET /api/v1/alerts", ALERT_QUERY_NAMES),
        ("GET /api/incidents/{id}/alerts", PART_QUERY_NAMES),
        ("GET /api/stats", STATS_QUERY_NAMES),
        ("GET /api/v1/dead-letters", DEAD_LETTER_NAMES),
    ],
)
def test_every_parameter_of_a_list_stands_in_its_table(route: str, taken: tuple[str, ...]) -> None:
    assert sorted(documented(f"### {route}")) == sorted(taken)


def test_the_table_of_commands_says_what_each_is_allowed_from_and_leads_to() -> None:
    table = [cells for cells in rows(chapter(PAGE, "## Commands")) if cells[0] in set(Action)]
    assert [cells[0] for cells in table] == [action.value for action in Action]
    for name, allowed, after in table:
        rule = ACTION_RULES[Action(name)]
        everywhere = rule.allowed_from == frozenset(Status)
        assert everywhere == (allowed == "any")
        assert everywhere or set(allowed.split(", ")) == {one.value for one in rule.allowed_from}
        assert after == (rule.leads_to.value if rule.leads_to else "as before")


def instance(kind: Any) -> Any:
    """A value of a type, with one of everything in it."""
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return instance(next(one for one in args if one is not type(None)))
    if origin is list:
        return [instance(args[0])]
    if origin is tuple:
        return tuple(map(instance, args))
    if origin is dict:
        return {instance(args[0]): instance(args[1])}
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{one.name: instance(hints[one.name]) for one in fields(kind)})  # type: ignore[operator]
    if issubclass(kind, Enum):
        return next(iter(kind))
    return {str: "text", bool: True, int: 1, float: 1.0}[kind]


def leaves(value: Any, path: str = "") -> Iterator[str]:
    """The dotted path of every field below a value; `[]` stands for the elements of a list."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and isinstance(value[0], dict | list):
        yield from leaves(value[0], f"{path}[]")
    else:
        yield path


def documented(heading: str) -> dict[str, str]:
    """The fields in the table under a heading, with their type and meaning."""
    listed = {cells[0]: " | ".join(cells[1:]) for cells in rows(chapter(PAGE, heading))}
    return {name.strip("`"): text for name, text in listed.items() if name.startswith("`")}


def spelled_out(listed: dict[str, str], everything: dict[str, str]) -> set[str]:
    """The fields listed; one that is `as` another is that one's fields under its own name."""
    found = set()
    for name, text in listed.items():
        other = re.search(r"as `([^`]+(?:\[\]))`", text)
        if other is None:
            found.add(name)
            continue
        own = f"{name}[]" if text.startswith("list") else name
        inner = [one for one in everything if one.startswith(f"{other[1]}.")]
        assert inner, f"{name} is as {other[1]}, which is not in the page"
        found |= {f"{own}{one.removeprefix(other[1])}" for one in inner}
    return found


LISTED = documented("### In lists and alone")
ALONE = documented("### Alone")
TRACED = documented("### What the requests say")
OTHER_NAMES = documented("### By other names")
ALERT = documented("## The alert")
EVERYTHING = {**LISTED, **ALONE, **TRACED}
WHOLE = replace(instance(Incident), merged_into="")
"""An incident with one of everything. One that was merged lacks pages that did not get through."""


def test_every_field_of_a_listed_incident_stands_in_the_table_and_no_other() -> None:
    assert spelled_out(LISTED, EVERYTHING) == set(leaves(list_document(WHOLE)))


def test_every_field_of_a_single_incident_stands_in_the_tables_and_no_other() -> None:
    shown = set(leaves(detail_document(WHOLE)))
    listed = {name for name in EVERYTHING if name != "trace.correlation"}
    found = spelled_out({name: EVERYTHING[name] for name in listed}, EVERYTHING)
    assert found | set(OTHER_NAMES) == shown


def test_every_field_of_an_alert_stands_in_its_table_and_no_other() -> None:
    everything = {**EVERYTHING, **ALERT}
    shown = set(leaves(alert_document(instance(Alert))))
    assert spelled_out(ALERT, everything) == shown


def test_every_kind_of_step_stands_in_the_page() -> None:
    named = re.findall(r"`(\w+)`", ALONE["timeline[].kind"])
    assert named == [kind.value for kind in StepKind]


def test_every_example_is_valid_json() -> None:
    for example in blocks(PAGE, "json"):
        json.loads(example)
