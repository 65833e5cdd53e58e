"""`ticketing tickets backfill`: from the topic of incidents to commands."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from support.incidents import numbered

from ticketing.api import command_sender
from ticketing.cli import cli
from ticketing.config import validate
from ticketing.domain.events import Action, Command
from ticketing.kafka import reader
from ticketing.kafka.runtime import Runtime
from ticketing.wire.incidents import encode_incident

OPEN, GONE = numbered(1, ticketed=True), numbered(2, ticketed=True)


class Topic:
    """The topic of incidents: one that is open, one that is forgotten."""

    def __init__(self, runtime: Any) -> None:
        found = [(OPEN, encode_incident(OPEN)), (GONE, encode_incident(GONE)), (GONE, None)]
        self._messages = [
            SimpleNamespace(key=lambda one=one: one.id.encode(), value=lambda value=value: value)
            for one, value in found
        ]

    def __enter__(self) -> Topic:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def partitions(self, topic: str) -> list[int]:
        return [0]

    def bounds(self, topic: str, partition: int) -> tuple[int, int]:
        return 0, len(self._messages)

    def between(self, topic: str, partition: int, start: int, end: int) -> list[Any]:
        return self._messages[start:end]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Command]:
    commands: list[Command] = []

    class Sender:
        def __init__(self, runtime: Any) -> None:
            pass

        async def start(self) -> None:
            pass

        async def stop(self) -> None:
            pass

        async def send(self, command: Command) -> None:
            commands.append(command)

    config = validate(
        {
            "routing": {"high": ["jira"]},
            "jira": {
                "enabled": True,
                "baseUrl": "https://jira.example",
                "projectKey": "OPS",
                "userEmail": "a@b.example",
                "apiToken": "secret",
            },
        }
    )
    runtime = SimpleNamespace(config=config, partitions=4, reach=lambda: None)
    monkeypatch.setattr(Runtime, "for_command", lambda: runtime)
    monkeypatch.setattr(reader, "TopicReader", Topic)
    monkeypatch.setattr(command_sender, "CommandSender", Sender)
    return commands


def test_what_is_open_is_forwarded(sent: list[Command]) -> None:
    result = CliRunner().invoke(cli, ["tickets", "backfill", "jira", "--by", "ada"])
    assert (result.exit_code, result.output.splitlines()[-1]) == (
        0,
        "1 incidents forwarded to jira",
    )
    (command,) = sent
    assert (command.incident_id, command.action) == (OPEN.id, Action.FORWARD)
    assert (command.to, command.by) == (["jira"], "ada")


def test_a_dry_run_sends_nothing(sent: list[Command]) -> None:
    result = CliRunner().invoke(cli, ["tickets", "backfill", "jira", "--dry-run"])
    assert OPEN.id in result.output
    assert sent == []


def test_a_platform_that_is_not_enabled_is_refused(sent: list[Command]) -> None:
    result = CliRunner().invoke(cli, ["tickets", "backfill", "zammad"])
    assert result.exit_code == 2
    assert "zammad.enabled" in result.output
