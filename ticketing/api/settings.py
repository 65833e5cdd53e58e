"""The settings over HTTP: those in effect, and changes that outlast restarts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Protocol

from aiohttp import web

from ticketing.api.described import described, ok, refused
from ticketing.api.door import SUBJECTS, principal_of
from ticketing.api.parameters import json_object
from ticketing.api.problems import Invalid, Problem
from ticketing.api.rules import ADMIN, VIEWER_OF_ALL, Route, get, patch
from ticketing.api.services import services
from ticketing.api.shapes import listing, record, shape
from ticketing.config import Config, in_effect
from ticketing.config.changes import differences, given_secrets, joined
from ticketing.config.loading import PATCHABLE, apply_changes, change_of
from ticketing.errors import Misconfigured
from ticketing.kafka.runtime import Runtime
from ticketing.kafka.settings_topic import SettingsTopic
from ticketing.view.times import iso
from ticketing.wire.settings import ChangedSettings

RESTART = "restart"
"""When a change takes effect: a process takes its settings at its start."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A change that is kept: its revision, and the settings that it makes different."""

    revision: int
    differences: list[dict[str, Any]]


class KeptSettings(Protocol):
    """The changed settings where they are kept; blocks, raises Conflict, Unavailable."""

    def read(self) -> ChangedSettings:
        """The changes in force."""

    def write(self, after: ChangedSettings, changes: dict[str, Any], by: str) -> ChangedSettings:
        """Put `changes` in force, in the place of those `after` which they were decided."""


class SettingsDesk(Protocol):
    """Changes settings; raises Misconfigured, Conflict, Unavailable."""

    async def latest(self) -> tuple[ChangedSettings, int]:
        """The changes in force after a restart, and the revision that this process runs with."""

    async def change(self, section: str, given: dict[str, Any], by: str) -> Changed:
        """Keep a change to a section."""


class KafkaSettingsDesk:
    """The changes in Kafka. Requests take turns, since each reads a topic."""

    def __init__(self, runtime: Runtime, kept: KeptSettings | None = None) -> None:
        self._given = runtime.given
        self._revision = runtime.changed.revision if runtime.changed else 0
        self._topic = kept or SettingsTopic(runtime)
        self._turn = asyncio.Lock()

    async def latest(self) -> tuple[ChangedSettings, int]:
        """The changes in force after a restart, and the revision that this process runs with."""
        async with self._turn:
            return await asyncio.to_thread(self._topic.read), self._revision

    async def change(self, section: str, given: dict[str, Any], by: str) -> Changed:
        """Keep a change to a section."""
        async with self._turn:
            return await asyncio.to_thread(self._change, section, given, by)

    def _change(self, section: str, given: dict[str, Any], by: str) -> Changed:
        latest = self._topic.read()
        wanted = joined(latest.changes, change_of(section, given))
        after = apply_changes(self._given, wanted)
        secrets = given_secrets(after, change_of(section, given))
        if secrets:
            raise Misconfigured(secrets)
        different = differences(self._before(latest), after)
        if wanted != latest.changes:
            latest = self._topic.write(latest, wanted, by)
        return Changed(latest.revision, different)

    def _before(self, latest: ChangedSettings) -> Config:
        """The configuration that a start would have now."""
        try:
            return apply_changes(self._given, latest.changes)
        except Misconfigured:
            return self._given


SETTINGS_DESK: web.AppKey[SettingsDesk] = web.AppKey("settings", SettingsDesk)
_DIFFERENCE = record({"key": "text", "from": {}, "to": {}})
CHANGED = record(
    {
        "section": "text",
        "changed": listing(_DIFFERENCE),
        "revision": "number of changes",
        "appliesAfter": "text",
    },
    title="Changed settings",
)
CHANGES = record(
    {
        "revision": "number of changes",
        "inEffect": "yes/no",
        "at": "time or null",
        "by": "text or null",
        "changes": "object",
    },
    title="Changes",
)
_PATCH = {"type": "object"}
"""A JSON merge patch (RFC 7396) of the section, whose keys docs/configuration.md lists."""


def settings_routes() -> list[Route]:
    """The routes of settings."""
    return [
        get("/api/v1/config", get_config, VIEWER_OF_ALL),
        get("/api/v1/config/changes", get_changes, VIEWER_OF_ALL),
        patch("/api/v1/config/{section}", change_config, ADMIN),
    ]


@described(ok("the settings", shape("object")))
async def get_config(request: web.Request) -> web.Response:
    """GET /api/v1/config: all settings in effect, secrets as `****`."""
    return web.json_response(in_effect(services(request).config))


@described(ok("the changes", CHANGES))
async def get_changes(request: web.Request) -> web.Response:
    """GET /api/v1/config/changes: the changes that are kept, and whether this process has them."""
    latest, running = await _desk(request).latest()
    return web.json_response(
        {
            "revision": latest.revision,
            "inEffect": latest.revision == running,
            "at": iso(latest.at) if latest.revision else None,
            "by": latest.by or None,
            "changes": latest.changes,
        }
    )


@described(
    ok("kept; `changed` are the settings that it makes different", CHANGED),
    refused(409, "somebody else changed settings at the same time"),
    body=_PATCH,
)
async def change_config(request: web.Request) -> web.Response:
    """PATCH /api/v1/config/:section: change `platforms`, `routing`, `anomaly` or `llm`."""
    section = request.match_info["section"]
    request[SUBJECTS] = [section]
    if section not in PATCHABLE:
        raise Problem(404, f"Sections that can be changed: {', '.join(PATCHABLE)}.")
    given = await json_object(request)
    try:
        kept = await _desk(request).change(section, given, principal_of(request).name)
    except Misconfigured as error:
        raise _invalid(error) from None
    return web.json_response(
        {
            "section": section,
            "changed": kept.differences,
            "revision": kept.revision,
            "appliesAfter": RESTART,
        }
    )


def _invalid(error: Misconfigured) -> Invalid:
    """400 with every problem, under the key of the first."""
    field, _, words = error.problems[0].partition(": ")
    return Invalid(field, "; ".join([words or field, *error.problems[1:]]))


def _desk(request: web.Request) -> SettingsDesk:
    found = request.config_dict.get(SETTINGS_DESK)
    if found is None:
        raise Problem(501, "This process can't change settings.")
    return found
