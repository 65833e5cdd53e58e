"""`ticketing incidents` against the API itself: a table or JSON, harmless, with an exit status."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.unit.api.conftest import api as api
from tests.unit.api.conftest import make_incident
from tests.unit.api.conftest import start as start
from ticketing.cli import cli
from ticketing.domain.incidents.commands import answered

ID, OTHER = make_incident(1).id, make_incident(2).id


async def run(api: Any, *words: str) -> Result:
    arguments = ["incidents", *words, "--api", str(api.client.make_url("/"))]
    return await asyncio.to_thread(CliRunner().invoke, cli, arguments)


async def test_incidents_are_listed_as_lines_or_json(api: Any) -> None:
    await api.put(make_incident(1), make_incident(2, service="cart"))
    result = await run(api, "list", "--service", "cart")
    assert result.exit_code == 0, result.output
    head, line = result.stdout.splitlines()
    assert head.split() == ["ID", "STATUS", "SEVERITY", "COUNT", "SERVICE", "TITLE"]
    assert line.split(maxsplit=5) == [
        make_incident(2).id,
        "open",
        "high",
        "3",
        "cart",
        "payment failed 2",
    ]
    assert line.index("payment") == head.index("TITLE")
    result = await run(api, "list", "--json")
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == [
        make_incident(2).id,
        ID,
    ]


async def test_a_hostile_title_stays_on_its_line_and_does_nothing(api: Any) -> None:
    await api.put(make_incident(1, title="a\x1b[2Jb\nforged  line\u202e"))
    result = await run(api, "list")
    assert len(result.stdout.splitlines()) == 2
    assert "\x1b" not in result.stdout
    assert "\u202e" not in result.stdout


async def test_an_incident_is_shown_with_its_timeline(api: Any) -> None:
    await api.put(make_incident(1))
    result = await run(api, "show", ID)
    assert result.exit_code == 0
    assert "opened" in result.stdout
    assert "  Where:  checkout\n" in result.stdout
    assert json.loads((await run(api, "show", ID, "--json")).stdout)["id"] == ID


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("ack", ID, "--note", "on it"), "acknowledged"),
        (("escalate", ID, "--to", "dba"), "escalated"),
        (("assign", ID, "--to", "ada"), "open"),
        (("assign", ID), "open"),
        (("comment", ID, "--text", "restarting the pool"), "open"),
        (("snooze", ID, "--for", "4h"), "open"),
        (("snooze", ID, "--until", "2030-03-17T20:00:00Z"), "open"),
        (("note", ID, "--text", "the pool is full"), "open"),
    ],
)
async def test_an_action_says_what_became_of_the_incident(
    api: Any, words: tuple[str, ...], status: str
) -> None:
    await api.put(make_incident(1))
    result = await run(api, *words)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{ID} is {status}\n"


async def test_resolving_what_fires_says_so(api: Any) -> None:
    await api.put(make_incident(1))
    result = await run(api, "resolve", ID)
    assert result.stdout.startswith(f"{ID} is resolved; an alert of it still fires")
    again = await run(api, "resolve", ID)
    assert again.exit_code == 1
    assert "Cannot resolve an incident that is resolved." in str(again.exception)
    reopened = await run(api, "reopen", ID)
    assert reopened.stdout == f"{ID} is open\n"


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (("merge", ID, "--with", OTHER), {"target": OTHER}),
        (("split", ID, "--alert", "a" * 16, "--alert", "b" * 16), {"alerts": ["a" * 16, "b" * 16]}),
        (
            ("move", ID, "--alert", "a" * 16, "--into", OTHER),
            {"alerts": ["a" * 16], "target": OTHER},
        ),
        (("forward", ID, "--platform", "slack"), {"to": ["slack"]}),
    ],
)
async def test_an_action_says_what_is_asked_for(
    start: Any, words: tuple[str, ...], asked: dict[str, Any]
) -> None:
    slack = {"enabled": True, "channel": "C1", "botToken": "xoxb-1"}
    api = await start({"slack": slack})
    await api.put(make_incident(1), make_incident(2))
    api.writer.answers[ID] = lambda command: [
        answered(api.writer.incidents[ID], command, "", api.writer.clock(), api.writer.policy)
    ]
    result = await run(api, *words)
    assert result.exit_code == 0, result.exception
    (command,) = api.writer.received
    assert {name: getattr(command, name) for name in asked} == asked
