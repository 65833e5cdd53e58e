"""Every role that a process can have stands in docs/operations.md and in the help of `worker`."""

from __future__ import annotations

from typing import Any

import pytest
from support.pages import chapter, code, page

from ticketing.cli.worker import worker
from ticketing.config import PLATFORMS, Config
from ticketing.config.schema import settings
from ticketing.worker import roles


def switched(on: bool) -> Config:
    """All switches on, with a language model, Kafka and Redis elsewhere; or all off, with none."""
    given: dict[str, Any] = {}
    if on:
        given = {
            "llm": {"provider": "openai", "model": "gpt-4"},
            "kafka": {"brokers": "a:9092"},
            "redis": {"url": "redis://a:6379"},
        }
    for switch in settings(Config):
        if switch.annotation is bool:
            group = given
            for name in switch.path[:-1]:
                group = group.setdefault(name, {})
            group[switch.path[-1]] = on
    return Config.model_validate(given)


def every_role() -> list[str]:
    """The roles that either configuration has; a role may be there because a part is off."""
    return list(dict.fromkeys([*roles(switched(True)), *roles(switched(False))]))


def test_the_switches_are_on_and_off() -> None:
    on, off = switched(True), switched(False)
    assert set(on.enabled_platforms()) == set(PLATFORMS)
    assert on.traces.enabled
    assert on.llm.chain
    assert not off.enabled_platforms()
    assert not off.traces.enabled
    assert not off.llm.chain


def test_what_is_switched_gives_all_roles() -> None:
    assert {"pipeline", "traces", "summaries", "view", "api", *PLATFORMS} == set(every_role())


@pytest.mark.parametrize("role", every_role())
def test_a_role_stands_in_the_table_of_operations(role: str) -> None:
    # One row stands for all platforms: a new one is not to be entered here, too.
    named = "<platform>" if role in PLATFORMS else role
    assert named in code(chapter(page("docs/operations.md"), "## Roles and processes"))


@pytest.mark.parametrize("role", sorted(set(every_role()) - set(PLATFORMS)))
def test_a_role_stands_in_the_help_of_worker(role: str) -> None:
    assert f" {role} " in " ".join((worker.help or "").split())
