"""A running sandbox with a clock that the test moves, and a way to call it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ticketing.sandbox import Sandbox, start
from ticketing.sandbox.jira import credentials as jira
from ticketing.sandbox.opsgenie import credentials as opsgenie
from ticketing.sandbox.pagerduty import credentials as pagerduty
from ticketing.sandbox.server import STATE
from ticketing.sandbox.servicenow import credentials as servicenow
from ticketing.sandbox.slack import credentials as slack
from ticketing.sandbox.zammad import credentials as zammad


class Clock:
    """Unix seconds that move only when told to."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Answer:
    """Status, headers, and the body as JSON or else as text."""

    status: int
    headers: Any
    body: Any


class Caller:
    """Calls one sandbox; `auth` names the account of each platform."""

    def __init__(self, sandbox: Sandbox, session: aiohttp.ClientSession, clock: Clock) -> None:
        self.sandbox = sandbox
        self.session = session
        self.clock = clock

    def platform(self, name: str) -> Any:
        """The stand-in itself, for its delays."""
        return self.sandbox.app[STATE].platforms[name]

    async def __call__(self, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        if body is not None:
            more["json"] = body
        async with self.session.request(method, self.sandbox.url + path, **more) as response:
            text = await response.text()
        try:
            return Answer(response.status, response.headers, json.loads(text))
        except ValueError:
            return Answer(response.status, response.headers, text)


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": aiohttp.encode_basic_auth(user, password)}


PAGERDUTY = {
    "Authorization": f"Token token={pagerduty.API_TOKEN}",
    "From": pagerduty.FROM,
}
SLACK = {"Authorization": f"Bearer {slack.BOT_TOKEN}"}
JIRA_CLOUD = basic(jira.USER, jira.API_TOKEN)
JIRA_DATA_CENTER = {"Authorization": f"Bearer {jira.DATA_CENTER_TOKEN}"}
SERVICENOW = basic(servicenow.USER, servicenow.PASSWORD)
OPSGENIE = {"Authorization": f"GenieKey {opsgenie.API_KEY}"}
ZAMMAD = {"Authorization": f"Token token={zammad.TOKEN}"}


@pytest.fixture
def headers() -> dict[str, dict[str, str]]:
    return {
        "pagerduty": PAGERDUTY,
        "slack": SLACK,
        "jira": JIRA_CLOUD,
        "jira-dc": JIRA_DATA_CENTER,
        "servicenow": SERVICENOW,
        "opsgenie": OPSGENIE,
        "zammad": ZAMMAD,
    }


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "requests.jsonl"


@pytest.fixture
async def call(record: Path) -> AsyncIterator[Caller]:
    clock = Clock()
    sandbox = await start(record=record, clock=clock)
    async with aiohttp.ClientSession() as session:
        yield Caller(sandbox, session, clock)
    await sandbox.stop()
