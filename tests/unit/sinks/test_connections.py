"""Tests of a connection: whatever happens, words that say what to fix."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from sinks import connections
from sinks.calls.outcome import Failed, Reason, Refused
from sinks.platform import Connection
from ticketing.api.checks import ConnectionChecks
from ticketing.config import Config, validate
from ticketing.errors import Misconfigured

CONFIG = validate(
    {"slack": {"enabled": True, "webhookUrl": "http://127.0.0.1:1/s", "timeout": "1s"}}
)


class Client:
    """A platform of which only the test of its connection counts."""

    def __init__(self, outcome: Connection | Exception | None) -> None:
        self._outcome = outcome
        self.closed = False

    async def test_connection(self) -> Connection:
        if self._outcome is None:
            await asyncio.Event().wait()
        if isinstance(self._outcome, Exception):
            raise self._outcome
        assert self._outcome is not None
        return self._outcome

    async def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(
    ("outcome", "ok", "words"),
    [
        (Connection(ok=True, message="connected"), True, "connected"),
        (Connection(ok=False, message="set slack.channel"), False, "set slack.channel"),
        (Failed(Refused(Reason.CREDENTIALS, "HTTP 401")), False, "credentials HTTP 401"),
        (None, False, "no answer within 1.01 s"),
    ],
)
async def test_every_end_has_its_words_and_closes_what_was_opened(
    outcome: Any, ok: bool, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(outcome)
    monkeypatch.setattr(connections, "GRACE_SECONDS", 0.01)
    monkeypatch.setattr(connections, "create", lambda *_: client)
    found = await connections.test(CONFIG, "slack")
    assert found.ok is ok
    assert found.message.startswith(words)
    assert client.closed


async def test_what_can_not_even_be_made_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def create(name: str, config: Config, fence: Callable[[], None]) -> Client:
        raise Misconfigured("slack.bodyTemplate: is bad")

    monkeypatch.setattr(connections, "create", create)
    found = await connections.test(CONFIG, "slack")
    assert found == Connection(ok=False, message="slack.bodyTemplate: is bad")


async def test_a_process_without_the_secrets_says_where_they_are() -> None:
    given = {"baseUrl": "http://127.0.0.1:9", "userEmail": "a@b.example", "projectKey": "OPS"}
    config = validate({"jira": {"enabled": True, **given}}, needed=lambda _: ())
    found = await connections.test(config, "jira")
    assert not found.ok
    assert found.message.startswith("jira.apiToken: not given to this process")


async def test_the_api_says_the_same_in_its_form() -> None:
    checks = ConnectionChecks(validate({}))
    assert await checks.test_connection("jira") == {
        "status": "error",
        "platform": "jira",
        "message": "jira is not enabled: set jira.enabled",
    }
    await checks.close()
